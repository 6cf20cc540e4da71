"""What TensorFlow Datasets has on this machine, found without importing it: folders, sizes, names of record files."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zoo.errors import MissingError, UsageError, unknown
from zoo.files import JSON, read_bytes
from zoo.files.opening import kind

VERSION = re.compile(r"\d+\.\d+\.\d+")
MIB = 2**20
RECORD = 16  # bytes around each record of a TFRecord file: its length, and checksums of both


@dataclass(frozen=True)
class Address:
    """`NAME`, `NAME/CONFIG` or `NAME/CONFIG:1.0.0`, as TensorFlow Datasets writes it."""

    name: str
    config: str | None = None
    version: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        found = re.fullmatch(r"(\w+)(?:/([\w.+-]+))?(?::(\d+\.\d+\.\d+))?", text)
        if not found or ".." in text:
            raise UsageError(f"tfds:{text} is not of the form tfds:NAME, tfds:NAME/CONFIG or tfds:NAME/CONFIG:VERSION")
        return cls(*found.groups())

    def __str__(self) -> str:
        return self.name + (f"/{self.config}" if self.config else "") + (f":{self.version}" if self.version else "")


@dataclass(frozen=True)
class Prepared:
    """A dataset that lies ready on this machine."""

    name: str  # mnist, wine_quality/white
    folder: Path
    version: str
    splits: dict[str, int]  # examples in each
    most: dict[str, int]  # bytes that the record files of each can have

    @property
    def files(self) -> list[Path]:
        return sorted(path for path in self.folder.iterdir() if path.is_file())


def data_dir() -> Path:
    """$TFDS_DATA_DIR, else TensorFlow Datasets' own default."""
    return Path(os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets").expanduser()


def find(address: Address) -> Prepared | None:
    """The newest prepared version, or None.

    Raises:
        MissingError: its description is damaged; the file and the remedy are named.
    """
    root = data_dir() / address.name
    config = address.config or (None if _versions(root) else _default_config(root))
    if config:
        root = root / config
    versions = [v for v in _versions(root) if address.version in (None, v)]
    if not versions:
        return None
    folder = root / versions[-1]
    name = address.name + (f"/{config}" if config else "")
    return Prepared(name, folder, folder.name, *_splits(folder, address))


def _versions(root: Path) -> list[str]:
    """Version folders, oldest first; half-made ones carry another name and do not count."""
    found = [p.name for p in root.iterdir() if VERSION.fullmatch(p.name)] if root.is_dir() else []
    return sorted(found, key=lambda version: [int(part) for part in version.split(".")])


def _default_config(root: Path) -> str | None:
    try:
        name = str(json.loads(read_bytes(root / ".config" / "metadata.json", JSON))["default_config_name"])
        return Address.parse(f"{root.name}/{name}").config
    except (OSError, ValueError, KeyError, UsageError):
        return None


def _splits(folder: Path, address: Address) -> tuple[dict[str, int], dict[str, int]]:
    """Of each split the examples, and the bytes that its files can have."""
    path = folder / "dataset_info.json"
    try:
        info: Any = json.loads(read_bytes(path, JSON))
        counts = {s["name"]: sum(int(count) for count in s["shardLengths"]) for s in info["splits"]}
        stated = {s["name"]: int(s.get("numBytes", 0)) for s in info["splits"]}
        parts = (info.get("name"), *counts, *(s.get("filepathTemplate") for s in info["splits"]))
        if any("/" in str(part) for part in parts):
            raise ValueError("its files are said to lie elsewhere")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise damaged(path, folder, address, f"{type(error).__name__}: {error}") from error
    if info.get("fileFormat", "tfrecord") == "tfrecord":
        return counts, {name: stated[name] + RECORD * counts[name] for name in counts}
    return counts, {name: 2 * size + MIB for name, size in stated.items()}


def refuse_odd_files(found: Prepared, address: Address) -> None:
    """Look at the files of a set before TensorFlow opens them, which reads pipes, devices and files of any size.

    Raises:
        MissingError: one is no plain file, or has more bytes than the set's own description states.
    """
    sizes = dict.fromkeys(found.splits, 0)
    for path in sorted(found.folder.iterdir()):
        try:
            state = path.stat()
        except OSError as error:
            raise damaged(path, found.folder, address, f"cannot be read: {error.strerror}") from error
        if stat.S_ISDIR(state.st_mode):
            continue
        if not stat.S_ISREG(state.st_mode):
            raise damaged(path, found.folder, address, f"it is {kind(state)}, not a plain file")
        split = next((name for name in sizes if f"-{name}." in path.name), None)
        most = JSON if split is None else found.most[split] - sizes[split]
        if state.st_size > most:
            raise damaged(path, found.folder, address, f"it has {state.st_size:,} bytes, it can have {max(most, 0):,}")
        if split is not None:
            sizes[split] += state.st_size


def damaged(path: Path, folder: Path, address: Address, why: str) -> MissingError:
    """`PATH is damaged: WHY`, and the two commands that mend it."""
    why = why.splitlines()[0][:160]
    return MissingError(
        f"{path} is damaged ({why})\n"
        f"prepare it again: rm -r {shlex.quote(str(folder))} && zoo data prepare tfds:{address}"
    )


def download_facts(name: str) -> tuple[float, str]:
    """MiB of all that TensorFlow Datasets would fetch for `name` (0: not known), and the host it comes from."""
    urls, total = [], 0
    for line in _checksum_lines(name):
        url, size, *_ = line.split("\t") if "\t" in line else line.split()
        urls.append(url)
        total += int(size)
    host = urlsplit(urls[0]).hostname if urls else None
    return total / MIB, host or "storage.googleapis.com"


def _checksum_lines(name: str) -> list[str]:
    spec = find_spec("tensorflow_datasets")  # finds the package's folder without importing it
    package = Path((spec.submodule_search_locations or ["."])[0]) if spec else Path()
    for path in (package / "datasets" / name / "checksums.tsv", package / "url_checksums" / f"{name}.txt"):
        if path.is_file():
            return [line for line in path.read_text().splitlines() if line.strip()]
    return []


def refuse_unknown(name: str) -> None:
    """Raise UsageError with the nearest names where TensorFlow Datasets knows no dataset `name`."""
    if _checksum_lines(name):
        return
    import tensorflow_datasets as tfds  # half a second; this alone does not import TensorFlow

    known = tfds.list_builders(with_community_datasets=False)
    if name not in known:
        raise unknown(
            "TensorFlow Datasets name", name, known, "all of them: https://www.tensorflow.org/datasets/catalog"
        )
