"""Folders of images with boxes as others write them: Pascal VOC, COCO and YOLO.

Boxes are left, top, right, bottom in pixels, and the name of the class.
"""

import json
import zipfile

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 32
BOXES = {
    "1": [(8, 4, 40, 28, "dog"), (0, 0, 64, 32, "cat"), (16, 8, 24, 12, "cat")],
    "2": [(32, 16, 64, 32, "dog")],
    "3": [],
    "10": [(2, 2, 4, 4, "bird"), (4, 4, 6, 6, "dog")],
}
NAMES = ("bird", "cat", "dog")
# by hand: from the smallest to the largest, the class by the alphabet
EXPECTED = {
    1: [(16, 8, 24, 12, 1), (8, 4, 40, 28, 2), (0, 0, 64, 32, 1)],
    2: [(32, 16, 64, 32, 2)],
    3: [],
    10: [(2, 2, 4, 4, 0), (4, 4, 6, 6, 2)],
}


def picture(place, name, shade=None):
    """A grey image whose shade is its number."""
    place.mkdir(parents=True, exist_ok=True)
    pixels = np.full((HEIGHT, WIDTH), int(name) if shade is None else shade, "uint8")
    Image.fromarray(pixels).save(place / f"{name}.png")
    return place / f"{name}.png"


def xml(boxes, size=(WIDTH, HEIGHT)):
    """Pascal VOC's: pixels from 1, the last one included."""
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left + 1}</xmin><ymin>{top + 1}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for left, top, right, bottom, name in boxes
    )
    sides = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>1</depth></size>"
    return f"<annotation><filename>elsewhere.jpg</filename>{sides}{objects}</annotation>"


def voc(folder, boxes=BOXES, beside=False, lists=()):
    images, notes = (folder, folder) if beside else (folder / "JPEGImages", folder / "Annotations")
    for name, found in boxes.items():
        picture(images, name)
        notes.mkdir(exist_ok=True)
        (notes / f"{name}.xml").write_text(xml(found))
    for part, names in dict(lists).items():
        (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text("".join(f"{name}\n" for name in names))
    return folder


def document(boxes, names=NAMES, **more):
    """COCO's: numbers of categories have gaps, and begin somewhere."""
    numbers = {name: 3 * i + 1 for i, name in enumerate(names)}
    annotations = [
        {"id": 100 + i, "image_id": f"image {image}", "category_id": numbers[name], "iscrowd": 0, "area": 1.0,
         "bbox": [left, top, right - left, bottom - top]}
        for i, (image, (left, top, right, bottom, name)) in
        enumerate((image, box) for image, found in boxes.items() for box in found)
    ]  # fmt: skip
    return {
        "info": {"year": 2020},
        "images": [
            {"id": f"image {name}", "file_name": f"{name}.png", "width": WIDTH, "height": HEIGHT} for name in boxes
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name, "supercategory": "x"} for name, number in numbers.items()],
        **more,
    }


def coco(folder, boxes=BOXES, images="images", file="annotations.json"):
    for name in boxes:
        picture(folder / images, name)
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_text(json.dumps(document(boxes)))
    return folder


def line(left, top, right, bottom, name, names=NAMES):
    middle = (left + right) / 2 / WIDTH, (top + bottom) / 2 / HEIGHT
    return " ".join(map(str, (names.index(name), *middle, (right - left) / WIDTH, (bottom - top) / HEIGHT)))


def yolo(folder, boxes=BOXES, beside=False, part="", yaml=True):
    images, labels = (folder, folder) if beside else (folder / "images" / part, folder / "labels" / part)
    for name, found in boxes.items():
        picture(images, name)
        labels.mkdir(parents=True, exist_ok=True)
        (labels / f"{name}.txt").write_text("".join(f"{line(*box)}\n" for box in found))
    if yaml:
        (folder / "data.yaml").write_text(f"train: images\nnc: {len(NAMES)}\nnames: {list(NAMES)}\n")
    return folder


def whole(data, **more):
    return data.model_copy(update={"test_share": 0.0, "validation_share": 0.0, **more})


def found(part):
    """The boxes of each image by its shade."""
    return {
        int(x[0, 0, 0]): [tuple(box) for box in y.tolist() if box[4] >= 0] for x, y in zip(part.x, part.y, strict=True)
    }


def packed(folder, archive, prefix=""):
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for one in sorted(folder.rglob("*")):
            file.write(one, f"{prefix}{one.relative_to(folder)}")
    return archive
