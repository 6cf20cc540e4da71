"""What `zoo data show` says and draws of images with boxes."""

import json

import numpy as np
import pytest
from boxed_files import BOXES, NAMES, coco, voc
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from zoo import tasks
from zoo.data import overview
from zoo.data.config import Boxes, Data
from zoo.data.examples import Examples, Splits
from zoo.drawing import boxes, style
from zoo.drawing.sheet import sample_sheet

MANY = {str(i): [(8, 4, 24, 20, "cat"), (0, 0, 9, 4, "dog")][: i % 3] for i in range(1, 13)}


def test_boxes_are_counted_and_measured_by_hand():
    y = np.full((3, 4, 5), -1, "float32")
    y[0, :2] = [(0, 0, 4, 4, 0), (0, 0, 10, 40, 1)]  # roots of areas: 4 and 20
    y[1, 0] = (1, 1, 10, 10, 1)  # 9
    part, none = Examples(np.zeros((3, 48, 48, 1)), y), Examples(np.zeros((0, 48, 48, 1)), y[:0])
    found = overview.boxes(Splits(part, none, part))
    assert found["train"] == found["test"] == {
        "in all": 3, "images without": 1, "an image, least": 0, "an image, median": 1, "an image, most": 2,
        "size, least": 4, "size, median": 9, "size, most": 20,
    }  # fmt: skip
    assert set(found["validation"].values()) == {0}
    labels = Examples(np.zeros((3, 2)), np.zeros(3))
    assert overview.boxes(Splits(labels, labels, labels)) == {}


def test_own_data_is_shown_with_its_boxes(tmp_path, zoo_cli, caplog):
    voc(tmp_path / "own", MANY)
    said = zoo_cli("data", "show", "--data", tmp_path / "own", "--out", tmp_path / "sheet.png")
    assert said.code == 0, said.err
    lines = [line.split() for line in said.splitlines()]
    assert ["task", "detection,", "image"] in lines and ["class", "train", "validation", "test"] in lines
    assert ["splits", "train", "9,", "validation", "1,", "test", "2"] in lines
    assert any(line[:2] == ["images", "without"] for line in lines)
    assert sum(int(count) for line in lines if line[:1] == ["cat"] for count in line[1:]) == 8
    assert "12 images, 12 boxes: cat 8, dog 4; at most 2 in an image, 4 images without any" in caplog.text
    assert (tmp_path / "sheet.png").stat().st_size > 1000
    as_json = zoo_cli("data", "show", "--data", tmp_path / "own", "--out", tmp_path / "sheet.png", "--json")
    told = json.loads(as_json)
    assert told["task"] == "detection" and told["classes"] == 2
    assert sum(part["in all"] for part in told["boxes"].values()) == 12
    assert sum(part["cat"] for part in told["class_counts"].values()) == 8


def test_a_class_that_a_part_lacks_is_told(tmp_path, zoo_cli):
    for part, boxes_of_part in (("train", BOXES), ("test", {"7": BOXES["2"]})):
        coco(tmp_path / "own" / part, boxes_of_part, images=".", file="_annotations.coco.json")
    said = zoo_cli("data", "show", "--data", tmp_path / "own", "--out", tmp_path / "sheet.png")
    assert said.code == 0, said.err
    assert "class 'cat' has 2 boxes, too few to be in every part: none in test" in said


def test_other_models_are_refused_and_those_that_fit_are_named(tmp_path, zoo_cli):
    voc(tmp_path / "own", MANY)
    said = zoo_cli("run", "lenet", "--data", tmp_path / "own", "--dry-run")
    assert said.code == 2 and "yolo" in said.err


def test_the_table_boxes_is_for_boxes():
    data = Data(source="folder:x", kind="image", task="classification", input_shape=(16, 16, 1), num_classes=3, train=4,
                boxes=Boxes())  # fmt: skip
    assert tasks.mistakes(data) == ["the table data.boxes has no meaning for classification"]


def outlines(axes):
    """The rectangles on a picture: edges and colour."""
    return [
        ((one.get_x(), one.get_y(), one.get_x() + one.get_width(), one.get_y() + one.get_height()),
         to_hex(one.get_edgecolor()).upper())
        for one in axes.patches if isinstance(one, Rectangle)
    ]  # fmt: skip


@pytest.mark.parametrize("names", [(), NAMES])
def test_boxes_are_drawn_where_they_are_in_the_colours_of_their_classes(names):
    axes = style.figure(3, 2).subplots()
    rows = np.array([(8, 4, 40, 28, 2), (16, 8, 24, 12, 0), (-1,) * 5], "float32")
    boxes.draw_boxes(axes, np.zeros((32, 64, 1), "uint8"), rows, names)
    assert outlines(axes) == [((8, 4, 40, 28), style.COLOURS[2]), ((16, 8, 24, 12), style.COLOURS[0])]
    assert [text.get_text() for text in axes.texts] == (["dog", "bird"] if names else [])
    assert axes.get_xlim() == (0, 64) and axes.get_ylim() == (32, 0)  # y down, the whole image


def test_a_sheet_shows_the_first_images_and_names_colours_or_boxes(tmp_path):
    data = tasks.from_path(voc(tmp_path, MANY))
    part = tasks.load(data, "own").train
    drawn = sample_sheet(part, data, data.class_names, "own")
    shown = [axes for axes in drawn.axes if axes.images]
    assert len(shown) == boxes.MOST
    for axes, y in zip(shown, part.y, strict=False):
        assert [place for place, _ in outlines(axes)] == [tuple(box[:4]) for box in y.tolist() if box[4] >= 0]
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["cat", "dog"]
    many = [f"class {i}" for i in range(9)]  # more than there are colours
    named = boxes.sheet(part.x[:2], part.y[:2], many, "own", "")
    assert not named.legends and any(axes.texts for axes in named.axes)


def test_the_blood_cells_and_the_scattered_digits_have_recipes(zoo_cli):
    rows = {row["name"]: row for row in json.loads(zoo_cli("data", "ls", "--json"))}
    assert (rows["bccd"]["classes"], rows["bccd"]["train"], rows["bccd"]["test"]) == (3, 205, 72)
    assert rows["scattered"]["input_shape"] == [96, 96, 1] and rows["scattered"]["ready"]
