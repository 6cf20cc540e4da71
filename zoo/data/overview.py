"""What own data is, in lines to read, without training on it: parts, columns and their roles, missing cells, copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data import csvfile, indicators
from zoo.data.table import Table, is_missing, is_number, read_table

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.examples import Splits

HELD = {"test": "held out of all", "validation": "held out of the rest"}


class Column(NamedTuple):
    """A column of a table: its use, how many of its cells are missing, and what stands in it."""

    name: str
    use: str
    missing: int
    values: str


def parts(data: Data) -> dict[str, str]:
    """Where each part comes from."""
    found = {name: "its own part of the data" if getattr(data, name) else held for name, held in HELD.items()}
    elsewhere = {"train": data.source, **data.part_sources()}
    found |= {name: source.partition(":")[2] for name, source in elsewhere.items()}
    return {name: found[name] for name in ("train", "validation", "test")}


def columns(data: Data) -> list[Column]:
    """The columns of an own table, as `data` takes them; none of data that is no table."""
    scheme, _, path = data.source.partition(":")
    if scheme != "csv":
        return []
    table = read_table(Path(path), (*data.feature_names, *_targets(data)))
    return [_column(table, name, _role(table, name, data)) for name in table.names]


def plain_columns(table: Table) -> list[Column]:
    """The columns of a table of which no description can be made yet."""
    return [_column(table, name, _kind([cell for cell in table.column(name) if not is_missing(cell)]))
            for name in table.names]  # fmt: skip


def boxes(splits: Splits) -> dict[str, dict[str, float]]:
    """Of each part how many boxes there are, how many an image has, and how large they are; empty of other data.

    The size of a box is the root of its area, in pixels of the stored image.
    """
    parts = {name: part.y for name, part in splits.by_name().items() if part.targets.get("y") is not None}
    return {name: _boxes(y) for name, y in parts.items() if y.ndim == 3}


def _boxes(y: np.ndarray) -> dict[str, float]:
    import numpy as np

    there = y[..., 4] >= 0
    sides = y[there][:, 2:4] - y[there][:, :2]
    found: dict[str, float] = {"in all": int(there.sum()), "images without": int((~there.any(axis=1)).sum())}
    for name, values in (("an image", there.sum(axis=1)), ("size", np.sqrt(sides.prod(axis=1)))):
        for word, share in (("least", 0), ("median", 50), ("most", 100)):
            found[f"{name}, {word}"] = float(np.percentile(values, share)) if len(values) else 0.0
    return found


def _column(table: Table, name: str, role: str) -> Column:
    cells = table.column(name)
    return Column(name, role, sum(map(is_missing, cells)), _values([cell for cell in cells if not is_missing(cell)]))


def _values(cells: Sequence[str]) -> str:
    if not cells:
        return "none"
    if all(map(is_number, cells)):
        found = [float(cell) for cell in cells]
        return f"{min(found):g} to {max(found):g}"
    different = sorted(set(cells))
    some = ", ".join(value if len(value) <= 20 else f"{value[:20]}..." for value in different[:4])
    return f"{len(different):,} different: {some}" + (" ..." if len(different) > 4 else "")


def _kind(cells: Sequence[str]) -> str:
    return "number" if cells and all(map(is_number, cells)) else "text"


def _targets(data: Data) -> tuple[str, ...]:
    if data.targets:
        return tuple(one.label or name for name, one in data.targets.items())
    return indicators.columns(data) if data.several_labels else (data.label,) if data.label else ()


def _role(table: Table, name: str, data: Data) -> str:
    """What a column is there for."""
    features: dict[str, Any] = {"x": data} if not data.inputs else {one: data.of_input(one) for one in data.inputs}
    if name in _targets(data):
        return "to predict, and read" if data.series else "to predict"
    if name in {one.column for one in data.inputs.values()}:
        return "images"
    for one in features.values():
        if name in one.categories:
            return f"category of {len(one.categories[name])} values"
        if one.feature_names and name in csvfile.feature_columns(one):
            return "text" if data.text else "number"
    return "left out" if not data.series else "date, or left out"
