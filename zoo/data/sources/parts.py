"""Own data whose test or validation part lies in files of its own, read as the training part is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import sources
from zoo.data.reading import Reading
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data

log = logging.getLogger("zoo.data")
NAMES = {  # of the folders or files of a folder, without their endings
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "valid", "val", "dev"),
}


def added(data: Data, reading: Reading, path: str | Path) -> Data:
    """The description of a training part with the test and validation parts that `reading` names, read once.

    Raises:
        UsageError: a part is not there, or unlike the training part: what is foreign in it is named.
    """
    if not (reading.test or reading.validation):
        return data
    if data.test or data.validation:
        raise UsageError(f"{path} has a test or validation part of its own\nleave out --test and --validation")
    if data.kind == "series" and not reading.test:
        raise UsageError(f"{path} is a series: --validation needs --test\nthe steps to test on come after the others")
    said: dict[str, str] = {}
    for name, given in (("validation", reading.validation), ("test", reading.test)):
        if given:
            source = address(data.source.partition(":")[0], given)
            found, place = sources.of(source)
            count = found.count(place, data, data.task)  # type: ignore[arg-type]  # the role, so far
            data = data.model_copy(update={f"{name}_source": source, name: count, f"{name}_share": 0.0})
            said[name] = given
    _note(data, path, said)
    return data


def _note(data: Data, path: str | Path, said: dict[str, str]) -> None:
    told = [f"{name} {said[name]} ({getattr(data, name):,})" if name in said else f"{name} held out of {path}"
            for name in ("validation", "test")]  # fmt: skip
    log.warning("note: parts: train %s (%s), %s; columns, classes and vocabulary are those of the training part",
                path, f"{data.train:,}", ", ".join(told))  # fmt: skip


def address(scheme: str, path: str) -> str:
    """The source of own data by its path, or by two paths with a comma between them.

    Raises:
        UsageError: it is not there.
    """
    whole = Path(path).expanduser()
    each = [whole] if whole.exists() else [Path(half).expanduser() for half in path.split(",")]
    if gone := [str(one) for one in each if not one.exists()]:
        raise UsageError(f"no such file or folder: {', '.join(gone)}")
    return f"{scheme}:{','.join(str(one.absolute()) for one in each)}"


def layout(folder: Path) -> dict[str, Path]:
    """The parts of a folder that holds train/ and test/ or validation/, or files of such names; {}: none.

    Raises:
        UsageError: two folders or files are the same part.
    """
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    folders = [entry for entry in entries if entry.is_dir()]
    for suffix in ("", ".csv", ".tsv", ".txt", ".data"):
        files = [entry for entry in entries if entry.is_file() and entry.suffix.lower() == suffix]
        found = dict(_named(files if suffix else folders, folder))
        if "train" in found and len(found) > 1:
            others = [f"{entry.name}/" for entry in folders if not suffix and entry not in found.values()]
            if others:
                log.warning("note: %s has parts in folders of their own; passed over: %s", folder, ", ".join(others))
            return found
    return {}


def _named(entries: list[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    for name, words in NAMES.items():
        fitting = [entry for entry in entries if entry.stem.lower() in words]
        if len(fitting) > 1:
            both = " and ".join(entry.name for entry in fitting)
            raise UsageError(f"{folder} has {both}, and both would be the {name} part\nmove one of them away")
        if fitting:
            yield name, fitting[0]
