"""From a finished run to answers: what its model says of raw files, texts or arrays."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import tasks
from zoo.errors import UsageError
from zoo.runs.to_predict import files_of, of_table, texts_of

if TYPE_CHECKING:
    from zoo.runs.directory import Run

log = logging.getLogger("zoo")
Answer = Callable[[Any], Any]  # encoded examples (n, ...) -> outputs (n, ...), or texts


def predict(
    run: Run,
    given: Any,
    *,
    beam_width: int = 1,
    invert: bool = False,
    out: Path = Path(),
    skip_broken: bool = False,
) -> list[dict[str, Any]]:
    """What the run's model says of raw examples: a row an example, or one a step after a series.

    A row names the `file` (of a text the place where it stands), the `row` (from 1), of a text the `text` itself; of a
    table the `columns` that the model does not look at and, where it has the label, the `truth`; then the `prediction`
    (a class name, a value or a text) and, for classes, the `probability` of it and of every class. `unlike` is true of
    an image that is light where the training images are dark, or the reverse.

    Args:
        given: one or several; a `Path` is a file or a folder, a string is a text, for a model that takes texts. Texts
            stand one a line in a file, or in the column of a .csv; in a folder each .txt file is one. An array
            (n, ...), or a dict of arrays, holds raw examples as they were trained on.
        beam_width: hypotheses kept where a text is said for a text; 1 is greedy decoding.
        invert: turn light into dark first, for dark ink on paper where the training images are light on dark.
        out: the folder that masks and images are written into.
        skip_broken: leave out files that cannot be read, of several; a note names each.

    Raises:
        UsageError: a file that cannot be read, or examples that do not look like the training data; texts for a model
            that takes none, or that continues them (`zoo.runs.generating`); an option that does not go with the model.
    """
    _refuse_options(run, beam_width, invert)
    if run.recipe.data.text:
        return _texts(run, given, beam_width)
    return _files_or_arrays(run, given, invert, out, skip_broken)


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


def _texts(run: Run, given: Any, beam_width: int) -> list[dict[str, Any]]:
    from zoo.data.text.encoding import encode
    from zoo.training.environment import prepare

    data, task = run.recipe.data, tasks.of(run.recipe.data)
    found = texts_of(given, data)
    if not found:
        return []
    if task.writes:
        begin = shlex.quote(found[0].text[:30])
        raise UsageError(f"{run.name} continues texts\ntry: zoo generate {run.name} --prompt {begin}")
    prepare()  # which takes texts apart
    texts = [one.text for one in found]
    ids = encode(texts, data, run.vocabularies, "note", log.warning, ended=task.answers_in_text)
    rows = task.words(_answer(run, beam_width)(ids), data, str(run.recipe.training.loss))
    return [
        {"file": one.place, "row": number, "text": one.text, **one.beside, **row, "unlike": False}
        for number, (one, row) in enumerate(zip(found, rows, strict=True), start=1)
    ]


def _files_or_arrays(run: Run, given: Any, invert: bool, out: Path, skip_broken: bool) -> list[dict[str, Any]]:
    from zoo.training.environment import prepare

    read = [(path, 255 - x if invert else x) for path, x in raw_examples(run, given, skip_broken)]
    prepare()
    answer, found = _answer(run, 1), []
    for path, x in read:
        rows = _rows(run, path, answer(x), out)
        beside = of_table(path, run.recipe.data, len(rows)) if path else [{}] * len(rows)
        where = {"file": str(path)} if path else {}
        found += [
            {**where, "row": number, **more, **row, "unlike": is_unlike(run, x)}
            for number, (more, row) in enumerate(zip(beside, rows, strict=True), start=1)
        ]
    return found


def raw_examples(run: Run, given: Any, skip_broken: bool = False) -> Iterator[tuple[Path | None, Any]]:
    """The raw examples of each file, or those that were given.

    Raises:
        UsageError: a file that cannot be read, or examples that do not look like the training data.
    """
    from zoo.data.arrays import given_inputs

    data, task = run.recipe.data, tasks.of(run.recipe.data)
    if isinstance(given, Mapping) or hasattr(given, "dtype"):
        if task.answers_in_files:
            raise UsageError(f"{run.name} answers with images: give the Path of a file, or apply run.model itself")
        yield None, given_inputs(given, data)
        return
    several: list[Any] = [given] if isinstance(given, str | Path) else list(given)
    if strings := [one for one in several if not isinstance(one, Path)]:
        raise UsageError(
            f"{run.name} was trained on {data.kind}s, it takes files, not {type(strings[0]).__name__}\n"
            f"try: zoo predict {run.name} FILE; or, in Python, give a Path or an array"
        )
    files, broken = several if task.answers_in_files else files_of(several, data), []
    for file in files:
        try:
            yield file, task.read(data, file)
        except UsageError as error:
            if not skip_broken:
                raise
            broken.append(str(error).splitlines()[0])
            log.warning("note: left out: %s", broken[-1])
    if broken and len(broken) == len(files):
        raise UsageError(f"none of {len(files):,} files can be read; the last: {broken[-1]}")
    if broken:
        log.warning("note: %d of %s files left out", len(broken), f"{len(files):,}")


def _rows(run: Run, path: Path | None, outputs: Any, out: Path) -> list[dict[str, Any]]:
    data, task, loss = run.recipe.data, tasks.of(run.recipe.data), str(run.recipe.training.loss)
    return task.words(outputs, data, loss) if path is None else task.rows(path, outputs, data, loss, out)


def is_unlike(run: Run, x: Any) -> bool:
    """Whether an image is light where the training images are dark, or the reverse: half the scale apart on average."""
    mean = run.info.get("input_mean")
    return run.recipe.data.kind == "image" and mean is not None and abs(float(x.mean()) - mean) > 127
