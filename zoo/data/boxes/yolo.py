"""Boxes as YOLO reads them (Redmon's darknet): a text file an image, a line a box.

A line is the number of a class, the middle of the box (x, y) and its width and height, all four as shares of the image.
An image without such a file has no boxes.
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.boxes import names
from zoo.data.boxes.labelled import Form, Found, Labelled, images_in, in_order, note, numbers, text_of
from zoo.data.folder import below, by_name, is_hidden, pictures, some
from zoo.data.layout import layout
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

FOLDERS = "images", "labels"
MOST_CLASSES = 10_000  # that have numbers only


def edges(written: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Left, top, right and bottom in pixels."""
    import numpy as np

    middle, half = written[:, :2], written[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1) * (*size, *size)


FORM = Form("YOLO", "line", "middle x, middle y, width, height as shares of the image", edges)


def fits(folder: Path, beside: bool = True) -> bool:
    """Whether a folder holds images and such files; `beside`: perhaps next to each other in the folder itself."""
    images, labels = (folder / name for name in FOLDERS)
    if images.is_dir() and labels.is_dir():
        return any(file.name not in names.LISTS for file in labels.rglob("*.[tT][xX][tT]"))
    texts = {file.stem: file for file in folder.glob("*.txt")} if beside else {}
    if not texts:
        return False
    of_images = [texts[image.stem] for image in images_in(folder) if image.stem in texts]
    first = next((file for file in of_images if file.stat().st_size), None)
    return _looks_right(first) if first else bool(of_images) and names.find(folder) is not None


def read(folder: Path, known: tuple[str, ...] = ()) -> Found:
    """Images and boxes; images/train, images/val and images/test are parts.

    The classes are those of a file of names, else the `known` ones, else they are called by their numbers.

    Raises:
        UsageError: a line of another form, a number of no class, labels without an image, most images without labels.
    """
    classes = names.find(folder) or known
    images, labels = (folder / name for name in FOLDERS)
    if not images.is_dir() or not labels.is_dir():
        found = {"train": _labelled(folder, folder, classes)}
    else:
        inside = {name: place for name, place in layout(images).items() if place.is_dir()} or {"train": images}
        found = {name: _labelled(place, labels / place.relative_to(images), classes) for name, place in inside.items()}
    if not classes:
        most = max((int(name) for part in found.values() for one in part for name in one.names), default=0)
        classes = tuple(str(number) for number in range(most + 1))
    return Found(FORM, classes, found)


def _texts(folder: Path) -> list[Path]:
    """The files of labels below a folder."""
    files = [file for file in below(folder) if file.suffix.lower() == ".txt" and file.name not in names.LISTS]
    return [file for file in files if not is_hidden(file.relative_to(folder))]


def _looks_right(file: Path) -> bool:
    try:
        _line(text_of(file).splitlines()[0], (), "")
    except (UsageError, IndexError):
        return False
    return True


def _labelled(folder: Path, labels: Path, classes: tuple[str, ...]) -> list[Labelled]:
    if folder == labels:
        images = by_name(folder, images_in(folder))
        texts = {file.stem: file for file in folder.glob("*.txt") if file.stem in images}
    else:
        images = by_name(folder, pictures(folder))
        texts = by_name(labels, _texts(labels)) if labels.is_dir() else {}
    if alone := [str(texts[name]) for name in texts if name not in images]:
        raise UsageError(f"{some(alone)}: no image of that name in {folder}\nadd it, or move the file of labels away")
    bare = [str(images[name]) for name in images if name not in texts]
    if 2 * len(bare) > len(images):
        raise UsageError(
            f"{len(bare):,} of {len(images):,} images in {folder} have no file of labels in {labels}: {some(bare)}\n"
            "give each its NAME.txt, an empty one where there is nothing to find"
        )
    if bare:
        note(f"{folder}: {len(bare):,} of {len(images):,} images have no file of labels, and so no boxes: {some(bare)}")
    return in_order(_read(image, texts.get(name), labels, classes) for name, image in images.items())


def _read(image: Path, file: Path | None, labels: Path, classes: tuple[str, ...]) -> Labelled:
    if file is None:
        return Labelled(image, labels, (), (), numbers([]))
    lines = [(number, line) for number, line in enumerate(text_of(file).splitlines(), start=1) if line.strip()]
    found = [_line(line, classes, f"{file}, line {number}") for number, line in lines]
    written = numbers([shares for _, shares in found])
    return Labelled(image, file, tuple(number for number, _ in lines), tuple(name for name, _ in found), written)


def _line(line: str, classes: tuple[str, ...], where: str) -> tuple[str, list[float]]:
    try:
        number, *shares = map(float, line.split())
    except ValueError:
        number, shares = -1.0, []
    if len(shares) != 4 or not all(map(isfinite, shares)) or not number.is_integer() or number < 0:
        raise UsageError(f"{where}: {line.strip()[:80]!r} is not: number of the class, {FORM.numbers}")
    if number >= (len(classes) or MOST_CLASSES):
        last = f"the last of {len(classes)} classes is {len(classes) - 1}" if classes else f"{MOST_CLASSES:,} are many"
        raise UsageError(f"{where}: class {number:.0f}; {last}\nmend the line, or the file of names")
    return classes[int(number)] if classes else str(int(number)), shares
