"""Series: rows of numbers in the order of time, cut by time into parts and then into windows with what comes next."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from zoo.data import gaps, missing
from zoo.data.config import Data, Series
from zoo.data.csvfile import categories_of, expanded, label_column, numbers, read_narrow
from zoo.data.dates import calendar_names, date_column, following, joined, times_of, with_calendar, words
from zoo.data.examples import Examples, Source, Splits, conform
from zoo.data.reading import Reading
from zoo.data.table import Table, is_missing, is_number, read_table, refuse_cells, refuse_missing
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("zoo.data")
WINDOW = 24  # steps that a forecast sees, where nothing else is said
SEASONS = (  # days between two steps, from and to -> steps of the season that such data usually has
    (0.04, 0.043, 24),  # hours: a day
    (1, 1, 7),  # days: a week
    (7, 7, 52),  # weeks: a year
    (28, 31, 12),  # months
    (89, 92, 4),  # quarters
)


def split(source: Source, data: Data, where: str) -> Splits:
    """Windows `x` (n, window, columns) and the next `horizon` values of the target, `y` (n, horizon), float32.

    The first steps are for training, the next ones for validation, the last ones for testing (see `Data.parts`). What
    is forecast in a part lies in that part; the window before it may reach back into the part before, as it would when
    forecasting. Nothing is shuffled.

    Raises:
        UsageError: another number of steps or columns than the recipe says.
        ZooError: a value that is not finite.
    """
    series, (window, columns) = _joined(source), data.input_shape
    parts, found = data.parts(), series.x.shape
    if found[0] != sum(parts.values()):
        raise UsageError(
            f"{where}: the recipe says {sum(parts.values()):,} steps, the source has {found[0]:,}\n"
            f"mend the recipe, or: --set data.train={found[0] - data.test - data.validation}"
        )
    if found[1] != columns:
        raise UsageError(
            f"{where}: the recipe says {columns} columns, the source has {found[1]}\n"
            f"set it with: --set data.input_shape=[{window},{found[1]}]"
        )
    series = conform(series, data.model_copy(update={"input_shape": (columns,)}), where, "value")
    horizon = data.series.horizon if data.series else 1
    windows, begin = [], 0
    for steps in parts.values():  # in the order of time
        windows.append(Examples(*cut_windows(series.x, series.y, begin, begin + steps, window, horizon)))
        begin += steps
    train, validation, test = windows
    return Splits(train, validation, test)


def _joined(source: Source) -> Examples:
    """The series of parts in files of their own, one after the other in time."""
    import numpy as np

    found = [part for part in (source.train, source.validation, source.test) if part is not None]
    return Examples(np.concatenate([part.x for part in found]), np.concatenate([part.y for part in found]))


def refuse_overlap(path: Path, data: Data) -> None:
    """Refuse a part in a file of its own whose dates do not come after those of the part before it.

    Raises:
        UsageError: they do not, or what `read` refuses.
    """
    before = data.validation_source or data.source
    tables = [joined(read_table(Path(one), data.feature_names)) for one in (before.partition(":")[2], path)]
    _prepared(tables[1], data, log.warning)
    columns = [date_column(table) for table in tables]
    if columns[0] is None or columns[1] is None:
        return
    (*_, last), (first, *_) = (times_of(table, str(name)) for table, name in zip(tables, columns, strict=True))
    if first <= last:
        raise UsageError(
            f"{path} begins at {first}, and {before.partition(':')[2]} ends at {last}\n"
            "the parts of a series follow each other in time: training, validation, test"
        )


def cut_windows(
    x: np.ndarray, y: np.ndarray, begin: int, end: int, window: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Windows (n, window, columns) of a series x (time, columns), and the values of y (time,) after each, (n, horizon).

    What they forecast lies in the steps from `begin` up to `end`; a window may reach back before `begin`.
    """
    import numpy as np

    begin = max(begin, window)
    first = np.arange(begin, max(begin, end - horizon + 1))  # the first step that each forecasts
    return x[first[:, None] + np.arange(-window, 0)], y[first[:, None] + np.arange(horizon)]


def read(path: Path, data: Data) -> Source:
    """Rows of a CSV file as one series: x float32 (time, columns) of `data.feature_names`, y its first column.

    Raises:
        UsageError: no such column, the label is not the first one, a missing cell or text in a column of numbers, dates
            that do not rise.
    """
    return _from_table(_prepared(read_table(path, _expected(data)), data), data)


def last_window(path: Path, data: Data) -> np.ndarray:
    """The last rows of a file to forecast what follows them: float32 (1, window, columns); one column needs no table.

    Raises:
        UsageError: as `read`, or fewer rows than a window has.
    """
    window = data.input_shape[0]
    x = _from_table(_to_predict(path, data), data).train.x
    if len(x) < window:
        raise UsageError(f"{path} has {len(x):,} rows, the model forecasts from the last {window:,}")
    return x[None, -window:]


def dates_after(path: Path, data: Data, count: int) -> list[str]:
    """The dates of the `count` steps after a file's last, as its own are written; none where it has no dates."""
    if path.suffix == ".npy":
        return []
    table = _to_predict(path, data)
    dates = date_column(table)
    return following(table, dates, count) if dates else []


def _to_predict(path: Path, data: Data) -> Table:
    narrow = data.input_shape[1] == 1
    return _prepared((read_narrow if narrow else read_table)(path, _expected(data)), data)


def _prepared(table: Table, data: Data, say: Callable[..., None] = log.info) -> Table:
    """The table with dates in one column, gaps filled as `data.missing` asks, and columns made of dates and texts."""
    table = gaps.filled(joined(table), data.missing, say)
    table = with_calendar(table, data.series.calendar if data.series else ())
    for name, values in data.categories.items():
        if name in table.names:
            table = _one_hot(table, name, values)
    return table


def _one_hot(table: Table, name: str, values: tuple[str, ...]) -> Table:
    """A column of text as one of 0 and 1 for each of its values."""
    cells = table.column(name)
    refuse_cells(table, name, [cell not in values for cell in cells], "is not one of the values in training",
                 f"they are: {', '.join(values[:8])}")  # fmt: skip
    rows = [[*row, *(str(int(cell == value)) for value in values)] for row, cell in zip(table.rows, cells, strict=True)]
    return replace(table, names=(*table.names, *(f"{name}={value}" for value in values)), rows=rows)


def _expected(data: Data) -> tuple[str, ...]:
    """Columns that a header has one of at least."""
    return (*data.feature_names, *([data.label] if data.label else []))


def _from_table(table: Table, data: Data) -> Source:
    import numpy as np

    dates = date_column(table)
    columns = data.feature_names or _columns(table, dates, data.label)
    if absent := [name for name in columns if name not in table.names]:
        raise unknown(f"column of {table.path}", absent[0], table.names, f"it has: {', '.join(table.names)}")
    if data.label not in (None, columns[0]):
        raise UsageError(f"data.feature_names has to begin with what is forecast, data.label = {data.label!r}")
    refuse_missing(table, columns, "fill them, or say --missing forward or interpolate; zoo guesses none by itself")
    if dates:
        times_of(table, dates)
    x = np.stack([numbers(table, name) for name in columns], axis=1)  # (time, columns)
    return Source(Examples(x, x[:, 0]))


def _columns(table: Table, dates: str | None, label: str | None) -> tuple[str, ...]:
    """All columns but the dates, what is forecast (the last one unless named) before the others.

    Raises:
        UsageError: there is no such column, or it is the column of dates.
    """
    rest = [name for name in table.names if name != dates]
    target = label_column(table, label) if label else rest[-1]
    if target == dates:
        raise UsageError(f"{table.path}: {target!r} is the column of dates\nforecast another: --label COLUMN")
    return (target, *(name for name in rest if name != target))


def looks_like(table: Table, label: str | None) -> bool:
    """Whether a table is a series: a column of dates that rise, and nothing but numbers beside it."""
    table = joined(table)
    dates = date_column(table)
    rest = [name for name in table.names if name != dates]
    cells = (cell for name in rest for cell in table.column(name))
    if dates in (None, label) or not all(is_number(cell) or is_missing(cell) for cell in cells):
        return False
    assert dates is not None
    try:
        return len(times_of(table, dates)) > 2
    except UsageError:
        return False


def infer(table: Table, reading: Reading) -> Data:
    """A description of a table whose rows are steps in time: the label, by default the last column, is forecast.

    Windows are of `WINDOW` steps, fewer in a short series; the season follows from the distance of the dates.

    Raises:
        UsageError: the label is the column of dates; whatever `read` refuses.
    """
    missing.refuse_other(reading.missing, missing.OF_SERIES, "a series")
    way = reading.missing or ""
    table = gaps.filled(joined(table), way, log.warning)
    dates, calendar = date_column(table), words(reading.calendar)
    (target, *others), steps = _columns(table, dates, reading.label), len(table.rows)
    categories = {name: categories_of(table, name) for name in others if reading.kind and _is_text(table, name)}
    columns = (target, *expanded(others, categories), *calendar_names(calendar))
    period = _season(times_of(table, dates)) if dates else None
    period = period if period and 10 * period <= steps else None
    data = Data(
        source=f"csv:{table.path}",
        kind="series",
        task="value",
        input_shape=(max(1, min(WINDOW, steps // 10), period or 1), len(columns)),
        feature_names=columns,
        label=target,
        categories=categories,
        missing=way,  # type: ignore[arg-type]  # one of OF_SERIES
        train=steps,
        **reading.shares(),
        series=Series(period=period, calendar=calendar),  # type: ignore[arg-type]  # checked words
    )
    table = _prepared(table, data)
    _from_table(table, data)
    if dates and reading.kind is None:
        log.warning(
            "note: %s is taken as a series by the dates in %r, %r is forecast; a table: --as table; another column: "
            "--label COLUMN", table.path, dates, target,
        )  # fmt: skip
    return data


def _is_text(table: Table, name: str) -> bool:
    return not any(map(is_number, table.column(name)))


def _season(times: list[datetime]) -> int | None:
    days = median((b - a).total_seconds() for a, b in pairwise(times)) / 86400
    return next((steps for least, most, steps in SEASONS if least <= days <= most), None)
