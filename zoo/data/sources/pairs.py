"""Parallel text: a file of tab-separated pairs, or two files whose lines belong together."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.config import Data
from zoo.data.examples import Examples, Source
from zoo.data.options import checked
from zoo.data.rawfiles import lines, locate, missing
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import FileSource
from zoo.data.table import is_number
from zoo.data.text.counting import measured, unmeasured
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.fields import Role

log = logging.getLogger("zoo.data")
SAMPLE = 1000  # lines looked at to tell a file of pairs from a table
OPTIONS = {
    "source": "en",  # of a folder: the endings of its files' names
    "target": "de",
    "swap": False,  # of a file: the second column is the source
}


def read(path: str, data: Data) -> Source:
    """All pairs, x the source texts and y the target texts, as arrays of strings without blanks at their ends.

    `path` is one of
    - a file of lines `source TAB target`, further columns passed over; plain, .gz, or the one text in a .zip;
    - two files, `A,B`: line n of one belongs to line n of the other; plain or .gz;
    - with the options `source` and `target`, a folder of such files: `train.en` and `train.de` (plain or .gz), and the
      same for `data.test_split` and `data.validation_split` where the recipe gives their sizes.

    Raises:
        MissingError or UsageError: files are not there.
        UsageError: unequal numbers of lines, an empty side, a line without a tab, not UTF-8: file and line are named.
    """
    options = checked("pairs:PATH", data.options, OPTIONS)
    found = files(path, data)
    if absent := [file for part in found.values() for file in part if not file.exists()]:
        raise missing(absent, data)
    parts = {name: _pairs(part, bool(options["swap"])) for name, part in found.items()}
    return Source(parts["train"], parts.get("test"), parts.get("validation"))


def files(path: str, data: Data | None) -> dict[str, tuple[Path, ...]]:
    """The one or two files of each split."""
    if "," in path and not locate(path).exists():
        first, _, second = path.partition(",")
        return {"train": (locate(first), locate(second))}
    if data is None or not {"source", "target"} <= set(data.options):
        return {"train": (locate(path),)}
    splits = {"train": "train"}
    splits |= {"test": data.test_split} if data.test else {}
    splits |= {"validation": data.validation_split} if data.validation else {}
    sides = data.options["source"], data.options["target"]
    return {name: tuple(_side(locate(path), f"{split}.{side}") for side in sides) for name, split in splits.items()}


def _side(folder: Path, name: str) -> Path:
    plain = folder / name
    return plain if plain.exists() else folder / f"{name}.gz"


def _pairs(part: tuple[Path, ...], swap: bool) -> Examples:
    import numpy as np

    if part[0].is_dir():
        raise UsageError(f"{part[0]} is a folder: say which files in it, with data.options.source and target")
    sides = _columns(part[0]) if len(part) == 1 else (lines(part[0]), lines(part[1]))
    if len(sides[0]) != len(sides[1]):
        raise UsageError(
            f"{part[0]} has {len(sides[0]):,} lines, {part[1]} has {len(sides[1]):,}\n"
            "line n of one has to be the translation of line n of the other"
        )
    if not sides[0]:
        raise UsageError(f"{part[0]} is empty")
    for file, side in zip((part[0], part[-1]), sides, strict=True):
        _refuse_empty_side(file, side)
    texts = [np.array([text.strip() for text in side], object) for side in sides]
    return Examples(*(reversed(texts) if swap else texts))


def _columns(path: Path) -> tuple[list[str], list[str]]:
    rows = [line.split("\t") for line in lines(path)]
    for number, row in enumerate(rows, start=1):
        if len(row) < 2:
            raise UsageError(
                f"{path}, line {number}: no tab\na line is: source text, tab, target text; more columns are passed over"
            )
    return [row[0] for row in rows], [row[1] for row in rows]


def _refuse_empty_side(path: Path, texts: list[str]) -> None:
    empty = [number for number, text in enumerate(texts, start=1) if not text.strip()]
    if empty:
        more = f" ({len(empty):,} such lines)" if len(empty) > 1 else ""
        raise UsageError(
            f"{path}, line {empty[0]}: one side of the pair is empty{more}\nremove the pair, on both sides"
        )


def infer(path: str, reading: Reading = AS_FOUND) -> Data:
    """A description of own pairs, the first text of each the source: a fifth for testing, all of one source together.

    Raises:
        UsageError: as `read`.
    """
    facts: dict[str, Any] = {
        "source": f"pairs:{path}", "kind": "text-pair", "task": "tokens", "input_shape": (1,), "input_dtype": "int32",
        **reading.shares(),
    }  # fmt: skip
    source = read(path, Data(**facts, train=1, text=unmeasured((), pairs=True)))
    text = unmeasured(source.train.x, pairs=True, asked=reading.tokens)
    log.warning("note: %s is taken as pairs of texts: learnt is to make the second of the first", path)
    return measured(Data(**facts, train=len(source.train.y), text=text), source, path)


def looks_like(path: Path) -> bool:
    """Whether a file's first lines are pairs of texts: a tab in each, and few things said twice in either column."""
    rows = [line.split("\t") for line in lines(path)[:SAMPLE]]
    if not rows or len({len(row) for row in rows}) > 1 or len(rows[0]) not in (2, 3):
        return False
    columns = list(zip(*rows, strict=True))[:2]
    return all(len(set(column)) > len(rows) / 2 and not any(map(is_number, column)) for column in columns)


class Pairs(FileSource):
    scheme = "pairs"
    form = "pairs:PATH"
    kinds = ("text-pair",)
    goes_by = ("kind", "tokens", "test", "validation")

    def files(self, address: str, data: Data | None = None) -> list[Path]:
        return [path for part in files(address, data).values() for path in part]

    def read(self, address: str, data: Data, target: Role) -> Source:
        return read(address, data)

    def why_no_script(self, address: str, data: Data) -> str:
        packed = any(file.suffix in (".gz", ".zip") for file in self.every_file(address, data))
        why = "packed files and folders of pairs are read by zoo" if data.options or packed else ""
        return super().why_no_script(address, data) or why

    def wanted(self, data: Data) -> str:
        return "a file of pairs, a line each with a tab between the texts, or two files FIRST,SECOND"

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        return infer(address, reading)


SOURCE = Pairs()
