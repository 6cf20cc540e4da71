"""Apply a finished run to text: classify or translate what is given, go on with what was begun."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo import tasks
from zoo.data.text.encoding import encode, padded
from zoo.errors import UsageError
from zoo.files import TEXT, read_text
from zoo.runs.directory import Run

log = logging.getLogger("zoo")
USUAL_LENGTH = 200  # tokens


def texts_of(files: Sequence[Path], given: Sequence[str]) -> list[tuple[str, str]]:
    """(where it stands, text) of every text: those given, then each line of the files.

    Raises:
        UsageError: a file that is not there or is not UTF-8, or a text without anything in it; its place is named.
    """
    found = [(f"--text {number}", text) for number, text in enumerate(given, start=1)]
    for file in files:
        found += [(f"{file}, line {number}", line) for number, line in enumerate(_lines(file), start=1)]
    for place, text in found:
        if not text.strip():
            raise UsageError(f"{place}: the text is empty\ngive some words, such as: --text 'a fine film'")
    return found


def _lines(file: Path) -> list[str]:
    try:
        return read_text(file, TEXT).removeprefix("\ufeff").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def predict_texts(run: Run, texts: Sequence[tuple[str, str]], beam_width: int = 1) -> list[dict[str, Any]]:
    """One row a text: its `file` (where it stands), `row`, `text`, and what `scoring.predict` says of an example.

    Of pairs the `prediction` is the target text that the model says, by beam search if `beam_width` is above 1.

    Raises:
        UsageError: the run's model does not take texts, or continues them (`generate`), or the beam has no width.
    """
    data, task = run.recipe.data, tasks.of(run.recipe.data)
    if not data.text:
        raise UsageError(f"{run.name} was trained on {data.kind}s, it takes files\ntry: zoo predict {run.name} FILE")
    if task.writes:
        begin = shlex.quote(texts[0][1][:30])
        raise UsageError(f"{run.name} continues texts\ntry: zoo generate {run.name} --prompt {begin}")
    if beam_width < 1:
        raise UsageError(f"beam width {beam_width}: at least 1 hypothesis has to be kept (1 is greedy decoding)")
    if beam_width > 1 and not task.answers_in_text:
        raise UsageError(f"--beam-width is for models that say a text; {run.recipe.model} here names a class")
    from zoo.training.environment import prepare

    prepare()
    ended = task.answers_in_text
    ids = encode([text for _, text in texts], data, run.vocabularies, "note", log.warning, ended=ended)
    if task.answers_in_text:
        rows = [{"prediction": said} for said in _said(run, ids, beam_width)]
    else:
        from zoo.training.evaluation import make_predict

        predict = make_predict(run.model, task.fields(data))
        rows = task.words(predict(ids), data, str(run.recipe.training.loss))
    return [
        {"file": place, "row": number, "text": text, **row, "unlike": False}
        for number, ((place, text), row) in enumerate(zip(texts, rows, strict=True), start=1)
    ]


def _said(run: Run, ids: np.ndarray, beam_width: int) -> list[str]:
    from zoo.tasks.decoding import Decoder
    from zoo.tasks.seq2seq import translate

    text, target = run.recipe.data.text, run.vocabularies.target
    assert text is not None and text.target_length is not None and target is not None
    return translate(Decoder(run.model), ids, target, text.target_length, beam_width)


def generate(
    run: Run,
    prompts: Sequence[str],
    *,
    length: int | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> Iterator[str]:
    """Each prompt and what the language model says after it: `length` tokens, or 200, or as many as it has room for.

    Raises:
        UsageError: not a language model, an empty prompt, characters or words the run has never seen, a temperature or
            `top_k` that is not positive, or more tokens than the model has positions for.
    """
    from zoo.training.environment import prepare

    data = run.recipe.data
    if not tasks.of(data).writes:
        given = "--text '...'" if data.text else "FILE"
        raise UsageError(f"{run.name} is no language model ({data.task})\ntry: zoo predict {run.name} {given}")
    vocabulary = run.vocabularies.source
    if vocabulary.kind != "character":  # characters are looked up without it
        prepare()
    for prompt in prompts:
        if not prompt:
            raise UsageError("the prompt is empty\ngive the beginning of a text, such as: --prompt 'ROMEO:'")
        if unknown := vocabulary.unknown(prompt):
            pieces = " ".join(map(repr, unknown[:5])) + (" ..." if len(unknown) > 5 else "")
            raise UsageError(f"the prompt holds what the model has never seen: {pieces}\nleave it away")
    prepare()
    rows = [list(ids) for ids in vocabulary.encode(list(prompts))]
    ids = padded(rows, max(map(len, rows)))
    from zoo.tasks.decoding import Decoder

    decoder = Decoder(run.model)
    if length is None:
        room = decoder.room(ids.shape[1])
        length = USUAL_LENGTH if room is None else max(1, min(room, USUAL_LENGTH))
    said = decoder.generate(ids, length=length, temperature=temperature, top_k=top_k, seed=seed, stop=None)
    for prompt, new in zip(prompts, said, strict=True):
        yield vocabulary.joined(prompt, vocabulary.decode(new))
