"""All pictures that apply to one run, and the page that shows them. A picture that fails is named and left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.files import replacing, write_text
from zoo.inspect import layer_rows
from zoo.report.curves import learning_curves
from zoo.report.diagram import architecture
from zoo.report.inside import feature_maps, filters, first_convolution, kernel_of
from zoo.report.outcome import confusion_matrix, mistakes, predicted_against_actual
from zoo.report.page import Picture, mistake_table, page
from zoo.report.plane import decision_boundary, fitted_curve
from zoo.report.style import png

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from zoo.spec import DataSpec

MARGIN_LOSSES = ("hinge", "squared_hinge", "perceptron")  # their scores are signed distances, cut at 0
log = logging.getLogger("zoo.report")


def draw(
    folder: Path,
    *,
    model: keras.Model,
    spec: DataSpec,
    history: Mapping[str, Sequence[float]],
    x_test: np.ndarray,
    y_test: np.ndarray,
    scores: np.ndarray,
    facts: Mapping[str, Any],
) -> list[Path]:
    """Write every picture that applies, and `report.html`, into `folder`; returns what was written, the page last.

    `x_test` holds raw examples as the model takes them, `scores` its outputs on them: `(n, classes)`, `(n, 1)` for two
    classes and for regression. `facts` are those of run.json, with `metrics` and `loss` (see `zoo.report.page`).
    What cannot be drawn is logged as a warning and named on the page; nothing is raised for it.
    """
    pictures: list[Picture] = []
    failed: list[str] = []
    by_class = None

    def attempt(name: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:  # whatever goes wrong here, the training behind it is worth keeping
            failed.append(f"{name}: {type(error).__name__}: {error}")
            log.warning("not drawn: %s", failed[-1])
            return None

    if spec.task != "regression":
        by_class = attempt("class scores", lambda: class_scores(scores, facts.get("loss")))
    plans = _plans(model, spec, history, x_test, y_test, scores, by_class, facts.get("loss"))
    for name, title, make in attempt("pictures", lambda: list(plans)) or []:
        if picture := attempt(name, partial(_written, folder, name, title, make)):
            pictures.append(picture)
    try:
        has_rows = by_class is not None and spec.kind == "tabular" and len(y_test)
        rows = mistake_table(x_test, y_test, by_class, spec) if has_rows else []
        write_text(folder / "report.html", page(facts, pictures, layer_rows(model), rows, spec, failed))
    except Exception as error:
        log.warning("not written: report.html: %s: %s", type(error).__name__, error)
        return [picture.path for picture in pictures]
    return [*(picture.path for picture in pictures), folder / "report.html"]


def class_scores(scores: np.ndarray, loss: str | None = None) -> np.ndarray:
    """One column a class: `(n, classes)` as it is, `(n, 1)` as (1 - p, p), or as (-s, s) for a margin loss's scores."""
    scores = np.asarray(scores, dtype=float)
    scores = scores if scores.ndim == 2 else scores[:, None]
    if scores.shape[1] > 1:
        return scores
    return np.hstack([-scores, scores]) if loss in MARGIN_LOSSES else np.hstack([1 - scores, scores])


def _plans(
    model: keras.Model,
    spec: DataSpec,
    history: Mapping[str, Sequence[float]],
    x: np.ndarray,
    y: np.ndarray,
    scores: np.ndarray,
    by_class: np.ndarray | None,
    loss: str | None,
) -> Iterator[tuple[str, str, Callable[[], Figure | str]]]:
    """File name, title and maker of each picture that this task, this kind of data and this model call for."""
    features = int(np.prod(spec.input_shape))
    names = spec.class_names
    yield "learning_curves.png", "Learning curves", lambda: learning_curves(history)
    if by_class is not None and len(y):
        yield "confusion_matrix.png", "Confusion matrix", lambda: confusion_matrix(y, by_class.argmax(1), names)
        if spec.kind == "image":
            yield "mistakes.png", "Most confident mistakes", lambda: mistakes(x, y, by_class, names)
        if spec.kind == "tabular" and features == 2:
            yield (
                "decision_boundary.png",
                "Decision boundary",
                lambda: decision_boundary(lambda points: class_scores(outputs(model, points), loss), x, y, names),
            )
    elif spec.task == "regression" and len(y):
        yield "predicted_actual.png", "Predicted against actual", lambda: predicted_against_actual(y, scores)
        if features == 1:
            yield "fitted_curve.png", "Learned function", lambda: fitted_curve(lambda p: outputs(model, p), x, y)
    convolution = first_convolution(model)
    if convolution is not None:
        title = f"filters of {convolution.name}, the first convolution"
        yield "filters.png", "First-layer filters", lambda: filters(kernel_of(convolution), title)
        if len(x):
            yield "feature_maps.png", "Feature maps", lambda: feature_maps(model, x[0])
    yield "architecture.svg", "Architecture", lambda: architecture(model)


def outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The model's outputs for examples that fit into memory at once, as an array."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(model(ops.convert_to_tensor(x), training=False)))


def _written(folder: Path, name: str, title: str, make: Callable[[], Figure | str]) -> Picture:
    drawn = make()
    content = drawn.encode() if isinstance(drawn, str) else png(drawn)
    with replacing(folder / name) as temporary:
        temporary.write_bytes(content)
    return Picture(folder / name, title, content)
