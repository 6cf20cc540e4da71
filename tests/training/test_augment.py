"""Augmentation by hand: what one warp does to pixels, and that it is drawn from (seed, step) alone."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from zoo.data.config import Augmentation
from zoo.training.augment import _transforms, make_augment

IMAGES = np.arange(2 * 6 * 6).reshape(2, 6, 6, 1).astype("uint8")


def warp(images, transforms):
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images.astype("float32"), transforms=transforms, output_shape=images.shape[1:3], fill_value=0.0,
        interpolation="BILINEAR", fill_mode="NEAREST",
    ).numpy().round()  # fmt: skip


def drawn(settings, **draws):
    names = ("rotate", "zoom", "flip", "x", "y")
    table = tf.constant([[draws.get(name, 0.0)] * 2 for name in names], "float32")  # (5, batch)
    return warp(IMAGES, _transforms(settings, table, 6, 6))


def test_nothing_drawn_leaves_the_image():
    assert (drawn(Augmentation(shift=2, rotate=30, zoom=0.2)) == IMAGES).all()


def test_shift_moves_by_whole_pixels_and_repeats_the_edge():
    moved = drawn(Augmentation(shift=2), x=1.0)  # output pixel x shows input pixel x + 2
    assert (moved[:, :, :4] == IMAGES[:, :, 2:]).all()
    assert (moved[:, :, 4:] == IMAGES[:, :, 5:6]).all()


def test_flip_mirrors():
    assert (drawn(Augmentation(flip=True), flip=-1.0) == IMAGES[:, :, ::-1]).all()
    assert (drawn(Augmentation(flip=True), flip=1.0) == IMAGES).all()


def test_a_quarter_turn_is_a_quarter_turn():
    assert (drawn(Augmentation(rotate=90), rotate=1.0) == np.rot90(IMAGES, 1, axes=(1, 2))).all()


def test_draws_depend_on_seed_and_step_only():
    augment = make_augment(Augmentation(shift=2, rotate=20, zoom=0.1, flip=True), seed=1)
    one, again, later = (augment(tf.constant(IMAGES), tf.constant(step)).numpy() for step in (5, 5, 6))
    assert (one == again).all() and (one != later).any()
    other = make_augment(Augmentation(shift=2, rotate=20, zoom=0.1, flip=True), seed=2)
    assert (other(tf.constant(IMAGES), tf.constant(5)).numpy() != one).any()
    assert (one[0] != one[1] - 36).any()  # two images of a batch are not moved alike
    assert make_augment(Augmentation(), seed=1) is None
