"""A folder of own data that holds its parts: to train on, to validate on, to test on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import UsageError

log = logging.getLogger("zoo.data")
NAMES = {  # of the folders or files of a folder, without their endings
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "valid", "val", "dev"),
}


def layout(folder: Path, quiet: bool = False) -> dict[str, Path]:
    """The parts of a folder that holds train/ and test/ or validation/, or files of such names; {}: none.

    Folders beside them are told in a note, unless `quiet`.

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
            if others and not quiet:
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
