"""Missing cells of a table, as a user says what to do about them: rows left out, or cells filled by the training part.

Nothing is guessed unless it is asked for, and a label never is: rows without one are left out.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from zoo.data.table import Table, is_missing, is_number
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data

log = logging.getLogger("zoo.data")
OF_TABLES = ("drop", "median", "mode", "flag")
OF_SERIES = ("forward", "interpolate")
FLAG = "{} missing"  # the column that says 1 where a cell of another one was filled


def refuse_other(way: str | None, known: Sequence[str], what: str) -> None:
    """Refuse a way that is none for this kind of data.

    Raises:
        UsageError: it is not one of `known`.
    """
    if way and way not in known:
        raise UsageError(f"--missing {way} is not for {what}: say --missing {', '.join(known[:-1])} or {known[-1]}")


def kept(table: Table, way: str, columns: Sequence[str], targets: Sequence[str]) -> Table:
    """The rows that have a label, and with `drop` all the other cells as well.

    Raises:
        UsageError: none is left.
    """
    wanted = [
        table.names.index(name) for name in (*targets, *(columns if way == "drop" else ())) if name in table.names
    ]
    rows = [i for i, row in enumerate(table.rows) if not any(is_missing(row[column]) for column in wanted)]
    if not rows:
        raise UsageError(f"{table.path}: every row has a missing cell\nleave out a column: --drop COLUMN")
    if left := len(table.rows) - len(rows):
        what = "a missing cell" if way == "drop" else "no label"
        log.warning("note: %s: %s of %s rows have %s and are left out", table.path, f"{left:,}",
                    f"{len(table.rows):,}", what)  # fmt: skip
    return replace(table, rows=[table.rows[i] for i in rows], lines=[table.lines[i] for i in rows])


def statistics(table: Table, way: str, columns: Sequence[str]) -> dict[str, str]:
    """What fills the missing cells of each column: the median of its numbers, or its most frequent value.

    Columns of text have no median: they get their most frequent value.

    Raises:
        UsageError: a column without any value.
    """
    return {name: _statistic(table, way, name) for name in columns}


def _statistic(table: Table, way: str, name: str) -> str:
    cells = [cell for cell in table.column(name) if not is_missing(cell)]
    if not cells:
        raise UsageError(
            f"{table.path}: column {name!r} has no value in the training part\nleave it out: --drop {name}"
        )
    if way != "mode" and all(map(is_number, cells)):
        return f"{median(map(float, cells)):.9g}"
    return min(Counter(cells).items(), key=lambda item: (-item[1], _order(item[0])))[0]


def _order(cell: str) -> tuple[float, str]:
    """Numbers by their size, before texts."""
    return (float(cell) if is_number(cell) else math.inf), cell


def counts(table: Table, columns: Sequence[str]) -> dict[str, int]:
    """Missing cells of the columns that have any."""
    found = {name: sum(map(is_missing, table.column(name))) for name in columns}
    return {name: count for name, count in found.items() if count}


def filled(table: Table, fills: Mapping[str, str], flags: Sequence[str] = ()) -> Table:
    """The table with these values in place of missing cells, and a column more for each of `flags`."""
    present = [name for name in fills if name in table.names]
    flagged = [name for name in flags if name in table.names]
    places = {table.names.index(name): fills[name] for name in present}
    asked = [table.names.index(name) for name in flagged]
    rows = [
        [places[i] if i in places and is_missing(cell) else cell for i, cell in enumerate(row)]
        + [str(int(is_missing(row[i]))) for i in asked]
        for row in table.rows
    ]
    return replace(table, rows=rows, names=(*table.names, *map(FLAG.format, flagged)))


def in_file(columns: Sequence[str], data: Data) -> tuple[str, ...]:
    """The columns that a file has, without those that say where cells were filled."""
    made = {FLAG.format(name) for name in data.fills}
    return tuple(name for name in columns if name not in made)


def seen_to(table: Table, data: Data, columns: Sequence[str], targets: Sequence[str] = ()) -> Table:
    """The table as `data.missing` asks for; without targets, of rows to predict on, none is left out."""
    if not data.missing:
        return table
    if targets:
        table = kept(table, data.missing, columns, targets)
    return filled(table, data.fills, [name for name in columns if FLAG.format(name) in columns])


def inside(data: Data) -> tuple[list[float], list[int]] | None:
    """What a missing cell of each feature of a table becomes, and for each flag the feature that it tells of, else -1.

    A text column's features are 1 for its most frequent value and 0 for the others. None: nothing is filled.
    """
    if not data.fills or data.kind != "tabular" or set(data.fills) > {*data.feature_names, *data.categories}:
        return None
    fills, flag_of = dict.fromkeys(data.feature_names, 0.0), dict.fromkeys(data.feature_names, -1)
    for name, value in data.fills.items():
        for one in data.categories.get(name, ()):
            fills[f"{name}={one}"] = float(one == value)
        if name not in data.categories:
            fills[name] = float(value)
        if (flag := FLAG.format(name)) in flag_of:
            first = f"{name}={data.categories[name][0]}" if name in data.categories else name
            flag_of[flag] = data.feature_names.index(first)
    return list(fills.values()), list(flag_of.values())


def note(table: Table, fills: Mapping[str, str], way: str) -> None:
    """Say how many cells are filled, and with what."""
    if found := counts(table, list(fills)):
        told = ", ".join(f"{name} {count:,} ({fills[name]})" for name, count in found.items())
        more = ", and a column says where" if way == "flag" else ""
        log.warning("note: %s: missing cells are filled by the training part: %s%s", table.path, told, more)
