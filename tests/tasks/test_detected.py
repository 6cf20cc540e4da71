"""Average precisions and mistakes of boxes: by hand, against pycocotools, and where there is nothing to find."""

import contextlib
import io
import sys

import numpy as np
import pytest

from zoo.catalogue import metrics
from zoo.errors import MissingError
from zoo.tasks.detected import (
    MISTAKES,
    average_precisions,
    curves,
    iou,
    matched,
    mistaken,
    require,
    suppressed,
)

RECALLS = np.linspace(0, 1, 101)
A, B = 0, 1
OBJECTS = [[0, 0, 10, 10, A], [20, 0, 30, 10, A], [40, 0, 50, 10, B]]
ANSWERS = [
    [0, 0, 10, 10, A, 0.9],  # finds the first object
    [0, 0, 10, 8, A, 0.8],  # the same one again
    [20, 0, 30, 10, B, 0.7],  # the second object, taken for another class
    [20, 0, 30, 6.2, A, 0.6],  # finds the second object, with an IoU of 0.62
    [44, 0, 54, 10, B, 0.5],  # beside the third one, with an IoU of 6 / 14
    [80, 0, 90, 10, B, 0.4],  # on nothing
]


def a_truth(*images):
    """Objects of each image, filled up with rows of -1."""
    most = max(1, *map(len, images))
    filled = np.full((len(images), most, 5), -1, "float32")
    for row, objects in zip(filled, images, strict=True):
        row[: len(objects)] = np.reshape(objects, (-1, 5))
    return filled


def some_answers(*images):
    return [np.reshape(np.array(one, "float32"), (-1, 6)) for one in images]


def by_class(found):
    return {row["name"]: row for row in found["by_class"]}


def test_iou_by_hand():
    a = np.array([[0, 0, 10, 10], [5, 5, 5, 20]])
    b = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 5, 5], [9, 9, 3, 3]])
    assert iou(a, b) == pytest.approx(np.array([[1, 50 / 150, 0, 0.25, 0], [0, 0, 0, 0, 0]]))
    assert iou(a[:0], b).shape == (0, 5) and iou(a, b[:0]).shape == (2, 0)


def test_average_precisions_by_hand():
    """Of class a the answers are right, wrong, right, of two objects; of class b none is right."""
    pytest.importorskip("faster_coco_eval")
    found = average_precisions(a_truth(OBJECTS), some_answers(ANSWERS), ("a", "b"))
    at_50 = (51 * 1 + 50 * 2 / 3) / 101  # recalls of 0 to 0.5 and of 0.51 to 1
    one_of_two = 51 / 101  # from an IoU of 0.65 on
    rows = by_class(found)
    assert (rows["a"]["examples"], rows["a"]["ap50"]) == (2, pytest.approx(at_50))
    assert rows["a"]["ap"] == pytest.approx((3 * at_50 + 7 * one_of_two) / 10)
    assert rows["b"] == {"name": "b", "examples": 1, "ap50": 0.0, "ap": 0.0}
    assert found["map50"] == pytest.approx(at_50 / 2)
    assert found["map"] == pytest.approx(rows["a"]["ap"] / 2)
    assert metrics.headline(["loss", "map", "map50"]) == "map50"


def test_mistakes_and_scores_by_hand():
    truth, answers = a_truth(OBJECTS), some_answers(ANSWERS)
    found = matched(truth, answers, ("a", "b", "nowhere"), 0.3)
    rows = by_class(found)
    assert rows["a"] == {"name": "a", "examples": 2, "precision": pytest.approx(2 / 3), "recall": 1.0, "f1": 0.8}
    assert rows["b"] == {"name": "b", "examples": 1, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert found["mistakes"] == dict(zip(MISTAKES, (1, 1, 1, 1, 1), strict=True))
    assert found["numbers"] == pytest.approx({
        "macro_precision": 1 / 3, "macro_recall": 0.5, "macro_f1": 0.4,
        "micro_precision": 2 / 6, "micro_recall": 2 / 3, "micro_f1": 4 / 9,
    })  # fmt: skip
    surer = matched(truth, answers, ("a", "b", "nowhere"), 0.65)
    assert surer["mistakes"] == {"missed": 2, "doubled": 1, "wrong class": 1, "badly placed": 0, "background": 0}
    assert surer["numbers"]["micro_recall"] == pytest.approx(1 / 3)
    closer = matched(truth, answers, ("a", "b", "nowhere"), 0.3, least_iou=0.7)
    assert closer["mistakes"] == {"missed": 2, "doubled": 1, "wrong class": 1, "badly placed": 2, "background": 1}


def test_mistakes_are_told_where_they_are():
    small, large = [0, 0, 5, 5, A], [0, 0, 50, 50, A]
    found = mistaken(
        a_truth([], [small, large]), some_answers([[1, 2, 3, 4, B, 0.25]], [[70, 70, 80, 80, A, 0.5]]), 0.2
    )
    assert found["missed"].tolist() == [[1, *large, 0], [1, *small, 0]]
    assert found["background"].tolist() == [[1, 70, 70, 80, 80, A, 0.5], [0, 1, 2, 3, 4, B, 0.25]]
    assert {kind: len(rows) for kind, rows in found.items() if len(rows)} == {"missed": 2, "background": 2}


def test_the_surest_answer_finds_the_object_and_not_the_best_placed():
    answers = some_answers([[0, 0, 10, 10, A, 0.4], [0, 0, 10, 7, A, 0.9]])
    assert mistaken(a_truth([OBJECTS[0]]), answers, 0)["doubled"][:, 6] == pytest.approx([0.4])


def test_one_answer_finds_one_object():
    two = [[0, 0, 10, 10, A], [0, 0, 10, 9, A]]
    truth = a_truth(two)
    found = matched(truth, some_answers([[0, 0, 10, 10, A, 0.9]]), ("a",), 0.5)
    assert found["by_class"][0]["recall"] == 0.5 and found["mistakes"]["missed"] == 1
    found = matched(truth, some_answers([[0, 0, 10, 10, A, 0.9], [0, 0, 10, 9.9, A, 0.8]]), ("a",), 0.5)
    assert found["by_class"][0]["recall"] == 1.0 and not any(found["mistakes"].values())


def randomly(images=200, classes=5, seed=0, levels=None):
    """Objects, and answers that find most of them: moved, doubled, of another class, and some on nothing."""
    draw = np.random.default_rng(seed)
    truth, answers = [], []
    for _ in range(images):
        count = draw.integers(0, 8)
        corner = draw.uniform(0, 400, (count, 2))
        true = np.column_stack([corner, corner + draw.uniform(5, 150, (count, 2)), draw.integers(0, classes, count)])
        truth.append(true)
        said = np.repeat(true, draw.integers(0, 4, count), axis=0)
        said[:, :4] += draw.normal(0, 5, (len(said), 4))
        said[:, 2:4] = np.maximum(said[:, 2:4], said[:, :2] + 1)
        other = draw.random(len(said)) < 0.2
        said[other, 4] = draw.integers(0, classes, other.sum())
        corner = draw.uniform(0, 400, (draw.integers(0, 5), 2))
        noise = np.column_stack([corner, corner + 50, draw.integers(0, classes, len(corner))])
        said = np.concatenate([said, noise])
        sure = draw.random(len(said)) if levels is None else draw.integers(1, levels + 1, len(said)) / levels
        said = np.column_stack([said, sure])
        answers.append(said[np.argsort(-said[:, 5], kind="stable")])
    return a_truth(*truth), some_answers(*answers)


def by_pycocotools(truth, answers, classes):
    """mAP, mAP50 and AP50 by class: the reference that everybody's numbers come from."""
    COCO = pytest.importorskip("pycocotools.coco").COCO
    COCOeval = pytest.importorskip("pycocotools.cocoeval").COCOeval

    def annotation(image, row):
        left, top, right, bottom, kind = (float(v) for v in row[:5])
        box = [left, top, right - left, bottom - top]
        return {"image_id": image, "category_id": int(kind), "bbox": box, "area": box[2] * box[3], "iscrowd": 0}

    rows = [annotation(i, row) for i, objects in enumerate(truth) for row in objects if row[4] >= 0]
    said = [annotation(i, row) | {"score": float(row[5])} for i, found in enumerate(answers) for row in found]
    with contextlib.redirect_stdout(io.StringIO()):
        true = COCO()
        true.dataset = {
            "images": [{"id": i} for i in range(len(truth))],
            "categories": [{"id": i} for i in range(classes)],
            "annotations": [row | {"id": i} for i, row in enumerate(rows, 1)],
        }
        true.createIndex()
        judge = COCOeval(true, true.loadRes(said), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    at_50 = judge.eval["precision"][0, :, :, 0, -1]
    return judge.stats[0], judge.stats[1], [float(one[one > -1].mean()) for one in at_50.T if (one > -1).any()]


@pytest.mark.parametrize(("classes", "levels"), [(5, None), (1, None), (3, 4)], ids=["five", "one class", "ties"])
def test_average_precisions_are_those_of_pycocotools(classes, levels):
    truth, answers = randomly(classes=classes, levels=levels)
    truth = np.concatenate([truth, truth[:1]])  # and an image with more answers of a class than count
    answers.append(np.tile(np.array([[0, 0, 9, 9, 0, 0.4]], "float32"), (150, 1)))
    names = [str(i) for i in range(classes)]
    pytest.importorskip("faster_coco_eval")
    found = average_precisions(truth, answers, names)
    mean, mean_50, rows = by_pycocotools(truth, answers, classes)
    assert 0.05 < mean < mean_50 < 0.9
    assert (found["map"], found["map50"]) == pytest.approx((mean, mean_50), abs=1e-9)
    assert [row["ap50"] for row in found["by_class"]] == pytest.approx(rows, abs=1e-9)


def under(recall, precision):
    """COCO's area under a curve: the mean of the precisions at 101 recalls."""
    at = np.searchsorted(recall, RECALLS, side="left")
    return float(np.append(precision, 0.0)[at].mean())


@pytest.mark.parametrize("levels", [None, 4])
def test_the_area_under_a_curve_is_the_average_precision(levels):
    pytest.importorskip("faster_coco_eval")
    truth, answers = randomly(classes=3, levels=levels, seed=1)
    rows = average_precisions(truth, answers, ("0", "1", "2"))["by_class"]
    areas = [under(*curves(truth, answers, class_id)) for class_id in range(3)]
    assert areas == pytest.approx([row["ap50"] for row in rows], abs=1e-9)


def test_a_curve_by_hand():
    recall, precision = curves(a_truth(OBJECTS), some_answers(ANSWERS), A)
    assert recall.tolist() == [0.5, 0.5, 1.0]
    assert precision == pytest.approx([1.0, 2 / 3, 2 / 3])  # the second one's own is 1 / 2
    assert [len(one) for one in curves(a_truth(OBJECTS), some_answers(ANSWERS), 2)] == [0, 0]


def test_scores_agree_with_the_curve_where_it_ends():
    truth, answers = randomly(classes=2, seed=2)
    rows = matched(truth, answers, ("a", "b"), 0.0)["by_class"]
    for class_id, row in enumerate(rows):
        recall, precision = curves(truth, answers, class_id)
        assert (recall[-1], precision[-1]) == pytest.approx((row["recall"], row["precision"]))


def test_without_answers_nothing_is_found():
    truth, answers = a_truth(OBJECTS, []), some_answers([], [])
    found = matched(truth, answers, ("a", "b"), 0.5)
    assert found["mistakes"] == dict.fromkeys(MISTAKES, 0) | {"missed": 3}
    assert set(found["numbers"].values()) == {0.0}
    assert [len(one) for one in curves(truth, answers, A)] == [0, 0]
    pytest.importorskip("faster_coco_eval")
    scores = average_precisions(truth, answers, ("a", "b"))
    assert (scores["map"], scores["map50"]) == (0.0, 0.0)


def test_without_objects_there_is_no_average_precision(caplog):
    truth, answers = a_truth([], []), some_answers(ANSWERS, [])
    found = matched(truth, answers, ("a", "b"), 0.5)
    assert found["mistakes"] == dict.fromkeys(MISTAKES, 0) | {"background": 5}
    pytest.importorskip("faster_coco_eval")
    assert average_precisions(truth, answers, ("a", "b")) == {}
    assert "no objects in these 2 images" in caplog.text


def test_an_image_without_objects_costs_precision():
    pytest.importorskip("faster_coco_eval")
    truth = a_truth([OBJECTS[0]], [])
    right = [[0, 0, 10, 10, A, 0.5]]
    alone = average_precisions(truth, some_answers(right, []), ("a",))
    beside = average_precisions(truth, some_answers(right, [[0, 0, 10, 10, A, 0.9]]), ("a",))
    assert alone["map"] == 1.0 and beside["map"] == pytest.approx(0.5)
    assert matched(truth, some_answers(right, []), ("a",), 0.1)["numbers"]["micro_f1"] == 1.0


@pytest.mark.parametrize("column", range(6))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_finds_nothing(bad, column):
    pytest.importorskip("faster_coco_eval")
    said = some_answers([[0, 0, 10, 10, A, 0.5]])
    said[0][0, column] = bad
    measured = average_precisions(a_truth([OBJECTS[0]]), said, ("a",))
    found = matched(a_truth([OBJECTS[0]]), said, ("a",), 0.0)
    assert (measured["map"], found["numbers"]["micro_precision"]) == (0.0, 0.0)
    assert found["mistakes"] == dict.fromkeys(MISTAKES, 0) | {"missed": 1, "background": 1}


def by_looking_at_every_pair(boxes, confidence, classes, most):
    """Non-maximum suppression in the plainest form."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -confidence[i]):
        if all(classes[i] != classes[j] or iou(boxes[[i]], boxes[[j]])[0, 0] <= most for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_suppression_is_that_of_the_plainest_form(levels):
    draw = np.random.default_rng(levels)
    corner = draw.uniform(0, 100, (150, 2))
    boxes = np.column_stack([corner, corner + draw.uniform(10, 60, (150, 2))])
    confidence, classes = draw.integers(0, levels, 150) / levels, draw.integers(0, 3, 150)
    kept = suppressed(boxes, confidence, classes, 0.4)
    assert kept.tolist() == by_looking_at_every_pair(boxes, confidence, classes, 0.4)
    assert 3 < len(kept) < 150


def test_suppression_by_hand():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 5], [0, 0, 10, 10]], "float32")
    confidence, classes = np.array([0.5, 0.9, 0.7, 0.1], "float32"), np.array([0, 0, 0, 1])
    assert suppressed(boxes, confidence, classes, 0.7).tolist() == [1, 2, 3]  # 0.8 of the first is the second's
    assert suppressed(boxes, confidence, classes, 0.5).tolist() == [1, 3]
    assert suppressed(boxes, confidence, classes, 0.8).tolist() == [1, 2, 0, 3]  # as much as is let pass
    assert suppressed(boxes[:0], confidence[:0], classes[:0], 0.5).shape == (0,)


def test_without_the_library_the_extra_is_named(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    assert average_precisions(a_truth(OBJECTS), some_answers(ANSWERS), ("a", "b")) == {}
    assert "note: no mAP" in caplog.text and "classic-networks-zoo[detect]" in caplog.text
    with pytest.raises(MissingError, match=r"install it with: pip install 'classic-networks-zoo\[detect\]'"):
        require()


def test_the_library_prints_nothing(capfd, caplog):
    pytest.importorskip("faster_coco_eval")
    with caplog.at_level("INFO"):
        average_precisions(a_truth(OBJECTS), some_answers(ANSWERS), ("a", "b"))
    assert capfd.readouterr() == ("", "") and not caplog.records
