"""Augmentation by hand: what one warp does to pixels, and that it is drawn from (seed, step) alone."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from zoo.data.config import Augmentation
from zoo.data.fields import VOID, Field, Fields
from zoo.training.augment import FLIPS, beside_inputs, make_augment, transforms

IMAGES = np.arange(2 * 6 * 6).reshape(2, 6, 6, 1).astype("uint8")

FIELDS = Fields((Field("x", "image", IMAGES.shape[1:], "uint8"),), (Field("y", "label", (), "int32"),))


def warp(images, transforms):
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images.astype("float32"), transforms=transforms, output_shape=images.shape[1:3], fill_value=0.0,
        interpolation="BILINEAR", fill_mode="NEAREST",
    ).numpy().round()  # fmt: skip


def drawn(settings, **draws):
    names = ("rotate", "zoom", "flip", "x", "y")
    table = tf.constant([[draws.get(name, 0.0)] * 2 for name in names], "float32")  # (5, batch)
    amounts = settings.shift, settings.rotate, settings.zoom, settings.flip
    return warp(IMAGES, transforms(table, 6, 6, *amounts))


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
    settings = Augmentation(shift=2, rotate=20, zoom=0.1, flip=True)
    labels = tf.zeros(len(IMAGES), "int32")

    def changed(seed, step):
        return make_augment(settings, seed, FIELDS)(tf.constant(IMAGES), labels, tf.constant(step), len(IMAGES), 0)

    one, again, later = (changed(1, step)[0].numpy() for step in (5, 5, 6))
    assert (one == again).all() and (one != later).any()
    assert (changed(2, 5)[0].numpy() != one).any() and changed(1, 5)[1] is labels
    assert (one[0] != one[1] - 36).any()  # two images of a batch are not moved alike
    assert make_augment(Augmentation(), 1, FIELDS) is None


def test_a_mask_is_warped_with_its_image():
    """By the same numbers, and to values that it has: no class between two others, and none beyond the border."""
    masks = np.repeat(np.uint8([[0] * 4 + [7] * 4] * 8)[None, ..., None], 6, axis=0)
    fields = Fields((Field("x", "image", (8, 8, 1), "uint8"),), (Field("y", "mask", (8, 8, 1), "uint8"),))
    augment = make_augment(Augmentation(shift=2, flip=True), 1, fields)
    image, mask = augment(tf.constant(masks * 30), tf.constant(masks), tf.constant(3), 6, 0)
    assert set(np.unique(mask)) == {0, 7, VOID} and (mask != masks).numpy().any()
    known = mask.numpy() != VOID
    assert (np.abs(image.numpy() / 30.0 - mask.numpy())[known] <= 3.5).all()  # the edge itself is between two pixels
    part, _ = augment(tf.constant(masks[2:4] * 30), tf.constant(masks[2:4]), tf.constant(3), 6, 2)
    assert (part.numpy() == image.numpy()[2:4]).all()


def test_quarter_turns_move_whole_pixels_and_take_the_mask_along():
    images = np.random.default_rng(0).integers(0, 256, (64, 6, 6, 1)).astype("uint8")
    fields = Fields((Field("x", "image", (6, 6, 1), "uint8"),), (Field("y", "mask", (6, 6, 1), "uint8"),))
    augment = make_augment(Augmentation(quarter_turns=True), 1, fields)
    turned, masks = (
        array.numpy() for array in augment(tf.constant(images), tf.constant(images), tf.constant(3), 64, 0)
    )
    assert (turned == masks).all()
    ways = [
        [(np.rot90(image, k) == other).all() for k in range(4)] for image, other in zip(images, turned, strict=True)
    ]
    assert (np.sum(ways, axis=1) == 1).all() and (np.sum(ways, axis=0) > 5).all()  # each of the four comes


def test_flips_in_turn_mirror_each_image_in_every_second_epoch():
    """Of four epochs of three steps each: whatever order the examples come in, and on whatever share of a batch."""
    settings, images = Augmentation(flip="alternate"), np.random.default_rng(0).integers(0, 256, (40, 4, 6, 1), "uint8")
    fields = Fields((Field("x", "image", (4, 6, 1), "uint8"),), FIELDS.targets)
    beside, augment = beside_inputs(settings, 7, 40), make_augment(settings, 7, fields, steps=3)
    for epoch in range(4):
        rows = np.random.default_rng(epoch).permutation(40)[:20]
        x = {"x": tf.constant(images[rows]), FLIPS: tf.constant(beside[FLIPS][rows])}
        found, _ = augment(x, tf.zeros(20, "int32"), tf.constant(3 * epoch + 2), 20, 0)
        mirrored = (beside[FLIPS][rows] + epoch) % 2 == 1
        wanted = np.where(mirrored[:, None, None, None], images[rows][:, :, ::-1], images[rows])
        assert (found.numpy() == wanted).all()
        share = {name: array[5:12] for name, array in x.items()}
        part, _ = augment(share, tf.zeros(7, "int32"), tf.constant(3 * epoch), 20, 5)
        assert (part.numpy() == wanted[5:12]).all()


def test_flips_in_turn_are_drawn_from_the_seed_and_the_number_of_the_example():
    settings = Augmentation(flip="alternate")
    one, again, other = (beside_inputs(settings, seed, 1000)[FLIPS] for seed in (1, 1, 2))
    assert (one == again).all() and (one != other).mean() > 0.4 and 450 < one.sum() < 550
    assert (beside_inputs(settings, 1, 10)[FLIPS] == one[:10]).all()
    assert beside_inputs(Augmentation(flip=True), 1, 1000) == {}
