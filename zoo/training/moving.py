"""Boxes that move with their images, and images put together from four with the boxes of all.

Boxes are (batch, most, 5): left, top, right, bottom in pixels, and the class, -1 where there is none.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

LEAST_SEEN = 0.3  # share of a box that stays in the image; of less nobody could say what it is
LEAST_SIDE = 1.0  # pixels
SPLIT = (0.3, 0.7)  # where the four images of a mosaic meet, as a share of each side
SCALE = (0.5, 1.0)  # of each of the four
GREY = 114  # where none of the four images reaches


def boxes(given: tf.Tensor, transforms: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Boxes after their images were warped: the smallest upright ones around what they were, cut at the border.

    Args:
        given: (batch, most, 5).
        transforms: output pixel -> input pixel, (batch, 8), as `zoo.training.augment.transforms` gives them.
        size: height and width of the images.
    """
    a0, a1, a2, b0, b1, b2 = tf.unstack(transforms[:, :6, None], axis=1)  # (batch, 1) each
    left, top, right, bottom = tf.unstack(given[..., :4] - 0.5, axis=-1)  # from edges to the middles of pixels
    x = tf.stack([left, right, left, right], axis=-1) - a2[..., None]  # (batch, most, 4), the corners
    y = tf.stack([top, top, bottom, bottom], axis=-1) - b2[..., None]
    whole = (a0 * b1 - a1 * b0)[..., None]
    across = (b1[..., None] * x - a1[..., None] * y) / whole + 0.5
    down = (a0[..., None] * y - b0[..., None] * x) / whole + 0.5
    low = tf.stack([tf.reduce_min(across, -1), tf.reduce_min(down, -1)], axis=-1)
    high = tf.stack([tf.reduce_max(across, -1), tf.reduce_max(down, -1)], axis=-1)
    frame = tf.constant([0.0, 0.0, size[1], size[0]], "float32")
    return cut(tf.concat([low, high, given[..., 4:]], axis=-1), frame)


def cut(given: tf.Tensor, frame: tf.Tensor) -> tf.Tensor:
    """Boxes (batch, most, 5) cut at a frame (..., 4) of edges; gone where too little of one is left of it."""
    low, high = given[..., :2], given[..., 2:4]
    inside_low, inside_high = tf.maximum(low, frame[..., :2]), tf.minimum(high, frame[..., 2:])
    sides = inside_high - inside_low
    seen = tf.reduce_prod(tf.maximum(sides, 0.0), -1) >= LEAST_SEEN * tf.reduce_prod(high - low, -1)
    stays = (given[..., 4] >= 0) & seen & tf.reduce_all(sides >= LEAST_SIDE, axis=-1)
    found = tf.concat([inside_low, inside_high, given[..., 4:]], axis=-1)
    return tf.where(stays[..., None], found, -1.0)


def mosaic(x: tf.Tensor, y: tf.Tensor, seed: int, step: tf.Tensor, share: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Some images of a batch replaced by four of it, an image and the three behind it, that meet in one point.

    Args:
        x: images (batch, height, width, channels).
        y: their boxes (batch, most, 5).
        seed: of what is drawn, with `step`: which images, where the four meet, and the scale of each.
        share: of the images that are replaced.

    Returns:
        Images of the same shape, and boxes (batch, 4 * most, 5).
    """
    batch, height, width, _ = x.shape
    drawn = tf.random.stateless_uniform((7, batch), [seed, -2 - 3 * step])
    size = tf.constant([width, height], "float32")
    meet = tf.round((SPLIT[0] + (SPLIT[1] - SPLIT[0]) * tf.transpose(drawn[1:3])) * size)  # (batch, 2): x, y
    scales = SCALE[0] + (SCALE[1] - SCALE[0]) * drawn[3:]  # (4, batch)
    columns, rows = tf.meshgrid(tf.range(width, dtype="float32"), tf.range(height, dtype="float32"))
    is_right = columns[None] >= meet[:, 0, None, None]  # (batch, height, width)
    is_low = rows[None] >= meet[:, 1, None, None]
    images, found = tf.zeros_like(x), []
    for number, scale in enumerate(tf.unstack(scales)):
        right, low = number % 2, number // 2
        # the corner of the image that lies in the meeting point
        corner = tf.constant([0.0 if right else width, 0.0 if low else height], "float32")
        offset = meet - corner * scale[:, None]  # (batch, 2), where the image's left top corner lies
        part, theirs = (tf.roll(array, -number, axis=0) for array in (x, y))
        here = (is_right == bool(right)) & (is_low == bool(low))
        images = tf.where(here[..., None], _placed(part, scale, offset), images)
        moved = theirs[..., :4] * scale[:, None, None] + tf.concat([offset, offset], axis=-1)[:, None]
        begin = tf.stack([meet[:, 0] if right else tf.zeros(batch), meet[:, 1] if low else tf.zeros(batch)], axis=-1)
        end = tf.stack(
            [tf.fill([batch], size[0]) if right else meet[:, 0], tf.fill([batch], size[1]) if low else meet[:, 1]],
            axis=-1,
        )
        found.append(cut(tf.concat([moved, theirs[..., 4:]], axis=-1), tf.concat([begin, end], axis=-1)[:, None]))
    joined = tf.concat(found, axis=1)  # (batch, 4 * most, 5)
    alone = tf.concat([y, tf.fill([batch, 3 * y.shape[1], 5], -1.0)], axis=1)
    chosen = drawn[0] < share
    return tf.where(chosen[:, None, None, None], images, x), tf.where(chosen[:, None, None], joined, alone)


def _placed(images: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor) -> Any:
    """Images made smaller, with their left top corner at `offset` (batch, 2); grey beyond them."""
    grown, none = 1.0 / scale, tf.zeros_like(scale)
    # output pixel -> input pixel, by the middles of pixels
    shift = -offset * grown[:, None] + 0.5 * grown[:, None] - 0.5
    transforms = tf.stack([grown, none, shift[:, 0], none, grown, shift[:, 1], none, none], axis=1)
    found = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, "float32"),
        transforms=transforms,
        output_shape=images.shape[1:3],
        fill_value=float(GREY),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.cast(tf.round(found) if images.dtype.is_integer else found, images.dtype)
