"""Boxes as arrays (n, most, 5): left, top, right, bottom in pixels of the stored image, and the class; -1 without one.

Edges, not centres of pixels: x to the right, y down, a box over the whole image is 0, 0, width, height. The boxes of an
image stand from the smallest area to the largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.errors import UsageError, ZooError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

NUMBERS = 5  # of a box
SLACK = 1e-3  # pixels, of rounding


def class_names(data: Data) -> tuple[str, ...]:
    """The names of the classes, numbers where they have none."""
    return data.class_names or tuple(str(i) for i in range(data.num_classes or 1))


def most(data: Data) -> int:
    """Boxes that an image has room for."""
    from zoo.data.config import Boxes

    return (data.boxes or Boxes()).most


def packed(edges: Sequence[np.ndarray], classes: Sequence[Sequence[int]], room: int) -> np.ndarray:
    """The boxes of images, edges (k, 4) and class ids (k,) of each, as one array with room for so many an image."""
    import numpy as np

    y = np.full((len(edges), room, NUMBERS), -1, "float32")
    for row, boxes, ids in zip(y, edges, classes, strict=True):
        row[: len(ids), :4], row[: len(ids), 4] = boxes, ids
    return ordered(y)


def ordered(y: np.ndarray) -> np.ndarray:
    """The boxes of each image from the smallest to the largest, equal ones as they stood; empty rows come last."""
    import numpy as np

    wide, high = y[..., 2] - y[..., 0], y[..., 3] - y[..., 1]
    areas = np.where(y[..., 4] < 0, np.inf, wide * high)
    return np.take_along_axis(y, np.argsort(areas, axis=1, kind="stable")[..., None], axis=1)


def conformed(y: np.ndarray, data: Data, where: str) -> np.ndarray:
    """Boxes of any source as float32, in their order.

    Raises:
        UsageError: another shape. ZooError: a class that is none, a box without a size or out of the image; the first
            such row is named.
    """
    import numpy as np

    wanted = (most(data), NUMBERS)
    if y.shape[1:] != wanted:
        raise UsageError(
            f"{where}: an example has boxes of shape {list(y.shape[1:])}, the recipe says {list(wanted)}\n"
            f"each is left, top, right, bottom, class; --set data.boxes.most={y.shape[1] if y.ndim == 3 else 100}"
        )
    height, width = data.input_shape[:2]
    y = y.astype("float32")
    ids, classes = y[..., 4], len(class_names(data))
    nothing = (y == -1).all(axis=-1)
    within = (y[..., :2] >= -SLACK).all(axis=-1) & (y[..., 2] <= width + SLACK) & (y[..., 3] <= height + SLACK)
    whys = {
        "a number that is not finite": ~np.isfinite(y).all(axis=-1),
        f"a class that is none of 0 to {classes - 1}": ~((ids >= 0) & (ids < classes) & (ids == np.floor(ids))),
        "no width or no height": ~(y[..., 2:4] > y[..., :2]).all(axis=-1),
        f"an edge out of the image of {width}x{height} pixels": ~within,
    }
    for why, is_so in whys.items():
        if (bad := is_so & ~nothing).any():
            row, box = np.argwhere(bad)[0].tolist()
            raise ZooError(
                f"{where}: row {row}, box {y[row, box].tolist()} has {why} ({int(bad.sum())} such boxes)\n"
                "mend the source; each is left, top, right, bottom in pixels and class, all -1 where there is none"
            )
    return ordered(y)
