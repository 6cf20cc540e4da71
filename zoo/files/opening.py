"""Opening what anyone may have put there: plain files alone, and nothing through a link below a folder from elsewhere.

`below` names such a folder, a run's for instance. What it is itself is the user's choice; of a path under it no
component may be a symbolic link, not even one that is put there in the meantime: each is opened from the descriptor of
the one before (`O_NOFOLLOW`). Where a system has no such calls every component is looked at first.

Without `below` links are followed, since users may keep their own files behind them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import UsageError

CAREFUL = hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd
NO_LINK = getattr(os, "O_NOFOLLOW", 0)
AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
WRITES = os.O_WRONLY | os.O_RDWR
SPECIAL_FILES = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)
MOST_ENTRIES = 100_000  # of a run directory


@contextmanager
def holding(path: Path, below: Path | None = None) -> Iterator[tuple[str, int | None]]:
    """The name of `path` and the descriptor of its folder, for `dir_fd`.

    Raises:
        UsageError: a component below `below` is a link; OSError: there is no such folder.
    """
    *between, name = _parts(path, below)
    if not CAREFUL:
        _look_at_each(path, below)
        yield str(path), None
        return
    held = os.open(below or path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for i, part in enumerate(between):
            inner = _inner(part, held, Path(below or path.parent, *between[: i + 1]))
            os.close(held)
            held = inner
        yield name, held
    finally:
        os.close(held)


def _parts(path: Path, below: Path | None) -> tuple[str, ...]:
    parts = path.relative_to(below or path.parent).parts
    if not parts or ".." in parts:
        raise UsageError(f"{path} is {'a folder, not a file' if below is None else f'not inside of {below}'}")
    return parts


def _inner(name: str, held: int, path: Path) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | NO_LINK, dir_fd=held)
    except OSError:
        _refuse_link(path, os.stat(name, dir_fd=held, follow_symlinks=False))
        raise


def _look_at_each(path: Path, below: Path | None) -> None:
    for part in (path, *path.parents) if below is not None else ():
        if part == below:
            return
        if part.is_symlink():
            _refuse_link(part, part.lstat())


def _refuse_link(path: Path, state: os.stat_result) -> None:
    if stat.S_ISLNK(state.st_mode):
        raise UsageError(
            f"{path} is a symbolic link\nnone is followed inside of a run directory; put what it leads to in its place"
        )


def descriptor(path: Path, flags: int = os.O_RDONLY, below: Path | None = None) -> int:
    """Open a plain file, without waiting for anyone.

    Raises:
        UsageError: a link below `below`; a folder, pipe, socket or device; a file to write to that has other names.
        OSError: it is not there, or cannot be opened.
    """
    if below is None:
        return _plain(path, flags, path, None)
    with holding(path, below) as (name, held):
        return _plain(name, flags | NO_LINK, path, held)


def _plain(name: str | Path, flags: int, path: Path, held: int | None) -> int:
    try:  # devices may do something when they are opened
        _refuse_other(path, os.stat(name, dir_fd=held, follow_symlinks=not flags & NO_LINK), flags)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    opened = os.open(name, flags | AT_ONCE, 0o666, dir_fd=held)
    try:
        _refuse_other(path, os.fstat(opened), flags)
    except BaseException:
        os.close(opened)
        raise
    return opened


def _refuse_other(path: Path, state: os.stat_result, flags: int) -> None:
    _refuse_link(path, state)
    if not stat.S_ISREG(state.st_mode):
        raise UsageError(f"{path} is {kind(state)}, not a plain file")
    if flags & WRITES and state.st_nlink > 1:
        raise UsageError(f"{path} is a file that has other names too\nit is not written to; put a copy in its place")


def kind(state: os.stat_result) -> str:
    """What something is that is no plain file."""
    return next((name for test, name in SPECIAL_FILES if test(state.st_mode)), "a device")


def make_folder(path: Path, below: Path | None = None) -> None:
    """Make a folder, unless it is there.

    Raises:
        UsageError: a link or something else has its name; OSError: it cannot be made.
    """
    with holding(path, below) as (name, held):
        try:
            os.mkdir(name, dir_fd=held)
        except FileExistsError:
            state = os.stat(name, dir_fd=held, follow_symlinks=False)
            _refuse_link(path, state)
            if not stat.S_ISDIR(state.st_mode):
                raise UsageError(f"{path} is no folder\nmove it away") from None


def names(path: Path, below: Path) -> list[str]:
    """What is in a folder, sorted; nothing where there is no such folder.

    Raises:
        UsageError: it is a link, or no folder.
    """
    try:
        with holding(path / "any", below) as (_, held):
            return sorted(os.listdir(path if held is None else held))  # noqa: PTH208  of a descriptor
    except FileNotFoundError:
        return []
    except NotADirectoryError as error:
        raise UsageError(f"{path} is no folder\nmove it away") from error


def refuse_links(folder: Path) -> None:
    """Look through a folder from elsewhere before anything in it is used.

    Raises:
        UsageError: an entry of it, however deep, is neither a plain file nor a folder, or cannot be looked at; or there
            are very many.
    """
    count, left = 0, [folder]
    try:
        while left:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count > MOST_ENTRIES:
                        raise UsageError(f"{folder} holds more than {MOST_ENTRIES:,} files, which no run does")
                    if _is_folder(entry):
                        left.append(Path(entry.path))
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        state = entry.stat(follow_symlinks=False)
    except FileNotFoundError:  # another process just took it away
        return False
    _refuse_link(Path(entry.path), state)
    if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
        raise UsageError(f"{entry.path} is {kind(state)}; a run directory holds plain files\nmove it away")
    return stat.S_ISDIR(state.st_mode)
