"""Images with boxes that cannot be taken as they are: what is dropped, what is refused, and what is said of it."""

import json
import zipfile

import numpy as np
import pytest
from boxed_files import BOXES, EXPECTED, NAMES, coco, document, found, packed, picture, voc, whole, xml, yolo
from PIL import Image

from zoo.data.boxes import labelled, unpacking
from zoo.data.config import Boxes, Data
from zoo.data.examples import Examples, conform
from zoo.data.sources import infer, own, read
from zoo.data.splitting import conformed
from zoo.errors import UsageError, ZooError
from zoo.files import leftovers


@pytest.fixture(autouse=True)
def said_again():
    """A note is said once in a process; in each test anew."""
    labelled.note.cache_clear()


MANY = {"1": [(i, 0, i + 9, 9, "cat") for i in range(50)], "2": [(i, 0, i + 9, 9, "dog") for i in range(50)], "3": []}


@pytest.mark.parametrize(
    ("form", "wrong", "told"),
    [
        (voc, (20, 5, 20, 9, "cat"), r"3.xml, object 1 (cat): 21, 6, 20, 9 has no width or no height"),
        (voc, (20, 5, 10, 9, "cat"), r"3.xml, object 1 (cat): 21, 6, 10, 9 has no width or no height"),
        (voc, (60, 5, 66, 9, "cat"), r"(cat): 61, 6, 66, 9 reaches out of the image of 64x32 pixels"),
        (coco, (0, 30, 5, 34, "cat"), r"annotation 200 (cat): 0, 30, 5, 4 reaches out of the image of 64x32 pixels"),
        (coco, (3, 3, 3, 9, "cat"), r"annotation 200 (cat): 3, 3, 0, 6 has no width or no height"),
        (yolo, (-4, 0, 4, 4, "cat"), r"3.txt, line 1 (cat): 0, 0.0625, 0.125, 0.125 reaches out of the image"),
    ],
)
def test_a_box_that_is_none_is_dropped_by_name(tmp_path, caplog, form, wrong, told):
    data = whole(own.from_path(form(tmp_path, MANY | {"3": [wrong]})))
    assert "1 of 101 boxes is dropped: " in caplog.text and told in caplog.text
    assert {shade: len(said) for shade, said in found(read(data, "boxes").train).items()} == {1: 50, 2: 50, 3: 0}


def test_a_zero_sized_box_of_pascal_voc_as_blood_cells_have_two(tmp_path, caplog):
    """xmin = xmax and ymin = ymax: by the letter one pixel, in fact nothing."""
    data = whole(own.from_path(voc(tmp_path, MANY | {"3": [(503, 336, 504, 337, "RBC"), (9, 9, 10, 10, "RBC")]})))
    assert "2 of 102 boxes are dropped" in caplog.text and "504, 337, 504, 337 has no width" in caplog.text
    assert found(read(data.model_copy(update={"class_names": NAMES, "num_classes": 3}), "boxes").train)[3] == []


def test_a_pixel_beyond_the_border_is_cut_off(tmp_path, caplog):
    data = whole(own.from_path(coco(tmp_path, {"1": [(-1, -0.5, 65, 9, "cat")]})))
    assert found(read(data, "boxes").train) == {1: [(0, 0, 64, 9, 1)]} and "dropped" not in caplog.text


def test_many_boxes_that_are_none_are_refused(tmp_path):
    wrong = [(i, 5, i, 9, "cat") for i in range(4)]
    with pytest.raises(UsageError) as error:
        own.from_path(voc(tmp_path, MANY | {"3": wrong}))
    said = str(error.value)
    assert said.startswith("4 of 104 boxes are none: ") and "3.xml, object 1 (cat): 1, 6, 0, 9" in said
    assert "; and 1 more\n" in said
    assert said.endswith("Pascal VOC has xmin, ymin, xmax, ymax in pixels from 1: mend the boxes, or write them so")


def test_a_stated_size_yields_to_the_image_where_the_boxes_fit(tmp_path, caplog):
    voc(tmp_path)
    (tmp_path / "Annotations" / "2.xml").write_text(xml(BOXES["2"], (640, 480)))
    data = whole(own.from_path(tmp_path))
    assert "1 files of boxes state another size than their image has, such as 2.xml" in caplog.text
    assert found(read(data, "boxes").train) == EXPECTED
    (tmp_path / "Annotations" / "2.xml").write_text(xml([(0, 0, 300, 200, "dog")], (640, 480)))
    with pytest.raises(UsageError, match=r"2.xml is for an image of 640x480 pixels, .*2.png has 64x32, and"):
        read(data, "boxes")


def changed(table, **entries):
    """COCO's JSON with other entries in the first row of a table."""

    def write(own):
        body = document(BOXES)
        body[table][0].update(entries)
        (own / "annotations.json").write_text(json.dumps(body))

    return write


def added(table, **row):
    """COCO's JSON with one more row in a table."""

    def write(own):
        body = document(BOXES)
        body[table].append(row)
        (own / "annotations.json").write_text(json.dumps(body))

    return write


def said_of(name, text):
    """A file with another text."""

    def write(own):
        (own / name).write_text(text)

    return write


def one_object(inside):
    return said_of(NOTE, f"<annotation><object>{inside}</object></annotation>")


def box(right):
    return f"<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{right}</xmax><ymax>9</ymax></bndbox>"


def same_stem(own):
    picture(own / "JPEGImages", "2").rename(own / "JPEGImages" / "3.jpg")


NOTE, LABEL, YAML = "Annotations/2.xml", "labels/2.txt", "data.yaml"
NESTED = "<annotation>" + "<a>" * 10**5 + "</a>" * 10**5 + "</annotation>"
BOMB = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><annotation>&c;</annotation>'
OF_VOC = {
    "2.xml is no well-formed XML: no element found": said_of(NOTE, "<annotation><object>"),
    "2.xml declares a document type or entities, which is not read": said_of(NOTE, BOMB),
    "2.xml is <html>, not the <annotation> of Pascal VOC": said_of(NOTE, "<html></html>"),
    "2.xml, object 1 (cat) has no <bndbox>": one_object("<name>cat</name>"),
    "2.xml, object 1 (cat): <xmax> is 'x', not a number": one_object(f"<name>cat</name>{box('x')}"),
    "2.xml, object 1 (cat): <xmax> is 'inf', not a number": one_object(f"<name>cat</name>{box('inf')}"),
    "2.xml, object 1 has no name of a class": one_object(f"<name> </name>{box(9)}"),
    "2.xml has 1,048,601 bytes; such a file has at most": said_of(NOTE, " " * 2**20 + "<annotation></annotation>"),
    "2.xml is not UTF-8: ": lambda own: (own / NOTE).write_bytes(b"\xff\xfe<\0a\0"),
    ": 2: no XML file of its boxes of that name": lambda own: (own / NOTE).unlink(),
    ": 2: no image of that name": lambda own: (own / "JPEGImages" / "2.png").unlink(),
    "2.png (no PNG, JPEG, BMP or GIF": said_of("JPEGImages/2.png", "no picture"),
    "3.png are of one name": same_stem,
    "2.png is listed 2 times: train, validation": lambda own: voc(own, lists={"train": ["1", "2"], "val": ["2"]}),
    ": 7: no image of that name": lambda own: voc(own, lists={"train": ["1", "7"]}),
}
OF_COCO = {
    "annotations.json is not COCO's JSON: all of it: invalid JSON": said_of(
        "annotations.json", '{"images": [], "annotations": 3, "categories": [}'
    ),
    "not COCO's JSON: annotations.0.bbox.2: input should be a valid number": changed(
        "annotations", bbox=[1, 2, "3", 4]
    ),
    "not COCO's JSON: annotations.0.bbox.3: field required": changed("annotations", bbox=[1, 2, 3]),
    "annotations.0.bbox.3: input should be a finite number": changed("annotations", bbox=[1, 2, 3, float("nan")]),
    "annotation 100 is of image 9, which is not in the file": changed("annotations", image_id=9),
    "annotation 100 is of category 9, which is not in the file": changed("annotations", category_id=9),
    "annotations.json: two images have one id": added("images", id="image 1", file_name="1.png"),
    "category 99, 'cat': another one has its number or its name": added("categories", id=99, name="cat"),
    "image image 1 leads out of the folder: '../1.png'": changed("images", file_name="../1.png"),
    "image image 1 leads out of the folder: '/etc/1.png'": changed("images", file_name="/etc/1.png"),
    "image '7.png' is not there\nlooked for in ": changed("images", file_name="7.png"),
    "2.png is listed 2 times: train, train": changed("images", file_name="2.png"),
}
OF_YOLO = {
    "2.txt, line 1: '0 0.5 0.5 0.1' is not: number of the class, middle x": said_of(LABEL, "0 0.5 0.5 0.1"),
    "2.txt, line 2: '0 0.5 0.5 0.1 0.1 0.9' is not": said_of(LABEL, "\n0 0.5 0.5 0.1 0.1 0.9"),
    "2.txt, line 1: 'cat 0.5 0.5 0.1 0.1' is not": said_of(LABEL, "cat 0.5 0.5 0.1 0.1"),
    "2.txt, line 1: '0 0.5 0.5 nan 0.1' is not": said_of(LABEL, "0 0.5 0.5 nan 0.1"),
    "2.txt, line 1: '0.5 0.5 0.5 0.1 0.1' is not": said_of(LABEL, "0.5 0.5 0.5 0.1 0.1"),
    "2.txt, line 1: class 3; the last of 3 classes is 2": said_of(LABEL, "3 0.5 0.5 0.1 0.1"),
    "labels/7.txt: no image of that name in ": said_of("labels/7.txt", "0 0.5 0.5 0.1 0.1"),
    "data.yaml: the names cannot be read: '[a, [b]]'": said_of(YAML, "names: [a, [b]]\n"),
    "data.yaml: the names cannot be read: '&a [b]'": said_of(YAML, "names: &a [b]\n"),
    "data.yaml has no key `names`": said_of(YAML, "nc: 3\n"),
    "data.yaml has no name of a class": said_of(YAML, "names: []\n"),
    "data.yaml: names are numbered 0, 2, not 0, 1, 2": said_of(YAML, "names: {0: a, 2: b}\n"),
    "data.yaml names the class 'a' twice": said_of(YAML, "names: [a, a, b]\n"),
}
BROKEN = [(form, said, OF[said]) for form, OF in ((voc, OF_VOC), (coco, OF_COCO), (yolo, OF_YOLO)) for said in OF]


@pytest.mark.parametrize(("form", "said", "break_it"), BROKEN)
def test_bad_files_are_named(tmp_path, form, said, break_it):
    form(tmp_path)
    data = own.from_path(tmp_path)
    break_it(tmp_path)
    for use in (lambda: own.from_path(tmp_path), lambda: read(data, "boxes")):
        with pytest.raises(UsageError) as error:
            use()
        assert said in str(error.value) and len(str(error.value).splitlines()) <= 3


def test_deep_and_odd_documents_end_in_a_message(tmp_path):
    coco(tmp_path / "c")
    deep = '{"images": ' + "[" * 10**5 + '"annotations" "categories"'
    (tmp_path / "c" / "annotations.json").write_text(deep)
    with pytest.raises(UsageError, match=r"is not COCO's JSON"):
        own.from_path(tmp_path / "c")
    voc(tmp_path / "v")
    (tmp_path / "v" / "Annotations" / "1.xml").write_text(
        "<annotation>" + "<a>" * 10**5 + "</a>" * 10**5 + "</annotation>"
    )
    assert own.from_path(tmp_path / "v").train == 4


def test_a_class_that_training_has_not_is_refused_in_the_other_parts(tmp_path):
    voc(tmp_path / "train", {"1": BOXES["1"]})
    voc(tmp_path / "test", {"10": BOXES["10"]})
    with pytest.raises(UsageError, match=r"10.png has a box of class 'bird', which is none of cat, dog"):
        own.from_path(tmp_path)


def test_no_boxes_at_all_and_too_many_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"none of 2 images has a box"):
        own.from_path(voc(tmp_path / "none", {"1": [], "2": []}))
    data = whole(own.from_path(voc(tmp_path / "own")), boxes=Boxes(most=2))
    with pytest.raises(UsageError, match=r"1.png has 3 boxes, the recipe says at most 2\n.* data.boxes.most=8"):
        read(data, "boxes")


def test_a_size_that_the_recipe_has_and_the_folder_has_not_is_told(tmp_path):
    data = own.from_path(voc(tmp_path)).model_copy(update={"train": 4, "test": 2, "test_share": 0.0})
    with pytest.raises(UsageError, match=r"the recipe says 2 examples in data.test, the source has 0"):
        conformed(read(data, "boxes"), data, "own", "boxes")


HOSTILE = {
    "../out.png": "leads out of it",
    "/out.png": "leads out of it",
    "a/../../out.txt": "leads out of it",
    "a\\out.png": "leads out of it",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_archive_that_leads_out_of_itself_is_refused(tmp_path, name, home):
    archive = packed(voc(tmp_path / "own"), tmp_path / "own.zip")
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr(name, b"x")
    with pytest.raises(UsageError, match=r"own.zip is refused: a name in it leads out of it"):
        own.from_path(archive)
    assert not list((home / "data").iterdir()) and not list(tmp_path.rglob("out.*"))


def test_links_twice_passwords_and_damage_are_refused(tmp_path, monkeypatch):
    def archive(name, change):
        path = packed(voc(tmp_path / "own"), tmp_path / f"{name}.zip")
        with zipfile.ZipFile(path, "a") as file:
            change(file)
        return path

    def link(file):
        info = zipfile.ZipInfo("JPEGImages/7.png")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc/passwd")

    def twice(file):
        file.writestr("Annotations/1.xml", xml([]))

    with pytest.raises(UsageError, match=r"'JPEGImages/7.png' is a link or a device"):
        own.from_path(archive("link", link))
    with pytest.warns(UserWarning), pytest.raises(UsageError, match=r"it holds 'Annotations/1.xml' twice"):
        own.from_path(archive("twice", twice))
    damaged = archive("damaged", lambda file: file.writestr(zipfile.ZipInfo("notes.txt"), b"not compressed"))
    damaged.write_bytes(damaged.read_bytes().replace(b"not compressed", b"not as before "))
    with pytest.raises(UsageError, match=r"damaged.zip is damaged, or no archive that can be read: Bad CRC-32"):
        own.from_path(damaged)
    monkeypatch.setattr("zoo.data.boxes.unpacking.MOST_BYTES", 500)
    with pytest.raises(UsageError, match=r"large.zip has [0-9,]+ bytes; such a file has at most"):
        infer(f"folder:{archive('large', lambda file: None)}")
    monkeypatch.setattr("zoo.data.boxes.unpacking.MOST_MEMBERS", 3)
    with pytest.raises(UsageError, match=r"holds more than 3 files"):
        monkeypatch.setattr("zoo.data.boxes.unpacking.MOST_BYTES", 10**6)
        infer(f"folder:{archive('many', lambda file: None)}")


def test_another_process_may_unpack_the_same_archive_first(tmp_path, monkeypatch):
    archive, slower = packed(voc(tmp_path / "own"), tmp_path / "own.zip"), unpacking._unpack
    places = []

    def overtaken(path, folder):
        slower(path, folder)
        if not places:  # meanwhile somebody else is done
            places.append(folder)
            with monkeypatch.context() as patched:
                patched.setattr(leftovers, "temporary", lambda path: path.with_name(f".{path.name}.other.tmp"))
                unpacking.unpacked(path)

    monkeypatch.setattr(unpacking, "_unpack", overtaken)
    folder = unpacking.unpacked(archive)
    assert len(list(folder.rglob("*.png"))) == 4 and not list(folder.parent.glob(".*"))


def test_a_turn_that_is_noted_behind_the_pixels_is_refused(tmp_path):
    """Which is seen only where the whole file is read: boxes would lie elsewhere."""
    voc(tmp_path, {"1": [(0, 0, 9, 9, "cat")]})
    exif, file = Image.Exif(), tmp_path / "JPEGImages" / "1.png"
    exif[0x0112] = 6
    Image.open(file).save(file, exif=exif)
    content = file.read_bytes()
    start = content.index(b"eXIf") - 4
    stop = start + 12 + int.from_bytes(content[start : start + 4], "big")
    end = content.index(b"IEND") - 4
    file.write_bytes(content[:start] + content[stop:end] + content[start:stop] + content[end:])
    with pytest.raises(UsageError, match=r"1.png is turned by a note behind its pixels\nsave it upright"):
        read(own.from_path(tmp_path), "boxes")


def test_what_unpacks_to_more_than_allowed_is_refused_before(tmp_path, monkeypatch):
    voc(tmp_path / "own")
    (tmp_path / "own" / "Annotations" / "1.xml").write_text(" " * 10**6)
    archive = packed(tmp_path / "own", tmp_path / "own.zip")
    monkeypatch.setattr("zoo.data.boxes.unpacking.MOST_BYTES", 10**5)
    with pytest.raises(UsageError, match=r"own.zip unpacks to 0.0 GiB, more than 0 GiB"):
        own.from_path(archive)


def test_pairs_in_an_archive_stay_pairs(tmp_path):
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as file:
        file.writestr("pairs.txt", "".join(f"say {i} please\tdis {i} donc\n" for i in range(50)))
    assert own.from_path(tmp_path / "pairs.zip").kind == "text-pair"


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((1, 1, float("nan"), 4, 0), "a number that is not finite"),
        ((1, 1, 3, 4, 2), "a class that is none of 0 to 1"),
        ((1, 1, 3, 4, 0.5), "a class that is none of 0 to 1"),
        ((-1, -1, 3, 4, -1), "a class that is none of 0 to 1"),
        ((3, 1, 3, 4, 0), "no width or no height"),
        ((1, 4, 3, 1, 0), "no width or no height"),
        ((1, 1, 9, 4, 0), "an edge out of the image of 8x6 pixels"),
        ((-1, 1, 3, 4, 0), "an edge out of the image of 8x6 pixels"),
    ],
)
def test_boxes_of_any_source_are_held_to_the_contract(box, said):
    data = Data(source="folder:x", kind="image", task="boxes", input_shape=(6, 8, 1), train=2, num_classes=2,
                boxes=Boxes(most=2))  # fmt: skip
    y = np.full((2, 2, 5), -1.0)
    y[0] = [(0, 0, 8, 6, 1), (2, 2, 3, 3, 0)]
    x = np.zeros((2, 6, 8, 1), "uint8")
    good = conform(Examples(x, y), data, "here", "boxes").y
    assert good.dtype == "float32" and good[0].tolist() == [[2, 2, 3, 3, 0], [0, 0, 8, 6, 1]] and (good[1] == -1).all()
    y[1, 0] = box
    with pytest.raises(ZooError, match=f"here: row 1, box .* has {said}"):
        conform(Examples(x, y), data, "here", "boxes")
    with pytest.raises(UsageError, match=r"boxes of shape \[1, 5\], the recipe says \[2, 5\]"):
        conform(Examples(x, y[:, :1]), data, "here", "boxes")
