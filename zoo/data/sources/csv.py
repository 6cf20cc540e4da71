"""An own table, of numbers and categories, of texts, or a series: `csv:PATH`."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import csvfile, indicators, missing, series, several
from zoo.data.rawfiles import locate
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import FileSource, listed
from zoo.data.table import read_table
from zoo.data.text import files as textfiles
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Source
    from zoo.data.fields import Role


class Csv(FileSource):
    scheme = "csv"
    form = "csv:PATH"
    kinds = ("tabular", "text", "series", "mixed")
    holds_several = True
    goes_by = tuple(field.name for field in fields(Reading))

    def read(self, address: str, data: Data, target: Role) -> Source:
        self.refuse_missing(address, data)
        path = locate(address)
        if data.targets:
            return several.read(path, data)
        if data.kind == "text":
            return textfiles.read_texts(path, data, target)
        return series.read(path, data) if data.kind == "series" else csvfile.read(path, data, target)

    def count(self, address: str, data: Data, target: Role) -> int:
        if data.kind == "series" and data.source != f"csv:{address}":  # a part, and not all of the data
            series.refuse_overlap(locate(address), data)
        if data.kind == "tabular":
            csvfile.note_others(locate(address), data)
        return super().count(address, data, target)

    def why_no_script(self, address: str, data: Data) -> str:
        if data.origin and not data.series:
            return self.no_script
        reasons = {
            f"rows that belong together (column {data.group!r}) are kept apart by zoo": data.group,
            f"what each row counts (column {data.weight!r}) is known to zoo alone": data.weight,
            "gaps, categories and calendar columns of a series are made by zoo": data.series
            and (data.missing or data.categories or data.series.calendar),
            "several labels an example are read by zoo": data.several_labels,
        }
        return next((why for why, given in reasons.items() if given), "")

    def wanted(self, data: Data) -> str:
        return f"a table with the columns {listed(_columns(data))}"

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        """What a table is, from what stands in it, unless `reading.kind` says it."""
        path, label, kind = Path(address), reading.label, reading.kind
        whole = read_table(path, reading.labels)
        table = reading.selected(whole)
        kind = kind or ("text" if reading.text_column else None)
        if kind in (None, "table") and several.suits(table, label):
            _refuse_beside(reading, path)
            return several.infer(table, reading)
        if kind == "table":
            return csvfile.infer(path, reading)
        if kind == "series" or (kind is None and series.looks_like(table, label)):
            _refuse_beside(reading, path)
            return series.infer(table, reading)
        found = textfiles.text_column(table, label)
        if kind == "text" or (kind is None and found):
            named = replace(reading, text_column=reading.text_column or found)
            return textfiles.infer_table(reading.selected(whole, beside=True), named)
        return csvfile.infer(path, reading)


def _columns(data: Data) -> list[str]:
    """What a table of labelled examples has to have."""
    found: list[str] = []
    for one in [data.of_input(name) for name in data.inputs] or [data]:
        found += (
            one.feature_names
            if data.kind in ("text", "series")
            else missing.in_file(csvfile.feature_columns(one), data)
        )
    found += [one.column for one in data.inputs.values() if one.column]
    for one in data.each_target().values():
        found += indicators.columns(one) if one.several_labels else [one.label or "the label"]
    dates = ["dates"] if data.kind == "series" else []
    return list(dict.fromkeys([*dates, *found]))


def _refuse_beside(reading: Reading, path: Path) -> None:
    if reading.beside:
        raise UsageError(f"{path}: --group and --weight are for rows or texts with one label, and this is none")


SOURCE = Csv()
