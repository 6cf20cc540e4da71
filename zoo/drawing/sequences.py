"""Pictures of sequences: where attention looks, forecasts, scores by sentence length, gradients in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from zoo.drawing.style import COLOURS, INK, MARKERS, SEQUENTIAL, SOFT, calm, colour, figure, heading, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_MAP = 40  # tokens on a side that can still be read
MOST_STEPS = 400  # of a series that are drawn


class AttentionMap(NamedTuple):
    """Where a decoder looked: `weights` (target tokens, source tokens), each row adding up to 1."""

    source: Sequence[str]
    target: Sequence[str]
    weights: np.ndarray


def attention_maps(maps: Sequence[AttentionMap]) -> Figure:
    """One panel a sentence: source tokens across, what was said downwards, the darker the less was looked at."""
    shown = [one for one in maps if max(len(one.source), len(one.target)) <= LONGEST_MAP][:4]
    if not shown:
        raise ValueError(f"every sentence has more than {LONGEST_MAP} tokens")
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    wide, high = max(len(m.source) for m in shown), max(len(m.target) for m in shown)
    drawn = figure(columns * (1.6 + 0.27 * wide), rows * (1.5 + 0.25 * high) + 0.4)
    grid = drawn.subplots(rows, columns, squeeze=False).ravel()
    for axes, one in zip(grid, shown, strict=False):
        axes.imshow(one.weights, cmap=SEQUENTIAL, vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
        axes.set_xticks(range(len(one.source)), [_readable(token) for token in one.source], rotation=90)
        axes.set_yticks(range(len(one.target)), [_readable(token) for token in one.target])
        axes.xaxis.tick_top()
        axes.tick_params(colors=INK, length=0, labelsize=8)
        for spine in axes.spines.values():
            spine.set_visible(False)
    for axes in grid[len(shown) :]:
        axes.axis("off")
    heading(drawn, "Where attention looks", "source across, what is said downwards; each row adds up to 1 (yellow)")
    return drawn


def _readable(token: str) -> str:
    shown = {"": "·", " ": "␣", "\n": "↵", "[END]": "end", "[START]": "start", "[UNK]": "?"}.get(token, token)
    return shown.replace("$", r"\$")


def forecast(
    actual: np.ndarray,
    predicted: np.ndarray,
    naive: Mapping[str, np.ndarray],
    errors: Mapping[str, float],
    first: int = 0,
) -> Figure:
    """Steps of the test part of a series (time,) from the step `first` on, at most `MOST_STEPS`, and their forecasts.

    `errors` are mean absolute errors by name.
    """
    steps = np.arange(first, first + len(actual))
    drawn = figure(10.4, 3.8)
    axes = calm(drawn.add_subplot())
    axes.plot(steps, actual, color=INK, linewidth=1.8, label="actual")
    for i, (name, values) in enumerate(naive.items(), start=2):
        axes.plot(steps, values, color=colour(i), linewidth=1.0, linestyle=":", label=name)
    axes.plot(steps, predicted, color=COLOURS[1], linewidth=1.6, label="forecast")
    axes.set_xlabel("step of the test part")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, ncols=4, loc="upper left")
    axes.margins(y=0.2)
    said = ", ".join(f"{name} {number(value)}" for name, value in errors.items())
    heading(drawn, "Forecasts, one step ahead", f"mean absolute error: {said}")
    return drawn


def by_length(curves: Mapping[str, Sequence[tuple[str, float, int]]], quantity: str = "BLEU") -> Figure:
    """A score for sentences of growing length, a line a model: (length as text, score, sentences) each."""
    drawn = figure(7.6, 4.2)
    axes = calm(drawn.add_subplot())
    for i, (name, points) in enumerate(curves.items()):
        places = range(len(points))
        axes.plot(places, [p[1] for p in points], color=colour(i), marker=MARKERS[i], linewidth=1.8, label=name)
    labels = [f"{length}\n{count:,}" for length, _, count in next(iter(curves.values()))]
    axes.set_xticks(range(len(labels)), labels)
    axes.set(xlabel="words of the source sentence; below, how many sentences", ylabel=quantity)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    heading(
        drawn, f"{quantity} by sentence length", "one vector has to hold a sentence of any length, attention has not"
    )
    return drawn


def gradient_by_distance(curves: Mapping[str, np.ndarray]) -> Figure:
    """Norm of an output's gradient by the input `d` steps before the end, a line a model: arrays (distance,)."""
    drawn = figure(7.6, 4.2)
    axes = calm(drawn.add_subplot())
    for i, (name, norms) in enumerate(curves.items()):
        axes.plot(range(len(norms)), norms, color=colour(i), linewidth=1.8, label=name)
    axes.set_yscale("log")
    axes.set(xlabel="steps between an input and the output", ylabel="norm of the gradient")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    axes.tick_params(which="both", colors=SOFT, length=0)
    heading(
        drawn,
        "How far back the gradient reaches",
        "the output by each input before it, mean over test examples",
    )
    return drawn
