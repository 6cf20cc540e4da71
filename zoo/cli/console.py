"""Where words go: results to stdout, notes to stderr; no control codes off a terminal or under NO_COLOR."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from zoo.catalogue import metrics

WIDE = 160  # columns where nobody's terminal sets a width: a pipe, a file

out = Console(highlight=False, markup=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True, width=None if sys.stderr.isatty() else WIDE)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    out.file.write(json.dumps(value, indent=2, default=str) + "\n")


def measured(value: Any, name: str) -> str:
    """A metric as people read it: a share in per cent, other numbers with four digits."""
    return metrics.find(name).text(value) if isinstance(value, float) else str(value)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house's look: no box, bold heads. Columns whose name starts with > are right-aligned."""
    heads = any(column.strip(">") for column in columns)
    grid = Table(box=None, title=title, title_justify="left", pad_edge=False, header_style="bold", show_header=heads)
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return grid
