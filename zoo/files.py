"""Files and folders that are either whole or not there: written beside their final name, flushed, then renamed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zoo.errors import UsageError, ZooError

NO_PLACE = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG)  # where nobody can write


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder; on success it takes the final name, on failure nothing is left.

    The temporary name keeps the suffix, since writers such as `model.save` choose their format by it. A folder may be
    made under it too, for a final name that is not taken yet.

    Raises:
        ZooError: the disk is full, or fails.
        UsageError: nothing can be written at that place.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        for inside in (*temporary.rglob("*"), temporary):
            _flush(inside)
        temporary.replace(path)
        _flush(path.parent)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with suppress(OSError):
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            temporary.unlink(missing_ok=True)


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


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write one JSON document, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, allow_nan=True) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed process left in a folder which nobody else writes to."""
    for path in folder.glob(".*.tmp*"):
        if not path.is_dir():
            path.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Any:
    """Read one JSON document.

    Raises:
        UsageError: it is damaged, cannot be read, or is nested too deep.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
