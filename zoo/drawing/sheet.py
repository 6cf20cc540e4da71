"""A sheet of samples: what a dataset looks like before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.data.examples import Examples
from zoo.drawing import boxes, masks, style
from zoo.drawing.outcome import picture
from zoo.drawing.plane import points

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from zoo.data.config import Data

COLUMNS = 10  # images of a class
MOST_CLASSES = 12
MOST_FEATURES = 12


def sample_sheet(part: Examples, data: Data, classes: Sequence[str], title: str) -> Figure:
    """Images: a row a class. Points in the plane or on the line: a scatter. Other tables: a histogram a feature.

    Images with masks or boxes: some of each. `classes` are the names of the classes; without any, values are predicted.
    """
    if data.inputs:
        return _several(part, data, title)
    if data.targets:  # of one input; each target is counted and printed, and the sheet shows what they hang on
        part = Examples(part.inputs, np.zeros(len(part)))
    if part.y.ndim == 4:
        many = slice(0, COLUMNS // 2)
        note = f"{_shape(data)}, the first {COLUMNS // 2} training tiles with their masks"
        return masks.sheet(part.x[many], part.y[many][..., 0], classes, title, note)
    if part.y.ndim == 3:
        many = slice(0, boxes.MOST)
        note = f"{_shape(data)}, the first {min(boxes.MOST, len(part))} training images with their boxes"
        return boxes.sheet(part.x[many], part.y[many], classes, title, note)
    if part.x.ndim == 4:
        return _images(part, data, classes, title)
    if data.input_shape == (2,) and classes:
        return _plane(part, data, classes, title)
    if data.input_shape == (1,) and not classes:
        return _line(part, data, title)
    return _histograms(part, data, classes, title)


def _several(part: Examples, data: Data, title: str) -> Figure:
    """The first examples of several inputs: a row an input that has pictures, a histogram a number of the others."""
    pictures = [name for name, one in data.inputs.items() if len(one.input_shape) == 3]
    numbers = [name for name in data.inputs if name not in pictures]
    drawn = style.figure(0.75 * COLUMNS + 1.4, 0.75 * len(pictures) + 1.6 * len(numbers) + 0.8)
    style.heading(drawn, title, f"the first {min(COLUMNS, len(part))} training examples")
    heights = [*[1] * len(pictures), *[2] * len(numbers)]
    rows = drawn.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for row, name in zip(rows, [*pictures, *numbers], strict=True):
        if name in pictures:
            _picture_row(row, name, part.inputs[name])
        else:
            _number_row(row, data.inputs[name].feature_names, part.inputs[name])
    return drawn


def _picture_row(drawn: SubFigure, name: str, images: np.ndarray) -> None:
    line = drawn.subplots(1, COLUMNS, squeeze=False)[0]
    for axes in line[len(images) :]:
        axes.set_axis_off()
    for axes, image in zip(line, images[:COLUMNS], strict=False):
        picture(axes, image)
    line[0].set_ylabel(name, rotation=0, ha="right", va="center", color=style.INK, fontsize=9)


def _number_row(drawn: SubFigure, names: Sequence[str], rows: np.ndarray) -> None:
    columns = rows.T[:MOST_FEATURES]
    called = style.names_or_numbers(names, len(rows.T))[: len(columns)]
    line = drawn.subplots(1, len(columns), squeeze=False)[0]
    for axes, column, name in zip(line, columns, called, strict=True):
        style.calm(axes).hist(column, bins=20, color=style.colour(0))
        axes.set_title(name, fontsize=9, color=style.INK)


def _images(part: Examples, data: Data, classes: Sequence[str], title: str) -> Figure:
    rows = [(name, np.flatnonzero(part.y == i)) for i, name in enumerate(classes)] or [("", np.arange(len(part)))]
    shown = rows[:MOST_CLASSES]
    drawn = style.figure(0.75 * COLUMNS + 1.4, 0.75 * len(shown) + 0.8)
    left_out = f"; {len(shown)} of {len(rows)} classes" if len(rows) > len(shown) else ""
    style.heading(drawn, title, f"{_shape(data)}, the first {COLUMNS} training images of each class{left_out}")
    grid = drawn.subplots(len(shown), COLUMNS, squeeze=False)
    for line, (name, members) in zip(grid, shown, strict=True):
        for axes, index in zip(line, [*members[:COLUMNS], *[None] * COLUMNS], strict=False):
            if index is None:
                axes.set_axis_off()
            else:
                picture(axes, part.x[index])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", color=style.INK, fontsize=9)
        line[0].set_axis_on()
    return drawn


def _shape(data: Data) -> str:
    return "x".join(map(str, data.input_shape))


def _plane(part: Examples, data: Data, classes: Sequence[str], title: str) -> Figure:
    drawn = style.figure(5.6, 5.2)
    different = len(np.unique(part.x, axis=0))
    note = f", {different} of them different" if different < len(part) else ""
    style.heading(drawn, title, f"{len(part):,} training points{note}")
    axes = style.calm(drawn.subplots())
    points(axes, part.x, part.y, list(classes))
    _name_axes(axes, data)
    return drawn


def _name_axes(axes: Axes, data: Data) -> None:
    if len(data.feature_names) == 2:
        axes.set_xlabel(data.feature_names[0])
        axes.set_ylabel(data.feature_names[1])


def _line(part: Examples, data: Data, title: str) -> Figure:
    drawn = style.figure(5.6, 4.2)
    style.heading(drawn, title, f"{len(part):,} training points")
    axes = style.calm(drawn.subplots())
    axes.scatter(part.x[:, 0], part.y, color=style.colour(0), s=30)
    axes.set_xlabel(data.feature_names[0] if data.feature_names else "x")
    axes.set_ylabel(data.label or "y")
    return drawn


def _histograms(part: Examples, data: Data, classes: Sequence[str], title: str) -> Figure:
    """One small histogram a feature, a class in its colour; of values to predict theirs comes first."""
    names = style.names_or_numbers(data.feature_names, data.input_shape[0])
    columns = [(name, part.x[:, i]) for i, name in enumerate(names)][:MOST_FEATURES]
    if not classes:
        columns.insert(0, (f"to predict: {data.label or 'target'}", part.y))
    across = min(4, len(columns))
    down = -(-len(columns) // across)
    drawn = style.figure(2.6 * across, 1.8 * down + 1.0)
    left_out = f", the first {MOST_FEATURES} of {len(names)} features" if len(names) > MOST_FEATURES else ""
    style.heading(drawn, title, f"{len(part):,} training rows{left_out}")
    grid = drawn.subplots(down, across, squeeze=False).ravel()
    for axes, (name, values) in zip(grid, columns, strict=False):
        _histogram(style.calm(axes, grid=False), name, values, part, classes)
    for axes in grid[len(columns) :]:
        axes.set_axis_off()
    if classes:
        handles, labels = grid[0].get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower left", ncols=6, frameon=False, fontsize=9)
    return drawn


def _histogram(axes: Axes, name: str, values: np.ndarray, part: Examples, classes: Sequence[str]) -> None:
    edges = np.histogram_bin_edges(values, bins=20)
    axes.set_title(name, fontsize=9, color=style.INK, loc="left")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if not classes:
        axes.hist(values, edges, color=style.colour(0))
        return
    for i, label in enumerate(classes):
        axes.hist(values[part.y == i], edges, color=style.colour(i), alpha=0.55, label=label)
