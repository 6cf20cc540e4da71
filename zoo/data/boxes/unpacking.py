"""Archives of images, unpacked once into the zoo's own folder: plain files of a few kinds, no more than fit."""

from __future__ import annotations

import lzma
import shutil
import stat
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from zoo.data import cache
from zoo.data.folder import SUFFIXES, is_hidden
from zoo.errors import UsageError, ZooError, is_utf8
from zoo.files import opened, replacing
from zoo.files.names import file_name
from zoo.safety.archive import has_more_members

MOST_BYTES = 2**33  # of an archive, and of what is in it
MOST_MEMBERS = 500_000
KEPT = (*SUFFIXES, ".xml", ".json", ".txt", ".yaml", ".yml", ".names", ".labels")
PIECE = 2**20  # bytes
DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether a file is called as archives are."""
    return path.suffix.lower() == ".zip"


def holds_pictures(path: Path) -> bool:
    """Whether there are images in an archive, by the names in it; false of one that cannot be read.

    Raises:
        UsageError: it is very large, or holds very many files.
    """
    try:
        _refuse_many(path)
        with opened(path, MOST_BYTES) as file, zipfile.ZipFile(file) as packed:
            return any(PurePosixPath(name).suffix.lower() in SUFFIXES for name in packed.namelist())
    except (*DAMAGED, OSError):
        return False


def unpacked(path: Path) -> Path:
    """The folder of an archive's files, which stays for the next time; those of other kinds are left out.

    Raises:
        UsageError: no archive, damaged, too large, or with names that lead out of it; the cache cannot be used.
        ZooError: the disk is full.
    """
    place = cache.folder() / "data"
    if not cache.usable(place):
        raise UsageError(
            f"{path} is unpacked to read it, and {place} cannot be used\nset ZOO_HOME to a folder of your own"
        )
    folder = place / f"{file_name(path.stem)}-{cache.fingerprint([path])}"
    if folder.is_dir():
        return folder
    try:
        with replacing(folder) as temporary:
            temporary.mkdir()
            _unpack(path, temporary)
    except ZooError:
        if not folder.is_dir():  # or another process was faster
            raise
    return folder


def _unpack(path: Path, folder: Path) -> None:
    try:
        _refuse_many(path)
        with opened(path, MOST_BYTES) as file, zipfile.ZipFile(file) as packed:
            _refuse_outside(path, packed.namelist())
            members = [info for info in packed.infolist() if _is_wanted(info)]
            _refuse_bad(path, members)
            _refuse_large(path, sum(info.file_size for info in members), folder)
            for info in members:
                target = folder / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(info) as source, target.open("xb") as copy:
                    shutil.copyfileobj(source, copy, PIECE)
    except DAMAGED as error:
        raise UsageError(f"{path} is damaged, or no archive that can be read: {error}") from error


def _refuse_many(path: Path) -> None:
    if has_more_members(path, MOST_MEMBERS, MOST_BYTES):
        raise UsageError(f"{path} holds more than {MOST_MEMBERS:,} files\nunpack it yourself, and give the folder")


def _is_wanted(info: zipfile.ZipInfo) -> bool:
    name = Path(info.filename)
    return not info.is_dir() and name.suffix.lower() in KEPT and not is_hidden(name)


def _refuse_outside(path: Path, names: list[str]) -> None:
    for name in names:
        if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name or not is_utf8(name):
            raise UsageError(f"{path} is refused: a name in it leads out of it: {name[:200]!r}")


def _refuse_bad(path: Path, members: list[zipfile.ZipInfo]) -> None:
    names = Counter(info.filename for info in members)
    for info in members:
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise UsageError(f"{path} is refused: {info.filename!r} is a link or a device")
        if names[info.filename] > 1:
            raise UsageError(f"{path} is refused: it holds {info.filename!r} twice")
        if info.flag_bits & 1:
            raise UsageError(f"{path} is locked with a password\nunpack it yourself, and give the folder")


def _refuse_large(path: Path, need: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if need > MOST_BYTES:
        most = f"{MOST_BYTES / 2**30:.0f} GiB\nunpack it yourself if that is right"
        raise UsageError(f"{path} unpacks to {need / 2**30:.1f} GiB, more than {most}")
    if need > free:
        raise UsageError(
            f"{path} unpacks to {need / 2**30:.1f} GiB, {folder.parent} has {free / 2**30:.1f} GiB left\nmake room"
        )
