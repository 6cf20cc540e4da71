"""Boxes that move with their images: painted boxes are moved like the images, and have to lie where the paint is."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from zoo.data.config import Augmentation
from zoo.data.fields import Field, Fields
from zoo.training import moving
from zoo.training.augment import draw, make_augment, transforms, warped

HEIGHT, WIDTH = 48, 64
FIELDS = Fields((Field("x", "image", (HEIGHT, WIDTH, 1), "uint8"),), (Field("y", "boxes", (3, 5), "float32"),))
NONE = [-1.0] * 5


def batch(boxes):
    """Images with one box each, painted white on black, and the boxes (batch, 3, 5)."""
    x, y = np.zeros((len(boxes), HEIGHT, WIDTH, 1), "uint8"), []
    for image, (left, top, right, bottom) in zip(x, boxes, strict=True):
        image[top:bottom, left:right] = 255
        y.append([[left, top, right, bottom, 2], NONE, NONE])
    return tf.constant(x), tf.constant(y, "float32")


def painted(image):
    """Left, top, right and bottom of what is at least half white."""
    rows, columns = np.nonzero(np.asarray(image)[..., 0] >= 128)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def random_boxes(count, seed=0):
    random = np.random.default_rng(seed)
    left, top = random.integers(14, 30, count), random.integers(12, 22, count)
    return [
        (x, y, x + w, y + h)
        for x, y, w, h in zip(left, top, random.integers(6, 16, count), random.integers(6, 12, count), strict=True)
    ]


@pytest.mark.parametrize(
    "settings",
    [
        Augmentation(flip=True),
        Augmentation(shift=6),
        Augmentation(zoom=0.4),
        Augmentation(shift=4, zoom=0.3, flip=True),
    ],
)
def test_boxes_lie_where_the_painted_images_went(settings):
    x, y = batch(random_boxes(32))
    images, boxes = make_augment(settings, 3, FIELDS)(x, y, tf.constant(5), 32, 0)
    assert (images.numpy() != x.numpy()).any()
    for image, (found, *others) in zip(images.numpy(), boxes.numpy(), strict=True):
        assert found[4] == 2 and (np.array(others) == -1).all()
        assert np.abs(np.array(painted(image)) - found[:4]).max() <= 1.0  # half a pixel of rounding at each edge


def test_a_mirror_image_has_the_box_mirrored_exactly():
    x, y = batch([(3, 5, 20, 30)])
    images, boxes = (warped(x, flipped(), 0, 0, 0, True), moving.boxes(y, warp_of(flipped()), (HEIGHT, WIDTH)))
    np.testing.assert_allclose(boxes[0, 0], [WIDTH - 20, 5, WIDTH - 3, 30, 2], atol=1e-4)
    assert painted(images[0]) == (WIDTH - 20, 5, WIDTH - 3, 30)


def flipped():
    return tf.constant([[0.0], [0.0], [-1.0], [0.0], [0.0]])


def warp_of(draws):
    return transforms(draws, HEIGHT, WIDTH, 0, 0, 0, True)


def test_a_turned_box_is_the_upright_one_around_its_corners():
    """30 degrees about the middle: a square of 20 pixels there becomes one of 20 (cos 30 + sin 30)."""
    _, y = batch([(22, 14, 42, 34)])
    turned = moving.boxes(y, transforms(tf.ones((5, 1)), HEIGHT, WIDTH, 0, 30, 0, False), (HEIGHT, WIDTH))
    side = 20 * (np.cos(np.pi / 6) + np.sin(np.pi / 6))
    np.testing.assert_allclose(
        turned[0, 0, :4], [32 - side / 2, 24 - side / 2, 32 + side / 2, 24 + side / 2], atol=1e-3
    )


def test_what_leaves_the_image_is_cut_and_with_too_little_left_gone():
    y = tf.constant([[[0, 0, 10, 10, 1], [20, 20, 30, 30, 0], [54, 20, 64, 30, 2]]], "float32")
    shifted = moving.boxes(
        y, transforms(tf.constant([[0.0], [0], [1], [1], [0]]), HEIGHT, WIDTH, 6, 0, 0, False), (HEIGHT, WIDTH)
    )
    # output pixel x shows input pixel x + 6: four of ten columns of the first box are left, and all of the others
    np.testing.assert_allclose(shifted[0], [[0, 0, 4, 10, 1], [14, 20, 24, 30, 0], [48, 20, 58, 30, 2]], atol=1e-4)
    gone = moving.boxes(
        y, transforms(tf.constant([[0.0], [0], [1], [1], [0]]), HEIGHT, WIDTH, 8, 0, 0, False), (HEIGHT, WIDTH)
    )
    assert (gone[0, 0] == -1).numpy().all()  # two of ten columns: less than 0.3


def test_a_mosaic_has_the_boxes_of_four_images_where_their_paint_is():
    x, y = batch(random_boxes(16, seed=1))
    images, boxes = moving.mosaic(x, y, 7, tf.constant(3), 1.0)
    assert boxes.shape == (16, 12, 5) and images.shape == x.shape
    seen = 0
    for image, found in zip(images.numpy(), boxes.numpy(), strict=True):
        there = found[found[:, 4] >= 0, :4]
        seen += len(there)
        canvas = np.zeros((HEIGHT, WIDTH))
        for left, top, right, bottom in there.round().astype(int):
            canvas[top:bottom, left:right] = 1
        white = image[..., 0] >= 200
        covered = (white & (canvas > 0)).sum() / max(1, white.sum())
        filled = (white & (canvas > 0)).sum() / max(1, canvas.sum())
        assert filled > 0.75, "a box with no paint under it"  # edges between two pixels are grey
        assert covered > 0.7, "paint without a box"  # what is left of a box may be too little to count
    assert seen > 40


def test_a_mosaic_of_none_changes_no_image_and_a_share_of_them_some():
    x, y = batch(random_boxes(16))
    same, boxes = moving.mosaic(x, y, 7, tf.constant(3), 0.0)
    assert (
        (same.numpy() == x.numpy()).all() and (boxes[:, :3] == y).numpy().all() and (boxes[:, 3:] == -1).numpy().all()
    )
    some = (moving.mosaic(x, y, 7, tf.constant(3), 0.5)[0].numpy() != x.numpy()).any(axis=(1, 2, 3))
    assert 0 < some.sum() < 16


def test_the_same_numbers_move_the_same_way_and_another_step_does_not():
    x, y = batch(random_boxes(8))
    augment = make_augment(Augmentation(shift=4, flip=True, mosaic=0.5), 1, FIELDS)
    assert augment.across_examples
    one, again, later = (augment(x, y, tf.constant(step), 8, 0) for step in (2, 2, 3))
    assert all((a.numpy() == b.numpy()).all() for a, b in zip(one, again, strict=True))
    assert (one[0].numpy() != later[0].numpy()).any()
    assert not make_augment(Augmentation(flip=True), 1, FIELDS).across_examples
    assert draw(1, tf.constant(2), 8).shape == (5, 8)
