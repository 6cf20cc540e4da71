"""Images with boxes: read from the forms in which others write them, into pixels of the stored image."""

import json
import logging

import numpy as np
import pytest
from boxed_files import (
    BOXES,
    EXPECTED,
    HEIGHT,
    NAMES,
    WIDTH,
    coco,
    document,
    found,
    line,
    packed,
    picture,
    voc,
    whole,
    xml,
    yolo,
)
from PIL import Image

from zoo.data import boxes, class_counts
from zoo.data.boxes import labelled
from zoo.data.config import Boxes, Data
from zoo.data.reading import Reading
from zoo.data.sources import of, own, read
from zoo.data.splitting import conformed
from zoo.errors import UsageError

FORMS = {"Pascal VOC": voc, "COCO": coco, "YOLO": yolo}
SHADES = [1, 2, 3, 10]


@pytest.fixture(autouse=True)
def said_again():
    """A note is said once in a process; in each test anew."""
    labelled.note.cache_clear()


@pytest.mark.parametrize("form", FORMS)
def test_each_form_gives_the_same_arrays(tmp_path, form, caplog):
    with caplog.at_level(logging.WARNING):
        data = own.from_path(FORMS[form](tmp_path / "own"))
    assert (data.task, data.kind, data.class_names, data.num_classes) == ("boxes", "image", NAMES, 3)
    assert (data.input_shape, data.train, data.test_share, data.boxes) == ((32, 64, 1), 4, 0.2, Boxes(most=8))
    told = (
        f"own is taken as {form}: 4 images, 6 boxes: bird 1, cat 2, dog 3; at most 3 in an image, 1 images without any"
    )
    assert told in caplog.text
    part = conformed(read(whole(data), "boxes"), whole(data), "own", "boxes").train
    assert (part.x.shape, part.x.dtype, part.y.shape, part.y.dtype) == ((4, 32, 64, 1), "uint8", (4, 8, 5), "float32")
    assert part.x[:, 0, 0, 0].tolist() == SHADES  # 2 comes before 10
    assert found(part) == EXPECTED and (part.y[2] == -1).all() and (part.y[1, 1:] == -1).all()
    assert class_counts(part, NAMES) == {"bird": 1, "cat": 2, "dog": 3}


def test_boxes_are_stretched_with_their_image(tmp_path):
    data = whole(own.from_path(voc(tmp_path)), input_shape=(128, 96, 1))
    assert found(read(data, "boxes").train)[1] == [(24, 32, 36, 48, 1), (12, 16, 60, 112, 2), (0, 0, 96, 128, 1)]


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: voc(folder, beside=True),
        lambda folder: yolo(folder, beside=True),
        lambda folder: coco(folder, images=".", file="_annotations.coco.json"),
        lambda folder: coco(folder, images="train2017", file="annotations/instances_train2017.json"),
        lambda folder: coco(folder, images="images", file="labels.json"),
        lambda folder: voc(folder / "deep" / "er"),
        lambda folder: [(folder / "notes").mkdir(), yolo(folder / "cells")],
    ],
)  # fmt: skip
def test_other_places_are_known(tmp_path, write):
    write(tmp_path)
    data = whole(own.from_path(tmp_path))
    assert data.source == f"folder:{tmp_path}" and found(read(data, "boxes").train) == EXPECTED


def test_a_json_file_stands_for_its_images(tmp_path):
    coco(tmp_path, images="val2017", file="annotations/instances_val2017.json")
    data = whole(own.from_path(tmp_path / "annotations" / "instances_val2017.json"))
    assert data.source.endswith("instances_val2017.json") and found(read(data, "boxes").train) == EXPECTED


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_is_unpacked_once(tmp_path, form, home, monkeypatch):
    archive = packed(FORMS[form](tmp_path / "own"), tmp_path / "own.zip", "inside/")
    data = whole(own.from_path(archive))
    assert data.source == f"folder:{archive}" and found(read(data, "boxes").train) == EXPECTED
    with monkeypatch.context() as patched:
        patched.setattr("zoo.data.boxes.unpacking._unpack", lambda *_: pytest.fail("unpacked again"))
        assert found(read(data, "boxes").train) == EXPECTED
    assert not list((home / "data").glob(".*"))  # nothing half done is left


PARTS = {"train": ("1", "3"), "valid": ("2",), "test": ("10",)}


@pytest.mark.parametrize("form", ["beside", "Pascal VOC", "COCO", "YOLO"])
@pytest.mark.parametrize("as_archive", [False, True])
def test_folders_of_parts_are_read_with_the_classes_of_the_training_part(tmp_path, form, as_archive):
    for part, names in PARTS.items():
        some = {name: [box for box in BOXES[name] if box[4] != "bird"] for name in names}
        if form == "YOLO":
            yolo(tmp_path / "own" / part, some, yaml=False)
        elif form == "COCO":
            coco(tmp_path / "own" / part, some, images=".", file="_annotations.coco.json")
        else:
            voc(tmp_path / "own" / part, some, beside=form == "beside")
    if form == "YOLO":
        (tmp_path / "own" / "data.yaml").write_text("names:\n  0: bird\n  1: cat\n  2: dog\n")
    path = packed(tmp_path / "own", tmp_path / "own.zip") if as_archive else tmp_path / "own"
    data = own.from_path(path)
    assert data.parts() == {"train": 2, "validation": 1, "test": 1}
    assert data.class_names == (("cat", "dog") if form in ("beside", "Pascal VOC") else NAMES)
    splits = conformed(read(data, "boxes"), data, "own", "boxes")
    assert [part.x[:, 0, 0, 0].tolist() for part in splits] == [[1, 3], [2], [10]]
    assert found(splits.test)[10] == [(4, 4, 6, 6, data.class_names.index("dog"))]


@pytest.mark.parametrize("as_archive", [False, True])
def test_parts_make_room_for_the_most_boxes_of_all(tmp_path, as_archive):
    for part, name, many in (("train", "1", 3), ("test", "2", 20)):
        voc(tmp_path / "own" / part, {name: [(i, i, i + 9, i + 9, "cat") for i in range(many)]}, beside=True)
    path = packed(tmp_path / "own", tmp_path / "own.zip") if as_archive else tmp_path / "own"
    data = own.from_path(path)
    assert data.boxes.most == 24 and len(found(read(data, "boxes").test)[2]) == 20


def test_the_lists_of_pascal_voc_are_the_parts(tmp_path, caplog):
    lists = {"train": ["10", "1"], "val": ["2"], "trainval": ["10", "1", "2"]}
    data = own.from_path(voc(tmp_path, lists=lists))
    assert "1 images that are in no list are passed over: 3.png" in caplog.text
    assert (data.train, data.validation, data.test, data.test_share) == (2, 1, 0, 0.2)
    source = read(data, "boxes")
    assert source.test is None
    assert [part.x[:, 0, 0, 0].tolist() for part in (source.train, source.validation)] == [[1, 10], [2]]
    all_of_it = read(data.of_part(data.source), "boxes").train  # as where all labelled files are scored
    assert all_of_it.x[:, 0, 0, 0].tolist() == [1, 10, 2]


def test_json_files_and_folders_of_parts_by_their_names(tmp_path):
    for part, names in (("train2017", ("1", "2")), ("val2017", ("3", "10"))):
        some = {name: BOXES[name] for name in names}
        coco(tmp_path / "coco", some, images=part, file=f"annotations/instances_{part}.json")
        yolo(tmp_path / "yolo", some, part=part.removesuffix("2017"))
    for form in ("coco", "yolo"):
        data = own.from_path(tmp_path / form)
        assert (data.train, data.validation, data.test) == (2, 2, 0), form
        source = read(data, "boxes")
        assert found(source.train) | found(source.validation) == EXPECTED


def test_from_disk_and_from_the_cache_the_same_arrays(tmp_path, monkeypatch):
    data = whole(own.from_path(coco(tmp_path)))
    resident, stored = (read(whole(data, stream=stream), "boxes").train for stream in ("off", "on"))
    assert hasattr(stored.x, "blocks") and (stored.x[:] == resident.x).all() and (stored.y == resident.y).all()
    monkeypatch.setattr("zoo.data.boxes.files.read_images", lambda *_: pytest.fail("decoded again"))
    assert (read(data, "boxes").train.x == resident.x).all()
    some = {"1": BOXES["1"][:1], "2": [], "3": [], "10": []}
    (tmp_path / "annotations.json").write_text(json.dumps(document(some)))  # other boxes of the same images
    assert found(read(data, "boxes").train) == {1: [(8, 4, 40, 28, 2)], 2: [], 3: [], 10: []}


def test_one_class_is_enough(tmp_path):
    data = own.from_path(voc(tmp_path, {name: [(1, 1, 9, 9, "cell")] for name in "1234"}))
    assert (data.num_classes, data.class_names) == (1, ("cell",))
    part = conformed(read(whole(data), "boxes"), whole(data), "own", "boxes").train
    assert part.y[:, 0].tolist() == [[1, 1, 9, 9, 0]] * 4
    with pytest.raises(ValueError, match=r"one class alone goes with the table data.boxes"):
        Data(source="folder:x", kind="image", task="label", input_shape=(8, 8, 1), train=4, num_classes=1)


def test_coordinates_are_those_of_the_upright_image(tmp_path):
    """A camera on its side: 64x32 pixels in the file, 32x64 to look at."""
    voc(tmp_path, {"1": []})
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.zeros((32, 64), "uint8")
    pixels[:, :8] = 255  # the first columns are the upright image's top
    Image.fromarray(pixels).save(tmp_path / "JPEGImages" / "1.png", exif=exif)
    (tmp_path / "Annotations" / "1.xml").write_text(xml([(0, 0, 32, 8, "cat")], (32, 64)))
    data = whole(own.from_path(tmp_path))
    part = read(data, "boxes").train
    assert data.input_shape == (64, 32, 1) and found(part) == {255: [(0, 0, 32, 8, 0)]}
    assert (part.x[0, :8] == 255).all() and (part.x[0, 8:] == 0).all()
    x, sizes = boxes.read_images([tmp_path / "JPEGImages" / "1.png"], data)
    assert (x == part.x).all() and sizes == [(32, 64)]


def test_the_size_of_large_images_is_in_proportion_and_a_multiple_of_32(tmp_path):
    for name, size in (("1", (640, 480)), ("2", (640, 480)), ("3", (100, 900))):
        picture(tmp_path, name)
        Image.new("RGB", size).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.xml").write_text(xml([(0, 0, 50, 50, "cat")], size))
    assert own.from_path(tmp_path).input_shape == (256, 320, 3)


def test_numbers_are_names_where_there_are_no_others(tmp_path):
    data = own.from_path(yolo(tmp_path, yaml=False))
    assert data.class_names == ("0", "1", "2")
    named = whole(data, class_names=NAMES)  # a recipe's names, in the order of the numbers
    assert found(read(named, "boxes").train) == EXPECTED


def test_images_and_masks_stay_what_they_are(tmp_path):
    for name in "12":
        picture(tmp_path / "images", name)
        picture(tmp_path / "labels", name).write_bytes(picture(tmp_path / "images", name).read_bytes())
        Image.fromarray((np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) % 2).astype("uint8")).save(
            tmp_path / "labels" / f"{name}.png"
        )
    assert own.from_path(tmp_path).task == "mask"


def test_as_boxes_and_as_images_decide(tmp_path):
    voc(tmp_path / "own")
    assert own.from_path(tmp_path / "own", Reading(kind="images")).task == "image"
    for name in BOXES:
        picture(tmp_path / "plain", name)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for place in ("plain", "table.csv"):
        with pytest.raises(UsageError, match="holds no boxes in a form that is known\nit would be a folder"):
            own.from_path(tmp_path / place, Reading(kind="boxes"))
    with pytest.raises(UsageError, match=r"no such file or folder: .*nowhere"):
        own.from_path(tmp_path / "nowhere", Reading(kind="boxes"))


def test_crowds_are_left_out_and_counted(tmp_path, caplog):
    coco(tmp_path)
    body = document(BOXES)
    body["annotations"][1]["iscrowd"] = 1
    (tmp_path / "annotations.json").write_text(json.dumps(body))
    data = whole(own.from_path(tmp_path))
    assert "1 boxes around crowds (iscrowd = 1) are left out" in caplog.text
    assert found(read(data, "boxes").train)[1] == EXPECTED[1][:2]


def test_images_without_labels_have_no_boxes_where_most_have_some(tmp_path, caplog):
    yolo(tmp_path)
    (tmp_path / "labels" / "3.txt").unlink()
    (tmp_path / "labels" / "2.txt").unlink()
    data = whole(own.from_path(tmp_path))
    assert "2 of 4 images have no file of labels, and so no boxes" in caplog.text
    assert found(read(data, "boxes").train) == EXPECTED | {2: []}
    (tmp_path / "labels" / "10.txt").unlink()
    with pytest.raises(
        UsageError, match=r"3 of 4 images in .*images have no file of labels .*\ngive each its NAME.txt"
    ):
        read(data, "boxes")


def test_names_are_read_as_a_yaml_library_reads_them(tmp_path):
    yaml = pytest.importorskip("yaml")
    from zoo.data.boxes.names import of_yaml

    texts = [
        "names: ['a', 'b c']  # two\nnc: 2\n", "nc: 3\nnames: [a,\n  'b''s', # no\n  \"c, d\" ]\ntrain: x\n",
        "names:\n  0: person\n  1: traffic light # red\n  2: it's\nval: y\n", "names:\n- a\n- b, c\n- \"d#e\"\nx: 1\n",
        "names: {0: a, 1: 'b'}\n", "path: x\nnames: [\n'a',\n'b',\n]\n", "names:\n  1: b\n  0: a\n",
        "---\n# c\nnames:\n    - x#1\n    - y z\n", "names: [a b, c]\n\nother: [d]\n",
    ]  # fmt: skip
    for text in texts:
        known = yaml.safe_load(text)["names"]
        wanted = [known[key] for key in sorted(known)] if isinstance(known, dict) else known
        assert of_yaml(text, tmp_path) == wanted, text


def test_the_source_of_folders_says_what_it_wants(tmp_path):
    data = own.from_path(voc(tmp_path))
    assert of(data.source)[0].wanted(data).startswith("a folder (or a .zip of it) of images with boxes: Pascal VOC")
    assert line(0, 0, 64, 32, "cat") == "1 0.5 0.5 1.0 1.0"  # how these tests write YOLO's


def test_the_blood_cells_where_they_are(caplog):
    from zoo.data.rawfiles import locate

    archive = locate("bccd/BCCD_Dataset.zip")
    if not archive.exists():
        pytest.skip(f"{archive} is not there")
    data = own.from_path(archive)
    assert "2 of 4,888 boxes are dropped: " in caplog.text
    assert "BloodImage_00338.xml, object 13 (RBC): 504, 337, 504, 337" in caplog.text
    assert "BloodImage_00343.xml, object 4 (RBC): 181, 329, 181, 329" in caplog.text
    assert data.parts() == {"train": 205, "validation": 87, "test": 72} and data.boxes.most == 32
    assert data.class_names == ("Platelets", "RBC", "WBC")
    data = whole(data, input_shape=(48, 64, 3))
    splits = conformed(read(data, "boxes"), data, "cells", "boxes")
    counts = [class_counts(part, data.class_names) for part in splits]
    assert {name: sum(one[name] for one in counts) for name in counts[0]} == {"Platelets": 361, "RBC": 4153, "WBC": 372}
    # BloodImage_00001, the first to train on, has a white cell from 68, 315 to 286, 480 of 640x480 pixels
    (white,) = [box.tolist() for box in splits.train.y[0] if box[4] == 2]
    assert white == pytest.approx([6.7, 31.4, 28.6, 48, 2])
