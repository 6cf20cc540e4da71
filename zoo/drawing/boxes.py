"""Images with boxes on them, each in the colour of its class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke

from zoo.drawing.style import COLOURS, INK, SOFT, bare, captions, colour, figure, heading

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABEL, LETTER = 6.5, 4.1  # points of a label's font, and of a letter's width
DASHES = (0, (4, 3))
MOST, COLUMNS, CELL = 8, 4, 3.0  # images of a sheet, images in a row, inches of one
Place = tuple[float, float, float, float]  # left, top, right, bottom


def sheet(images: np.ndarray, boxes: np.ndarray, class_names: Sequence[str], title: str, note: str) -> Figure:
    """The first images (n, height, width, channels) with their boxes (n, most, 5)."""
    names, count = captions(class_names, len(class_names), longest=16), min(MOST, len(images))
    columns = max(2, min(COLUMNS, count))
    down = max(1, -(-count // columns))
    drawn = figure(CELL * columns, CELL * down * images.shape[1] / images.shape[2] + 1.0)
    grid = drawn.subplots(down, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    many = len(names) > len(COLOURS)  # colours repeat, so that each box is named
    for axes, image, rows in zip(grid, images[:count], boxes[:count], strict=False):
        draw_boxes(axes, image, rows, names if many else (), CELL)
    legend(drawn, names, [row[4] for rows in boxes[:count] for row in rows if row[4] >= 0], [])
    heading(drawn, title, note)
    return drawn


def draw_boxes(axes: Axes, image: np.ndarray, boxes: np.ndarray, names: Sequence[str], inches: float = CELL) -> None:
    """An image with boxes, each in its class's colour, and named where there are `names`.

    Args:
        axes: where it is drawn, as wide as `inches`.
        image: (height, width, channels).
        boxes: (n, 5): left, top, right, bottom in pixels and class id; rows of -1 are none.
        names: of the classes; empty: no words.
    """
    picture(axes, image)
    rows = [row for row in boxes if row[4] >= 0]
    for row in rows:
        outline(axes, row)
    if names:
        labels(axes, [(row, names[int(row[4])]) for row in rows], image.shape[1], inches)


def picture(axes: Axes, image: np.ndarray, left: int = 0, top: int = 0) -> None:
    """An image as it is, in its own pixels, of which the first one covers 0 to 1."""
    height, width = image.shape[:2]
    image = image[..., 0] if image.shape[-1] == 1 else image
    axes.set_axis_on()
    extent = (left, left + width, top + height, top)
    most = 255 if image.dtype == np.uint8 else None
    bare(axes).imshow(image, cmap="gray", vmin=0, vmax=most, extent=extent, interpolation="antialiased")
    axes.set(xlim=extent[:2], ylim=extent[2:])


def outline(axes: Axes, row: np.ndarray, *, dashed: bool = False, hatched: bool = False, crossed: bool = False) -> None:
    """A box in the colour of its class, with a white edge that keeps it apart from a dark image."""
    left, top, right, bottom = (float(v) for v in row[:4])
    shade, width = colour(int(row[4])), 1.1 if dashed else 1.6
    edge = [withStroke(linewidth=width + 1.2, foreground="white", alpha=0.75)]
    axes.add_patch(
        Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=shade, linewidth=width,
                  linestyle=DASHES if dashed else "-", path_effects=edge)
    )  # fmt: skip
    if hatched:
        axes.add_patch(
            Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=shade, linewidth=0,
                      hatch="////", alpha=0.6)
        )  # fmt: skip
    if crossed:
        for ends in ((top, bottom), (bottom, top)):
            axes.plot([left, right], ends, color=shade, linewidth=0.9, path_effects=edge)


def labels(axes: Axes, rows: Sequence[tuple[np.ndarray, str]], width: int, inches: float) -> None:
    """Words at the corners of boxes, within an image of so many pixels, drawn as wide as `inches`; where there is room,
    beside each other."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    point = width / (inches * 72)  # in pixels of the image
    taken: list[Place] = []
    for row, text in rows:
        back, size = colour(int(row[4])), (LETTER * len(text) * point, 1.35 * LABEL * point)
        free = places(row, size, (left, top, right, bottom))
        place = next((one for one in free if not meets_any(one, taken)), free[0])
        taken.append(place)
        axes.text(
            place[0], place[3], text, ha="left", va="bottom", fontsize=LABEL, color=text_colour(back),
            bbox={"facecolor": back, "edgecolor": "none", "pad": 0.8, "alpha": 0.9},
        )  # fmt: skip


def legend(drawn: Figure, names: Sequence[str], classes: Iterable[float], signs: Sequence[Artist]) -> None:
    """The colours of the classes that are to be seen, unless they repeat, and other signs."""
    seen = sorted({int(one) for one in classes}) if len(names) <= len(COLOURS) else []
    handles = [*(Patch(color=colour(i), label=names[i]) for i in seen), *signs]
    if handles:
        drawn.legend(handles=handles, loc="outside lower left", ncols=8, frameon=False, fontsize=9, labelcolor=SOFT)


def text_colour(back: str) -> str:
    """What is legible on a colour."""
    return "white" if np.dot(to_rgb(back), (0.299, 0.587, 0.114)) < 0.6 else INK


def places(row: np.ndarray, size: tuple[float, float], within: Place) -> list[Place]:
    """Where a label of this width and height may stand by its box, best first; all are within the image."""
    left, top, right, bottom = (float(v) for v in row[:4])
    across, down = size
    corners = [(left, top - down), (left, top), (left, bottom), (left, bottom - down), (right - across, top)]
    corners += [(right - across, bottom), (right, top), (left - across, top), (left, (top + bottom - down) / 2)]
    moved = [(max(min(x, within[2] - across), within[0]), max(min(y, within[3] - down), within[1])) for x, y in corners]
    return [(x, y, x + across, y + down) for x, y in moved]


def meets_any(place: Place, others: Iterable[Place]) -> bool:
    return any(meet(place, other) for other in others)


def meet(a: Place | np.ndarray, b: Place | np.ndarray) -> bool:
    """Whether two boxes overlap; what follows their four numbers does not count."""
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])
