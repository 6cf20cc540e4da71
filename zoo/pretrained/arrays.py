"""Weights as a file that can run nothing: named arrays of numbers in a plain `.npz`, read by our own rules."""

from __future__ import annotations

import io
import math
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import UsageError
from zoo.files import WEIGHTS, opened, writing

if TYPE_CHECKING:
    import numpy as np

MOST_ARRAYS = 100_000
NUMBER_TYPES = "fiub"  # floats, whole numbers, truth values


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write `arrays` whole or not at all."""
    import numpy as np

    with writing(path) as file:
        np.savez(file, **arrays)


def halved(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same arrays in half precision: 11 bits of each number. One that leaves float16's range stays as it is."""
    import numpy as np

    found = {}
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            half = array.astype("float16")
        whole = array.dtype.kind != "f" or not np.isfinite(half).all()
        found[name] = array if whole else half
    return found


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file, in the precision in which they are stored.

    Nothing in the file is believed: it is refused if it is packed, claims more than it holds, or holds anything but
    arrays of numbers.

    Raises:
        UsageError: not there, damaged, or not what `write` wrote; the reason is named.
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path}\nweights are a weights.npz as zoo publish writes it")
    try:
        with opened(path, WEIGHTS) as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _refuse_strange(path, members)
            return {info.filename.removesuffix(".npy"): _array(archive.read(info)) for info in members}
    except Exception as error:  # whatever the bytes of a foreign file set off, they are its fault
        raise UsageError(f"{path} is damaged or no weights file of the zoo: {error or type(error).__name__}") from error


def _refuse_strange(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in members]
    if len(set(names)) < len(names) or len(names) > MOST_ARRAYS:
        raise ValueError("names that stand twice, or more arrays than any network has")
    for info in members:
        kind = stat.S_IFMT(info.external_attr >> 16)
        packed = info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size
        if not info.filename.endswith(".npy") or kind not in (0, stat.S_IFREG) or packed or info.flag_bits & 1:
            raise ValueError(f"{info.filename!r} is no plain array")
    if sum(info.file_size for info in members) > path.stat().st_size:
        raise ValueError("it claims more bytes than it has")


def _array(content: bytes) -> np.ndarray:
    """One `.npy`: its head must claim exactly the bytes that follow."""
    import numpy as np

    form, file = np.lib.format, io.BytesIO(content)
    readers = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}
    version = form.read_magic(file)
    if version not in readers:
        raise ValueError(f"array format {version}")
    shape, in_columns, dtype = readers[version](file)
    start = file.tell()
    if dtype.kind not in NUMBER_TYPES or dtype.hasobject or min(shape, default=1) < 0:
        raise ValueError(f"an array of {dtype}, not of numbers")
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(f"an array of shape {shape} has {len(content) - start:,} bytes")
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if in_columns else "C")
