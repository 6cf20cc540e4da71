"""Runs beside each other: learning curves over each other, and images that one network gets right and another wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from zoo.drawing.curves import scaled
from zoo.drawing.outcome import picture
from zoo.drawing.style import COLOURS, INK, SOFT, calm, colour, figure, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    History = Mapping[str, Sequence[float]]

MOST_CURVES = len(COLOURS)  # groups in one picture
COLUMNS = 8


def curves_together(histories: Mapping[str, Sequence[History]], metrics: Sequence[str]) -> Figure:
    """A panel a metric, validation where there is some: thin lines are single seeds, a thick one is their mean.

    Args:
        histories: for each label the history of each seed, as Keras records it.
        metrics: such as `accuracy` and `loss`.
    """
    shown = dict(list(histories.items())[:MOST_CURVES])
    drawn = figure(max(5.2 * len(metrics), 6.4), 3.9 + 0.22 * ((len(shown) - 1) // 3))
    panels = drawn.subplots(1, len(metrics), squeeze=False)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        validated = any(f"val_{metric}" in history for seeds in shown.values() for history in seeds)
        _panel(axes, shown, f"val_{metric}" if validated else metric)
        axes.set_title(f"{'validation' if validated else 'training'} {metric.replace('_', ' ')}", loc="left",
                       fontsize=11, color=INK)  # fmt: skip
    handles, labels = panels[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=9, labelcolor=INK)
    several = any(len(seeds) > 1 for seeds in shown.values())
    left = f"the first {len(shown)} of {len(histories)}" if len(histories) > len(shown) else ""
    notes = [left, "thin: one seed each; thick: their mean, as far as all of them went" if several else ""]
    if note := "; ".join(filter(None, notes)):
        drawn.suptitle(note, x=0.02, ha="left", fontsize=9, color=SOFT)
    return drawn


def _panel(axes: Axes, histories: Mapping[str, Sequence[History]], name: str) -> None:
    calm(axes)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    known = {
        label: [np.asarray(history[name], dtype=float) for history in seeds if len(history.get(name, ()))]
        for label, seeds in histories.items()
    }
    values = [line for lines in known.values() for line in lines]
    longest = max(map(len, values), default=1)
    for place, (label, lines) in enumerate(known.items()):
        together = min(map(len, lines), default=0)
        mean = np.mean([line[:together] for line in lines], axis=0) if lines else np.array([])
        for line in lines if len(lines) > 1 else ():
            axes.plot(range(1, len(line) + 1), line, color=colour(place), linewidth=0.8, alpha=0.45)
        marker = "o" if longest < 25 else ""
        axes.plot(range(1, together + 1), mean, color=colour(place), linewidth=2, marker=marker, ms=3, label=label)
    axes.set_xlim(0.5, longest + 0.5)
    if values:
        scaled(axes, np.concatenate(values))
    else:
        axes.text(0.5, 0.5, "not recorded", ha="center", color=INK, transform=axes.transAxes)


class Shown(NamedTuple):
    """An image (height, width, channels), and what is written above and below it."""

    image: np.ndarray
    title: str
    note: str = ""


def differing_images(sides: Mapping[str, Sequence[Shown]], title: str, note: str = "") -> Figure:
    """Images in rows of eight, below a line that says what those of each side have in common."""
    heights = {words: -(-len(shown) // COLUMNS) for words, shown in sides.items() if shown}
    lines = max(one.title.count("\n") for shown in sides.values() for one in shown)
    drawn = figure(1.3 * COLUMNS, (1.62 + 0.15 * lines) * sum(heights.values()) + 0.3 * len(heights) + 0.7)
    heading(drawn, title, note)
    parts = drawn.subfigures(len(heights), 1, squeeze=False, height_ratios=list(heights.values()))[:, 0]
    for part, (words, rows) in zip(parts, heights.items(), strict=True):
        part.suptitle(words, x=0.02, ha="left", fontsize=10, color=INK)
        grid = part.subplots(rows, COLUMNS, squeeze=False).ravel()
        for axes in grid:
            axes.axis("off")
        for axes, one in zip(grid, sides[words], strict=False):
            axes.axis("on")
            picture(axes, one.image)
            axes.set_title(one.title, fontsize=8, color=INK, pad=3)
            axes.set_xlabel(one.note, fontsize=8, color=SOFT, labelpad=2)
    return drawn
