"""Random changes to a batch of training images: one warp for shift, rotation, zoom and flip together.

Every number is drawn from (seed, step), so a run and its repetition see the same images, and each epoch others.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from zoo.data.config import Augmentation

Augment = Callable[..., tf.Tensor]


def make_augment(settings: Augmentation, seed: int) -> Augment | None:
    """A function (images (batch, height, width, channels), step) -> images of the same shape and dtype, or None.

    A replica says of which `batch` its images are a part and where their `first` stands in it, so that they are drawn
    as in the whole batch.
    """
    if not settings.active:
        return None

    def augment(images: tf.Tensor, step: tf.Tensor, batch: int | None = None, first: int = 0) -> tf.Tensor:
        count, height, width = tf.shape(images)[0], images.shape[1], images.shape[2]
        draws = tf.random.stateless_uniform((5, batch or count), [seed, step], -1.0, 1.0)  # (5, batch)
        if batch is not None:
            draws = draws[:, first : first + count]  # (5, share)
        transforms = _transforms(settings, draws, height, width)  # (batch, 8)
        warped = tf.raw_ops.ImageProjectiveTransformV3(
            images=tf.cast(images, tf.float32),
            transforms=transforms,
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
        whole = tf.round(warped) if images.dtype.is_integer else warped
        return tf.ensure_shape(tf.cast(whole, images.dtype), images.shape)

    return augment


def _transforms(settings: Augmentation, draws: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Output pixel -> input pixel, as the eight numbers of a projective transform an image: (batch, 8)."""
    angle = draws[0] * settings.rotate * 3.141592653589793 / 180.0
    scale = 1.0 + draws[1] * settings.zoom
    mirror = tf.where((draws[2] < 0.0) & settings.flip, -1.0, 1.0)
    a0, a1 = mirror * scale * tf.cos(angle), -scale * tf.sin(angle)
    b0, b1 = mirror * scale * tf.sin(angle), scale * tf.cos(angle)
    middle_x, middle_y = (width - 1) / 2.0, (height - 1) / 2.0
    a2 = middle_x - a0 * middle_x - a1 * middle_y + draws[3] * settings.shift
    b2 = middle_y - b0 * middle_x - b1 * middle_y + draws[4] * settings.shift
    zero = tf.zeros_like(angle)
    return tf.stack([a0, a1, a2, b0, b1, b2, zero, zero], axis=1)
