"""Where the data live on a line or in a plane, the whole function a model has learned can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb

from zoo.drawing.style import COLOURS, INK, MARKERS, calm, captions, colour, figure, heading, of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Predict = Callable[[np.ndarray], np.ndarray]


def decision_boundary(predict: Predict, x: np.ndarray, y: np.ndarray, class_names: Sequence[str] = ()) -> Figure:
    """The plane coloured by predicted class, paler where the model is less sure, with the examples on it.

    `predict` maps points `(n, 2)` to probabilities `(n, classes)`; `x` is `(n, 2)`, `y` class numbers `(n,)`.

    Raises:
        ValueError: the examples are not points in a plane.
    """
    x, y = np.asarray(x, dtype="float32"), np.ravel(y).astype(int)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"a decision boundary is drawn for 2 inputs, got examples of shape {x.shape[1:]}")
    right = int((predict(x).argmax(axis=1) == y).sum())
    equal = _similar_ranges(x)
    height = 5.2 * float(np.ptp(x[:, 1]) / np.ptp(x[:, 0])) if equal else 4.6
    drawn = figure(5.8, min(max(height, 2.2), 6.5) + 1.0)
    axes = calm(drawn.add_subplot(), grid=False)
    classes = _shade(axes, predict, x)
    points(axes, x, y, captions(class_names, classes))
    axes.set(xlabel="x1", ylabel="x2", aspect="equal" if equal else "auto")
    heading(drawn, f"{of(right, len(y))} on their own side")
    return drawn


def _shade(axes: Axes, predict: Predict, x: np.ndarray, side: int = 220) -> int:
    """Colour the background; returns the number of classes."""
    low, high = x.min(axis=0), x.max(axis=0)
    margin = 0.12 * np.where(high > low, high - low, 1)
    low, high = low - margin, high + margin
    across, up = np.meshgrid(np.linspace(low[0], high[0], side), np.linspace(low[1], high[1], side))
    points = np.stack([across.ravel(), up.ravel()], axis=1).astype("float32")
    probabilities = predict(points)
    classes = probabilities.shape[1]
    winner, sure = probabilities.argmax(axis=1), np.clip(probabilities.max(axis=1), 0, 1)
    strength = 0.08 + 0.37 * np.clip((sure - 1 / classes) / (1 - 1 / classes), 0, 1)
    full = np.array([to_rgb(colour(k)) for k in range(classes)])[winner]
    shades = (1 - strength[:, None] * (1 - full)).reshape(side, side, 3)
    box = (float(low[0]), float(high[0]), float(low[1]), float(high[1]))
    axes.imshow(shades, extent=box, origin="lower", interpolation="nearest", aspect="auto")
    for k in range(classes if classes > 2 else 1):
        lead = probabilities[:, k] - np.delete(probabilities, k, axis=1).max(axis=1)
        if lead.min() < 0 < lead.max():
            axes.contour(across, up, lead.reshape(side, side), levels=[0], colors=[INK], linewidths=1.0)
    return classes


def points(axes: Axes, x: np.ndarray, y: np.ndarray, names: list[str]) -> None:
    size = 60 if len(x) < 20 else 22 if len(x) < 400 else 9
    for k, name in enumerate(names):
        of_class = x[y == k]
        sign = MARKERS[k % len(MARKERS)]
        axes.scatter(*of_class.T, s=size, marker=sign, color=colour(k), edgecolors="white", linewidths=0.5, label=name)
    above = (0, 1, 1, 0)  # in a row over the plane, where it hides no example
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower left", bbox_to_anchor=above, ncols=4)


def _similar_ranges(x: np.ndarray) -> bool:
    spans = np.ptp(x, axis=0)
    return bool(spans.min() > 0 and spans.max() / spans.min() < 3)


def fitted_curve(predict: Predict, x: np.ndarray, y: np.ndarray) -> Figure:
    """Regression on one input: the learned function over the examples. `predict` maps `(n, 1)` to `(n, 1)`."""
    x, y = np.asarray(x, dtype="float32").reshape(len(x), -1), np.ravel(y)
    if x.shape[1] != 1:
        raise ValueError(f"a fitted curve is drawn for one input, got {x.shape[1]}")
    margin = 0.1 * float(np.ptp(x)) or 1.0
    grid = np.linspace(x.min() - margin, x.max() + margin, 300, dtype="float32")[:, None]
    drawn = figure(5.6, 4.2)
    axes = calm(drawn.add_subplot())
    axes.plot(grid[:, 0], np.ravel(predict(grid)), color=COLOURS[0], linewidth=1.8, label="model")
    axes.scatter(x[:, 0], y, color=COLOURS[1], s=30, zorder=3, label="examples", edgecolors="white", linewidths=0.5)
    axes.set(xlabel="x", ylabel="y")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    axes.set_title("the function it learned", loc="left", fontsize=11, color=INK)
    return drawn
