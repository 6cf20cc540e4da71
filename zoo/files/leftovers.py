"""Temporary files say in their names whose they are, so that the next process removes what a killed one left.

`.NAME.OWNER-PID.tmp.SUFFIX`: OWNER stands for this machine and its numbering of processes, which differs in containers.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

DAY = 86_400.0  # seconds without a change, after which even what may have an owner elsewhere has none
OURS = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)\.tmp(\.[^.]*)?")


def temporary(path: Path) -> Path:
    """A name beside `path` for what is not whole yet; the suffix stays."""
    return path.with_name(f".{path.stem}.{_owner()}-{os.getpid()}.tmp{path.suffix}")


@cache
def _owner() -> str:
    try:
        processes = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # no Linux
        processes = ""
    return hashlib.sha256(f"{platform.node()} {processes}".encode()).hexdigest()[:8]


@cache
def sweep(folder: Path) -> None:
    """Once in this process: remove what dead processes left in a folder that others write to as well.

    What a process that lives may still write stays: of this machine by its number, of another one, which cannot be
    asked, for a day after its last change.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if OURS.fullmatch(entry.name)]
        for path in (folder / name for name in names):
            if _is_abandoned(path):
                discard(path)


def _is_abandoned(path: Path) -> bool:
    owner, pid, _ = OURS.fullmatch(path.name).groups()  # type: ignore[union-attr]
    if owner == _owner() and not _lives(int(pid)):
        return True
    return int(pid) != os.getpid() and untouched([path], DAY)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def untouched(paths: Iterable[Path], seconds: float) -> bool:
    """Whether nothing in these files and folders has changed for so long."""
    latest = 0.0
    for path in paths:
        for inside in (path, *(path.rglob("*") if path.is_dir() and not path.is_symlink() else ())):
            with suppress(FileNotFoundError):
                latest = max(latest, inside.lstat().st_mtime)
    return time.time() - latest > seconds


def remove_all(folder: Path) -> None:
    """Remove the temporary files, whosever, in a folder that nobody else writes to."""
    for path in folder.glob(".*.tmp*"):
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Remove a file, a link or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
