"""Checkpoints that survive a kill at any moment: each is a file of arrays and a manifest with its SHA-256.

The arrays are written beside their final name, flushed and renamed, then the manifest likewise; a checkpoint without
a manifest, or whose bytes differ from it, is not one. Arrays are plain NumPy, nothing in them can run.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import ZooError
from zoo.files import replacing, write_json

KEEP = 2


class Checkpoint(NamedTuple):
    """The state of a run: named arrays, and what JSON can say (position, history, callbacks' counters)."""

    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]


def save(folder: Path, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Path:
    """Write the checkpoint of `step` and drop all but the newest KEEP.

    Raises:
        ZooError: the disk is full or not writable; the older checkpoints are untouched.
    """
    folder.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    data, path = buffer.getvalue(), folder / f"step-{step:09d}.npz"
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    body = {"file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "facts": dict(facts)}
    write_json(path.with_suffix(".json"), body | {"self": _digest(body)})
    _drop_old(folder)
    return path


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _drop_old(folder: Path) -> None:
    """Keep the newest checkpoints; anything else, temporary files of a killed run too, goes."""
    kept = {path.stem for path in sorted(folder.glob("step-*.json"))[-KEEP:]}
    for path in folder.iterdir():
        if path.stem not in kept:
            path.unlink(missing_ok=True)


def newest(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, and what is wrong with those that are newer. None: there is none at all.

    Raises:
        ZooError: there are checkpoints and all of them are damaged; nothing is started anew in their place.
    """
    damaged: list[str] = []
    stems = sorted({path.stem for path in folder.glob("step-*")}, reverse=True) if folder.is_dir() else []
    for stem in stems:
        try:
            return _read(folder / f"{stem}.json"), damaged
        except (OSError, ValueError, KeyError, TypeError) as error:
            damaged.append(f"{folder / stem}: {error}")
    if damaged:
        raise ZooError("no checkpoint is whole, the run cannot be resumed:\n" + "\n".join(f"  {d}" for d in damaged))
    return None, []


def _read(manifest: Path) -> Checkpoint:
    body = json.loads(manifest.read_text(encoding="utf-8"))
    if body.pop("self") != _digest(body):
        raise ValueError("the manifest is damaged")
    data = (manifest.parent / body["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != body["sha256"]:
        raise ValueError("the arrays differ from the manifest's SHA-256")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return Checkpoint({name: arrays[name] for name in arrays.files}, body["facts"])
