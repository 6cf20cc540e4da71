"""Which pixels count for an answer: class activation maps (Grad-CAM) and occlusion maps, of any image classifier.

Selvaraju et al. 2017, Grad-CAM: visual explanations from deep networks via gradient-based localization,
arXiv:1610.02391. Zeiler and Fergus 2014, Visualizing and understanding convolutional networks, section 4.2,
arXiv:1311.2901.

The functions take a `keras.Model` with a graph, from raw images (n, height, width, channels) to one answer (n, classes)
or (n, 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.catalogue.noting import noted
from zoo.errors import UsageError, unknown
from zoo.explain.layers import last_with_maps, named, over_image, sights, with_maps

if TYPE_CHECKING:
    import keras

METHODS = ("grad-cam", "occlusion")
AT_ONCE = 2**20  # numbers of images that go through the network together
ACROSS = 12  # places of the square that covers pixels, along the shorter side, about


class Answers(NamedTuple):
    """What a network says of images, a column a class: tensors (n, classes)."""

    shares: Any  # its output; of one unit (1 - p, p), or (-s, s) of a score
    scores: Any  # what goes into the softmax or sigmoid, of one unit (-s, s)


def answering(model: keras.Model) -> Callable[[Any], Answers]:
    """A function from images to the answers of a classifier.

    Raises:
        UsageError: the network has several answers, or several inputs.
    """
    from keras import ops

    from zoo.training.logits import with_logits

    if isinstance(model.output, (dict, list)) or isinstance(model.input, (dict, list)):
        raise UsageError(f"{model.name} has several inputs or answers; one image and one answer can be explained")
    if len(model.output.shape) != 2:
        raise UsageError(f"{model.name} gives {model.output.shape[1:]} for an image, and no answer a class")
    softmax, sigmoid = with_logits(model, "softmax"), with_logits(model, "sigmoid")
    forward, is_single = softmax or sigmoid, model.output.shape[-1] == 1

    def answer(x: Any) -> Answers:
        shares, scores = forward(x) if forward else (model(x, training=False),) * 2
        if not is_single:
            return Answers(shares, scores)
        other = 1 - shares if sigmoid else -shares
        return Answers(ops.concatenate([other, shares], axis=-1), ops.concatenate([-scores, scores], axis=-1))

    return answer


def shares(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What the network says of each class, (n, classes); of one unit (1 - p, p), or (-s, s) of a score."""
    answer = answering(model)
    return np.concatenate([_array(answer(part).shares) for part in _parts(images)])


def maps_of(
    model: keras.Model,
    images: np.ndarray,
    classes: Any = None,
    methods: Sequence[str] | None = None,
    layers: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Maps (n, height, width) over images by method, of several layers `grad-cam LAYER`.

    Args:
        classes: number of the class for each image, or one for all; by default the network's answers.
        methods: of `METHODS`; by default all that go with the network.
        layers: names of those that Grad-CAM looks at; by default the last that has maps.

    Raises:
        UsageError: a method or a layer that there is not, or that does not go with the network.
    """
    if layers and methods and "grad-cam" not in methods:
        raise UsageError("a layer says which maps Grad-CAM looks at; occlusion looks at none\nleave --layer away")
    found, fitting = {}, [one for one in METHODS if one != "grad-cam" or layers or with_maps(model)]
    for method in fitting if methods is None else methods:
        if method not in METHODS:
            raise unknown("method", method, METHODS, f"one of {', '.join(METHODS)}")
        if method == "occlusion":
            found[method] = occlusion(model, images, classes)
        elif layers:
            found |= {f"{method} {name}": grad_cam(model, images, classes, named(model, name)) for name in layers}
        else:
            found[method] = grad_cam(model, images, classes)
    return found


def grad_cam(
    model: keras.Model, images: np.ndarray, classes: Any = None, layer: Any = None, *, enlarge: bool = True
) -> np.ndarray:
    """Where the maps of a layer speak for a class: at least 0, (n, height, width), the same size as the images.

    The score of the class before the softmax is differentiated with respect to the maps; the mean of that over the
    positions is what a map counts, and of the weighted sum what is below 0 is cut off.

    Args:
        images: raw ones, as the model takes them.
        classes: number of the class for each image, or one for all; by default the network's answers.
        layer: of the model or of one inside; by default the last one that makes maps.
        enlarge: False gives the maps as small as the layer's, (n, rows, columns).

    Raises:
        UsageError: the network has no convolution, or nothing of the layer reaches the answer.
    """
    import tensorflow as tf

    images = np.asarray(images)
    layer, answer, found = layer or last_with_maps(model), answering(model), []
    for part, wanted in zip(_parts(images), _parts_of(classes, images), strict=True):
        with tf.GradientTape(watch_accessed_variables=False) as tape, noted(layer, tape.watch) as given:
            scores = answer(part).scores
            columns = tf.argmax(scores, axis=-1) if wanted is None else wanted
            score = tf.gather(scores, columns, batch_dims=1)
        slopes = tape.gradient(score, given[-1]) if given else None
        if slopes is None:
            raise UsageError(f"nothing that layer {layer.name} gives reaches the answer of {model.name}")
        counts = tf.reduce_mean(slopes, axis=(1, 2), keepdims=True)  # (n, 1, 1, channels)
        found.append(_array(tf.nn.relu(tf.reduce_sum(counts * given[-1], axis=-1))))  # (n, rows, columns)
    small = np.concatenate(found)
    return over_image(small, sights(model, layer), images.shape[1:3]) if enlarge else small


def occlusion(
    model: keras.Model, images: np.ndarray, classes: Any = None, *, window: int = 0, stride: int = 0
) -> np.ndarray:
    """How much of a class's probability is lost where pixels are covered, (n, height, width).

    A square in the image's mean colour moves over it; a pixel has the mean over the squares that cover it of the
    probability without the square less that with it. Below 0 what is covered spoke against the class. It takes
    `occlusion_passes` times the work of one answer.

    Args:
        images: raw ones, as the model takes them.
        classes: number of the class for each image, or one for all; by default the network's answers.
        window: side of the square in pixels; by default a quarter of the shorter side.
        stride: pixels from one place of it to the next; by default a third of the window.
    """
    images = np.asarray(images)
    answer, found = answering(model), []
    plain = shares(model, images)
    columns = plain.argmax(axis=-1) if classes is None else np.broadcast_to(classes, len(images))
    places = _places(images.shape[1:3], window, stride)
    for image, column, whole in zip(images, columns, plain, strict=True):
        covered = np.concatenate([_array(answer(part).shares)[:, column] for part in _covered(image, places)])
        lost, times = np.zeros(image.shape[:2]), np.zeros(image.shape[:2])
        for (rows, across), share in zip(places, covered, strict=True):
            lost[rows, across] += whole[column] - share
            times[rows, across] += 1
        found.append(lost / np.maximum(times, 1))
    return np.stack(found).astype("float32")


def occlusion_passes(size: tuple[int, ...], window: int = 0, stride: int = 0) -> int:
    """How many images an occlusion map of one image of `size` (height, width) takes through the network."""
    return 1 + len(_places(size, window, stride))


def _places(size: tuple[int, ...], window: int, stride: int) -> list[tuple[slice, slice]]:
    shorter = min(size[:2])
    window = min(window or max(1, round(shorter / 4)), shorter)
    stride = stride or max(1, round(shorter / ACROSS))
    rows, across = ([*range(0, side - window, stride), side - window] for side in size[:2])
    return [(slice(row, row + window), slice(column, column + window)) for row in rows for column in across]


def _covered(image: np.ndarray, places: list[tuple[slice, slice]]) -> Iterator[np.ndarray]:
    """The image with each of the places covered, some at once."""
    colour = image.mean(axis=(0, 1))
    colour = colour.round().astype(image.dtype) if image.dtype.kind in "iu" else colour
    for part in _parts(np.arange(len(places)), image.size):
        copies = np.repeat(image[None], len(part), axis=0)
        for copy, place in zip(copies, part, strict=True):
            copy[places[place]] = colour
        yield copies


def _parts(rows: np.ndarray, size: int = 0) -> Iterator[np.ndarray]:
    """As many rows at once as the memory holds; `size` are the numbers of one, where it is not its own."""
    most = max(1, min(256, AT_ONCE // max(size or rows[0].size, 1))) if len(rows) else 1
    for first in range(0, len(rows), most):
        yield rows[first : first + most]


def _parts_of(classes: Any, images: np.ndarray) -> Iterator[Any]:
    """The classes of the images of each part; None: those that are answered."""
    if classes is None:
        yield from (None for _ in _parts(images))
    else:
        yield from _parts(np.broadcast_to(np.asarray(classes, "int64"), len(images)), images[0].size)


def _array(tensor: Any) -> np.ndarray:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")))
