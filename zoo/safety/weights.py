"""The weights: plain arrays of numbers in plain groups, each there once and as large as what is stored of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.safety.archive import Part
from zoo.safety.refusals import refused

if TYPE_CHECKING:
    import h5py

MOST_OBJECTS = 20_000  # groups and arrays
WIDEST = 8  # bytes of a number
OPAQUE = 2  # bytes of a number that HDF5 has no type for, such as bfloat16
MOST_TYPE_NAME = 64  # bytes of the attribute in which Keras notes such a type


def check_weights(path: Path, part: Part) -> int:
    """How many numbers there are, without the optimiser's. Nothing is read but the heads of groups and arrays."""
    import h5py

    elements, size, seen = 0, 0, set[int]()
    with h5py.File(part, "r") as top:
        seen.add(h5py.h5o.get_info(top.id).addr)
        groups: list[tuple[str, h5py.Group]] = [("", top)]
        while groups:
            where, group = groups.pop()
            if len(group) > MOST_OBJECTS:
                raise refused(path, "the weights hold more groups and arrays than any model has")
            for name in group:
                here = f"{where}/{name}"
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise refused(path, f"the weights hold a link, {here}")
                child = group[name]
                address = h5py.h5o.get_info(child.id).addr
                if address in seen:
                    raise refused(path, f"the weights hold one thing under two names, {here}")
                seen.add(address)
                if len(seen) > MOST_OBJECTS:
                    raise refused(path, "the weights hold more groups and arrays than any model has")
                if isinstance(child, h5py.Group):
                    groups.append((here, child))
                    continue
                count, width = _array(path, child, here)
                size += count * width
                if size > part.size:
                    raise refused(path, f"the weights claim {size:,} bytes, the file has {part.size:,}")
                elements += 0 if where.startswith("/optimizer") else count
    return elements


def _array(path: Path, array: Any, name: str) -> tuple[int, int]:
    """Numbers in an array, and bytes of each."""
    import h5py

    kind: Any = array.id.get_type() if isinstance(array, h5py.Dataset) else None
    numbers = (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID, h5py.h5t.TypeEnumID)
    opaque = isinstance(kind, h5py.h5t.TypeOpaqueID)
    if not (opaque or isinstance(kind, numbers)) or kind.get_size() > (OPAQUE if opaque else WIDEST):
        raise refused(path, f"the weights hold something else than numbers, {name}")
    made = array.id.get_create_plist()
    if made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count() or made.get_nfilters():
        raise refused(path, f"the weights {name} are kept in another file, or packed by a filter")
    if made.get_layout() == h5py.h5d.CHUNKED:
        raise refused(path, f"the weights {name} lie in pieces, which Keras never writes")
    count, stored = math.prod(array.id.shape), array.id.get_storage_size()
    if stored < count * kind.get_size():
        raise refused(path, f"the weights {name} claim {count * kind.get_size():,} bytes, {stored:,} are there")
    note = b"dtype"
    if h5py.h5a.exists(array.id, note) and h5py.h5a.open(array.id, note).get_storage_size() > MOST_TYPE_NAME:
        raise refused(path, f"the weights {name} are of a type with an endless name")
    return count, kind.get_size()
