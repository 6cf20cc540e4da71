"""Decoded arrays kept on disk, so that the next run reads them in a moment and needs no TensorFlow for it.

One file a dataset and state of its source: a line with the SHA-256 of everything after it, then plain `.npy` arrays.
"""

from __future__ import annotations

import hashlib
import io
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.catalogue.folders import own_folder
from zoo.data.examples import Examples, Source, memory
from zoo.errors import UsageError, ZooError
from zoo.files import opened, read_json, replacing, sha256, write_json

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("zoo.data")
MAGIC = b"zoo arrays 1 "
HEADER, TARGETS = 2**12, 2**14  # most bytes of what stands before an array, and of the targets of an example


def folder() -> Path:
    """$ZOO_HOME, else $XDG_CACHE_HOME/zoo, else ~/.cache/zoo."""
    return own_folder()


def fingerprint(files: list[Path], *more: object) -> str:
    """Sixteen hex digits that change when a file's name, size or time changes, or one of `more`."""
    state = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in sorted(files)]
    return hashlib.sha256(repr((state, more)).encode()).hexdigest()[:16]


def cached(name: str, decode: Callable[[], Source]) -> Source:
    """What is kept under `name`, or else what `decode` gives, which is then kept.

    A damaged file is dropped and decoded again; a folder that cannot be written, or that other users can write to,
    is not used. Both are said on the log, neither is an error.
    """
    place = folder() / "data"
    if not usable(place):
        return decode()
    path = place / f"{name}.arrays"
    if path.exists():
        try:
            return _read(path)
        except (OSError, ValueError, UsageError) as error:
            log.warning("note: %s is damaged (%s); decoding again", path, error)
    source = decode()
    _write(path, source)
    return source


def on_disk(
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    decode: Callable[[], Iterable[Examples]],
    map_shape: tuple[int, ...] | None = None,
) -> Examples:
    """Examples too many for the memory: decoded some at a time into a file, from which training reads its batches.

    Targets are kept in memory, unless they are maps of `map_shape` (n, ...), uint8, as large as images.

    Raises:
        UsageError: the cache's folder cannot be used, or has no room for them.
    """
    import numpy as np

    from zoo.data import stored

    place = folder() / "data"
    if not usable(place):
        raise UsageError(f"{name} is to stay on disk, and {place} cannot be used\nset ZOO_HOME to a folder of your own")
    x, y, sums = (place / f"{name}.{ending}" for ending in ("x.npy", "y.npy", "sums.json"))
    maps = math.prod(map_shape or (0,))
    need = math.prod(shape) * np.dtype(dtype).itemsize
    if not _is_whole(sums, {x: HEADER + need, y: HEADER + (maps or shape[0] * TARGETS)}):
        _refuse_full(place, name, need + maps)
        labels: list[np.ndarray] = []
        with ExitStack() as files:
            put_x = files.enter_context(stored.writing(x, shape, dtype))
            put_y = files.enter_context(stored.writing(y, map_shape, "uint8")) if map_shape else labels.append
            for part in decode():
                put_x(part.x)
                put_y(part.y)
        if labels:
            found = np.concatenate(labels)
            stored.write(y, found.shape, found.dtype.name, [found])
        write_json(sums, {path.name: sha256(path) for path in (x, y)})
    targets = stored.Stored(y)
    return Examples(stored.Stored(x), targets if map_shape else targets[:])


def _refuse_full(place: Path, name: str, need: int) -> None:
    free = shutil.disk_usage(place).free
    if need > free:
        raise UsageError(
            f"{name} takes {need / 2**30:.1f} GiB on disk, {place} has {free / 2**30:.1f} GiB left\n"
            "make room, or set ZOO_HOME to a folder that has it"
        )


def _is_whole(sums: Path, most: Mapping[Path, int]) -> bool:
    """Whether files written earlier are there as they were, of at most so many bytes; each is read once for that."""
    if not sums.exists():
        return False
    try:
        digests = read_json(sums)
        if all(sha256(file, most=size) == digests[file.name] for file, size in most.items()):
            return True
    except (OSError, KeyError, TypeError, ZooError):
        pass
    log.warning("note: %s is damaged; decoding again", sums.with_name(sums.name.replace("sums.json", "x.npy")))
    return False


def usable(place: Path) -> bool:
    """Make the folder if need be; false if it is not writable, or not ours alone to write."""
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        log.warning("note: no cache at %s (%s); decoding each time", place, error.strerror)
        return False
    for one in (place, place.parent):
        state = one.stat()
        if hasattr(os, "getuid") and (state.st_mode & 0o022 or state.st_uid != os.getuid()):
            log.warning("note: %s can be written by others, so it is not trusted as a cache; chmod go-w %s", one, one)
            return False
    if not os.access(place, os.W_OK):
        log.warning("note: no cache at %s (not writable); decoding each time", place)
        return False
    return True


def _read(path: Path) -> Source:
    """The arrays, after their checksum agreed; ValueError otherwise."""
    with opened(path, memory()) as file:
        size = os.fstat(file.fileno()).st_size
        content = bytearray(size)  # one buffer, which the arrays then share: nothing is copied
        if file.readinto(content) != size:
            raise ValueError("short read")
    line, newline, _ = bytes(content[:128]).partition(b"\n")
    body = memoryview(content)[len(line) + 1 :]
    if not newline or line != MAGIC + hashlib.sha256(body).hexdigest().encode():
        raise ValueError("checksum does not agree")
    arrays = _arrays(body)
    found = [Examples(*arrays[i : i + 2]) for i in range(0, len(arrays), 2)]
    return Source(*(part if len(part) else None for part in found))  # type: ignore[arg-type]


def _arrays(body: memoryview) -> list[np.ndarray]:
    """The `.npy` arrays that stand one after the other in `body`."""
    import numpy as np

    arrays, start = [], 0
    while start < len(body):
        head = io.BytesIO(body[start : start + 4096])
        if np.lib.format.read_magic(head) != (1, 0):
            raise ValueError("not an array")
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
        if dtype.hasobject:
            raise ValueError("objects instead of numbers")
        start += head.tell()
        arrays.append(np.frombuffer(body, dtype, int(np.prod(shape)), start).reshape(shape))
        start += arrays[-1].nbytes
    if len(arrays) not in (2, 4, 6):
        raise ValueError(f"{len(arrays)} arrays")
    return arrays


def _others(source: Source) -> tuple[Examples | None, Examples | None]:
    """The test and the validation part; an empty test part holds the place of one that is not there."""
    if source.test is None and source.validation is not None:
        return source.train.cut(slice(0)), source.validation
    return source.test, source.validation


def _write(path: Path, source: Source) -> None:
    """Keep the arrays; a full disk costs the cache, not the run."""
    import numpy as np

    body = io.BytesIO()
    for part in (source.train, *_others(source)):
        for array in (part.x, part.y) if part is not None else ():
            np.lib.format.write_array(body, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(MAGIC + hashlib.sha256(body.getbuffer()).hexdigest().encode() + b"\n")
            file.write(body.getbuffer())
    except (OSError, ZooError) as error:
        log.warning("note: not cached: %s", error)
        with suppress(OSError):
            path.unlink(missing_ok=True)
