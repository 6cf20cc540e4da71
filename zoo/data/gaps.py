"""Gaps of a series, cells and whole steps that are missing: filled where that is asked for, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from zoo.data.dates import date_column, times_of
from zoo.data.table import Table, is_missing, is_number
from zoo.errors import UsageError

FORM = "%Y-%m-%d %H:%M:%S"
MOST_STEPS = 10  # times as many as the rows that are there; more are no gaps


def filled(table: Table, way: str, say: Callable[..., None]) -> Table:
    """The table with missing steps put in and missing cells filled, `forward` by the last one or `interpolate`d.

    Without a way nothing is filled, and steps that the dates skip are told.

    Raises:
        UsageError: the first row has a missing cell.
    """
    dates = date_column(table)
    absent = _absent(times_of(table, dates)) if dates else {}
    skipped = sum(map(len, absent.values()))
    if not way:
        if skipped:
            say("note: %s: the dates skip %s steps\nfill them: --missing forward or --missing interpolate",
                table.path, f"{skipped:,}")  # fmt: skip
        return table
    if dates and skipped:
        table = _with_steps(table, dates, absent)
    columns = [name for name in table.names if name != dates]
    cells = {name: _filled(table, name, way) for name in columns}
    count = sum(map(is_missing, (cell for name in columns for cell in table.column(name)))) - skipped * len(columns)
    if skipped or count:
        how = "the value before" if way == "forward" else "a line between the values around"
        say("note: %s: %s missing cells and %s steps that the dates skip are filled by %s",
            table.path, f"{count:,}", f"{skipped:,}", how)  # fmt: skip
    rows = [[cells[name][i] if name in cells else row[table.names.index(name)] for name in table.names]
            for i, row in enumerate(table.rows)]  # fmt: skip
    return replace(table, rows=rows)


def _absent(times: Sequence[datetime]) -> dict[int, list[datetime]]:
    """The times that are missing behind each row: all distances are multiples of the usual one, or of a month."""
    if len(times) < 3:
        return {}
    months = [12 * time.year + time.month for time in times]
    usual, _ = Counter(b - a for a, b in pairwise(times)).most_common(1)[0]
    if usual >= timedelta(days=28) and len({(time.day, time.hour) for time in times}) == 1:
        step, _ = Counter(b - a for a, b in pairwise(months)).most_common(1)[0]
        found = {i: [_in_month(times[i], month) for month in range(a + step, b, step)]
                 for i, (a, b) in enumerate(pairwise(months))}  # fmt: skip
    elif all((b - a) % usual == timedelta(0) for a, b in pairwise(times)):
        found = {i: [a + usual * n for n in range(1, min((b - a) // usual, MOST_STEPS * len(times)))]
                 for i, (a, b) in enumerate(pairwise(times))}  # fmt: skip
    else:
        return {}
    return (
        {i: steps for i, steps in found.items() if steps}
        if sum(map(len, found.values())) <= MOST_STEPS * len(times)
        else {}
    )


def _in_month(time: datetime, month: int) -> datetime:
    return time.replace(year=(month - 1) // 12, month=(month - 1) % 12 + 1)


def _with_steps(table: Table, dates: str, absent: dict[int, list[datetime]]) -> Table:
    """The table with empty rows for steps that are missing; a new row has the line of the one before."""
    at, rows, lines = table.names.index(dates), [], []
    for i, (row, time) in enumerate(zip(table.rows, times_of(table, dates), strict=True)):
        for moment in (time, *absent.get(i, ())):
            rows.append(list(row) if moment == time else [""] * len(row))
            rows[-1][at] = moment.strftime(FORM)
            lines.append(table.lines[i])
    return replace(table, rows=rows, lines=lines)


def _filled(table: Table, name: str, way: str) -> list[str]:
    cells = table.column(name)
    if is_missing(cells[0]):
        raise UsageError(
            f"{table.path}, line {table.lines[0]}, column {name!r}: missing, and nothing is before it to fill it from\n"
            "remove the first rows, or leave the column out: --drop COLUMN"
        )
    known = [i for i, cell in enumerate(cells) if not is_missing(cell)]
    numeric = all(is_number(cells[i]) for i in known)
    for a, b in pairwise((*known, len(cells))):
        for i in range(a + 1, b):
            inner = way == "interpolate" and numeric and b < len(cells)
            cells[i] = cells[a] if not inner else _between(float(cells[a]), float(cells[b]), (i - a) / (b - a))
    return cells


def _between(first: float, last: float, share: float) -> str:
    return f"{first + (last - first) * share:.9g}"
