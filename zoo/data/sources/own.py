"""Own data by its path: which source it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import arrays, boxes, masks
from zoo.data.layout import layout
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources import infer, pairs
from zoo.data.text import corpus, files
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data

TABLES = (".csv", ".tsv", ".txt", ".data")


def from_path(path: str | Path, reading: Reading = AS_FOUND) -> Data:
    """A description of own data, by its absolute path: it holds wherever it is used again.

    A folder of images or of .txt files, a sub-folder a class, or one with x.npy and y.npy, or one with images/ and
    masks/ whose files have the same names; images with boxes (see `zoo.data.boxes`); a table; running text for a
    language model, in a .txt file or in a folder of nothing else; a file of tab-separated pairs of texts, or two files
    whose lines belong together, `a.en,a.de`.
    `reading.kind` says what a table is where that is not found out rightly, "images" that a folder's need no labels,
    and "corpus" that texts are for a language model. A folder with train/ and test/ or validation/ (or the files
    train.csv, test.csv ...) is one of parts; else `reading.test` and `reading.validation` may name them.

    Raises:
        UsageError: no such file, or none of these; a label column given where there is none; whatever
            `zoo.data.sources.infer` refuses.
    """
    whole = Path(path).expanduser()
    if found := layout(whole) if whole.is_dir() and not boxes.holds(whole) else {}:
        if reading.test or reading.validation:
            raise UsageError(f"{path} has parts of its own: {', '.join(found)}\nleave out --test and --validation")
        path = found["train"]
        held = {name: str(found[name]) for name in ("test", "validation") if name in found}
        reading = replace(reading, **held)
    label, kind = reading.label, reading.kind
    if scheme := _pairs(str(path), label, kind):
        if label:
            raise UsageError(
                f"{path}: pairs of texts have no label column, the second text is learnt; leave out --label"
            )
        return infer(scheme, reading=reading)
    path = Path(path).expanduser()
    if kind == "boxes" or (kind is None and not label and boxes.holds(path)):
        return infer(f"folder:{path.absolute()}", reading=reading)
    if path.is_dir():
        if label:
            raise UsageError(f"{path} is a folder: its sub-folders' names are the labels; leave out --label")
        if kind == "corpus" or (kind is None and corpus.is_folder(path)):
            return infer(f"text:{path.absolute()}", reading=reading)
        if kind not in (None, "images"):
            raise UsageError(f"{path} is a folder: what it is follows from the files in it; leave out --as")
        return infer(f"{_kind_of_folder(path)}:{path.absolute()}", reading=reading)
    if kind == "images" and path.exists():
        raise UsageError(f"{path} is no folder: images without labels lie in one")
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
    if kind == "corpus" or (not label and kind is None and path.suffix.lower() == ".txt" and corpus.is_plain(path)):
        return infer(f"text:{path.absolute()}", reading=reading)
    if path.suffix.lower() not in TABLES:
        raise UsageError(
            f"{path} is neither a folder of images or texts nor a table ({', '.join(TABLES)})\n"
            "pairs of texts: a .tsv, a .zip with one, or two files: --data FIRST,SECOND; plain text: --as corpus"
        )
    return infer(f"csv:{path.absolute()}", reading=reading)


def holds_images(path: str | Path) -> bool:
    """Whether a path is a folder that is read as images, and has no masks beside them."""
    whole = Path(path).expanduser()
    return (
        whole.is_dir()
        and _kind_of_folder(whole) == "folder"
        and not masks.folders(whole)
        and not files.holds_texts(whole)
    )


def holds_text(path: str | Path) -> bool:
    """Whether a path is a .txt file, or a folder of such files, in classes or not."""
    whole = Path(path).expanduser()
    if whole.is_dir():
        return corpus.is_folder(whole) or files.holds_texts(whole)
    return whole.is_file() and whole.suffix.lower() in corpus.SUFFIXES


def _kind_of_folder(path: Path) -> str:
    return "arrays" if (path / arrays.FIRST).exists() else "folder"


def _pairs(path: str, label: str | None, kind: str | None) -> str | None:
    """The source of pairs of texts that a path stands for, or None."""
    whole, halves = Path(path).expanduser(), [Path(half).expanduser() for half in path.split(",")]
    if len(halves) == 2 and not whole.exists() and all(half.is_file() for half in halves):
        return f"pairs:{halves[0].absolute()},{halves[1].absolute()}"
    if not whole.is_file():
        return None
    found = whole.suffix.lower() in (".tsv", ".txt") and not label and pairs.looks_like(whole)
    of_texts = whole.suffix.lower() == ".zip" and not boxes.holds(whole)
    is_pairs = kind == "pairs" or (kind is None and (of_texts or found))
    return f"pairs:{whole.absolute()}" if is_pairs else None
