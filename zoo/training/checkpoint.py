"""Checkpoints that survive a kill at any moment: each is one file, of arrays and facts under their SHA-256.

A file is written beside its final name, flushed and renamed: it is there whole or not at all. Its first line holds
the SHA-256 of everything after it, so that whole is not believed but checked. Then facts as a line of JSON, then the
arrays as plain NumPy; nothing in it can run.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import UsageError, ZooError
from zoo.files import WEIGHTS, read_bytes, writing
from zoo.files.names import escaped
from zoo.files.opening import holding, make_folder, names

KEEP = 2
LAST = "training.checkpoint"  # in a run's folder: where its training ended, from which it can be trained for longer
LARGEST_LAST = 2**30  # bytes; what is larger is not kept once the run is finished
MAGIC = b"zoo checkpoint 1 "


class Checkpoint(NamedTuple):
    """The state of a run: named arrays, and what JSON can say (position, history, callbacks' counters)."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


def save(folder: Path, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Path:
    """Write the checkpoint of `step` and drop all but the newest KEEP up to it.

    Raises:
        ZooError: the disk is full or not writable; the older checkpoints are untouched.
    """
    try:
        make_folder(folder)
    except OSError as error:
        raise ZooError(f"cannot make {folder}: {error.strerror}") from error
    path = folder / f"step-{step:09d}.checkpoint"
    _write(path, folder.parent, arrays, facts)
    _drop_others(folder, path.name)
    return path


def save_last(folder: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> bool:
    """Write the state in which a training ended into the run's folder, unless it is too large to keep; was it kept?

    Raises:
        ZooError: the disk is full or not writable.
    """
    if sum(array.nbytes for array in arrays.values()) > LARGEST_LAST:
        return False
    _write(folder / LAST, folder, arrays, facts)
    return True


def last(folder: Path) -> Checkpoint | None:
    """The state in which the training of a finished run ended; None: it was not kept.

    Raises:
        ZooError: it is damaged.
    """
    if LAST not in names(folder, folder):
        return None
    try:
        return _read(folder / LAST, folder)
    except (OSError, ValueError, KeyError, UsageError) as error:
        raise ZooError(f"{folder / LAST} cannot be read: {error}") from error


def _write(path: Path, below: Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """One file, whole or not at all; nothing is written through a link in `below`."""
    words, body = json.dumps(dict(facts)).encode() + b"\n", io.BytesIO()
    np.savez(body, **arrays)
    digest = hashlib.sha256(words)
    digest.update(body.getbuffer())
    with writing(path, below=below) as file:
        file.write(MAGIC + digest.hexdigest().encode() + b"\n" + words)
        file.write(body.getbuffer())


def _drop_others(folder: Path, newest: str) -> None:
    """Keep KEEP files. What bears a later step is of a past that did not hold (damaged, and passed over in resuming);
    it goes, as temporary files of a killed process do."""
    there = names(folder, folder.parent)
    kept = [name for name in there if fnmatch(name, "step-*.checkpoint") and name <= newest][-KEEP:]
    with holding(folder / newest, folder.parent) as (_, held):
        for name in there:
            with suppress(IsADirectoryError, PermissionError):  # a folder is no checkpoint of ours
                if name not in kept:
                    os.unlink(name if held is not None else folder / name, dir_fd=held)


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, and what is wrong with those that are newer. None: there is none at all.

    Raises:
        ZooError: there are checkpoints and all of them are damaged; nothing is started anew in their place.
        UsageError: the folder is a link.
    """
    damaged: list[str] = []
    for name in sorted((name for name in names(folder, folder.parent) if name.startswith("step-")), reverse=True):
        try:
            return _read(folder / name, folder.parent), damaged
        except (OSError, ValueError, KeyError, UsageError) as error:
            damaged.append(f"{folder / escaped(name)}: {error}")
    if damaged:
        raise ZooError("no checkpoint is whole, the run cannot be resumed:\n" + "\n".join(f"  {d}" for d in damaged))
    return None, []


def _read(path: Path, below: Path) -> Checkpoint:
    head, _, rest = read_bytes(path, WEIGHTS, below).partition(b"\n")
    if head != MAGIC + hashlib.sha256(rest).hexdigest().encode():
        raise ValueError("damaged, its bytes differ from its SHA-256")
    words, _, body = rest.partition(b"\n")
    with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
        if any(member.file_size != member.compress_size for member in arrays.zip.infolist()):
            raise ValueError("its arrays are packed, which a checkpoint's never are")
        return Checkpoint({name: arrays[name] for name in arrays.files}, json.loads(words))
