"""Sequence to sequence: a target text for a source text, token by token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.data.fields import Field, Fields
from zoo.errors import MissingError, UsageError, pip_install
from zoo.tasks.task import Answer, Further, Look, Plan, Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data, Text
    from zoo.data.examples import Source, Splits
    from zoo.data.text.encoding import Vocabularies
    from zoo.data.text.vocabulary import Vocabulary
    from zoo.drawing.sequences import AttentionMap
    from zoo.tasks.decoding import Decoder
    from zoo.tasks.objective import Objective

log = logging.getLogger("zoo.tasks")
WORDS = 2  # on the average in targets that are sentences
SENTENCES_A_BATCH, SENTENCES = 100, 5
SENTENCES_SHOWN, LONGEST_SHOWN, MOST_SAID = 4, 24, 20


class Seq2Seq(Task):
    """A target text from a source text; in training the true target so far goes in as well."""

    name = "seq2seq"
    kinds = ("text-pair",)
    losses = ("sparse_categorical_crossentropy",)  # the mean over real tokens
    over_tokens = True
    keeps_outputs = False
    answers_in_text = True

    def fields(self, data: Data) -> Fields:
        source = Field("source", "tokens", data.input_shape, "int32", ragged=True)
        target = Field("target", "tokens", _target_shape(data), "int32", ragged=True)
        return Fields((source, target), (self.target(data),))

    def target(self, data: Data) -> Field:
        return Field("y", "tokens", _target_shape(data), "int32", ragged=True, as_long_as="target")

    def head(self, spec: DataSpec) -> tuple[int, str]:
        assert spec.target_vocab_size is not None
        return spec.target_vocab_size, "softmax"

    def mistakes(self, data: Data) -> list[str]:
        if data.text and None in (data.text.target_vocab_size, data.text.target_length):
            return ["data.text.target_vocab_size and data.text.target_length are missing"]
        return []

    def pipeline(self, kind: str) -> str:
        return "translation"

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        from zoo.data.text.encoding import encoded_pairs

        return encoded_pairs(source, data, name, known)

    def objective(self, data: Data, loss: str) -> Objective:
        from zoo.tasks.objective import TokenObjective

        return TokenObjective()

    def further(
        self, model: keras.Model, data: Data, splits: Splits, part: str, measured: Mapping[str, float]
    ) -> Further:
        """Targets decoded for the whole part, and how they compare with the true ones."""
        raw, examples = _raw(splits).by_name()[part], splits.by_name()[part]
        said = self.translator(model, data, _known(splits))(examples.inputs["source"])
        if note := what_is_wrong(said):
            log.warning("note: %s", note)
        return Further(compare(said, [str(text) for text in raw.y], data), said)

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        """BLEU and chrF of sentences, from 0 to 100, where sacrebleu is installed."""
        wanted = [str(text) for text in _raw(splits).by_name()[part].y]
        return {"numbers": overlaps(outputs, wanted, data)} if are_sentences(wanted, data) else {}

    def by_example(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        """Which targets are hit to the letter; BLEU is of all texts together."""
        import numpy as np

        assert data.text is not None
        if data.text.metric != "exact_match":
            return {}
        said, targets = ([_as_known(str(text), data.text) for text in texts] for texts in (outputs, wanted))
        return {"exact_match": np.array([a == b for a, b in zip(said, targets, strict=True)], float)}

    def answers(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, list[Answer]]:
        return {"exact_match": [Answer(str(a), str(b)) for a, b in zip(wanted, outputs, strict=True)]}

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Where attention looks, if the model has any."""
        from zoo.drawing.sequences import attention_maps

        if maps := attention_shown(look):
            yield "attention.png", "Attention", lambda: attention_maps(maps)

    def texts_shown(self, look: Look) -> list[tuple[str, str, str]]:
        from zoo.data.kept import rows_of

        if look.raw is None or not len(look.said):
            return []
        rows = rows_of(look.said)[:MOST_SAID]
        return [(str(look.raw.x[row]), str(look.raw.y[row]), look.said[row]) for row in rows]

    def translator(
        self, model: keras.Model, data: Data, vocabularies: Vocabularies, beam_width: int = 1
    ) -> Callable[[np.ndarray], list[str]]:
        from zoo.tasks.decoding import Decoder

        decoder = Decoder(model)
        return lambda source: _said(decoder, source, data, vocabularies, beam_width)

    def words(self, outputs: Sequence[str], data: Data, loss: str) -> list[dict[str, Any]]:
        if note := what_is_wrong(outputs):
            log.warning("note: %s", note)
        return [{"prediction": text} for text in outputs]

    def sampler(self, data: Data, splits: Splits) -> Callable[[Decoder], str] | None:
        """What the model says for the first validation sentences."""
        if not len(splits.validation):
            return None
        raw, ids = _raw(splits).validation, splits.validation.inputs["source"][:SENTENCES]

        def write(decoder: Decoder) -> str:
            said = _said(decoder, ids, data, _known(splits))
            rows = zip(raw.x[:SENTENCES], raw.y[:SENTENCES], said, strict=True)
            return "\n".join(f"{source}\n  wanted: {wanted}\n  said:   {now}" for source, wanted, now in rows)

        return write


def _raw(splits: Splits) -> Splits:
    assert splits.raw is not None
    return splits.raw


def _known(splits: Splits) -> Vocabularies:
    assert splits.vocabularies is not None
    return splits.vocabularies


def what_is_wrong(said: Sequence[str]) -> str:
    """What is wrong with answers that are empty, or to different texts all the same; empty where nothing is.

    A wide beam prefers short answers.
    """
    empty, helps = sum(not text.strip() for text in said), "more epochs or examples usually help"
    if said and 2 * empty >= len(said):
        return f"{empty:,} of {len(said):,} answers are empty: the network ends at once; {helps}, and a beam of 1"
    if len(said) > 1 and len(set(said)) == 1:
        return (
            f"all {len(said):,} answers are the same, {said[0][:40]!r}: the network does not look at its input; {helps}"
        )
    return ""


def _said(
    decoder: Decoder, source: np.ndarray, data: Data, vocabularies: Vocabularies, beam_width: int = 1
) -> list[str]:
    """The texts that a model says for source ids (n, time)."""
    assert vocabularies.target is not None and data.text is not None and data.text.target_length is not None
    return translate(decoder, source, vocabularies.target, data.text.target_length, beam_width)


def _target_shape(data: Data) -> tuple[int, ...]:
    return ((data.text.target_length if data.text else None) or 1,)


def translate(
    decoder: Decoder, source: np.ndarray, vocabulary: Vocabulary, length: int, beam_width: int = 1
) -> list[str]:
    """The texts that a model says for source ids (n, time), at most `length` tokens each, in their order."""
    import numpy as np

    texts = [""] * len(source)
    lengths = np.count_nonzero(source, axis=1)
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), SENTENCES_A_BATCH):
        rows = order[start : start + SENTENCES_A_BATCH]
        ids = source[rows, : lengths[rows].max(initial=0)]
        for row, said in zip(rows, decoder.translate(ids, length=length, beam_width=beam_width), strict=True):
            texts[row] = vocabulary.decode(said)
    return texts


def attention_shown(look: Look) -> list[AttentionMap]:
    """Of the first test sentences of medium length: where the model looked while it said its translation.

    Empty for models without attention over a source.
    """
    import numpy as np

    from zoo.data.kept import rows_of
    from zoo.data.text.vocabulary import START
    from zoo.drawing.sequences import AttentionMap
    from zoo.tasks.decoding import Decoder

    text, vocabularies = look.data.text, look.vocabularies
    assert text is not None and text.target_length is not None
    assert vocabularies is not None and vocabularies.target is not None
    ids = look.test.inputs["source"][rows_of(look.test.inputs["source"])]
    lengths = (ids != 0).sum(axis=1)
    rows = np.flatnonzero((lengths >= np.median(lengths)) & (lengths <= LONGEST_SHOWN))[:SENTENCES_SHOWN]
    if not len(rows):
        return []
    decoder, source = Decoder(look.model), ids[rows, : lengths[rows].max()]
    said = decoder.translate(source, length=text.target_length)
    before = np.concatenate([np.full((len(said), 1), START, "int32"), said[:, :-1]], axis=1)
    try:
        weights = decoder.attention(source, before)
    except UsageError:
        return []
    found = []
    for one, words, picture in zip(source, said, weights, strict=True):
        across, down = np.flatnonzero(one), np.flatnonzero(words)
        tokens, answer = vocabularies.source.pieces(one[across]), vocabularies.target.pieces(words[down])
        found.append(AttentionMap(tokens, answer, picture[: len(down), : len(across)]))
    return found


def compare(said: Sequence[str], wanted: Sequence[str], data: Data) -> dict[str, Any]:
    """`exact_match`, the share of targets hit to the letter, and, if the recipe asks for it, corpus BLEU from 0 to 100.

    Where the vocabulary knows small letters only, or no punctuation, neither counts in the targets.

    Raises:
        MissingError: BLEU is asked for and sacrebleu is not installed.
    """
    assert data.text is not None
    said, wanted = ([_as_known(text, data.text) for text in texts] for texts in (said, wanted))
    found: dict[str, Any] = {"exact_match": sum(a == b for a, b in zip(said, wanted, strict=True)) / len(said)}
    if data.text.metric == "bleu":
        metric = _bleu(data.text.standardize != "none")
        found["bleu"] = metric.corpus_score(said, [wanted]).score
        found["bleu_signature"] = str(metric.get_signature())
    return found


def are_sentences(texts: Sequence[str], data: Data) -> bool:
    """Whether targets are sentences, and not single words or numbers spelt out."""
    assert data.text is not None
    return data.text.tokens != "character" and sum(len(text.split()) for text in texts) >= WORDS * len(texts)


def overlaps(said: Sequence[str], wanted: Sequence[str], data: Data) -> dict[str, float]:
    """BLEU and chrF over all texts, as the vocabulary could write the targets; empty without sacrebleu."""
    assert data.text is not None
    try:
        from sacrebleu.metrics import CHRF
    except ImportError:
        log.warning("note: no BLEU and chrF: sacrebleu is not installed; install it with: %s", pip_install("translate"))
        return {}
    said, wanted = ([_as_known(text, data.text) for text in texts] for texts in (said, wanted))
    bleu = _bleu(data.text.standardize != "none")
    return {"bleu": bleu.corpus_score(said, [wanted]).score, "chrf": CHRF().corpus_score(said, [wanted]).score}


def _as_known(text: str, how: Text) -> str:
    """A text as the vocabulary could write it at best."""
    from zoo.data.text.counting import pieces

    if how.tokens == "subword":
        return text if how.standardize == "none" else text.lower()
    joint = " " if how.tokens == "word" else ""
    return joint.join(p if isinstance(p, str) else p.decode() for p in pieces(text, how))


def _bleu(lowercase: bool) -> Any:
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        raise MissingError(
            f"BLEU needs the sacrebleu library\ninstall it with: {pip_install('translate')}   "
            "(or: --set data.text.metric=exact_match)"
        ) from None
    return BLEU(lowercase=lowercase)


TASKS = (Seq2Seq(),)
