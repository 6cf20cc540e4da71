"""Own data that a trained network goes on with, read as the data that it was trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from zoo import tasks
from zoo.catalogue import registry
from zoo.data import csvfile, missing, sources
from zoo.data.config import Data
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.own import TABLES
from zoo.data.table import read_table
from zoo.pretrained.bases import Base
from zoo.recipe import Resolved


def data_for(base: Base, path: str, reading: Reading = AS_FOUND) -> Data:
    """The description of own data for a base: of a table that has the base's columns, these, whatever their order.

    Categories and what fills missing cells are then the base's too, unless another way is said.

    Raises:
        UsageError: as `zoo.tasks.from_path`.
    """
    trained = base.run.recipe if base.run else None
    if trained is None:
        return tasks.from_path(path, reading=reading)
    columns = _columns(trained.data, path)
    said = reading if columns is None or reading.columns or reading.drop else _said(trained.data, columns, reading)
    found = tasks.from_path(path, wanted=wanted(trained), reading=said)
    if columns is None or said is reading or found.kind != "tabular":
        return found
    own = trained.data
    if reading.missing:
        seen = {"feature_names": own.feature_names, "categories": own.categories}
    else:
        seen = {key: getattr(own, key) for key in ("feature_names", "categories", "missing", "fills")}
    return found.model_copy(update={**seen, "input_shape": own.input_shape})


def wanted(trained: Resolved) -> tuple[str, ...]:
    """The tasks that own data may be for, to be learnt by a network that was trained so."""
    return (trained.data.task,) if tasks.of(trained.data).writes else registry.describe(trained.model).tasks


def _columns(data: Data, path: str) -> tuple[str, ...] | None:
    """The columns that the base looks at, if the file is a table that has them all; None: it is not."""
    whole = Path(path).expanduser()
    if data.inputs or not data.feature_names or not sources.is_own_file(data.source) or not whole.is_file():
        return None
    if whole.suffix.lower() not in TABLES:
        return None
    names = data.feature_names if data.kind != "tabular" else csvfile.feature_columns(data)
    plain = missing.in_file(names, data)
    there = read_table(whole, plain).names
    return plain if set(plain) <= set(there) and not any("," in name for name in plain) else None


def _said(data: Data, columns: tuple[str, ...], reading: Reading) -> Reading:
    """The reading, with the base's columns, label and way with missing cells where nothing else is said."""
    if data.kind == "series":
        return replace(reading, kind=reading.kind or "series")
    if data.kind == "text":
        return replace(reading, text_column=reading.text_column or columns[0])
    named = ",".join(name for name in columns if name not in (reading.label, data.label))
    label = reading.label or data.label
    return replace(reading, kind=reading.kind or "table", columns=named, label=label,
                   missing=reading.missing or data.missing or None)  # fmt: skip
