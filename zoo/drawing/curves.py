"""Learning curves: one panel a quantity, training against validation, the best validation epoch marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

from zoo.catalogue import metrics
from zoo.drawing.style import COLOURS, INK, SOFT, calm, figure, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOT_CURVES = ("epoch", "learning_rate", "seconds", "time", "phase")


def learning_curves(history: Mapping[str, Sequence[float]]) -> Figure:
    """Curves of a training history as Keras records it: `loss`, `val_loss`, `accuracy`, ... -> one value an epoch.

    A column `learning_rate` gets a panel of its own when it varies; where a column `phase` changes stands a line.
    Values that are missing or not finite leave a gap.
    """
    names = [n for n in history if not n.startswith("val_") and n not in NOT_CURVES and len(history[n])]
    rate = list(history.get("learning_rate", ()))
    panels = len(names) + (len(set(rate)) > 1)
    drawn = figure(min(4.6 * max(panels, 1), max(10.4, 3.0 * panels)), 3.4)
    all_axes = drawn.subplots(1, max(panels, 1), squeeze=False)[0]
    for axes, name in zip(all_axes, names, strict=False):
        _panel(axes, name, history[name], history.get(f"val_{name}", ()))
    if panels > len(names):
        _rate(all_axes[-1], rate)
    for axes in all_axes[:panels]:
        _phases(axes, list(history.get("phase", ())))
    if not panels:
        all_axes[0].text(0.5, 0.5, "no epoch was recorded", ha="center", color=INK)
    return drawn


def _panel(axes: Axes, name: str, training: Sequence[float], validation: Sequence[float]) -> None:
    _frame(axes, name.replace("_", " "), len(training))
    _line(axes, training, COLOURS[0], "training")
    if len(validation):
        _line(axes, validation, COLOURS[1], "validation")
        _mark_best(axes, name, np.asarray(validation, dtype=float))
    scaled(axes, np.asarray([*training, *validation], dtype=float))
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)


def _frame(axes: Axes, title: str, epochs: int) -> None:
    calm(axes)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, max(epochs, 1) + 0.5)


def _line(axes: Axes, values: Sequence[float], shade: str, label: str) -> None:
    epochs = range(1, len(values) + 1)
    axes.plot(epochs, values, color=shade, label=label, linewidth=1.8, marker="o" if len(values) < 25 else "", ms=3)


def _mark_best(axes: Axes, name: str, values: np.ndarray) -> None:
    if not np.isfinite(values).any():
        return
    best = int(np.nanargmax(values) if metrics.find(name).higher_is_better else np.nanargmin(values))
    label = f"best {number(values[best])}, epoch {best + 1}"
    axes.axvline(best + 1, color=COLOURS[1], linewidth=0.8, linestyle=":")
    axes.plot([best + 1], [values[best]], "o", mfc="white", mec=COLOURS[1], mew=1.8, ms=8, label=label, zorder=4)


def _phases(axes: Axes, phase: Sequence[float]) -> None:
    """A line between two phases, and what is new behind it."""
    for epoch in range(1, len(phase)):
        if phase[epoch] != phase[epoch - 1]:
            axes.axvline(epoch + 0.5, color=SOFT, linewidth=1.0, linestyle="--")
            top = axes.get_xaxis_transform()
            for side, text in (("right", "head alone "), ("left", " fine-tuning")):
                axes.text(epoch + 0.5, 0.02, text, transform=top, ha=side, va="bottom", fontsize=8, color=SOFT)


def scaled(axes: Axes, values: np.ndarray) -> None:
    """Logarithmic where the values span more than a factor of 50."""
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() / values.min() > 50:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _rate(axes: Axes, rate: Sequence[float]) -> None:
    _frame(axes, "learning rate", len(rate))
    axes.step(range(1, len(rate) + 1), rate, where="mid", color=COLOURS[2], linewidth=1.8)
    scaled(axes, np.asarray(rate, dtype=float))
