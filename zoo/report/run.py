"""All pictures that apply to one run, and the page that shows them. A picture that fails is named and left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import tasks
from zoo.catalogue.inspect import layer_rows
from zoo.drawing.curves import learning_curves
from zoo.drawing.diagram import architecture
from zoo.drawing.inside import feature_maps, filters, first_convolution, kernel_of
from zoo.drawing.style import png
from zoo.files import JSON, read_text, write_bytes, write_text
from zoo.report.page import Picture, page
from zoo.runs import predictions
from zoo.tasks.task import Look, Plan

if TYPE_CHECKING:
    import keras

    from zoo.runs.directory import Run

log = logging.getLogger("zoo.report")


def draw_run(run: Run, model: keras.Model | None = None) -> list[Path]:
    """Write the pictures and `report.html` of a finished run, from its folder alone; returns what was written.

    `model` is the run's where it is in memory.

    Raises:
        UsageError: a file of the run is damaged or gone, or an earlier version of zoo made it and kept no outputs.
    """
    kept, recipe = predictions.read(run), run.recipe
    look = Look(
        model=model or run.model,
        data=recipe.data,
        loss=str(recipe.training.loss),
        test=kept.test,
        outputs=kept.outputs,
        measured=run.metrics["test"],
        raw=kept.raw,
        said=kept.said,
        vocabularies=run.vocabularies if recipe.data.text else None,
        details=run.metrics.get("details", {}),
    )
    return draw(run.folder, look, run.history, run.info | {"metrics": run.metrics})


def draw(folder: Path, look: Look, history: Mapping[str, Sequence[float]], facts: Mapping[str, Any]) -> list[Path]:
    """Write every picture that applies, and `report.html`, into `folder`; returns what was written, the page last.

    `facts` are those of run.json, with `metrics` (see `zoo.report.page`). What cannot be drawn is logged as a warning
    and named on the page; nothing is raised for it.
    """
    pictures: list[Picture] = []
    failed: list[str] = []

    def attempt(name: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:  # whatever goes wrong here, the training behind it is worth keeping
            failed.append(f"{name}: {type(error).__name__}: {error}")
            log.warning("not drawn: %s", failed[-1])
            return None

    task = tasks.of(look.data)
    for plans in (_of_training(history), task.pictures(look), _of_network(look), _of_answers(look, facts)):
        for name, title, make in attempt("pictures", partial(list, plans)) or []:
            if picture := attempt(name, partial(_written, folder, name, title, make)):
                pictures.append(picture)
    try:
        mistakes = attempt("table of mistakes", lambda: task.mistakes_shown(look)) or []
        said = attempt("texts", lambda: task.texts_shown(look)) or []
        written = page(facts, pictures, layer_rows(look.model), mistakes, failed, said, _samples(folder))
        write_text(folder / "report.html", written)
    except Exception as error:
        log.warning("not written: report.html: %s: %s", type(error).__name__, error)
        return [picture.path for picture in pictures]
    return [*(picture.path for picture in pictures), folder / "report.html"]


def _of_training(history: Mapping[str, Sequence[float]]) -> Iterator[Plan]:
    if history:
        yield "learning_curves.png", "Learning curves", lambda: learning_curves(history)


def _of_network(look: Look) -> Iterator[Plan]:
    """What the first convolution looks for and sees, and the architecture."""
    convolution, test = first_convolution(look.model), look.test
    if convolution is not None:
        title = f"filters of {convolution.name}, the first convolution"
        yield "filters.png", "First-layer filters", lambda: filters(kernel_of(convolution), title)
        if len(test) and not isinstance(test.x, Mapping):
            yield "feature_maps.png", "Feature maps", lambda: feature_maps(look.model, test.x[0])
    yield "architecture.svg", "Architecture", lambda: architecture(look.model)


def _of_answers(look: Look, facts: Mapping[str, Any]) -> Iterator[Plan]:
    """Which pixels count for answers about images; not in a smoke run, which is to be short."""
    if not facts.get("smoke"):
        from zoo.report import looking

        if looking.applies(look):
            yield "class_maps.png", "Where it looks", lambda: looking.class_maps(look)


def _samples(folder: Path) -> str:
    """What the model wrote after each epoch, if anything."""
    file = folder / "samples.txt"
    return read_text(file, JSON, folder) if file.exists() else ""


def _written(folder: Path, name: str, title: str, make: Callable[[], Any]) -> Picture:
    drawn = make()
    content = drawn.encode() if isinstance(drawn, str) else png(drawn)
    write_bytes(folder / name, content)
    return Picture(folder / name, title, content)
