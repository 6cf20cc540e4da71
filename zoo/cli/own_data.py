"""What `zoo data show` says of own data beyond its kind and classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import tasks
from zoo.catalogue import baselines
from zoo.cli.console import out, table
from zoo.errors import UsageError
from zoo.recipe import chosen

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Splits
    from zoo.data.overview import Column
    from zoo.data.reading import Reading


def as_json(data: Data, splits: Splits | None) -> dict[str, Any]:
    """Parts, columns, copies and findings; nothing of data that is not a user's own."""
    from zoo.data import overview, sources

    if not sources.is_own(data):
        return {}
    return {
        "parts": overview.parts(data),
        "columns": [column._asdict() for column in overview.columns(data)],
        "duplicates": _duplicates(data, splits),
        "chosen": chosen.of_data(data),
        "findings": _findings(data, splits),
        "baselines": _baselines(data, splits),
    }


def show(data: Data, splits: Splits | None) -> None:
    """Print the same."""
    from zoo.data import overview, sources

    if not sources.is_own(data):
        return
    out.print()
    for name, where in overview.parts(data).items():
        out.print(f"{name}: {where}", markup=False, highlight=False)
    if columns := overview.columns(data):
        _print_columns(columns)
    if copies := _duplicates(data, splits):
        out.print(f"\n{copies:,} examples are exact copies of another one")
    for line in [*chosen.of_data(data), *_findings(data, splits)]:
        out.print(f"note: {line}", markup=False, highlight=False)
    if rows := _baselines(data, splits):
        out.print(f"without a network: {baselines.line(rows)}", markup=False, highlight=False)


def show_table(name: str, reading: Reading) -> None:
    """Print the columns of a table that cannot be taken yet, such as one with missing cells."""
    from zoo.data import overview
    from zoo.data.table import read_table

    path = Path(name).expanduser()
    if not path.is_file():
        return
    try:
        found = read_table(path, reading.labels)
    except UsageError:  # which is said anyway
        return
    out.print(f"{path}: {len(found.rows):,} rows", markup=False, highlight=False)
    _print_columns(overview.plain_columns(found))


def _print_columns(columns: list[Column]) -> None:
    grid = table("column", "use", ">missing", "values")
    for column in columns:
        grid.add_row(column.name, column.use, f"{column.missing:,}" if column.missing else "-", column.values)
    out.print()
    out.print(grid)


def _duplicates(data: Data, splits: Splits | None) -> int:
    """Exact copies; windows of one series are none."""
    from zoo.data import findings

    return findings.duplicates(splits) if splits and not data.series else 0


def _findings(data: Data, splits: Splits | None) -> list[str]:
    """Lines about leaks and the like."""
    from zoo.data import findings

    return findings.find(data, _seen(data, splits), tasks.of(data).class_names(data)) if splits else []


def _baselines(data: Data, splits: Splits | None) -> list[dict[str, Any]]:
    """What learners without a network score on the test part, the quick ones."""
    try:
        return tasks.of(data).baselines(data, _seen(data, splits), {}, asked=False) if splits else []
    except ValueError:  # texts without a word, a class alone
        return []


def _seen(data: Data, splits: Splits) -> Splits:
    """Texts stand here as they are, before they are encoded."""
    return replace(splits, raw=splits) if data.text else splits
