"""What a score costs: networks of one dataset by their parameters and by their time an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.font_manager import FontProperties
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import Bbox

from zoo.catalogue.metrics import Metric
from zoo.drawing.style import INK, MARKERS, SOFT, calm, colour, figure, heading, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAR = (7, 14, 24, 38, 56)  # points from a mark to its label, the nearest that is free is taken
LEADER = {"arrowstyle": "-", "color": SOFT, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # right, left, up, down, corners


class Cost(NamedTuple):
    """A network: its name and year, its score over seeds, and what the score costs on a device."""

    name: str
    year: int
    mean: float
    low: float
    high: float
    params: int
    seconds: float  # an epoch
    device: str


def by_cost(costs: Sequence[Cost], metric: Metric, title: str) -> Figure:
    """A score over the parameters and over the seconds an epoch, each network with its year; a sign a device."""
    drawn = figure(13.0, 6.0)
    panels = drawn.subplots(1, 2, sharey=True)
    for axes, cost, label in zip(panels, ("params", "seconds"), ("parameters", "seconds an epoch"), strict=True):
        _points(axes, costs, cost)
        _axes_of(axes, label)
    panels[0].xaxis.set_major_formatter(EngFormatter())
    panels[0].set_ylabel(metric.name.replace("_", " "))
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:.4g}%" if metric.is_share else number(v)))
    devices = list(dict.fromkeys(one.device for one in costs))
    if len(devices) > 1:
        drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=4, frameon=False,
                     fontsize=9, labelcolor=SOFT)  # fmt: skip
    on = f" on {devices[0]}" if len(devices) == 1 else ""
    note = f"means over seeds, bars from the lowest to the highest; time of the whole run by its epochs{on}"
    heading(drawn, title, note)
    drawn.draw_without_rendering()  # settles where the points are
    for axes, cost in zip(panels, ("params", "seconds"), strict=True):
        _name_points(axes, costs, cost)
    return drawn


def _points(axes: Axes, costs: Sequence[Cost], cost: str) -> None:
    for i, device in enumerate(dict.fromkeys(one.device for one in costs)):
        there = [one for one in costs if one.device == device]
        scores = [one.mean for one in there]
        spread = [[one.mean - one.low for one in there], [one.high - one.mean for one in there]]
        axes.errorbar([getattr(one, cost) for one in there], scores, spread, fmt=MARKERS[i % len(MARKERS)],
                      color=colour(i), markersize=6, elinewidth=1, label=device)  # fmt: skip


def _axes_of(axes: Axes, label: str) -> None:
    calm(axes).set_xscale("log")
    axes.margins(x=0.12, y=0.12)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 1000 * low else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)


def _name_points(axes: Axes, costs: Sequence[Cost], cost: str) -> None:
    """Name and year beside each point, where they cover neither a point nor another name; the best ones first."""
    font, renderer, point = FontProperties(size=8), axes.figure.canvas.get_renderer(), axes.figure.dpi / 72
    places = [axes.transData.transform((getattr(one, cost), one.mean)) for one in costs]
    taken = [Bbox.from_bounds(x - 5 * point, y - 5 * point, 10 * point, 10 * point) for x, y in places]
    frame = axes.get_window_extent()
    for one, place in sorted(zip(costs, places, strict=True), key=lambda pair: -pair[0].mean):
        text = f"{one.name} {one.year}"
        size = renderer.get_text_width_height_descent(text, font, ismath=False)[:2]
        far, right, up = _free(place, size, point, taken, frame)
        taken.append(_beside(place, size, far * point, right, up))
        axes.annotate(
            text, (getattr(one, cost), one.mean), xytext=(far * right, far * up), textcoords="offset points",
            ha=("center", "left", "right")[right], va=("center", "bottom", "top")[up], parse_math=False,
            fontproperties=font, color=INK, in_layout=False, arrowprops=LEADER if far > FAR[0] else None,
        )  # fmt: skip


def _free(
    place: Sequence[float], size: Sequence[float], point: float, taken: Sequence[Bbox], frame: Bbox
) -> tuple[float, int, int]:
    """The nearest free place beside a point: how far, to the right (1) or left (-1), and up (1) or down (-1)."""
    for far in FAR:
        for right, up in SIDES:
            box = _beside(place, size, far * point, right, up)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
            if inside and not any(box.overlaps(other) for other in taken):
                return far, right, up
    return FAR[0], 1, 0


def _beside(place: Sequence[float], size: Sequence[float], far: float, right: int, up: int) -> Bbox:
    """Where a label of this width and height comes to stand, in pixels."""
    left = place[0] + far * right - size[0] * (1 - right) / 2
    low = place[1] + far * up - size[1] * (1 - up) / 2
    return Bbox.from_bounds(left, low, *size).padded(1)
