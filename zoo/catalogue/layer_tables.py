"""Layer tables of the default builds, computed once by scripts/catalogue so that `zoo show` needs no framework."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from zoo.catalogue.registry import ModelRecord, build, glance, list_models
from zoo.files import read_json, write_text

PATH = Path(__file__).with_name("layer_tables.json")


def layers(record: ModelRecord) -> list[dict[str, Any]] | None:
    """The rows of `layer_rows` for the default build, or None where they have to be made by building it."""
    if record.origin != "zoo":
        return None
    known: dict[str, list[dict[str, Any]]] = read_json(PATH) if PATH.exists() else {}
    return known.get(record.name)


def own() -> list[str]:
    """The models of the zoo itself; plug-ins are left to themselves."""
    return [name for name in list_models() if glance(name).origin == "zoo"]


def compute(names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Build models without weights, and look inside."""
    from zoo.catalogue.inspect import layer_rows, skeleton

    return {name: layer_rows(skeleton(partial(build, name))) for name in names}


def write() -> None:
    """Bring layer_tables.json up to date: one line a layer."""
    tables = [
        f"{json.dumps(name)}: [\n" + ",\n".join(map(json.dumps, rows)) + "\n]" for name, rows in compute(own()).items()
    ]
    write_text(PATH, "{\n" + ",\n".join(tables) + "\n}\n")
