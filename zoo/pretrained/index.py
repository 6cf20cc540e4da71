"""The weights that the zoo brings along: what index.json says of each. Imports no framework."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from zoo.errors import unknown
from zoo.runs import forms

FOLDER = Path(__file__).with_name("files")
INDEX = Path(__file__).with_name("index.json")


@cache
def entries() -> dict[str, dict[str, Any]]:
    """By name (`lenet:mnist`): model, dataset, folder, sha256, bytes, dtype, params, fingerprint, metrics, licences."""
    return dict(forms.read(INDEX, dict[str, forms.IndexEntry]))


def list_weights(pattern: str = "*") -> list[str]:
    """Names of the weights that the zoo brings along and that match a glob, such as `lenet:*`.

    `zoo.load(NAME)` opens them, `zoo.build(MODEL, weights=DATASET)` builds the network with them.
    """
    return sorted(name for name in entries() if fnmatchcase(name, pattern))


def entry(name: str) -> dict[str, Any]:
    """The facts of one.

    Raises:
        UsageError: no such weights; the nearest names are given.
    """
    if name not in entries():
        raise unknown("weights", name, entries(), "see them all with: zoo weights ls")
    return entries()[name]


def folder(name: str) -> Path:
    """The published folder behind a name.

    Raises:
        UsageError: no such weights.
    """
    return FOLDER / str(entry(name)["folder"])
