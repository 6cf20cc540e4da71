"""All pictures that apply to one run, and the page that shows them. A picture that fails is named and left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.files import replacing, write_text
from zoo.inspect import layer_rows
from zoo.report.curves import learning_curves
from zoo.report.diagram import architecture
from zoo.report.inside import feature_maps, filters, first_convolution, kernel_of
from zoo.report.outcome import confusion_matrix, mistakes, predicted_against_actual
from zoo.report.page import Picture, mistake_table, page
from zoo.report.plane import decision_boundary, fitted_curve
from zoo.report.sequences import AttentionMap, attention_maps, forecast
from zoo.report.style import png

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from zoo.spec import DataSpec

MARGIN_LOSSES = ("hinge", "squared_hinge", "perceptron")  # their scores are signed distances, cut at 0
MOST_SAID = 20
log = logging.getLogger("zoo.report")


class Texts(NamedTuple):
    """The raw test texts, their labels or target texts, and of pairs what the model said and where it looked."""

    source: Any
    target: Any
    said: Sequence[str]
    looked_at: Sequence[tuple[Sequence[str], Sequence[str], np.ndarray]]


def draw(
    folder: Path,
    *,
    model: keras.Model,
    spec: DataSpec,
    history: Mapping[str, Sequence[float]],
    x_test: np.ndarray,
    y_test: np.ndarray,
    scores: np.ndarray | None,
    facts: Mapping[str, Any],
    texts: Texts | None = None,
) -> list[Path]:
    """Write every picture that applies, and `report.html`, into `folder`; returns what was written, the page last.

    `x_test` holds raw examples as the model takes them, `scores` its outputs on them: `(n, classes)`, `(n, 1)` for two
    classes and for regression, None for tokens. `texts` are the raw ones behind
    ids. `facts` are those of run.json, with `metrics` and `loss` (see `zoo.report.page`).
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

    if scores is not None and spec.task != "regression":
        by_class = attempt("class scores", lambda: class_scores(scores, facts.get("loss")))
    plans = _plans(model, spec, history, x_test, y_test, scores, by_class, facts, texts)
    for name, title, make in attempt("pictures", lambda: list(plans)) or []:
        if picture := attempt(name, partial(_written, folder, name, title, make)):
            pictures.append(picture)
    try:
        rows = []
        if by_class is not None and len(y_test) and spec.kind in ("tabular", "text"):
            rows = mistake_table(x_test, y_test, by_class, spec, texts.source if texts else None)
        written = page(facts, pictures, layer_rows(model), rows, spec, failed, _said(texts), _samples(folder))
        write_text(folder / "report.html", written)
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
    scores: np.ndarray | None,
    by_class: np.ndarray | None,
    facts: Mapping[str, Any],
    texts: Texts | None,
) -> Iterator[tuple[str, str, Callable[[], Figure | str]]]:
    """File name, title and maker of each picture that this task, this kind of data and this model call for."""
    features, loss = int(np.prod(spec.input_shape)), facts.get("loss")
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
    elif spec.kind == "series" and scores is not None and len(y):
        yield "forecast.png", "Forecasts", lambda: _forecast(x, y, scores, facts)
    elif spec.task == "regression" and scores is not None and len(y):
        yield "predicted_actual.png", "Predicted against actual", lambda: predicted_against_actual(y, scores)
        if features == 1:
            yield "fitted_curve.png", "Learned function", lambda: fitted_curve(lambda p: outputs(model, p), x, y)
    if texts is not None and texts.looked_at:
        maps = [AttentionMap(*one) for one in texts.looked_at]
        yield "attention.png", "Attention", lambda: attention_maps(maps)
    convolution = first_convolution(model)
    if convolution is not None:
        title = f"filters of {convolution.name}, the first convolution"
        yield "filters.png", "First-layer filters", lambda: filters(kernel_of(convolution), title)
        if len(x):
            yield "feature_maps.png", "Feature maps", lambda: feature_maps(model, x[0])
    yield "architecture.svg", "Architecture", lambda: architecture(model)


def _forecast(x: np.ndarray, y: np.ndarray, scores: np.ndarray, facts: Mapping[str, Any]) -> Figure:
    """What is forecast one step ahead, over what came and the value before."""
    measured = facts.get("metrics", {}).get("test", {})
    names = {"mae": "this net", "naive_mae": "the last value again", "seasonal_naive_mae": "the value a season ago"}
    errors = {said: measured[name] for name, said in names.items() if name in measured}
    return forecast(y[:, 0], scores[:, 0], {"the last value again": x[:, -1, 0]}, errors)


def _said(texts: Texts | None) -> list[tuple[str, str, str]]:
    """Source, wanted and said target of the first test pairs."""
    if texts is None or not texts.said:
        return []
    return [(str(a), str(b), c) for a, b, c in zip(texts.source, texts.target, texts.said, strict=True)][:MOST_SAID]


def _samples(folder: Path) -> str:
    """What the model wrote after each epoch, if anything."""
    file = folder / "samples.txt"
    return file.read_text(encoding="utf-8") if file.exists() else ""


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
