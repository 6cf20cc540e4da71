"""Boxes around what was found in images: beside the truth, by precision and recall, and where they are wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from zoo.drawing.boxes import DASHES, Place, labels, legend, meet, meets_any, outline, picture, places, text_colour
from zoo.drawing.style import COLOURS, FAINT, INK, SOFT, calm, captions, colour, figure, heading, names_or_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

MOST_IMAGES = 6
COLUMNS = 3
CELL = 4.6  # inches of an image
CURVES = 12  # of the best classes, and as many of the worst
CROPS = 8  # of a kind of mistake
AROUND = 0.6  # of a box's longer side, shown on each side of it
LEAST_CROP = 24  # pixels
COVERED = 0.25  # of an image, at most, by labels; the first one is written in any case
LINES = ("-", "--", ":")  # of curves, whose colours repeat
MEANT = {
    "missed": "objects that no answer finds",
    "doubled": "answers on an object that a surer one has found",
    "wrong class": "answers on an object of another class",
    "badly placed": "answers beside an object of their class",
    "background": "answers on nothing that is looked for",
}


class Detected(NamedTuple):
    """An image (height, width, channels) with its objects and the answers that are sure enough to be shown.

    `objects` (o, 5) are left, top, right, bottom in pixels and class id, `missed` (o,) those that no answer finds;
    `answers` (a, 6) have the confidence as well, and `right` (a,) are those that find an object.
    """

    image: np.ndarray
    objects: np.ndarray
    missed: np.ndarray
    answers: np.ndarray
    right: np.ndarray


def detections(shown: Sequence[Detected], class_names: Sequence[str], title: str, note: str = "") -> Figure:
    """Images with their objects, dashed, and the answers; missed objects are hatched, false answers crossed out."""
    shown, names = shown[:MOST_IMAGES], captions(class_names, len(class_names), longest=16)
    repeat = len(names) > len(COLOURS)
    columns = min(COLUMNS, max(1, len(shown)))
    down = max(1, -(-len(shown) // columns))
    drawn = figure(max(CELL * columns, 6.0), CELL * down * _tallness(shown) + 1.2)
    grid = drawn.subplots(down, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, one in zip(grid, shown, strict=False):
        picture(axes, one.image)
        for row, is_missed in zip(one.objects, one.missed, strict=True):
            outline(axes, row, dashed=True, hatched=bool(is_missed))
        for row, is_right in zip(one.answers[::-1], one.right[::-1], strict=True):
            outline(axes, row, crossed=not is_right)
        said = [(row, f"{names[int(row[4])]} {row[5]:.2f}") for row in one.answers]
        lost = [(row, f"missed {names[int(row[4])]}" if repeat else "missed") for row in one.objects[one.missed]]
        labels(axes, [*said, *lost], one.image.shape[1], CELL)
    classes = [row[4] for one in shown for row in (*one.objects, *one.answers)]
    signs = [
        Line2D([], [], color=INK, linewidth=1.6, label="answer"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=DASHES, label="truth"),
        Patch(facecolor="none", edgecolor=INK, hatch="////", label="missed"),
        Line2D([], [], color=INK, linestyle="none", marker="x", label="false answer"),
    ]
    legend(drawn, names, classes, signs)
    heading(drawn, title, note)
    return drawn


def precision_recall(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], class_names: Sequence[str], aps: Sequence[float], title: str
) -> Figure:
    """Precision over recall, a curve a class, with its average precision.

    Args:
        curves: of each class recall and precision, each (answers,).
        class_names: of the classes.
        aps: the average precision of each class; one that is not a number leaves the class out.
        title: of the picture.
    """
    names = captions(class_names, len(class_names))
    drawn = figure(7.6, 5.0)
    axes = calm(drawn.add_subplot())
    known = sorted(np.flatnonzero(np.isfinite(aps)).tolist(), key=lambda i: -aps[i])
    note = ""
    if len(known) > 2 * CURVES:
        note = f"of {len(known)} classes the {CURVES} of the highest and the {CURVES} of the lowest average precision"
        known = [*known[:CURVES], *known[-CURVES:]]
    for i in known:
        recall, precision = curves[i]
        over, up = np.append(np.zeros(len(recall[:1])), recall), np.append(precision[:1], precision)
        line, label = LINES[i // len(COLOURS) % len(LINES)], f"{names[i]} {aps[i]:.3f}"
        axes.plot(over, up, line, drawstyle="steps-pre", color=colour(i), linewidth=1.6, label=label)
        axes.plot(recall[-1:], precision[-1:], "o", color=colour(i), markersize=4)
    axes.set(xlim=(0, 1.01), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    if known:
        legend = drawn.legend(loc="outside right upper", frameon=False, fontsize=9, labelcolor=SOFT)
        legend.set_title("average precision", {"size": 9})
    heading(drawn, title, note)
    return drawn


def mistakes(
    images: Sequence[np.ndarray] | np.ndarray,
    kinds: Mapping[str, np.ndarray],
    class_names: Sequence[str],
    title: str,
    truth: np.ndarray | None = None,
    counts: Mapping[str, int] | None = None,
) -> Figure:
    """Mistakes by kind, a row each with their number: the first ones, cut out of their images with some surroundings.

    Args:
        images: n of (height, width, channels).
        kinds: of each kind (mistakes, 7): image, left, top, right, bottom, class id, confidence; missed objects are
            dashed and have no confidence.
        class_names: of the classes.
        title: of the picture.
        truth: (n, most, 5), the objects of each image; those that an answer touches are drawn dashed.
        counts: how many there are of each kind, where `kinds` has only some of them.
    """
    names = captions(class_names, len(class_names), longest=14)
    drawn = figure(1.5 * CROPS, 1.95 * len(kinds) + 0.7)
    for line, (kind, rows) in zip(drawn.subfigures(len(kinds), 1, squeeze=False)[:, 0], kinds.items(), strict=True):
        meant = f": {MEANT[kind]}" if kind in MEANT else ""
        line.suptitle(
            f"{counts[kind] if counts else len(rows):,} {kind}{meant}", x=0.01, ha="left", fontsize=10, color=INK
        )
        cells = line.subplots(1, CROPS, squeeze=False)[0]
        for axes in cells:
            axes.set_axis_off()
        for axes, row in zip(cells, rows, strict=False):
            image, box = int(row[0]), row[1:]
            objects = () if truth is None or kind == "missed" else truth[image][truth[image][:, 4] >= 0]
            _crop(axes, images[image], box, objects, kind == "missed")
            caption = names[int(box[4])] + ("" if kind == "missed" else f" {box[5]:.2f}")
            axes.text(0.5, -0.03, caption, transform=axes.transAxes, ha="center", va="top", fontsize=8, color=SOFT)
    legend(drawn, names, [row[5] for rows in kinds.values() for row in rows[:CROPS]], [])
    heading(drawn, title, "each row: the surest first (missed: the largest); dashed: what is true")
    return drawn


def picture_of_boxes(image: np.ndarray, boxes: np.ndarray, class_names: Sequence[str]) -> bytes:
    """An image as a PNG of its own size, with the outlines of boxes, their classes and confidences on it.

    Where many boxes leave no room for all their labels, the first ones have them; the others have their class's colour.

    Args:
        image: uint8 (height, width, 1 or 3).
        boxes: (found, 6), left, top, right, bottom in pixels of the image, class id, confidence; the surest first.
        class_names: of the classes.
    """
    from PIL import Image, ImageDraw

    drawn = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("RGB")
    brush, width = ImageDraw.Draw(drawn), max(1, round(min(drawn.size) / 400))
    names = names_or_numbers(class_names, len(class_names))
    seen = [(row, corners) for row in boxes if (corners := _within(row, drawn.size))]
    for row, (left, top, right, bottom) in reversed(seen):
        brush.rectangle((left - width, top - width, right + width, bottom + width), outline="white", width=width)
        brush.rectangle((left, top, right, bottom), outline=colour(int(row[4])), width=width)
    _write(brush, [(row, f"{names[int(row[4])]} {row[5]:.2f}") for row, _ in seen], drawn.size)
    buffer = BytesIO()
    drawn.save(buffer, format="PNG")
    return buffer.getvalue()


def _tallness(shown: Sequence[Detected]) -> float:
    """Height by width of the tallest image, within what a page can bear."""
    return min(max([one.image.shape[0] / one.image.shape[1] for one in shown] or [0.4]), 1.6)


def _crop(axes: Axes, image: np.ndarray, box: np.ndarray, objects: Iterable[np.ndarray], is_missed: bool) -> None:
    """A square around a box, with the objects that the box touches."""
    middle, longer = (box[:2] + box[2:4]) / 2, float(max(box[2] - box[0], box[3] - box[1]))
    half = max(longer * (0.5 + AROUND), LEAST_CROP / 2)
    height, width = image.shape[:2]
    left, top = (int(np.clip(np.floor(v - half), 0, side - 1)) for v, side in zip(middle, (width, height), strict=True))
    right, bottom = (int(np.ceil(v + half)) for v in middle)
    right, bottom = min(max(right, left + 1), width), min(max(bottom, top + 1), height)
    picture(axes, image[top:bottom, left:right], left, top)
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half), facecolor=FAINT)
    for row in objects:
        if meet(row, box):
            outline(axes, row, dashed=True)
    outline(axes, box, dashed=is_missed)


def _font(size: int) -> FreeTypeFont:
    """The font of all pictures, in pixels."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf", size)


def _within(row: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """First and last pixels of a box that lie in the image, or None."""
    if not np.isfinite(row).all():
        return None
    left, top = (max(0, round(float(v))) for v in row[:2])
    right, bottom = (min(side, round(float(v))) - 1 for v, side in zip(row[2:4], size, strict=True))
    return (left, top, right, bottom) if left <= right and top <= bottom else None


def _cut(text: str, font: FreeTypeFont, width: int) -> str:
    """As much of the beginning as fits into so many pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _write(brush: ImageDraw, rows: Sequence[tuple[np.ndarray, str]], size: tuple[int, int]) -> None:
    """Labels of boxes within an image of this width and height, as far as there is room for them."""
    font = _font(max(8, round(min(size) / 45)))
    pad, room = max(1, round(font.size / 8)), COVERED * size[0] * size[1]
    taken: list[Place] = []
    for row, text in rows:
        text, back = _cut(text, font, size[0] - 2 * pad), colour(int(row[4]))
        across, down = math.ceil(font.getlength(text)) + 2 * pad, sum(font.getmetrics()) + 1
        free = [one for one in places(row, (across, down), (0, 0, *size)) if not meets_any(one, taken)]
        room -= across * down
        if not free or (taken and room < 0):
            continue
        taken.append(free[0])
        left, top, right, bottom = map(round, free[0])
        brush.rectangle((left, top, right - 1, bottom - 1), fill=back)
        brush.text((left + pad, top), text, fill=text_colour(back), font=font)
