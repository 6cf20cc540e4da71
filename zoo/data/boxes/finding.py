"""Where images with boxes are, and in which form: a folder, a .zip, a COCO .json."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from zoo.data.boxes import coco, unpacking, voc, yolo
from zoo.data.boxes.labelled import Found, note, refuse_twice
from zoo.data.folder import pictures, some
from zoo.data.layout import layout
from zoo.errors import UsageError


class Reader(NamedTuple):
    """What reads a folder in one form, where that fits."""

    name: str
    fits: Callable[[Path, bool], bool]
    read: Callable[[Path, tuple[str, ...]], Found]


READERS = tuple(Reader(one.FORM.name, one.fits, one.read) for one in (voc, coco, yolo))
DEEP = 3  # folders in folders, each the only one, above the images
WANTED = (
    "a folder (or a .zip of it) of images with boxes: Pascal VOC (JPEGImages/ and Annotations/, or an .xml beside each "
    "image), COCO (a .json beside the images) or YOLO (images/ and labels/, or a .txt beside each image)"
)


def holds(path: Path) -> bool:
    """Whether a path is of images with boxes; a folder of nothing but parts is left to these, an archive to its names.

    Raises:
        UsageError: a folder that cannot be read.
    """
    if path.is_dir():
        root = _readable(path)
        return root is not None and bool(root != path or _readers(root))
    return path.is_file() and (unpacking.holds_pictures(path) if unpacking.is_archive(path) else coco.is_file(path))


def find(path: Path, known: tuple[str, ...] = ()) -> Found:
    """All images with their boxes. The parts of a folder with train/ and test/ or valid/ are its folders'.

    `known` are the classes where numbers stand for them.

    Raises:
        UsageError: there are none, in any form that is known; what is wrong in a file is named.
    """
    if path.is_file() and path.suffix.lower() == ".json":
        return _noted(coco.read(path, known), path.parent)
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
    folder = unpacking.unpacked(path) if unpacking.is_archive(path) and path.is_file() else path
    root = _readable(folder) if folder.is_dir() else None
    if root is None:
        raise UsageError(f"{path} holds no boxes in a form that is known\nit would be {WANTED}")
    if readers := _readers(root):
        return _noted(_read(readers, root, known), root)
    found = {name: _read(_readers(place), place, known) for name, place in _parts(root).items()}
    train = found["train"]
    if other := next((name for name in found if found[name].form != train.form), None):
        raise UsageError(f"{root}: its parts are of different forms: {train.form.name}, {found[other].form.name}")
    return _noted(Found(train.form, train.classes, {name: one.all for name, one in found.items()}), root)


def _read(readers: list[Reader], folder: Path, known: tuple[str, ...]) -> Found:
    if len(readers) > 1:
        others = ", ".join(reader.name for reader in readers[1:])
        note(f"{folder} is read as {readers[0].name}; passed over: {others}")
    return readers[0].read(folder, known)


def _noted(found: Found, root: Path) -> Found:
    """The same, after a note of the images that belong to none.

    Raises:
        UsageError: there is no image, or one is in two parts.
    """
    if not refuse_twice(found).all:
        raise UsageError(f"{root} holds no images with boxes")
    used = {one.image for one in found.all}
    if others := [image.name for image in pictures(root) if image not in used]:
        note(f"{root}: {len(others):,} images that are in no list are passed over: {some(others)}")
    return found


def _readers(folder: Path, beside: bool = True) -> list[Reader]:
    return [reader for reader in READERS if reader.fits(folder, beside)]


def _parts(folder: Path) -> dict[str, Path]:
    """The folders of a folder's parts, where each holds boxes."""
    found = layout(folder, quiet=True)
    return found if all(place.is_dir() and _readers(place) for place in found.values()) else {}


def _readable(folder: Path) -> Path | None:
    """As `_root`; a folder that cannot be read is named."""
    try:
        return _root(folder)
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}\nmake it readable") from error


def _root(folder: Path, deep: int = DEEP) -> Path | None:
    """The folder itself, or the one in it that holds boxes where no other has images."""
    if _readers(folder) or _parts(folder):
        return folder
    inside = [place for place in sorted(folder.iterdir()) if place.is_dir() and not place.name.startswith((".", "__"))]
    if len(inside) == 1:
        return _root(inside[0], deep - 1) if deep else None
    fitting = [place for place in inside if _readers(place, beside=False)]
    others = [place for place in inside if place not in fitting]
    return fitting[0] if len(fitting) == 1 and not any(pictures(place) for place in others) else None
