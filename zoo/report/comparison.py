"""A page of runs beside each other: self-contained, pictures are embedded, nothing is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zoo.report.page import Picture, template


class Table(NamedTuple):
    """A table of words; the first cell of each row is its head."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def page(
    title: str,
    headline: str,
    sentences: Sequence[str],
    notes: Sequence[str],
    tables: Sequence[Table],
    pictures: Sequence[Picture],
    failed: Sequence[str],
    command: str,
) -> str:
    """The whole page as HTML text; `failed` names pictures that could not be drawn."""
    return template("comparison.html").render(
        title=title,
        headline=headline,
        sentences=sentences,
        notes=notes,
        tables=tables,
        pictures=pictures,
        failed=failed,
        command=command,
    )
