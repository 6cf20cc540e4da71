"""Boxes as in COCO (Lin et al. 2014): a JSON file for many images. A box is x, y, width, height in pixels from 0."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from zoo.data.boxes.labelled import Form, Found, Labelled, class_name, in_order, note, numbers
from zoo.errors import UsageError
from zoo.files import read_bytes

if TYPE_CHECKING:
    import numpy as np

MOST_BYTES = 2**28  # of a JSON file
KEYS = (b'"images"', b'"annotations"', b'"categories"')
NAMES = ("_annotations.coco.json", "annotations.json")  # of the one file, whatever others there are
WORDS = {"train": "train", "val": "validation", "test": "test"}  # in the names of files for parts
PICTURES = ("", "images", "JPEGImages", "data")  # folders that images are looked for in


class _Form(BaseModel):
    model_config = ConfigDict(strict=True, defer_build=True, allow_inf_nan=False)


class _Image(_Form):
    id: int | str
    file_name: str
    width: int = 0
    height: int = 0


class _Annotation(_Form):
    id: int | str = "without id"
    image_id: int | str
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int | bool = 0


class _Category(_Form):
    id: int
    name: str


class _Document(_Form):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def edges(written: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Left, top, right and bottom in pixels."""
    import numpy as np

    return np.concatenate([written[:, :2], written[:, :2] + written[:, 2:]], axis=1)


FORM = Form("COCO", "annotation", "x, y, width, height in pixels", edges)


def fits(place: Path, beside: bool = True) -> bool:
    """Whether this is such a file, or a folder with one; `beside`: perhaps in the folder itself."""
    return is_file(place) if place.is_file() else bool(_files(place, beside))


def is_file(path: Path) -> bool:
    """Whether a file has the keys of COCO's JSON."""
    if path.suffix.lower() != ".json" or path.stat().st_size > MOST_BYTES:
        return False
    content = _content(path)
    return all(key in content for key in KEYS)


def read(place: Path, known: tuple[str, ...] = ()) -> Found:
    """Images and boxes of a JSON file, or of those in a folder, of which each is then a part by its name.

    Raises:
        UsageError: a file of another form, files that are no parts, an image that is not there or outside of the
            folder; it is named.
    """
    files = [place] if place.is_file() else _files(place)
    parts: dict[str, list[Labelled]] = {}
    classes: dict[int, str] = {}
    for part, file in _by_part(files).items():
        document = _document(file)
        classes |= _classes(document, file, classes)
        parts[part] = in_order(_labelled(document, file, _pictures(file)))
    return Found(FORM, tuple(classes[key] for key in sorted(classes)), parts)


def _files(folder: Path, beside: bool = True) -> list[Path]:
    """The JSON files of a folder that hold boxes."""
    named = [folder / name for name in NAMES if beside and (folder / name).is_file()]
    inside = sorted((folder / "annotations").glob("*.json")) if (folder / "annotations").is_dir() else []
    of_boxes = [file for file in inside if file.name.startswith("instances_")]
    loose = sorted(folder.glob("*.json")) if beside else []
    for files in (named[:1], of_boxes or inside, loose if len(loose) <= len(WORDS) else []):
        if found := [file for file in files if is_file(file)]:
            return found
    return []


def _by_part(files: Sequence[Path]) -> dict[str, Path]:
    if len(files) == 1:
        return {"train": files[0]}
    found: dict[str, Path] = {}
    for file in files:
        words = [part for word, part in WORDS.items() if re.search(rf"(^|[^a-z]){word}", file.stem.lower())]
        if len(words) != 1 or words[0] in found:
            raise UsageError(
                f"{file.parent} holds {', '.join(one.name for one in files)}: which are the parts?\n"
                "give one by its path, or name them after train, val and test"
            )
        found[words[0]] = file
    if "train" not in found:
        raise UsageError(f"{files[0].parent} holds {', '.join(one.name for one in files)}, and none to train on")
    return {part: found[part] for part in WORDS.values() if part in found}


def _content(file: Path) -> bytes:
    try:
        return read_bytes(file, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def _document(file: Path) -> _Document:
    try:
        return _Document.model_validate_json(_content(file))
    except ValidationError as error:
        first = error.errors()[0]
        where, what = ".".join(map(str, first["loc"]))[:100] or "all of it", first["msg"]
        raise UsageError(
            f"{file} is not COCO's JSON: {where}: {what[0].lower()}{what[1:]}\n"
            "it has images (id, file_name), annotations (image_id, category_id, bbox) and categories (id, name)"
        ) from None


def _classes(document: _Document, file: Path, before: dict[int, str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for one in document.categories:
        name = class_name(one.name, f"{file}, category {one.id}")
        if one.id in found or name in found.values() or before.get(one.id, name) != name:
            raise UsageError(f"{file}: category {one.id}, {name!r}: another one has its number or its name")
        found[one.id] = name
    return found


def _labelled(document: _Document, file: Path, folders: Sequence[Path]) -> Iterator[Labelled]:
    names = {one.id: one.name.strip() for one in document.categories}
    images = {one.id: one for one in document.images}
    if len(images) < len(document.images):
        raise UsageError(f"{file}: two images have one id")
    boxes: dict[int | str, list[_Annotation]] = {key: [] for key in images}
    crowds = 0
    for one in document.annotations:
        if one.image_id not in images or one.category_id not in names:
            which, key = ("image", one.image_id) if one.image_id not in images else ("category", one.category_id)
            raise UsageError(f"{file}: annotation {one.id} is of {which} {key!r}, which is not in the file")
        crowds += bool(one.iscrowd)
        if not one.iscrowd:
            boxes[one.image_id].append(one)
    if crowds:
        note(f"{file}: {crowds:,} boxes around crowds (iscrowd = 1) are left out")
    for key, image in images.items():
        found = boxes[key]
        size = (image.width, image.height) if image.width > 0 and image.height > 0 else None
        yield Labelled(
            _there(image, file, folders), file, tuple(one.id for one in found),
            tuple(names[one.category_id] for one in found), numbers([one.bbox for one in found]), size,
        )  # fmt: skip


def _pictures(file: Path) -> list[Path]:
    """Folders in which the images of a file may lie: beside it, or beside its folder annotations/."""
    part = file.stem.removeprefix("instances_")
    roots = [file.parent.parent, file.parent] if file.parent.name == "annotations" else [file.parent]
    return [root / name for root in roots for name in (*PICTURES, part, f"images/{part}")]


def _there(image: _Image, file: Path, folders: Sequence[Path]) -> Path:
    name = PurePosixPath(image.file_name)
    if name.is_absolute() or ".." in name.parts or not name.parts or "\0" in image.file_name:
        raise UsageError(
            f"{file}: image {image.id} leads out of the folder: {image.file_name[:200]!r}\n"
            "file_name is a path within the folder of the images"
        )
    place = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if place is None:
        where = ", ".join(str(folder) for folder in folders if folder.is_dir())
        raise UsageError(f"{file}: image {image.file_name[:200]!r} is not there\nlooked for in {where}")
    return place
