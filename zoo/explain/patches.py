"""What excites the channels of a layer most: the parts of images to which each answers most strongly.

Zeiler and Fergus 2014, Visualizing and understanding convolutional networks, figure 2, arXiv:1311.2901; patches as they
are, without the deconvolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.catalogue.noting import noted

if TYPE_CHECKING:
    import keras

    from zoo.explain.layers import Sights

MOST_NUMBERS = 2**25  # of the images that are looked at: 42,000 of 28x28 pixels, 200 of 224x224x3
FEWEST = 256
AT_ONCE = 256


class Exciting(NamedTuple):
    """For each channel of a layer the images that excite it most, the strongest first: arrays (channels, count)."""

    values: np.ndarray  # what the channel gives at its strongest place of the image
    images: np.ndarray  # the image's number
    rows: np.ndarray  # of the unit in the map
    columns: np.ndarray


def looked_at(count: int, size: int) -> int:
    """How many of so many images, of `size` numbers each, are looked at."""
    return min(count, max(FEWEST, MOST_NUMBERS // size))


def most_exciting(model: keras.Model, layer: Any, images: Any, count: int = 8) -> Exciting:
    """The `count` images that each channel of a layer answers to most, one place in each.

    Args:
        layer: one that gives maps, of the model or of one inside.
        images: raw ones, (n, height, width, channels), anything with a length that slices give arrays of.
        count: images a channel.
    """
    best: Exciting | None = None
    for first in range(0, len(images), AT_ONCE):
        maps = _maps(model, layer, images[first : first + AT_ONCE])  # (batch, rows, columns, channels)
        number, rows, columns, channels = maps.shape
        flat = maps.reshape(number, rows * columns, channels)
        at = flat.argmax(axis=1).T  # (channels, batch)
        numbers = np.broadcast_to(np.arange(first, first + number), at.shape)
        found = Exciting(flat.max(axis=1).T, numbers, at // columns, at % columns)
        joined = found if best is None else Exciting(*(np.hstack(pair) for pair in zip(best, found, strict=True)))
        order = np.argsort(-joined.values, axis=1, kind="stable")[:, :count]
        best = Exciting(*(np.take_along_axis(array, order, axis=1) for array in joined))
    assert best is not None, "there are no images"
    return best


def cut_out(exciting: Exciting, images: Any, seen: Sights | None) -> list[list[np.ndarray]]:
    """For each channel what its units saw, as far as it lies in the image; the whole image where `seen` is None."""
    strips = []
    for numbers, rows, columns in zip(exciting.images, exciting.rows, exciting.columns, strict=True):
        places = zip(numbers.tolist(), rows.tolist(), columns.tolist(), strict=True)
        strips.append([_cut(images[number], (row, column), seen) for number, row, column in places])
    return strips


def _cut(image: np.ndarray, unit: tuple[int, int], seen: Sights | None) -> np.ndarray:
    if seen is None:
        return image
    (top, bottom), (left, right) = (seen[axis].pixels(unit[axis], image.shape[axis]) for axis in (0, 1))
    return image[top:bottom, left:right]


def _maps(model: keras.Model, layer: Any, images: np.ndarray) -> np.ndarray:
    from keras import ops

    with noted(layer) as found:
        model(images, training=False)
    return np.asarray(ops.convert_to_numpy(ops.cast(found[-1], "float32")))
