"""Digits scattered over a canvas: what is drawn, where the boxes are, and which digits are in which part."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zoo.data.config import Boxes, Data
from zoo.data.sources import generated_boxes, read
from zoo.data.splitting import conformed
from zoo.errors import UsageError

CANVAS = Data(
    source="generated:scattered", kind="image", task="boxes", input_shape=(96, 96, 1), input_dtype="uint8",
    num_classes=10, train=40, test=20, validation_share=0.25, options={"noise": 0.0}, boxes=Boxes(most=6),
)  # fmt: skip


def drawn(**more):
    return read(CANVAS.model_copy(update=more), "boxes")


def boxes_of(rows):
    return rows[rows[:, 4] >= 0].astype(int)


@pytest.fixture(scope="module")
def still():
    """Canvases without noise."""
    return drawn()


def test_ink_lies_in_boxes_and_reaches_each_of_their_sides(still):
    for x, y in zip(still.train.x[..., 0], still.train.y, strict=True):
        ink, covered = x != generated_boxes.GREY, np.zeros(x.shape, bool)
        for left, top, right, bottom, _ in boxes_of(y):
            inside = ink[top:bottom, left:right]
            assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
            covered[top:bottom, left:right] = True
        assert not (ink & ~covered).any() and ink.any()


def test_sizes_numbers_and_overlaps_are_as_promised(still):
    counts, sides = [], []
    for y in still.train.y:
        boxes = boxes_of(y)
        counts.append(len(boxes))
        sides += np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]).tolist()
        for i, one in enumerate(boxes):
            assert all(generated_boxes.overlap(one, other) <= 0.3 for other in boxes[:i])
    assert min(counts) == 1 and max(counts) == 6
    assert 10 <= min(sides) <= 14 and 28 <= max(sides) <= 32
    assert generated_boxes.overlap((0, 0, 4, 4), (2, 0, 6, 4)) == 8 / 24  # by hand
    assert generated_boxes.overlap((0, 0, 4, 4), (5, 5, 6, 6)) == 0


def test_training_and_test_canvases_are_of_different_digits(monkeypatch):
    """With the first 1,400 digits full squares of class 3, and the others frames of class 7."""
    labels, images = np.where(np.arange(1797) < 1400, 3, 7), np.ones((1797, 8, 8))
    images[1400:, 2:6, 2:6] = 0
    monkeypatch.setattr(generated_boxes, "_digits", lambda: (labels, images))
    source = drawn(options={"noise": 0.0, "digits": 1}, validation=5)
    for part, label, is_full in ((source.train, 3, True), (source.validation, 3, True), (source.test, 7, False)):
        for x, y in zip(part.x[..., 0], part.y, strict=True):
            ((left, top, right, bottom, found),) = boxes_of(y)
            assert found == label and right - left == bottom - top
            assert (x[(top + bottom) // 2, (left + right) // 2] != generated_boxes.GREY) == is_full


def test_classes_are_those_of_the_digits():
    labels, images = generated_boxes._digits()
    known = load_digits()
    assert (labels == known.target).all() and (images * 16 == known.images).all()


def test_the_seed_decides_and_parts_are_drawn_apart(still):
    again, other = drawn(), drawn(options={"noise": 0.0, "seed": 1})
    assert (again.train.x == still.train.x).all() and (again.test.y == still.test.y).all()
    assert (other.train.x != still.train.x).any() and (still.test.x != still.train.x[:20]).any()
    assert (drawn(train=60).train.x[:40] == still.train.x).all()  # more are these and some more
    held = drawn(validation=10).validation
    assert len(held) == 10 and (held.x != still.train.x[:10]).any()


def test_noise_has_its_deviation_and_boxes_stay(still):
    loud = drawn(options={"noise": 5.0}).train
    beside = loud.x[0][still.train.x[0] == generated_boxes.GREY].astype(float)
    assert abs(beside.mean() - generated_boxes.GREY) < 0.5 and 4.5 < beside.std() < 5.5
    assert (loud.y[0] == still.train.y[0]).all()


def test_they_keep_the_contract_of_boxes(still):
    splits = conformed(still, CANVAS, "scattered", "boxes")
    assert [len(part) for part in splits] == [30, 10, 20]
    for part in splits:
        assert part.x.dtype == "uint8" and part.y.dtype == "float32" and part.y.shape[1:] == (6, 5)
    areas = (still.train.y[..., 2] - still.train.y[..., 0]) * (still.train.y[..., 3] - still.train.y[..., 1])
    there = still.train.y[..., 4] >= 0
    assert all((np.diff(row[is_there]) >= 0).all() for row, is_there in zip(areas, there, strict=True))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"options": {"digits": 0}}, "digits is the most there are on a canvas, a whole number from 1"),
        ({"options": {"digits": 2.5}}, "digits is the most"),
        ({"options": {"noise": -1.0}}, "noise is a standard deviation in grey levels, at least 0"),
        ({"options": {"digit": 3}}, "unknown option of generated:scattered 'digit'; did you mean digits?"),
        ({"options": {"digits": 9}}, "the recipe says at most 6 boxes\nset it with: --set data.boxes.most=9"),
        ({"num_classes": 3}, "grey images of 10 classes"),
        ({"input_shape": (96, 96, 3)}, "grey images of 10 classes"),
        ({"input_shape": (20, 96, 1)}, "at least 33x33"),
        ({"kind": "tabular"}, "grey images of 10 classes"),
    ],
)
def test_what_does_not_fit_is_refused(more, said):
    with pytest.raises(UsageError) as error:
        drawn(**more)
    assert said in str(error.value)
