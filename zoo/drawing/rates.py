"""The learning-rate range test as a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.drawing.style import COLOURS, FAINT, INK, SOFT, calm, figure, heading

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def range_curve(
    rates: np.ndarray,
    losses: np.ndarray,
    smooth: np.ndarray,
    suggestion: float | None,
    recipe_rate: float,
    title: str,
) -> Figure:
    """The loss of each batch and its running mean over rates, with the suggestion and the recipe's own rate."""
    drawn = figure(7.6, 4.6)
    axes = calm(drawn.add_subplot())
    axes.plot(rates, losses, color=FAINT, linewidth=1.0, label="each batch")
    axes.plot(rates, smooth, color=COLOURS[0], linewidth=2.0, label="running mean")
    axes.set_xscale("log")
    low, high = float(np.min(smooth)), float(max(smooth[0], np.min(smooth)))
    room = max(high - low, 1e-9)
    axes.set_ylim(low - 0.15 * room, high + 0.6 * room)
    axes.axvline(recipe_rate, color=SOFT, linestyle=":", label=f"the recipe's rate, {recipe_rate:g}")
    if suggestion is not None:
        axes.axvline(suggestion, color=COLOURS[1], label=f"to begin with: {suggestion:.2g}")
    axes.set(xlabel="learning rate", ylabel="loss of the batch")
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    note = "a step each, on new weights" if suggestion is not None else "the loss falls nowhere: no rate is suggested"
    heading(drawn, title, note)
    return drawn
