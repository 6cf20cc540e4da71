"""What stands in a table beside the examples that a network looks at: further columns, and the answers if known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zoo.data import csvfile
from zoo.data.config import Data
from zoo.data.table import Table, read_table
from zoo.data.text import files
from zoo.errors import UsageError

SUFFIXES = (".csv", ".tsv")


@dataclass(frozen=True)
class Beside:
    """A table, the columns of it that the network looks at, and the one that it is to predict, if that is there."""

    table: Table
    seen: tuple[str, ...]
    label: str | None

    @property
    def truths(self) -> list[str]:
        """The cells of the label; none where it is not there."""
        return self.table.column(self.label) if self.label else []

    def others(self) -> list[dict[str, str]]:
        """Of each row the cells that are neither looked at nor predicted."""
        names = [name for name in self.table.names if name not in (*self.seen, self.label)]
        columns = [self.table.column(name) for name in names]
        return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)] or [{}] * len(
            self.table.rows
        )


def of_features(path: Path, data: Data) -> Beside | None:
    """Of a table whose columns are features; None of a file that is no table, or has no header."""
    if data.kind != "tabular" or path.suffix == ".npy":
        return None
    seen = csvfile.feature_columns(data)
    table = read_table(path, seen)
    return Beside(table, seen, _label(table, data)) if table.header else None


def of_texts(path: Path, data: Data) -> Beside | None:
    """Of a table with a column of texts: that of the training data, or the only one; None of a file of lines.

    Raises:
        UsageError: a table in which there is no such column.
    """
    by_table = data.source.startswith("csv:")
    if path.suffix.lower() not in SUFFIXES and not by_table:
        return None
    try:
        table = read_table(path, data.feature_names[:1])
    except UsageError:
        if by_table and path.suffix.lower() in SUFFIXES:
            raise
        return None
    column = _there(table, *data.feature_names[:1]) or files.text_column(table, data.label)
    if column is None and path.suffix.lower() in SUFFIXES:
        raise UsageError(f"{path} has no column of texts\nit has: {', '.join(table.names[:12])}")
    return Beside(table, (column,), _label(table, data)) if column else None


def _label(table: Table, data: Data) -> str | None:
    """The column of the answers; several labels in one cell may stand in any order, so that these are none."""
    return None if data.several_labels else _there(table, data.label)


def _there(table: Table, name: str | None = None) -> str | None:
    return name if name in table.names else None
