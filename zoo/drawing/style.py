"""The look that all pictures share, and how they reach the disk. No display, no pyplot, no global state."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from zoo.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito 2008: eight colours that stay apart under every common form of colour blindness
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D1F", "#5B5B5B")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")  # a second sign beside the colour
INK, SOFT, FAINT = "#1f2933", "#66727f", "#e3e7eb"
DIVERGING = "RdBu_r"  # blue below zero, white at zero, red above
SEQUENTIAL = "cividis"


def figure(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` inches that knows how to draw itself without a display."""
    made = Figure(figsize=(width, height), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(made)
    return made


def calm(axes: Axes, *, grid: bool = True) -> Axes:
    """Take away what says nothing: the box, the heavy ticks."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(colors=SOFT, length=0, labelsize=9)
    axes.xaxis.label.set_color(SOFT)
    axes.yaxis.label.set_color(SOFT)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(color=FAINT, linewidth=0.8)
    return axes


def bare(axes: Axes) -> Axes:
    """Axes for an image: a thin frame and nothing else."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    return axes


def heading(drawn: Figure, text: str, note: str = "") -> None:
    """Left-aligned title over the whole figure, with a quieter second line."""
    drawn.suptitle(text + (f"\n{note}" if note else ""), x=0.02, ha="left", fontsize=11, color=INK, linespacing=1.4)


def colour(index: int) -> str:
    """The colour of class or series `index`; they repeat after eight."""
    return COLOURS[index % len(COLOURS)]


def of(count: int, total: int) -> str:
    """`9,905 of 10,000 (99.05 %)`, with as many digits as the total can tell apart."""
    digits = 2 if total >= 1000 else 1
    return f"{count:,} of {total:,} ({100 * count / max(total, 1):.{digits}f} %)"


def number(value: float) -> str:
    """Four significant digits: 0.03127, 1.234, 27.13, 61,706."""
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def names_or_numbers(class_names: Sequence[str], count: int) -> list[str]:
    """The class names, or 0 .. count - 1 where the data set has none."""
    return [str(n) for n in class_names] if len(class_names) == count else [str(i) for i in range(count)]


def captions(class_names: Sequence[str], count: int, longest: int = 24) -> list[str]:
    """Class names as a picture can carry them: cut where too long, and never taken for a formula."""
    names = names_or_numbers(class_names, count)
    cut = [name if len(name) <= longest else f"{name[: longest - 1]}…" for name in names]
    return [name.replace("$", r"\$") for name in cut]


def png(drawn: Figure) -> bytes:
    """The figure as a PNG, the same bytes for the same figure."""
    buffer = BytesIO()
    drawn.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def save(drawn: Figure, path: Path | str) -> Path:
    """Write a figure as PNG, whole or not at all; returns the path."""
    write_bytes(Path(path), png(drawn))
    return Path(path)
