"""From a finished run to answers: what its model says of raw files, texts or arrays."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import tasks
from zoo.errors import UsageError
from zoo.files import TEXT, read_text

if TYPE_CHECKING:
    from zoo.runs.directory import Run

log = logging.getLogger("zoo")
Answer = Callable[[Any], Any]  # encoded examples (n, ...) -> outputs (n, ...), or texts


def predict(
    run: Run, given: Any, *, beam_width: int = 1, invert: bool = False, out: Path = Path()
) -> list[dict[str, Any]]:
    """What the run's model says of raw examples: a row an example, or one a step after a series.

    A row names the `file` (of a text the place where it stands), the `row` (from 1), of a text the `text` itself; then
    the `prediction` (a class name, a value or a text) and, for classes, the `probability` of it and of every class.
    `unlike` is true of an image that is light where the training images are dark, or the reverse.

    Args:
        given: one or several; a `Path` is a file, a string is a text, for a model that takes texts. Texts stand one a
            line in a file. An array (n, ...), or a dict of arrays, holds raw examples as they were trained on.
        beam_width: hypotheses kept where a text is said for a text; 1 is greedy decoding.
        invert: turn light into dark first, for dark ink on paper where the training images are light on dark.
        out: the folder that masks and images are written into.

    Raises:
        UsageError: a file that cannot be read, or examples that do not look like the training data; texts for a model
            that takes none, or that continues them (`zoo.runs.generating`); an option that does not go with the model.
    """
    _refuse_options(run, beam_width, invert)
    read = _texts if run.recipe.data.text else _files_or_arrays
    return read(run, given, lambda: _answer(run, beam_width), invert, out)


def texts_of(given: Any) -> list[tuple[str, str]]:
    """(where it stands, text) of every text: strings, and each line of the files.

    Raises:
        UsageError: a file that is not there or is not UTF-8, or a text without anything in it; its place is named.
    """
    found, several = [], [given] if isinstance(given, str | Path) else list(given)
    for number, text in enumerate((text for text in several if isinstance(text, str)), start=1):
        found.append((f"--text {number}", text))
    for file in several:
        if isinstance(file, Path):
            found += [(f"{file}, line {number}", line) for number, line in enumerate(_lines(file), start=1)]
        elif not isinstance(file, str):
            raise UsageError(f"a model of texts takes strings, or the Path of a file, not a {type(file).__name__}")
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


def _refuse_options(run: Run, beam_width: int, invert: bool) -> None:
    data, task = run.recipe.data, tasks.of(run.recipe.data)
    if invert and data.kind != "image":
        raise UsageError(f"--invert is for images, {run.recipe.dataset} is {data.kind}")
    if beam_width < 1:
        raise UsageError(f"beam width {beam_width}: at least 1 hypothesis has to be kept (1 is greedy decoding)")
    if beam_width > 1 and not task.answers_in_text:
        raise UsageError(f"--beam-width is for models that say a text; {run.recipe.model} here does not")


def _answer(run: Run, beam_width: int) -> Answer:
    """What takes encoded examples to the model's outputs, or to the texts that it says."""
    from zoo.training.evaluation import make_predict

    data = run.recipe.data
    task = tasks.of(data)
    if task.answers_in_text:
        return task.translator(run.model, data, run.vocabularies, beam_width)
    return make_predict(run.model, task.fields(data))


def _texts(run: Run, given: Any, make: Callable[[], Answer], invert: bool, out: Path) -> list[dict[str, Any]]:
    from zoo.data.text.encoding import encode
    from zoo.training.environment import prepare

    data, task, found = run.recipe.data, tasks.of(run.recipe.data), texts_of(given)
    if not found:
        return []
    if task.writes:
        begin = shlex.quote(found[0][1][:30])
        raise UsageError(f"{run.name} continues texts\ntry: zoo generate {run.name} --prompt {begin}")
    prepare()  # which takes texts apart
    texts = [text for _, text in found]
    ids = encode(texts, data, run.vocabularies, "note", log.warning, ended=task.answers_in_text)
    rows = task.words(make()(ids), data, str(run.recipe.training.loss))
    return [
        {"file": place, "row": number, "text": text, **row, "unlike": False}
        for number, ((place, text), row) in enumerate(zip(found, rows, strict=True), start=1)
    ]


def _files_or_arrays(run: Run, given: Any, make: Callable[[], Answer], invert: bool, out: Path) -> list[dict[str, Any]]:
    from zoo.training.environment import prepare

    read = [(path, 255 - x if invert else x) for path, x in _examples(run, given)]
    prepare()
    answer = make()
    return [
        {**({"file": str(path)} if path else {}), "row": number, **row, "unlike": _unlike(run, x)}
        for path, x in read
        for number, row in enumerate(_rows(run, path, answer(x), out), start=1)
    ]


def _examples(run: Run, given: Any) -> Iterator[tuple[Path | None, Any]]:
    """The raw examples of each file, or those that were given."""
    from zoo.data.arrays import given_inputs

    data, task = run.recipe.data, tasks.of(run.recipe.data)
    if isinstance(given, Mapping) or hasattr(given, "dtype"):
        if task.answers_in_files:
            raise UsageError(f"{run.name} answers with images: give the Path of a file, or apply run.model itself")
        yield None, given_inputs(given, data)
        return
    for one in [given] if isinstance(given, str | Path) else given:
        if not isinstance(one, Path):
            raise UsageError(
                f"{run.name} was trained on {data.kind}s, it takes files\ntry: zoo predict {run.name} FILE; "
                "or, in Python, give a Path or an array"
            )
        yield one, task.read(data, one)


def _rows(run: Run, path: Path | None, outputs: Any, out: Path) -> list[dict[str, Any]]:
    data, task, loss = run.recipe.data, tasks.of(run.recipe.data), str(run.recipe.training.loss)
    return task.words(outputs, data, loss) if path is None else task.rows(path, outputs, data, loss, out)


def _unlike(run: Run, x: Any) -> bool:
    """Whether an image is light where the training images are dark, or the reverse: half the scale apart on average."""
    mean = run.info.get("input_mean")
    return run.recipe.data.kind == "image" and mean is not None and abs(float(x.mean()) - mean) > 127
