"""Random changes to a batch of training images: one warp for shift, rotation, zoom and flip together.

Every number is drawn from (seed, step), so a run and its repetition see the same images, and each epoch others. Flips
in turn are of (seed, number of the example): in half of the examples those of even epochs, else those of odd ones. What
lies over an image, such as a mask, is warped by the same numbers; the role of a field says how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from zoo.data.config import Augmentation
from zoo.data.examples import only
from zoo.data.fields import Field, Fields
from zoo.training import moving


@dataclass(frozen=True)
class Augment:
    """Changes x and y of a share of a batch of so many examples that begins at its example `first`."""

    change: Callable[[Any, Any, tf.Tensor, int, int], tuple[Any, Any]]
    across_examples: bool = False  # whether an example becomes part of another, so that a share is not enough

    def __call__(self, x: Any, y: Any, step: tf.Tensor, batch_size: int, first: int) -> tuple[Any, Any]:
        """x and y after it; `step` is counted through all epochs."""
        return self.change(x, y, step, batch_size, first)


FLIPS = "flips"  # an array beside the inputs, for flips in turn; the network never sees it


def beside_inputs(settings: Augmentation, seed: int, examples: int) -> dict[str, np.ndarray]:
    """What augmentation must know of each example: for flips in turn whether it is mirrored in even epochs, uint8."""
    if settings.flip != "alternate":
        return {}
    random = np.random.Generator(np.random.Philox(key=[seed, 2**31]))  # no epoch has this number
    return {FLIPS: random.integers(0, 2, examples, dtype="uint8")}


def make_augment(settings: Augmentation, seed: int, fields: Fields, steps: int = 1) -> Augment | None:
    """What changes x and y, which keep their shapes and dtypes, or None.

    x and y are those of a share of a batch that begins at its example `first`: they are changed as in the whole batch.
    With flips in turn x also holds `beside_inputs`; an epoch has so many `steps`. Where images are put together from
    several, they have the boxes of four.
    """
    if not settings.active:
        return None
    in_turn = settings.flip == "alternate"
    height, width = next((field.shape[:2] for field in fields.inputs if field.has_pixels), (0, 0))

    def augment(x: Any, y: Any, step: tf.Tensor, batch_size: int, first: int) -> tuple[Any, Any]:
        draws = draw(seed, step, batch_size, settings.quarter_turns)
        if in_turn:
            mirrored = (tf.cast(x[FLIPS], "int32") + step // steps) % 2  # (share,)
            x = only({name: array for name, array in x.items() if name != FLIPS})

        amounts = settings.shift, settings.rotate, settings.zoom, bool(settings.flip)

        def changed_by(array: tf.Tensor, field: Field) -> tf.Tensor:
            drawn = draws[:, first : first + array.shape[0]]
            if in_turn:
                drawn = tf.concat([drawn[:2], tf.cast(-mirrored[None], "float32"), drawn[3:]], axis=0)
            if field.has_boxes:
                return moving.boxes(array, transforms(drawn, height, width, *amounts), (height, width))
            return array if field.warp is None else warped(array, drawn, *amounts, *field.warp)

        def changed(arrays: Any, described: tuple[Field, ...]) -> Any:
            if not isinstance(arrays, dict):
                arrays = {described[0].name: arrays}
            known = {field.name: field for field in described}
            return only(
                {name: changed_by(array, known[name]) if name in known else array for name, array in arrays.items()}
            )

        if settings.mosaic:
            x, y = moving.mosaic(x, y, seed, step, settings.mosaic)
        return changed(x, fields.inputs), changed(y, fields.targets)

    return Augment(augment, across_examples=settings.mosaic > 0)


def draw(seed: int, step: tf.Tensor, batch_size: int, quarter_turns: bool = False) -> tf.Tensor:
    """Numbers from -1 to 1 for a batch, (5, batch): turn, scale, flip and shifts; `quarter_turns`: a sixth, 0 to 3."""
    draws = tf.random.stateless_uniform((5, batch_size), [seed, step], -1.0, 1.0)  # (5, batch)
    if not quarter_turns:
        return draws
    turns = tf.random.stateless_uniform((1, batch_size), [seed, -1 - step], 0, 4, "int32")
    return tf.concat([draws, tf.cast(turns, "float32")], axis=0)  # (6, batch)


def warped(
    images: tf.Tensor,
    draws: tf.Tensor,
    shift: float,
    rotate: float,
    zoom: float,
    flip: bool,
    interpolation: str = "BILINEAR",
    fill_mode: str = "NEAREST",
    beyond: float = 0.0,
) -> tf.Tensor:
    """Images (batch, height, width, channels) changed by their draws: by up to `shift` pixels, `rotate` degrees ..."""
    height, width = images.shape[1], images.shape[2]
    found = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transforms(draws, height, width, shift, rotate, zoom, flip),  # (batch, 8)
        output_shape=[height, width],
        fill_value=beyond,
        interpolation=interpolation,
        fill_mode=fill_mode,
    )
    whole = tf.round(found) if images.dtype.is_integer else found
    return tf.ensure_shape(tf.cast(whole, images.dtype), images.shape)


def transforms(
    draws: tf.Tensor, height: int, width: int, shift: float, rotate: float, zoom: float, flip: bool
) -> tf.Tensor:
    """Output pixel -> input pixel, as the eight numbers of a projective transform an image: (batch, 8)."""
    angle = draws[0] * rotate * 3.141592653589793 / 180.0
    if draws.shape[0] == 6:
        angle += draws[5] * 3.141592653589793 / 2.0
    scale = 1.0 + draws[1] * zoom
    mirror = tf.where((draws[2] < 0.0) & flip, -1.0, 1.0)
    a0, a1 = mirror * scale * tf.cos(angle), -scale * tf.sin(angle)
    b0, b1 = mirror * scale * tf.sin(angle), scale * tf.cos(angle)
    middle_x, middle_y = (width - 1) / 2.0, (height - 1) / 2.0
    a2 = middle_x - a0 * middle_x - a1 * middle_y + draws[3] * shift
    b2 = middle_y - b0 * middle_x - b1 * middle_y + draws[4] * shift
    zero = tf.zeros_like(angle)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)
