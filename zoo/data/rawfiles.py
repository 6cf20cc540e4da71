"""Files that a user fetches by hand: where they lie, what is said when they do not, and how their text is read."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import cache
from zoo.data.table import decoded
from zoo.errors import MissingError, UsageError, ZooError
from zoo.files import TEXT, opened, read_bytes

if TYPE_CHECKING:
    from zoo.data.config import Data

MOST_BYTES = 2**30  # of one file, unpacked; a small archive can hold more than memory does


def folder() -> Path:
    """$ZOO_DATA_DIR, else the folder `raw` in the zoo's own ($ZOO_HOME, else ~/.cache/zoo)."""
    given = os.environ.get("ZOO_DATA_DIR")
    return Path(given).expanduser() if given else cache.folder() / "raw"


def locate(path: str) -> Path:
    """Where a source's path leads: as it stands if that is there, else in the folder of raw files."""
    place = Path(path).expanduser()
    return place if place.is_absolute() or place.exists() else folder() / place


def missing(files: Sequence[Path], data: Data | None) -> ZooError:
    """The error for files that are not there: with where to get them, if the recipe says so."""
    names = ", ".join(path.name for path in files)
    if data is None or not data.origin:
        return UsageError(f"no such file or folder: {', '.join(map(str, files))}")
    scheme = data.source.partition(":")[0]
    return MissingError(
        f"not there: {names} in {files[0].parent}\n"
        f"no library fetches this data; it is at {data.origin}\n"
        f"put it into that folder (ZOO_DATA_DIR sets it), or say where it lies: --set data.source={scheme}:PATH"
    )


def read_text(path: Path) -> str:
    """The text of a UTF-8 file; of a .gz unpacked; of a .zip that of the one text file in it.

    Files whose names begin with an underscore or a dot, notes about the others, do not count.

    Raises:
        UsageError: cannot be read, damaged, too large, not UTF-8 (the line is named), not one text in the archive.
    """
    try:
        text = decoded(path, _content(path))
    except OSError as error:  # gzip.BadGzipFile is one
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except (EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise UsageError(f"{path} is damaged, or no archive that can be read: {error}") from error
    if "\0" in text:
        raise UsageError(f"{path} is no text: it holds zero bytes")
    return text


def _content(path: Path) -> bytes:
    if path.suffix == ".gz":
        with opened(path, TEXT) as packed, gzip.open(packed) as file:
            return _bounded(file.read(MOST_BYTES + 1), path)
    if path.suffix == ".zip":
        with (
            opened(path, TEXT) as packed,
            zipfile.ZipFile(packed) as archive,
            archive.open(_only_text(archive, path)) as member,
        ):
            return _bounded(member.read(MOST_BYTES + 1), path)
    return read_bytes(path, TEXT)


def _bounded(content: bytes, path: Path) -> bytes:
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"{path} unpacks to more than {MOST_BYTES // 2**20:,} MiB; unpack it yourself if that is right"
        )
    return content


def _only_text(archive: zipfile.ZipFile, path: Path) -> str:
    names = [name for name in archive.namelist() if name.endswith((".txt", ".tsv", ".csv"))]
    texts = [name for name in names if not name.rpartition("/")[2].startswith(("_", "."))]
    if len(texts) != 1:
        raise UsageError(
            f"{path} holds {len(texts)} text files (.txt, .tsv, .csv), it has to be one\nunpack it, name the right one"
        )
    return texts[0]


def lines(path: Path) -> list[str]:
    """Lines as editors and alignment tools count them: only a line feed ends one, with or without carriage return."""
    found = read_text(path).split("\n")  # splitlines() would also cut at U+2028, form feeds and the like
    if found and not found[-1]:
        found.pop()
    return [line.removesuffix("\r") for line in found]


def refuse_empty(texts: Sequence[str], where: str) -> None:
    """Refuse texts of nothing but blanks.

    Raises:
        UsageError: the first such row, counted from 1, is named.
    """
    empty = [row for row, text in enumerate(texts, start=1) if not text.strip()]
    if empty:
        more = f" ({len(empty):,} such rows)" if len(empty) > 1 else ""
        raise UsageError(f"{where}, row {empty[0]}: the text is empty{more}\nremove such rows from the source")
