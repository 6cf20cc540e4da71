"""Boxes as in the Pascal VOC challenges (Everingham et al. 2010): an XML file an image.

Coordinates are pixels counted from 1, the last one included; so a box from 1 to 640 is as wide as an image of 640
pixels, and its edges are xmin - 1, ymin - 1, xmax and ymax. Where xmax is no more than xmin, or ymax than ymin, there
is no box, although by the letter a box of one pixel begins and ends at the same.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from zoo.data.boxes.labelled import MOST_NOTE, Form, Found, Labelled, class_name, images_in, in_order, numbers, text_of
from zoo.data.folder import below, by_name, pictures, some
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

FOLDERS = ("JPEGImages", "images"), ("Annotations", "annotations")
CORNERS = ("xmin", "ymin", "xmax", "ymax")
LISTS = {"train": ("train", "trainval"), "validation": ("val",), "test": ("test",)}  # the first that is there


def edges(written: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Left, top, right and bottom in pixels."""
    import numpy as np

    first, last = written[:, :2], written[:, 2:]
    return np.concatenate([np.where(last > first, first - 1, first), last], axis=1)


FORM = Form("Pascal VOC", "object", "xmin, ymin, xmax, ymax in pixels from 1", edges)


def fits(folder: Path, beside: bool = True) -> bool:
    """Whether a folder holds images and such files; `beside`: perhaps next to each other in the folder itself."""
    if _folders(folder):
        return True
    names = {file.stem for file in folder.iterdir() if file.suffix.lower() == ".xml"} if beside else set()
    return bool(names) and any(image.stem in names for image in images_in(folder))


def read(folder: Path, known: tuple[str, ...] = ()) -> Found:
    """Images and boxes; the parts are those of ImageSets/Main, where it has some.

    Raises:
        UsageError: an image without a file of its boxes or the reverse, a file of another form; it is named.
    """
    places = _folders(folder)
    images = by_name(places[0], pictures(places[0])) if places else by_name(folder, images_in(folder))
    xml_folder = places[1] if places else folder
    found = below(xml_folder) if places else list(folder.iterdir())
    notes = by_name(xml_folder, sorted(file for file in found if file.suffix.lower() == ".xml"))
    lists = _lists(folder)
    wanted = sorted({name for part in lists.values() for name in part} if lists else {*images, *notes})
    for there, what in ((images, "image"), (notes, "XML file of its boxes")):
        if absent := [name for name in wanted if name not in there]:
            raise UsageError(
                f"{folder}: {some(absent)}: no {what} of that name\n"
                f"an image and its XML file have the same name; {len(images):,} images and {len(notes):,} XML files"
            )
    labelled = {name: _labelled(images[name], notes[name]) for name in wanted}
    parts = {part: [labelled[name] for name in names] for part, names in (lists or {"train": wanted}).items()}
    classes = tuple(sorted({name for one in labelled.values() for name in one.names}))
    return Found(FORM, classes, {name: in_order(part) for name, part in parts.items()})


def _folders(folder: Path) -> tuple[Path, Path] | None:
    """The folder of images and that of XML files."""
    pairs = ((folder / images, folder / notes) for images in FOLDERS[0] for notes in FOLDERS[1])
    there = (pair for pair in pairs if pair[0].is_dir() and pair[1].is_dir())
    return next((pair for pair in there if any(pair[1].rglob("*.[xX][mM][lL]"))), None)


def _lists(folder: Path) -> dict[str, list[str]]:
    """The names of the images of each part, of those that have a list."""
    found = {}
    for part, names in LISTS.items():
        files = [folder / "ImageSets" / "Main" / f"{name}.txt" for name in names]
        if there := next((file for file in files if file.is_file()), None):
            lines = text_of(there, 2**26).splitlines()
            found[part] = [line.strip() for line in lines if line.strip()]
    return found if found.get("train") else {}


def _labelled(image: Path, file: Path) -> Labelled:
    text = text_of(file, MOST_NOTE)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise UsageError(
            f"{file} declares a document type or entities, which is not read\ntake <!DOCTYPE ...> out of it"
        )
    try:
        tree = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise UsageError(f"{file} is no well-formed XML: {error}\nmend it") from None
    if tree.tag != "annotation":
        raise UsageError(f"{file} is <{tree.tag[:40]}>, not the <annotation> of Pascal VOC")
    objects = tree.findall("object")
    read = [_object(one, f"{file}, object {number}") for number, one in enumerate(objects, start=1)]
    written = numbers([corners for _, corners in read])
    return Labelled(image, file, tuple(range(1, len(read) + 1)), tuple(name for name, _ in read), written, _size(tree))


def _object(element: ElementTree.Element, where: str) -> tuple[str, list[float]]:
    name = class_name(element.findtext("name") or "", where)
    box = element.find("bndbox")
    if box is None:
        raise UsageError(f"{where} ({name}) has no <bndbox>\neach object has a box: xmin, ymin, xmax, ymax")
    return name, [_number(box.findtext(corner), f"{where} ({name}): <{corner}>") for corner in CORNERS]


def _number(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise UsageError(f"{where} is {(text or 'missing')[:40]!r}, not a number")
    return value


def _size(tree: ElementTree.Element) -> tuple[int, int] | None:
    """Width and height, where both are said and no 0."""
    try:
        width, height = (int(float(tree.findtext(f"size/{side}") or 0)) for side in ("width", "height"))
    except (ValueError, OverflowError):
        return None
    return (width, height) if width > 0 and height > 0 else None
