"""Pictures of boxes: what is drawn where, and that nothing to draw is no failure."""

from io import BytesIO

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from zoo.drawing.detections import Detected, detections, mistakes, picture_of_boxes, precision_recall
from zoo.drawing.style import colour, png
from zoo.tasks import detected

GREY = 128
NAMES = ("dog", "bicycle")
TRUTH = np.array([
    [[10, 10, 40, 40, 0], [60, 10, 90, 40, 1]],
    [[5, 5, 25, 25, 1], [-1, -1, -1, -1, -1]],
], "float32")  # fmt: skip
ANSWERS = [
    np.array([[11, 10, 40, 40, 0, 0.9], [50, 60, 80, 90, 1, 0.75]], "float32"),  # one is right, one on nothing
    np.zeros((0, 6), "float32"),
]
IMAGES = np.full((2, 100, 120, 3), GREY, "uint8")


def nothing():
    return np.zeros((0, 6), "float32")


def pixels(data):
    """Of a PNG, (height, width, 3)."""
    return np.asarray(Image.open(BytesIO(data)))


def shade(index):
    return [round(255 * one) for one in to_rgb(colour(index))]


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


@pytest.mark.parametrize(("height", "width"), [(100, 120), (480, 640), (3000, 4000)])
def test_an_outline_has_the_colour_of_its_class_and_lies_on_the_box(height, width):
    image = np.full((height, width, 3), GREY, "uint8")
    box = [0.25 * width, 0.5 * height, 0.75 * width, 0.8 * height]
    drawn = pixels(picture_of_boxes(image, np.array([[*box, 1, 0.5]]), NAMES))
    assert drawn.shape == image.shape
    left, top, right, bottom = map(int, box)
    middle = (top + bottom) // 2
    assert drawn[middle, left].tolist() == drawn[middle, right - 1].tolist() == shade(1)
    assert drawn[bottom - 1, right - 2].tolist() == shade(1)
    inside = drawn[middle + 5 : bottom - 20, left + 20 : right - 20]
    assert (inside == GREY).all()  # the label stands above the box


def holds(drawn, part):
    """Whether a picture has another one somewhere in it."""
    places = np.argwhere((drawn[: 1 - len(part), : 1 - part.shape[1]] == part[0, 0]).all(axis=2))
    return any((drawn[y : y + len(part), x : x + part.shape[1]] == part).all() for y, x in places)


@pytest.mark.parametrize("box", [(0, 0, 30, 30), (90, 0, 120, 20), (100, 90, 120, 100), (-20, -20, 500, 500)])
def test_labels_stay_within_the_image(box):
    """The whole label is there, as beside a box in the middle."""
    image = np.full((100, 120, 3), GREY, "uint8")
    free = pixels(picture_of_boxes(image, np.array([[50, 50, 52, 52, 0, 0.5]]), ("dog",)))
    rows, columns = (np.flatnonzero((free[:49] != GREY).any(axis=axis)) for axis in ((1, 2), (0, 2)))
    label = free[rows[0] : 48, columns[0] : columns[-1] + 1]
    assert len(label) > 8 and 30 < label.shape[1] < 60
    label = label[:, 1:-1]  # its ends may be those of the outline
    assert holds(free, label)
    assert holds(pixels(picture_of_boxes(image, np.array([[*box, 0, 0.5]]), ("dog",))), label)


def test_a_label_that_is_too_long_is_cut():
    image, row = np.full((100, 120, 3), GREY, "uint8"), np.array([[40, 50, 80, 80, 0, 0.5]])
    drawn = pixels(picture_of_boxes(image, row, ("a name that is much too long for a small image",)))
    label = drawn[40:48]
    assert (label == 255).all(axis=2).sum() > 10  # letters are there
    ends = label[:, [0, -1]].reshape(-1, 3)  # but not at the image's edges
    assert all(pixel.tolist() in (shade(0), [GREY] * 3) for pixel in ends)


def test_many_boxes_do_not_bury_a_small_image():
    draw = np.random.default_rng(0)
    corner = draw.uniform(0, 80, (60, 2))
    boxes = np.column_stack([corner, corner + 15, np.zeros(60), np.linspace(1, 0, 60)])
    image = np.full((100, 100, 3), GREY, "uint8")
    without = pixels(picture_of_boxes(image, boxes, ("",)))
    drawn = pixels(picture_of_boxes(image, boxes, NAMES))
    assert (drawn != without).any(axis=2).mean() < 0.3


def test_boxes_outside_of_the_image_and_numbers_that_are_none_are_left_out():
    image = np.full((50, 60, 3), GREY, "uint8")
    boxes = np.array(
        [[70, 0, 90, 20, 0, 0.9], [0, np.nan, 20, 20, 0, 0.8], [-9, -9, 0, 0, 0, 0.7], [9, 9, 5, 5, 0, 0.6]]
    )
    assert (pixels(picture_of_boxes(image, boxes, NAMES)) == GREY).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_without_boxes_the_image_is_as_it_was(channels):
    image = np.random.default_rng(0).integers(0, 256, (40, 30, channels), "uint8")
    drawn = pixels(picture_of_boxes(image, nothing(), NAMES))
    assert (drawn == image).all()


def test_what_is_missed_and_what_is_false_is_marked():
    shown = detected.shown(IMAGES, TRUTH, ANSWERS, 0.5)
    assert [one.missed.tolist() for one in shown] == [[False, True], [True]]
    assert [one.right.tolist() for one in shown] == [[True, False], []]
    figure = detections(shown, NAMES, "title", "note")
    first, second = figure.axes
    assert [text.get_text() for text in first.texts] == ["dog 0.90", "bicycle 0.75", "missed"]
    assert [text.get_text() for text in second.texts] == ["missed"]
    crosses = [line.get_xydata().tolist() for line in first.lines]
    assert crosses == [[[50, 60], [80, 90]], [[50, 90], [80, 60]]]  # through the false answer
    hatched = [patch.get_bbox().extents.tolist() for patch in first.patches if patch.get_hatch()]
    assert hatched == [[60, 10, 90, 40]]
    assert figure.get_suptitle() == "title\nnote"


@pytest.mark.parametrize("ground", [0, 255])
def test_outlines_are_legible_on_dark_and_on_light_images(ground):
    image = np.full((100, 120, 3), ground, "uint8")
    one = Detected(image, np.zeros((0, 5)), np.zeros(0, bool), np.array([[20, 20, 100, 80, 0, 0.9]]), np.ones(1, bool))
    drawn = pixels(png(detections([one], NAMES, "")))[..., :3].astype(int)
    blue = np.abs(drawn - shade(0)).sum(axis=2) < 40
    assert blue.sum() > 1000
    others = drawn[blue.any(axis=1)][:, blue.any(axis=0)].reshape(-1, 3)
    assert np.abs(others - ground).sum(axis=1).max() > 250  # it stands out


def test_labels_stay_apart_where_there_is_room():
    answers = np.array([[20, 40, 60, 80, 0, 0.9], [22, 41, 62, 81, 0, 0.8], [24, 42, 64, 82, 0, 0.7]])
    one = Detected(np.zeros((100, 120, 3), "uint8"), np.zeros((0, 5)), np.zeros(0, bool), answers, np.ones(3, bool))
    figure = detections([one], NAMES, "")
    png(figure)
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert all(figure.axes[0].get_window_extent().padded(3).contains(*corner) for b in boxes for corner in b.corners())


def test_at_most_six_images_are_drawn():
    one = Detected(IMAGES[0], np.zeros((0, 5)), np.zeros(0, bool), np.zeros((0, 6)), np.zeros(0, bool))
    assert sum(len(axes.images) for axes in detections([one] * 9, NAMES, "").axes) == 6
    assert png(detections([], NAMES, "no images"))


def test_a_curve_a_class_with_its_average_precision():
    curve = (np.array([0.5, 1.0]), np.array([1.0, 0.5]))
    empty = (np.zeros(0), np.zeros(0))
    names = ("a", "never there", "b", "never answered")
    figure = precision_recall([curve, empty, curve, empty], names, (0.25, np.nan, 0.75, 0.0), "title")
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["b 0.750", "a 0.250", "never answered 0.000"]
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[0, 1], [0.5, 1], [1, 0.5]]
    assert figure.axes[0].lines[0].get_color() == colour(2)
    assert png(figure)
    assert png(precision_recall([empty], ("a",), (np.nan,), "nothing"))


def test_of_many_classes_the_best_and_the_worst_have_curves():
    curve = (np.array([1.0]), np.array([1.0]))
    figure = precision_recall([curve] * 80, [f"class {i}" for i in range(80)], np.arange(80) / 80, "title")
    legend = [text.get_text().rpartition(" ")[0] for text in figure.legends[0].get_texts()]
    assert legend == [f"class {i}" for i in (*range(79, 67, -1), *range(11, -1, -1))]
    assert "of 80 classes" in figure.get_suptitle()


def test_where_colours_repeat_names_stand_in_their_place():
    names = [f"class {i}" for i in range(9)]
    figure = detections(detected.shown(IMAGES, TRUTH, ANSWERS, 0.5), names, "")
    assert [text.get_text() for text in figure.axes[1].texts] == ["missed class 1"]
    assert not [text for text in figure.legends[0].get_texts() if text.get_text().startswith("class")]


def test_a_row_a_kind_of_mistake_with_its_number():
    kinds = detected.mistaken(TRUTH, ANSWERS, 0.5)
    figure = mistakes(IMAGES, kinds, NAMES, "title", TRUTH)
    heads = [line.get_suptitle().split(":")[0] for line in figure.subfigs]
    assert heads == ["2 missed", "0 doubled", "0 wrong class", "0 badly placed", "1 background"]
    assert texts(figure) == ["bicycle", "bicycle", "bicycle 0.75"]
    shown = [axes for axes in figure.axes if axes.images]
    left, right = shown[0].get_xlim()
    assert left < 60 and right > 90  # some surroundings
    assert [p.get_bbox().extents.tolist() for p in shown[-1].patches if p.get_label() != "crop"][-1] == [50, 60, 80, 90]
    assert png(figure)


def test_mistakes_at_the_edge_and_none_at_all():
    edge = np.array([[0, -5, -5, 2, 2, 0, 0.9], [0, 119, 99, 140, 130, 1, 0.8], [0, 500, 500, 500, 500, 1, 0.7]])
    assert png(mistakes(IMAGES, {"background": edge}, NAMES, "edge"))
    assert png(mistakes(IMAGES, detected.mistaken(TRUTH[:0], [], 0.5), NAMES, "none"))
    assert png(mistakes([IMAGES[0][..., :1]], {"missed": edge}, NAMES, "grey", TRUTH))


def test_names_are_taken_for_names():
    """No formula, and cut where they are too long."""
    one = Detected(IMAGES[0], np.zeros((0, 5)), np.zeros(0, bool), np.array([[9, 9, 50, 50, 0, 0.5]]), np.ones(1, bool))
    assert png(detections([one], ("a $x_$ of 16 letters and more",), ""))
