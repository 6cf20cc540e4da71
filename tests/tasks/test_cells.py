"""Boxes by the cells of a grid: which cell answers for what, the loss in its parts by hand, and back to boxes."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from zoo.tasks.cells import CellObjective, LogisticCellObjective, assigned, giou, iou
from zoo.tasks.found import boxes_of

SIZE = (40, 60)  # height, width; a grid of 2 x 3 cells of 20 pixels
NONE = [-1.0] * 5


def truth(*boxes):
    return tf.constant([[*boxes, *[NONE] * (3 - len(boxes))]], "float32")


def test_the_cell_of_its_middle_answers_for_an_object():
    found = assigned(truth([25, 5, 45, 15, 2]), (2, 3), SIZE)  # middle 35, 10: row 0, column 1
    assert found.there.numpy().tolist() == [[[0, 1, 0], [0, 0, 0]]]
    # middle at 0.75 and 0.5 of the cell; the roots of 20 / 60 and 10 / 40
    np.testing.assert_allclose(found.box[0, 0, 1], [0.75, 0.5, (20 / 60) ** 0.5, 0.5], rtol=1e-6)
    assert found.label.numpy()[0, 0, 1] == 2 and not found.box.numpy()[0, 1].any()


def test_of_two_in_one_cell_the_first_counts_and_rows_without_a_box_nowhere():
    small, large = [32, 8, 36, 12, 1], [20, 0, 42, 18, 0]
    found = assigned(truth(small, large), (2, 3), SIZE)
    assert found.there.numpy().sum() == 1 and found.label.numpy()[0, 0, 1] == 1
    assert assigned(truth(), (2, 3), SIZE).there.numpy().sum() == 0


def test_an_object_on_the_far_edge_belongs_to_the_last_cell():
    found = assigned(truth([60, 40, 60, 40, 0]), (2, 3), SIZE)
    assert found.there.numpy().tolist() == [[[0, 0, 0], [0, 0, 1]]]


def test_cells_within_reach_answer_too_and_give_way_to_an_object_of_their_own():
    one = [31, 5, 47, 15, 2]  # middle 39, 10: a twentieth of a cell from column 2, half a cell from row 1
    near = assigned(truth(one), (2, 3), SIZE, reach=0.5)
    assert near.there.numpy().tolist() == [[[0, 1, 1], [0, 0, 0]]]
    np.testing.assert_allclose(near.box[0, 0, 2, :2], [-0.05, 0.5], atol=1e-6)
    both = assigned(truth(one, [48, 6, 52, 14, 1]), (2, 3), SIZE, reach=0.5)
    assert both.label.numpy()[0, 0].tolist() == [0, 2, 1]


def test_overlaps_by_hand():
    a, b = tf.constant([[0.0, 0, 2, 2]]), tf.constant([[1.0, 0, 3, 2]])
    np.testing.assert_allclose(iou(a, b), [2 / 6])
    np.testing.assert_allclose(giou(a, b), [2 / 6])  # together they fill the box around both
    apart = tf.constant([[3.0, 0, 4, 2]])
    np.testing.assert_allclose(giou(a, apart), [-2 / 8])  # 4 + 2 of 8 are covered
    assert float(iou(a, tf.constant([[1.0, 1, 1, 1]]))[0]) == 0


def test_the_parts_of_the_papers_loss_by_hand():
    """One object, two boxes a cell: the one with the higher overlap learns it, the other that it has none."""
    outputs = np.zeros((1, 2, 3, 5 * 2 + 3), "float32")
    w, h = (20 / 60) ** 0.5, 0.5
    outputs[0, 0, 1] = [0.75, 0.5, w, h, 0.9, 0.25, 0.5, w, h, 0.6, 0.1, 0.2, 0.7]
    outputs[0, 1, 2, 4] = 0.4  # confidence where there is nothing
    box, confidence, classes = CellObjective(SIZE, 3).parts(truth([25, 5, 45, 15, 2]), tf.constant(outputs))
    assert float(box[0]) == pytest.approx(0, abs=1e-10)
    assert float(confidence[0]) == pytest.approx((0.9 - 1) ** 2 + 0.5 * 0.6**2 + 0.5 * 0.4**2, rel=1e-5)
    assert float(classes[0]) == pytest.approx(0.1**2 + 0.2**2 + 0.3**2, rel=1e-5)
    outputs[0, 0, 1, :4] = [0.25, 0.4, w, h + 0.1]  # now the second box is as near as the first in x: make it the one
    outputs[0, 0, 1, 5:9] = [0.7, 0.5, w, h]
    box, confidence, _ = CellObjective(SIZE, 3).parts(truth([25, 5, 45, 15, 2]), tf.constant(outputs))
    assert float(box[0]) == pytest.approx(5 * 0.05**2, rel=1e-4)
    overlap = 19 / 21  # one of 20 pixels beside the other
    assert float(confidence[0]) == pytest.approx((0.6 - overlap) ** 2 + 0.5 * 0.9**2 + 0.5 * 0.4**2, rel=1e-4)


def test_the_parts_of_the_logistic_loss_by_hand():
    outputs = np.full((1, 2, 3, 5 + 3), 0.0, "float32")
    box, confidence, classes = LogisticCellObjective(SIZE, 3).parts(truth([25, 5, 45, 15, 2]), tf.constant(outputs))
    # said of the cell in row 0, column 1: middle at half the cell, a quarter of each side: 22.5 to 37.5, 5 to 15
    both, one, around = 12.5 * 10, 15 * 10 + 20 * 10 - 12.5 * 10, 22.5 * 10
    # the cell to the right is a quarter of a cell away: middle 50 at its best, 42.5 to 57.5
    both2, one2, around2 = 2.5 * 10, 15 * 10 + 20 * 10 - 2.5 * 10, 32.5 * 10
    wanted = [both / one, both2 / one2]
    expected = 5 * sum(1 - b / o + (a - o) / a for b, o, a in ((both, one, around), (both2, one2, around2)))
    assert float(box[0]) == pytest.approx(expected, rel=1e-4)
    # the cross-entropy of a logit of 0 is ln 2 whatever is wanted; four cells count half
    assert float(confidence[0]) == pytest.approx((2 + 0.5 * 4) * np.log(2), rel=1e-5)
    assert float(classes[0]) == pytest.approx(2 * np.log(3), rel=1e-5) and max(wanted) < 1


def test_an_image_without_objects_learns_that_there_is_none():
    for objective in (CellObjective(SIZE, 3), LogisticCellObjective(SIZE, 3)):
        outputs = tf.Variable(np.random.default_rng(0).normal(size=(1, 2, 3, 13)).astype("float32"))
        with tf.GradientTape() as tape:
            box, confidence, classes = objective.parts(truth(), outputs)
            total = box + confidence + classes
        assert float(box[0]) == float(classes[0]) == 0 and float(confidence[0]) > 0
        gradient = tape.gradient(total, outputs).numpy()
        assert np.isfinite(gradient).all() and (gradient[..., [4, 9]] != 0).all()


@pytest.mark.parametrize("logistic", [False, True])
def test_what_is_learnt_by_heart_comes_back_as_boxes(logistic):
    """Outputs that make the loss of boxes and classes vanish say the boxes of the truth."""
    boxes = [[25.0, 5, 45, 15, 2], [2, 22, 12, 38, 0]]
    found = assigned(truth(*boxes), (2, 3), SIZE)
    outputs = np.zeros((1, 2, 3, 5 + 3), "float32")
    outputs[..., :4] = found.box
    outputs[..., 4] = found.there
    outputs[..., 5:] = np.eye(3)[found.label.numpy()] * found.there.numpy()[..., None]
    if logistic:
        inside = np.clip(np.concatenate([(outputs[..., :2] + 0.5) / 2, outputs[..., 2:4]], -1), 1e-6, 1 - 1e-6)
        outputs[..., :4] = np.log(inside / (1 - inside))
        outputs[..., 4:] = 40 * outputs[..., 4:] - 20
    (answer,) = boxes_of(outputs, SIZE, 3, logistic, 0.5)
    np.testing.assert_allclose(sorted(answer[:, :5].tolist()), sorted(boxes), atol=1e-3)
    np.testing.assert_allclose(answer[:, 5], 1, atol=1e-3)


def test_of_answers_on_one_object_the_surest_stays_and_boxes_end_at_the_border():
    outputs = np.zeros((1, 2, 3, 5 * 2 + 3), "float32")
    outputs[0, 0, 0] = [0.5, 0.5, 1, 1, 0.8, 0.5, 0.5, 1, 1, 0.6, 1, 0, 0]  # two boxes as large as the image
    (answer,) = boxes_of(outputs, SIZE, 3, False, 0.1)
    np.testing.assert_allclose(answer, [[0, 0, 40, 30, 0, 0.8]], rtol=1e-5)
    assert boxes_of(outputs, SIZE, 3, False, 0.9)[0].shape == (0, 6)
