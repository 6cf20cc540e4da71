"""Arrays of which some rows were kept, where all of them would take too much room."""

from __future__ import annotations

from typing import Any

import numpy as np


class SomeRows:
    """Some rows of an array, found under the numbers that they have in the whole of it.

    Args:
        length: rows of the whole array.
        rows: the numbers of those that are here, in rising order.
        values: these rows.
    """

    def __init__(self, length: int, rows: np.ndarray, values: np.ndarray) -> None:
        self.rows, self.values = rows, values
        self.shape, self.dtype = (length, *values.shape[1:]), values.dtype

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Axes, that of the rows included."""
        return len(self.shape)

    def __getitem__(self, rows: Any) -> Any:
        """Rows by number, slice or array of numbers.

        Raises:
            IndexError: one of them was not kept.
        """
        if isinstance(rows, slice):
            wanted = range(*rows.indices(len(self)))
            if len(wanted) > len(self.rows):
                raise IndexError(f"{len(wanted)} rows were asked for, {len(self.rows)} were kept")
            rows = list(wanted)
        wanted = np.asarray(rows, "int64")
        wanted = np.where(wanted < 0, wanted + len(self), wanted)
        places = np.searchsorted(self.rows, wanted)
        kept = np.isin(wanted, self.rows)
        if not np.all(kept):
            raise IndexError(f"row {np.ravel(wanted)[~np.ravel(kept)][0]} is not one of the {len(self.rows)} kept")
        return self.values[places]

    def take(self, rows: np.ndarray, axis: int = 0) -> Any:
        """As of an array, with axis 0."""
        if axis:
            raise ValueError("rows only")
        return self[np.asarray(rows)]


def rows_of(array: Any) -> np.ndarray:
    """The numbers of the rows that are there: of most arrays all."""
    return array.rows if isinstance(array, SomeRows) else np.arange(len(array))


def shared_rows(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of two rising sequences of row numbers those that are in both."""
    return first if np.array_equal(first, second) else np.intersect1d(first, second, assume_unique=True)
