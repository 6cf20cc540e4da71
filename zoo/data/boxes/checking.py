"""Boxes as they are written, brought into pixels of the upright image; those that are none are dropped, or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zoo.data.boxes.labelled import Form, Found, Labelled, note
from zoo.data.folder import each, head
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

BEYOND = 1 + 1e-6  # pixels beyond an image's border that are cut off without a word
LEAST = 0.01  # pixels of a side
MOST_BAD, MOST_SHARE = 2, 0.01  # boxes that may be dropped: so many, and so many of all
ORIENTATION, SIDEWAYS = 0x0112, (5, 6, 7, 8)  # of a camera, in EXIF


class Boxed(NamedTuple):
    """An image and the boxes in it."""

    image: Path
    size: tuple[int, int]  # width and height, upright
    is_grey: bool
    names: tuple[str, ...]  # of the boxes' classes
    edges: np.ndarray  # (n, 4) float64: left, top, right, bottom in pixels


def checked(found: Found) -> dict[str, list[Boxed]]:
    """The images of each part with their boxes, cut at the border where they go a pixel beyond it.

    Boxes without a size, and those that reach further out, are dropped, which a note tells.

    Raises:
        UsageError: more than two boxes and 1 % of all would be dropped; a file of boxes that is not of its image;
            files that are no images.
    """
    images = found.all
    heads = dict(zip((one.image for one in images), each([one.image for one in images], _head), strict=True))
    parts: dict[str, list[Boxed]] = {}
    bad: list[str] = []
    other_sizes = []
    for name, part in found.parts.items():
        parts[name] = []
        for one in part:
            size, is_grey = heads[one.image]
            edges = found.form.edges(one.written, size)
            if one.size not in (None, size):
                _refuse_other_image(one, edges, size)
                other_sizes.append(one.place.name)
            edges, wrong = _cut(edges, size)
            kept = [i for i, why in enumerate(wrong) if not why]
            bad += _told(one, wrong, found.form)
            parts[name].append(Boxed(one.image, size, is_grey, tuple(one.names[i] for i in kept), edges[kept]))
    _refuse_many(bad, sum(len(one.names) for one in images), found.form)
    if other_sizes:
        some = f"{len(other_sizes):,} files of boxes state another size than their image has, such as {other_sizes[0]}"
        note(f"{some}; the images' own sizes count")
    return parts


def _head(image: Image.Image) -> tuple[tuple[int, int], bool]:
    """Width and height of the upright image, and whether it is grey."""
    from PIL import Image

    (width, height), grey = head(image)
    turned = Image.Image.getexif(image).get(ORIENTATION) in SIDEWAYS  # of the head alone; nothing is decoded
    return (height, width) if turned else (width, height), grey


def _cut(edges: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, list[str]]:
    """Boxes cut at the border, and what is wrong with each: nothing of most."""
    import numpy as np

    width, height = size
    inside = np.clip(edges, 0, (width, height, width, height))
    beyond = (np.abs(inside - edges) > BEYOND).any(axis=1)
    flat = (edges[:, 2:] - edges[:, :2] < LEAST).any(axis=1)
    gone = (inside[:, 2:] - inside[:, :2] < LEAST).any(axis=1)
    whys = {"has no width or no height": flat, f"reaches out of the image of {width}x{height} pixels": beyond | gone}
    return inside, [next((why for why, fits in whys.items() if fits[i]), "") for i in range(len(edges))]


def _told(one: Labelled, wrong: Sequence[str], form: Form) -> Iterator[str]:
    for number, name, written, why in zip(one.numbers, one.names, one.written.tolist(), wrong, strict=True):
        if why:
            numbers = ", ".join(f"{value:g}" for value in written)
            yield f"{one.place}, {form.counted} {number} ({name}): {numbers} {why}"


def _refuse_other_image(one: Labelled, edges: np.ndarray, size: tuple[int, int]) -> None:
    """Where the size that is written is not that of the image: boxes that do not fit were drawn in another one."""
    import numpy as np

    outside = (edges < -BEYOND) | (edges > np.add((*size, *size), BEYOND))
    if outside.any():
        assert one.size is not None
        said, has = ("x".join(map(str, sides)) for sides in (one.size, size))
        raise UsageError(
            f"{one.place} is for an image of {said} pixels, {one.image} has {has}, and boxes reach out of it\n"
            "put the image back in its place, or scale the boxes"
        )


def _refuse_many(bad: Sequence[str], total: int, form: Form) -> None:
    if not bad:
        return
    some = "; ".join(bad[:3]) + (f"; and {len(bad) - 3} more" if len(bad) > 3 else "")
    if len(bad) > MOST_BAD and len(bad) > MOST_SHARE * total:
        raise UsageError(
            f"{len(bad):,} of {total:,} boxes are none: {some}\n"
            f"{form.name} has {form.numbers}: mend the boxes, or write them so"
        )
    note(f"{len(bad):,} of {total:,} boxes {'is' if len(bad) == 1 else 'are'} dropped: {some}")
