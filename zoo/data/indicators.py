"""Several labels an example: a column of 0 and 1 for each, or one column with the labels' names and a separator."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zoo.data.table import Table, is_number, refuse_cells, refuse_missing
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

SEPARATOR = "|"
MOST_LABELS = 1000
FLAGS = {"0": 0, "1": 1, "false": 0, "true": 1, "no": 0, "yes": 1}


class Several(NamedTuple):
    """Labels that were found in a table: their names, the columns that hold them, and what parts them in a cell."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    separator: str = ""


def find(table: Table, label: str | None) -> Several | None:
    """The labels, where `label` names several columns (`red,round`) or one whose cells are parted by `|`.

    Raises:
        UsageError: one of several columns is not there, or has another value than 0 and 1; an empty name in a cell.
    """
    named = tuple(name.strip() for name in (label or "").split(",") if name.strip())
    if len(named) > 1 and label not in table.names:
        for name in named:
            if name not in table.names:
                raise unknown(f"column of {table.path}", name, table.names, f"it has: {', '.join(table.names[:12])}")
            _flags(table, name)
        return Several(named, named)
    column = label if label in table.names else table.names[-1]
    cells = table.column(column)
    if not any(SEPARATOR in cell for cell in cells) or all(map(is_number, cells)):
        return None
    names = sorted({name for cell in cells for name in _parted(cell, SEPARATOR)})
    if len(names) > MOST_LABELS:
        raise UsageError(
            f"{table.path}: column {column!r} has {len(names):,} different labels, parted by {SEPARATOR}; at most "
            f"{MOST_LABELS:,} are learnt\nis it the right column? name another with --label COLUMN"
        )
    return Several(tuple(names), (column,), SEPARATOR)


def columns(data: Data) -> tuple[str, ...]:
    """The columns of a table that hold the labels."""
    return (data.label,) if data.label else data.class_names


def read(table: Table, data: Data) -> np.ndarray:
    """The labels of each row, int32 (rows, labels) of 0 and 1.

    Raises:
        UsageError: a missing cell, another value than 0 and 1, a label that is not one of `data.class_names`.
    """
    import numpy as np

    names = columns(data)
    for name in names:
        if name not in table.names:
            raise unknown(f"column of {table.path}", name, table.names, f"it has: {', '.join(table.names[:12])}")
    refuse_missing(table, names)
    if not data.label_separator:
        return np.stack([_flags(table, name) for name in names], axis=1)
    cells, known = table.column(names[0]), {name: i for i, name in enumerate(data.class_names)}
    rows = [_parted(cell, data.label_separator) for cell in cells]
    bad = [any(name not in known for name in row) for row in rows]
    refuse_cells(table, names[0], bad, f"has a label that is none of {len(known):,} known ones", "mend the label")
    found = np.zeros((len(rows), len(known)), np.int32)
    for i, row in enumerate(rows):
        found[i, [known[name] for name in row]] = 1
    return found


def is_flag(cell: str) -> bool:
    """Whether a cell says that a label holds, or that it does not."""
    return _plain(cell) in FLAGS


def _plain(cell: str) -> str:
    return cell.strip().lower().removesuffix(".0")


def _flags(table: Table, name: str) -> np.ndarray:
    """A column of 0 and 1 as int32 (rows,)."""
    import numpy as np

    refuse_missing(table, (name,))
    cells = [_plain(cell) for cell in table.column(name)]
    bad = [cell not in FLAGS for cell in cells]
    refuse_cells(table, name, bad, "stands in one of several label columns", "each of them holds 0 and 1 alone")
    return np.array([FLAGS[cell] for cell in cells], np.int32)


def _parted(cell: str, separator: str) -> list[str]:
    return [name.strip() for name in cell.split(separator) if name.strip()]
