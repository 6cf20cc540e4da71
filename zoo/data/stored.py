"""Examples that stay on disk: rows of a NumPy file, read when they are asked for.

Rows are read, not mapped: mapped pages would count as the process's own memory until the system wants them back.
"""

from __future__ import annotations

import copy
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import UsageError, ZooError
from zoo.files import opened, replacing
from zoo.files.opening import descriptor

BLOCK = 2**26  # bytes read at once where all of a file is looked at


class Stored:
    """The array in an `.npy` file, or some of its rows. Indexing reads; `take` only notes which rows are meant.

    Args:
        path: a file of numbers in C order.
        shape: of one row, where it is to be another than in the file: (28, 28, 1) for (28, 28).
        dtype: what rows are turned into as they are read; by default what they are.

    Raises:
        UsageError: no such array, or a file that is shorter than it says.
    """

    def __init__(self, path: Path, shape: tuple[int, ...] | None = None, dtype: str | None = None) -> None:
        self.path = path
        self._file = _Open(path)
        (count, *row), self._kept, self._start = _header(path)
        self._size = self._kept.itemsize * int(np.prod(row, dtype="int64"))
        if path.stat().st_size < self._start + count * self._size:
            raise UsageError(f"{path} is cut off: {count:,} rows need {self._start + count * self._size:,} bytes")
        self.dtype = np.dtype(dtype or self._kept)
        self.shape = (count, *(row if shape is None else shape))
        self._rows: np.ndarray | None = None

    def take(self, rows: np.ndarray, axis: int = 0) -> Stored:
        """The same file with these rows, in their order; nothing is read. As of an array, with axis 0."""
        if axis:
            raise ValueError("rows only")
        view = copy.copy(self)
        view._rows = np.asarray(rows) if self._rows is None else self._rows[rows]
        view.shape = (len(view._rows), *self.shape[1:])
        return view

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        """Axes, that of the rows included."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all rows in memory."""
        return int(np.prod(self.shape, dtype="int64")) * self.dtype.itemsize

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Rows by number, slice or array of numbers, read into memory.

        Raises:
            ZooError: the file has become shorter or cannot be read.
        """
        if isinstance(rows, slice):
            return self._read(np.arange(*rows.indices(len(self))))
        if np.ndim(rows):
            return self._read(np.asarray(rows))
        return self._read(np.array([rows]))[0]

    def _read(self, rows: np.ndarray) -> np.ndarray:
        if len(rows) and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"{self.path} has {len(self)} rows, asked for {rows.min()} to {rows.max()}")
        rows = rows % len(self) if len(rows) else rows
        inside = (rows if self._rows is None else self._rows[rows]).astype("int64")
        found = np.empty((len(rows), self._size), "uint8")
        edges = [0, *(np.flatnonzero(np.diff(inside) != 1) + 1).tolist(), len(rows)]  # between runs of neighbours
        for first, last in pairwise(edges):
            if last > first:
                self._fill(found[first:last], self._start + int(inside[first]) * self._size)
        return found.view(self._kept).reshape(len(rows), *self.shape[1:]).astype(self.dtype, copy=False)

    def _fill(self, part: np.ndarray, place: int) -> None:
        buffer = memoryview(part).cast("B")
        while buffer:
            try:
                got = os.preadv(self._file.descriptor, [buffer], place)
            except OSError as error:
                raise ZooError(f"{self.path} cannot be read any more: {error.strerror}") from error
            if not got:
                raise ZooError(f"{self.path} has become shorter while it was in use")
            buffer, place = buffer[got:], place + got

    def blocks(self) -> Iterator[np.ndarray]:
        """All rows, some at a time."""
        size = max(1, BLOCK // max(1, self._size))
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def mean(self, axis: tuple[int, ...] | None = None, dtype: str = "float64") -> Any:
        """As of an array; `axis` None or all but the last."""
        return sum(block.sum(axis, dtype=dtype) for block in self.blocks()) / self._entries(axis)

    def std(self, axis: tuple[int, ...] | None = None, dtype: str = "float64") -> Any:
        """As of an array; `axis` None or all but the last."""
        middle = self.mean(axis, dtype)
        squares = sum(((block - middle) ** 2).sum(axis, dtype=dtype) for block in self.blocks())
        return np.sqrt(squares / self._entries(axis))

    def _entries(self, axis: tuple[int, ...] | None) -> int:
        kept = axis if axis is not None else range(self.ndim)
        return int(np.prod([self.shape[i] for i in kept], dtype="int64"))


class _Open:
    """An open file that all views share, closed with the last of them."""

    def __init__(self, path: Path) -> None:
        try:
            self.descriptor = descriptor(path)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        weakref.finalize(self, os.close, self.descriptor)


def _header(path: Path) -> tuple[tuple[int, ...], np.dtype, int]:
    """Shape, type and where the numbers begin."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with opened(path) as file:
            shape, fortran, dtype = readers[np.lib.format.read_magic(file)](file)
            start = file.tell()
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} is no array of NumPy (.npy): {error}") from error
    if dtype.kind not in "uifb":
        raise UsageError(f"{path} holds {dtype}, not numbers\nsave it as numbers: numpy.save(file, array)")
    if fortran or not shape:
        raise UsageError(f"{path} is not in rows\nsave it as such: numpy.save(file, numpy.ascontiguousarray(array))")
    return shape, dtype, start


def write(path: Path, shape: tuple[int, ...], dtype: str, blocks: Iterable[np.ndarray]) -> None:
    """Write an `.npy` file of this shape block by block, whole or not at all.

    Raises:
        ZooError: the disk is full, or the blocks do not add up to the shape.
    """
    with writing(path, shape, dtype) as put:
        for block in blocks:
            put(block)


@contextmanager
def writing(path: Path, shape: tuple[int, ...], dtype: str) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that takes the next block of an `.npy` file of this shape, which is there whole or not at all.

    Raises:
        ZooError: the disk is full, or the blocks do not add up to the shape.
    """
    written = 0
    with replacing(path) as temporary, temporary.open("wb") as file:
        head = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(np.dtype(dtype))}
        np.lib.format.write_array_header_1_0(file, head)

        def put(block: np.ndarray) -> None:
            nonlocal written
            if block.shape[1:] != shape[1:]:
                raise ZooError(f"{path}: a block of shape {block.shape} does not go into {shape}")
            file.write(np.ascontiguousarray(block, dtype).data)
            written += len(block)

        yield put
        if written != shape[0]:
            raise ZooError(f"{path}: {written:,} rows where {shape[0]:,} were promised")
