"""Where words go: results to stdout, notes to stderr; no control codes off a terminal or under NO_COLOR."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.style import Style
from rich.table import Table
from rich.text import Text

from zoo.catalogue import baselines, metrics
from zoo.files.names import escaped

WIDE = 160  # columns where nobody's terminal sets a width: a pipe, a file


class Screen(Console):
    """A console that obeys nothing in the words it is given: no markup, no emoji by name, no escape sequences."""

    def __init__(self, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """Every text that is printed or stands in a table comes through here."""
        return super().render_str(
            escaped(text, lines=True),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=emoji,
            markup=markup,
            highlight=highlight,
            highlighter=highlighter,
        )


out = Screen(width=None if sys.stdout.isatty() else WIDE)
err = Screen(stderr=True, width=None if sys.stderr.isatty() else WIDE)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    out.file.write(json.dumps(value, indent=2, default=str) + "\n")


def measured(value: Any, name: str) -> str:
    """A metric as people read it: a share in per cent, other numbers with four digits."""
    return metrics.find(name).text(value) if isinstance(value, float) else str(value)


IN_FULL = {"majority_accuracy": "accuracy {} (always the most frequent class)", "mean_mae": "mae {} (always the mean)"}
LEFT_OUT = ("macro_precision", "macro_recall", "average_precision", "mean_rmse")  # they stand in the report


def detail_lines(part: str, details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What scikit-learn says of a part, in short: a line of numbers, and one of what needs no network."""
    numbers = {name: measured(v, name) for name, v in details.get("numbers", {}).items() if name not in LEFT_OUT}
    further = [f"{name.replace('_', ' ')} {text}" for name, text in numbers.items() if name not in IN_FULL]
    without = [IN_FULL[name].format(text) for name, text in numbers.items() if name in IN_FULL]
    lines = {f"{part}, further": further, "without a network": without}
    return [(called, ", ".join(words)) for called, words in lines.items() if words]


def baseline_lines(details: Mapping[str, Any], measured: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What learners without a network scored, and whether the network is worth it beside them."""
    rows = details.get("baselines", [])
    return [("baselines", baselines.line(rows)), ("", baselines.verdict(rows, measured))] if rows else []


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house's look: no box, bold heads. Columns whose name starts with > are right-aligned."""
    heads = any(column.strip(">") for column in columns)
    grid = Table(box=None, title=title, title_justify="left", pad_edge=False, header_style="bold", show_header=heads)
    for column in columns:
        grid.add_column(column.lstrip(">"), justify="right" if column.startswith(">") else "left", overflow="fold")
    return grid
