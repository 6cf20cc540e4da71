"""What is measured once, at the end: decoded targets of pairs, perplexity of a language model, naive forecasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.config import Data, Text
from zoo.data.counting import pieces as tokens_of
from zoo.data.examples import Examples, Splits, TextSplits
from zoo.data.vocabulary import START, Vocabulary
from zoo.errors import MissingError, UsageError, pip_install

if TYPE_CHECKING:
    import keras

    from zoo.decoding import Decoder

SENTENCES_A_BATCH = 100
SENTENCES_SHOWN, LONGEST_SHOWN = 4, 24


def extras(
    model: keras.Model, data: Data, splits: Splits, split: str, values: dict[str, float]
) -> tuple[dict[str, Any], list[str]]:
    """More metrics of a split, whose loss and metric are `values`, and of pairs the decoded target texts.

    Raises:
        MissingError: BLEU is asked for and sacrebleu is not installed.
    """
    part = getattr(splits, split)
    if data.task == "language-model":
        return {"perplexity": math.exp(min(values["loss"], 50.0))}, []
    if data.series:
        return naive_errors(part, data), []
    if data.task == "seq2seq" and isinstance(splits, TextSplits):
        assert data.text is not None and data.text.target_length is not None and splits.vocabularies.target is not None
        from zoo.decoding import Decoder

        said = translate(Decoder(model), part.x["source"], splits.vocabularies.target, data.text.target_length)
        return compare(said, [str(text) for text in getattr(splits.raw, split).y], data), said
    return {}, []


def translate(
    decoder: Decoder, source: np.ndarray, vocabulary: Vocabulary, length: int, beam_width: int = 1
) -> list[str]:
    """The texts that a model says for source ids (n, time), at most `length` tokens each, in their order."""
    from zoo.training.batches import pieces

    texts = [""] * len(source)
    for rows, ids in pieces(source, SENTENCES_A_BATCH):
        for row, said in zip(rows, decoder.translate(ids, length=length, beam_width=beam_width), strict=True):
            texts[row] = vocabulary.decode(said)
    return texts


def looked_at(model: keras.Model, splits: TextSplits, data: Data) -> list[tuple[list[str], list[str], np.ndarray]]:
    """Of the first test sentences of medium length: source tokens, said tokens, where attention looked (said, source).

    Empty for models without attention over a source.
    """
    if data.task != "seq2seq":
        return []
    assert data.text is not None and data.text.target_length is not None and splits.vocabularies.target is not None
    from zoo.decoding import Decoder

    ids = splits.test.x["source"]
    lengths = (ids != 0).sum(axis=1)
    rows = np.flatnonzero((lengths >= np.median(lengths)) & (lengths <= LONGEST_SHOWN))[:SENTENCES_SHOWN]
    if not len(rows):
        return []
    decoder, source = Decoder(model), ids[rows, : lengths[rows].max()]
    said = decoder.translate(source, length=data.text.target_length)
    heard = np.concatenate([np.full((len(said), 1), START, "int32"), said[:, :-1]], axis=1)
    try:
        weights = decoder.attention(source, heard)
    except UsageError:
        return []
    found = []
    for one, words, picture in zip(source, said, weights, strict=True):
        across, down = np.flatnonzero(one), np.flatnonzero(words)
        tokens, answer = splits.vocabularies.source.pieces(one[across]), splits.vocabularies.target.pieces(words[down])
        found.append((tokens, answer, picture[: len(down), : len(across)]))
    return found


def compare(said: Sequence[str], wanted: Sequence[str], data: Data) -> dict[str, Any]:
    """`exact_match`, the share of targets hit to the letter, and, if the recipe asks for it, corpus BLEU from 0 to 100.

    Where the vocabulary knows small letters only, or no punctuation, neither counts in the targets.
    """
    assert data.text is not None
    said, wanted = ([_as_known(text, data.text) for text in texts] for texts in (said, wanted))
    found: dict[str, Any] = {"exact_match": sum(a == b for a, b in zip(said, wanted, strict=True)) / len(said)}
    if data.text.metric == "bleu":
        metric = _bleu(data.text.standardize != "none")
        found["bleu"] = metric.corpus_score(said, [wanted]).score
        found["bleu_signature"] = str(metric.get_signature())
    return found


def _as_known(text: str, how: Text) -> str:
    """A text as the vocabulary could write it at best."""
    if how.tokens == "subword":
        return text if how.standardize == "none" else text.lower()
    joint = " " if how.tokens == "word" else ""
    return joint.join(p if isinstance(p, str) else p.decode() for p in tokens_of(text, how))


def _bleu(lowercase: bool) -> Any:
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        raise MissingError(
            f"BLEU needs the sacrebleu library\ninstall it with: {pip_install('translate')}   "
            "(or: --set data.text.metric=exact_match)"
        ) from None
    return BLEU(lowercase=lowercase)


def naive_errors(part: Examples, data: Data) -> dict[str, float]:
    """Mean absolute errors of forecasts that need no model: the last value again, and the value a season ago."""
    assert data.series is not None
    window, target = data.input_shape[0], part.x[:, :, 0]  # (n, window)
    errors = {"naive_mae": float(np.abs(part.y - target[:, -1:]).mean())}
    if data.series.period:
        steps = [window - data.series.period + h % data.series.period for h in range(data.series.horizon)]
        errors["seasonal_naive_mae"] = float(np.abs(part.y - target[:, steps]).mean())
    return errors
