"""Files and folders that are either whole or not there: written beside their final name, flushed, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import UsageError, ZooError
from zoo.files import leftovers
from zoo.files.opening import CAREFUL, descriptor, holding

RECIPE, JSON, IMAGE, TEXT, WEIGHTS = 2**22, 2**26, 2**28, 2**31, 2**34  # most bytes of a file of this kind
NO_PLACE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)  # where nobody can write


@contextmanager
def writing(path: Path, below: Path | None = None) -> Iterator[BinaryIO]:
    """Yield a new file, which takes its final name if the block succeeds; if not, what was there before stays.

    What has the name is replaced, be it a link; no link is followed on the way from `below`.

    Raises:
        ZooError: the disk is full, or fails.
        UsageError: nothing can be written at that place, or a link leads to it.
    """
    temporary = leftovers.temporary(path)
    try:
        with holding(path, below) as (name, held):
            leftovers.sweep(path.absolute().parent)
            beside = temporary.name if CAREFUL else str(temporary)
            with suppress(FileNotFoundError):  # a leftover, or a trap
                os.unlink(beside, dir_fd=held)
            new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            try:
                with os.fdopen(descriptor(temporary, new, below), "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, name, src_dir_fd=held, dst_dir_fd=held)
            except BaseException:
                with suppress(OSError):
                    os.unlink(beside, dir_fd=held)
                raise
            if held is not None:
                os.fsync(held)
    except OSError as error:
        raise _explained(error, path) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """As `writing`, for what others write by a file's name: yield a temporary one in the same folder.

    It keeps the suffix, since writers such as `model.save` choose their format by it. A folder may be made under it
    too, for a final name that is not taken yet.
    """
    temporary = leftovers.temporary(path)
    leftovers.sweep(path.absolute().parent)
    try:
        leftovers.discard(temporary)
        yield temporary
        for inside in (*temporary.rglob("*"), temporary):
            _flush(inside)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with suppress(OSError):
            leftovers.discard(temporary)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a new folder outside of all others, for what libraries write by a file's name; it goes when the block ends.

    Nobody else can put a link into it. What is made there is then written to its place by `writing`.
    """
    place = Path(tempfile.gettempdir())
    leftovers.sweep(place)
    folder = leftovers.temporary(place / f"zoo-{secrets.token_hex(8)}")
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        with suppress(OSError):
            leftovers.discard(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explained(error: OSError, path: Path) -> ZooError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        which = "size limit of files reached" if error.errno == errno.EFBIG else "disk full"
        return ZooError(f"{which} while writing {path}; what was there before is untouched")
    kind = UsageError if error.errno in NO_PLACE else ZooError
    return kind(f"cannot write {path}: {error.strerror or error}")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with writing(path) as file:
        file.write(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def append(path: Path, text: str) -> None:
    """Add to a text file; a link is not followed.

    Raises:
        UsageError: a link or something else has its name; OSError: it cannot be written.
    """
    with os.fdopen(descriptor(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, path.parent), "ab") as file:
        file.write(text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=True) + "\n")


def opened(path: Path, most: int | None = None, below: Path | None = None) -> BufferedReader:
    """Open a plain file to read it, without waiting for anyone.

    Args:
        most: bytes that such a file may have; None for a user's own data of any size, which is then not read whole.
        below: a folder from elsewhere below which no link is followed (see `zoo.files.opening`).

    Raises:
        UsageError: a pipe, device, folder or the like; a file that is too large. OSError: it cannot be opened.
    """
    file = os.fdopen(descriptor(path, below=below), "rb")
    size = os.fstat(file.fileno()).st_size
    if most is not None and size > most:
        file.close()
        raise UsageError(f"{path} has {size:,} bytes; such a file has at most {most:,}")
    return file


def read_bytes(path: Path, most: int, below: Path | None = None) -> bytes:
    """The whole content of a plain file of at most so many bytes.

    Raises:
        UsageError, OSError: as `opened`; it grows while it is read.
    """
    with opened(path, most, below) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) > size:
        raise UsageError(f"{path} grows while it is read\ntry again when it is finished")
    return content


def read_text(path: Path, most: int, below: Path | None = None) -> str:
    """The same as text in UTF-8.

    Raises:
        UnicodeDecodeError: it is none. UsageError, OSError: as `read_bytes`.
    """
    return read_bytes(path, most, below).decode()


def sha256(path: Path, below: Path | None = None, most: int | None = None) -> str:
    """The SHA-256 of a plain file's bytes.

    Raises:
        UsageError, OSError: as `opened`.
    """
    with opened(path, most, below) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Read one JSON document.

    Raises:
        UsageError: it is damaged, too large, no plain file, cannot be read, or is nested too deep.
    """
    try:
        return json.loads(read_bytes(path, JSON))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
