"""What files say of images and the boxes in them, before an image is opened."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zoo.data.folder import SUFFIXES
from zoo.errors import UsageError
from zoo.files import read_bytes
from zoo.files.names import natural

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("zoo.data")
MOST_NOTE = 2**20  # bytes of a file that is about one image
MOST_NAME = 200  # letters of a class's name


class Form(NamedTuple):
    """A way in which boxes are written."""

    name: str
    counted: str  # what a box is called in its file
    numbers: str  # what the four numbers of a box are
    edges: Callable[[np.ndarray, tuple[int, int]], np.ndarray]  # of those (n, 4), in an image of (width, height)


class Labelled(NamedTuple):
    """An image and its boxes as they are written."""

    image: Path
    place: Path  # the file that the boxes stand in
    numbers: tuple[int | str, ...]  # of the boxes in that file
    names: tuple[str, ...]  # of their classes
    written: np.ndarray  # (n, 4) float64
    size: tuple[int, int] | None = None  # width and height, as that file has them


class Found(NamedTuple):
    """Images with boxes, by the part that they are for: train, and where the files say so validation and test."""

    form: Form
    classes: tuple[str, ...]  # in their order
    parts: dict[str, list[Labelled]]

    @property
    def all(self) -> list[Labelled]:
        """The images of all parts."""
        return [one for part in self.parts.values() for one in part]


@cache
def note(text: str) -> None:
    """Say it, once in a process, however often the files are read."""
    log.warning("note: %s", text)


def images_in(folder: Path) -> list[Path]:
    """The images in a folder itself, hidden ones left out."""
    return sorted(e for e in folder.iterdir() if e.suffix.lower() in SUFFIXES and e.is_file() and e.name[0] != ".")


def text_of(file: Path, most: int = MOST_NOTE) -> str:
    """The text of a file of at most so many bytes.

    Raises:
        UsageError: it cannot be read, is larger, or no UTF-8.
    """
    try:
        return read_bytes(file, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8: {error.reason} at byte {error.start}\nsave it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error


def numbers(rows: Sequence[Sequence[float]]) -> np.ndarray:
    """The numbers of boxes as an array (n, 4)."""
    import numpy as np

    return np.array(rows, "float64").reshape(-1, 4)


def in_order(images: Iterable[Labelled]) -> list[Labelled]:
    """By the names of the image files: 2 comes before 10."""
    return sorted(images, key=lambda one: natural(str(one.image)))


def class_name(name: str, where: str) -> str:
    """The name of a class, without blanks at its ends.

    Raises:
        UsageError: there is none, or it is very long.
    """
    name = name.strip()
    if not name or len(name) > MOST_NAME:
        raise UsageError(f"{where} has {'a very long' if name else 'no'} name of a class\nmend it")
    return name


def refuse_twice(found: Found) -> Found:
    """The same.

    Raises:
        UsageError: an image is listed twice, perhaps to train and to test on.
    """
    times = Counter(one.image for one in found.all)
    if twice := next((image for image, count in times.items() if count > 1), None):
        parts = [name for name, part in found.parts.items() for one in part if one.image == twice]
        raise UsageError(f"{twice} is listed {times[twice]} times: {', '.join(parts)}\neach image is in one part, once")
    return found
