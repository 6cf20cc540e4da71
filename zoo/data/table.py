"""A text table as it stands in a file: encoding, delimiter, header and ragged rows seen to, cells still text."""

from __future__ import annotations

import csv
import io
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import UsageError
from zoo.files import TEXT, read_bytes

DELIMITERS = "\t;|,"  # where two cut equally well, a comma is part of the text
FILL = "fill them, or say --missing drop, median, mode or flag, or --drop COLUMN; zoo guesses none by itself"
SHOWN = 80  # characters of a line in a message
MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})  # in lower case


@dataclass(frozen=True)
class Table:
    """Rows of stripped cells, all of one length; `lines[i]` is where row i stands in the file, counted from 1."""

    path: Path
    names: tuple[str, ...]  # from the header, else "column 1", "column 2" ...
    rows: list[list[str]]
    lines: list[int]
    header: bool

    def column(self, name: str) -> list[str]:
        index = self.names.index(name)
        return [row[index] for row in self.rows]


def read_table(path: Path, expected: tuple[str, ...] = ()) -> Table:
    """The table in a file. The first row is a header if it holds one of the `expected` names, or reads like one.

    Raises:
        UsageError: cannot be read, not UTF-8, empty, header only, one column, a ragged row, a column name given twice.
    """
    rows, lines = _rows(path, table_text(path))
    header = _is_header(rows, expected)
    names = tuple(name or f"column {i + 1}" for i, name in enumerate(rows[0])) if header else ()
    if header:
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise UsageError(f"{path} has a header and no rows below it")
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{path}: column name {doubled[0]!r} stands in the header more than once; rename one")
    return Table(path, names or tuple(f"column {i + 1}" for i in range(len(rows[0]))), rows, lines, header)


def table_text(path: Path) -> str:
    """The text of a table's file.

    Raises:
        UsageError: cannot be read, or is no text.
    """
    try:
        text = decoded(path, read_bytes(path, TEXT))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if "\0" in text:
        raise UsageError(f"{path} is not a text table: it holds zero bytes")
    return text


def decoded(path: Path, content: bytes) -> str:
    """The text of a file's bytes, UTF-8 with or without a byte-order mark.

    Raises:
        UsageError: another encoding; the byte, its line and how to convert are named.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path} is UTF-16, not UTF-8\n{_convert(path, 'UTF-16')}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{path} is not UTF-8: byte {content[error.start]:#04x} at offset {error.start}, line {line}\n"
            f"{_convert(path, 'LATIN1')}"
        ) from error


def _convert(path: Path, encoding: str) -> str:
    return f"convert it: iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > utf8.csv"


def _rows(path: Path, text: str) -> tuple[list[list[str]], list[int]]:
    """All rows that are not blank, and the lines they end on."""
    if blank := _by_blanks(text):
        return blank
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # a cell may hold a whole book
    tabbed, shown = _by_tabs(text), text.split("\n")
    try:
        rows, lines = _by_quotes(text, "\t" if tabbed else _delimiter(path, text))
        if tabbed and [len(row) for row in rows] != [len(row) for row in tabbed[0]]:
            rows, lines = tabbed  # quotes that join lines are letters
    except _QuoteError as error:
        if not tabbed:
            raise UsageError(
                f"{path}, line {error.line}: {error}; look at its quotes\n{_line(shown, error.line)}"
            ) from error
        rows, lines = tabbed
    if not rows:
        raise UsageError(f"{path} is empty")
    if len(rows[0]) < 2:
        raise UsageError(f"{path} has one column; cells are separated by comma, semicolon, tab or |")
    ragged = [i for i, row in enumerate(rows) if len(row) != len(rows[0])]
    if ragged:
        first = ragged[0]
        more = f" ({len(ragged)} such rows)" if len(ragged) > 1 else ""
        raise UsageError(
            f"{path}, line {lines[first]}: {len(rows[first])} cells where line {lines[0]} has {len(rows[0])}{more}\n"
            f"{_line(shown, lines[first])}\nfill or remove the row; a cell that holds the separator needs quotes"
        )
    return rows, lines


class _QuoteError(Exception):
    """What is wrong with the quotes of a row, and the line on which that row begins."""

    def __init__(self, words: str, line: int) -> None:
        super().__init__(words)
        self.line = line


def _line(lines: Sequence[str], number: int) -> str:
    """A line of a file to show in a message, of a long one the beginning."""
    line = lines[number - 1].strip()
    return repr(line if len(line) <= SHOWN else f"{line[:SHOWN]} ...")


def _by_quotes(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """All rows that are not blank, and the lines they end on; a cell may stand in quotes, and hold anything then."""
    rows, lines, end = [], [], 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            end = reader.line_num
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(end)
    except csv.Error as error:
        raise _QuoteError(str(error), end + 1) from error
    return rows, lines


def _by_tabs(text: str) -> tuple[list[list[str]], list[int]] | None:
    """All rows of a table whose lines have equally many tabs, whatever their quotes; else None."""
    found = [(line.split("\t"), number) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not found or len(found[0][0]) < 2 or len({len(cells) for cells, _ in found}) > 1:
        return None
    return [[cell.strip() for cell in cells] for cells, _ in found], [number for _, number in found]


def _by_blanks(text: str) -> tuple[list[list[str]], list[int]] | None:
    """All rows of a table of nothing but numbers with blanks between them, such as many .data files are; else None."""
    found = [(line.split(), number) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not found or len(found[0][0]) < 2:
        return None
    if not all(is_number(cell) for cells, _ in found for cell in cells):
        return None
    rows, lines = zip(*found, strict=True)
    if len({len(row) for row in rows}) > 1:
        return None
    return list(rows), list(lines)


def _delimiter(path: Path, text: str) -> str:
    """The separator that cuts the first fifty lines into the most columns of equal number; tabs in a .tsv."""
    if path.suffix.lower() == ".tsv" and "\t" in text:
        return "\t"
    sample = [line for line in text.splitlines()[:50] if line.strip()]

    def width(delimiter: str) -> tuple[float, int]:
        counts = [len(row) for row in csv.reader(sample, delimiter=delimiter)]
        usual = max(set(counts), key=counts.count) if counts else 1
        return (counts.count(usual) / len(counts), usual) if usual > 1 else (0.0, 1)

    best = max(DELIMITERS, key=width)
    return best if width(best)[1] > 1 else ","


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # 1_0 is a number in Python only


def is_missing(cell: str) -> bool:
    return cell.lower() in MISSING


def _is_header(rows: list[list[str]], expected: tuple[str, ...]) -> bool:
    """No number in the first row, and below it either numbers or none of its own words."""
    first, below = rows[0], rows[1:]
    if any(cell in expected for cell in first):
        return True
    if any(is_number(cell) for cell in first):
        return False
    columns = list(zip(*below, strict=True))
    numeric = any(2 * sum(map(is_number, column)) >= len(column) > 0 for column in columns)
    return numeric or not any(cell in column for cell, column in zip(first, columns, strict=False))


def refuse_missing(table: Table, names: Sequence[str], remedy: str = FILL) -> None:
    """A missing cell is an error and never becomes 0: the first three are named, all are counted."""
    places = [
        (line, name)
        for row, line in zip(table.rows, table.lines, strict=True)
        for cell, name in zip(row, table.names, strict=True)
        if is_missing(cell) and name in names
    ]
    if places:
        shown = "; ".join(f"line {line}, column {name!r}" for line, name in places[:3])
        more = f" and {len(places) - 3:,} more" if len(places) > 3 else ""
        rows = len({line for line, _ in places})
        raise UsageError(
            f"{table.path} has missing cells: {shown}{more} (in {rows:,} of {len(table.rows):,} rows)\n" + remedy
        )


def refuse_cells(table: Table, name: str, bad: Sequence[bool], what: str, remedy: str) -> None:
    """The first of the cells that are bad, with its line and what it is; all are counted."""
    rows = [i for i, wrong in enumerate(bad) if wrong]
    if rows:
        cell = table.column(name)[rows[0]]
        more = f" ({len(rows):,} such cells)" if len(rows) > 1 else ""
        raise UsageError(f"{table.path}, line {table.lines[rows[0]]}, column {name!r}: {cell!r} {what}{more}\n{remedy}")
