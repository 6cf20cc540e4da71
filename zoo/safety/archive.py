"""The archive: plain members under plain names, as large as they say, and read where they lie."""

from __future__ import annotations

import stat
import struct
import zipfile
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from zoo.files import WEIGHTS, opened
from zoo.safety.refusals import refused

MEMBERS = {"metadata.json": 2**20, "config.json": 2**22, "model.weights.h5": 2**63}  # name -> most bytes
MOST_MEMBERS = 1_000
ENTRY = b"PK\x01\x02"  # how an entry of the archive's directory begins
PIECE = 2**24  # bytes


def check_directory(path: Path) -> None:
    """Refuse an archive of very many members before its directory is read, which takes memory for each."""
    if has_more_members(path, MOST_MEMBERS, WEIGHTS):
        raise refused(path, f"the archive has more than {MOST_MEMBERS:,} members")


def has_more_members(path: Path, members: int, most: int) -> bool:
    """Whether an archive of at most `most` bytes has more members, by a look at its bytes alone.

    Raises:
        UsageError: it is larger, or no plain file. OSError: it cannot be opened.
    """
    count, tail = 0, b""
    with opened(path, most) as file:
        while count <= members and (piece := file.read(PIECE)):
            count += (tail + piece).count(ENTRY)
            tail = piece[-len(ENTRY) + 1 :]
    return count > members


def check_members(path: Path, archive: zipfile.ZipFile) -> None:
    """Names, kinds and sizes first; then every byte against its checksum."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        raise refused(path, "two members of the archive have one name")
    for info in infos:
        _member(path, info)
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise refused(path, "the members of the archive claim more bytes than the file has")
    if missing := set(MEMBERS) - set(names):
        raise ValueError(f"there is no {min(missing)} in it")
    if (bad := archive.testzip()) is not None:
        raise ValueError(f"the checksum of {bad} does not agree")


def _member(path: Path, info: zipfile.ZipInfo) -> None:
    name, parts = info.filename, PurePosixPath(info.filename).parts
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in name or info.orig_filename != name:
        raise refused(path, f"a member's name leads out of the archive: {name!r}")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(path, f"the member {name!r} is a link or device")
    if name not in MEMBERS and parts[0] != "assets":
        raise refused(path, f"it holds {name!r}, which is no part of a model")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise refused(path, f"the member {name!r} is compressed, which Keras never does")
    if info.file_size > MEMBERS.get(name, 2**28):
        raise refused(path, f"the member {name!r} has {info.file_size:,} bytes")


class Part(RawIOBase):
    """An uncompressed member of an archive, read where it lies; without `info` the whole file."""

    def __init__(self, file: BinaryIO, info: zipfile.ZipInfo | None = None) -> None:
        if info is None:
            self.file, self.start, self.size, self.place = file, 0, file.seek(0, SEEK_END), 0
            return
        file.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
        self.file, self.start, self.size, self.place = file, info.header_offset + 30 + name + extra, info.file_size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self.place = offset + {SEEK_SET: 0, SEEK_CUR: self.place, SEEK_END: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: Any) -> int:
        self.file.seek(self.start + self.place)
        data = self.file.read(min(len(buffer), max(self.size - self.place, 0)))
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)
