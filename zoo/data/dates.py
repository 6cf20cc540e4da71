"""Dates of a table: the column that holds them, several columns that make them up, and what the calendar says."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median_low

from zoo.data.table import Table, is_number
from zoo.errors import UsageError, unknown

FORMATS = (
    "%Y-%m", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%Y/%m/%d %H:%M",
    "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
)  # fmt: skip
UNITS = ("year", "month", "day", "hour")  # columns that make up a date, the first two at least
DATE = "date"  # what columns become that make one up
DAY, WEEK, SATURDAY = timedelta(days=1), 7, 5
CALENDAR = {  # place in a circle, from 0 to 1
    "month": lambda time: (time.month - 1) / 12,
    "weekday": lambda time: time.weekday() / 7,
    "hour": lambda time: time.hour / 24,
    "day-of-year": lambda time: (time.timetuple().tm_yday - 1) / 366,
}


def joined(table: Table) -> Table:
    """The table with one column of dates where several make them up: year, month, day, hour, or a date and a time."""
    dates, lower = date_column(table), {name.lower(): name for name in table.names}
    if dates is None and {"year", "month"} <= set(lower):
        units = [lower[unit] for unit in UNITS[: 2 + ("day" in lower) + ("day" in lower and "hour" in lower)]]
        if all(is_number(cell) and float(cell) == int(float(cell)) for name in units for cell in table.column(name)):
            cells = [
                _from_units([int(float(cell)) for cell in row]) for row in zip(*map(table.column, units), strict=True)
            ]
            return _with_dates(table, units, cells)
    clock = next((name for name in table.names if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?", table.column(name)[0])), None)
    if dates is not None and clock is not None and ":" not in table.column(dates)[0]:
        both = zip(table.column(dates), table.column(clock), strict=True)
        return _with_dates(table, [dates, clock], [f"{day} {time}" for day, time in both])
    return table


def _from_units(units: list[int]) -> str:
    text = f"{units[0]:04d}-{units[1]:02d}" + "".join(f"-{day:02d}" for day in units[2:3])
    return text + "".join(f" {hour:02d}:00" for hour in units[3:])


def _with_dates(table: Table, parts: list[str], cells: list[str]) -> Table:
    rest = [i for i, name in enumerate(table.names) if name not in parts]
    rows = [[cell, *(row[i] for i in rest)] for cell, row in zip(cells, table.rows, strict=True)]
    return replace(table, names=(DATE, *(table.names[i] for i in rest)), rows=rows)


def with_calendar(table: Table, wanted: tuple[str, ...]) -> Table:
    """The table with columns for the month, weekday or hour of each row: a sine and a cosine each.

    So December lies beside January. Raises:
        UsageError: there is no column of dates.
    """
    if not wanted:
        return table
    dates = date_column(table)
    if dates is None:
        raise UsageError(f"{table.path} has no column of dates: leave out --calendar")
    times, rows = times_of(table, dates), [list(row) for row in table.rows]
    for name in wanted:
        for row, time in zip(rows, times, strict=True):
            angle = 2 * math.pi * CALENDAR[name](time)
            row += [f"{math.sin(angle):.7g}", f"{math.cos(angle):.7g}"]
    return replace(table, names=(*table.names, *calendar_names(wanted)), rows=rows)


def words(given: str | None) -> tuple[str, ...]:
    """The words of the calendar that are asked for.

    Raises:
        UsageError: there is no such word.
    """
    found = tuple(name.strip() for name in (given or "").split(",") if name.strip())
    if bad := next((name for name in found if name not in CALENDAR), None):
        raise unknown("calendar column", bad, CALENDAR, f"known: {', '.join(CALENDAR)}")
    return found


def calendar_names(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that stand for these words."""
    return tuple(f"{name} {wave}" for name in wanted for wave in ("sine", "cosine"))


def date_column(table: Table) -> str | None:
    """The first column whose first cell reads like a date."""
    return next((name for name in table.names if _formats(table.column(name)[0])), None)


def _formats(cell: str) -> list[str]:
    return [] if is_number(cell) else [form for form in FORMATS if _parsed(cell, form)]


def _parsed(cell: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(cell, form)
    except ValueError:
        return None


def _format(cells: list[str]) -> str:
    """How the dates of a column are written, the first of them being one."""
    return min(_formats(cells[0]), key=lambda form: sum(_parsed(cell, form) is None for cell in cells))


def following(table: Table, name: str, count: int) -> list[str]:
    """The `count` dates after the last of a column, written as that is; none after a single one.

    They go on by whole months where the dates do, else by the distance that is the usual one; a series of days without
    a Saturday or Sunday goes on without them.
    """
    times = times_of(table, name)
    if len(times) < 2:
        return []
    months = [(b.year - a.year) * 12 + b.month - a.month for a, b in pairwise(times)]
    step, found = median_low(b - a for a, b in pairwise(times)), [times[-1]]
    by_month = min(months) > 0 and (len({time.day for time in times}) == 1 or all(map(_ends_month, times)))
    working = step == DAY and len(times) > WEEK and all(time.weekday() < SATURDAY for time in times)
    while len(found) <= count:
        time = _months_later(found[-1], median_low(months), _ends_month(times[0])) if by_month else found[-1] + step
        while working and time.weekday() >= SATURDAY:
            time += DAY
        found.append(time)
    form = _format(table.column(name))
    return [time.strftime(form) for time in found[1:]]


def _ends_month(time: datetime) -> bool:
    return (time + DAY).month != time.month


def _months_later(time: datetime, months: int, at_end: bool) -> datetime:
    year, month = divmod(time.year * 12 + time.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    return time.replace(year=year, month=month + 1, day=last if at_end else min(time.day, last))


def times_of(table: Table, name: str) -> list[datetime]:
    """The dates of a column, which have to rise from row to row; days before months unless only the reverse reads.

    Raises:
        UsageError: a cell that is no date as the first one is, or one that is not after the one before; its line.
    """
    cells = table.column(name)
    form = _format(cells)
    times = [_parsed(cell, form) for cell in cells]
    rising: list[datetime] = []
    for cell, time, line in zip(cells, times, table.lines, strict=True):
        if time is None:
            raise UsageError(f"{table.path}, line {line}, column {name!r}: {cell!r} is no date like {cells[0]!r}")
        if rising and time <= rising[-1]:
            raise UsageError(
                f"{table.path}, line {line}, column {name!r}: {cell} is not after the row before\n"
                "sort the rows by time, each time once"
            )
        rising.append(time)
    return rising
