"""A first look at texts and series: a few examples as they come from their source, and the classes counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zoo.data import series
from zoo.data.examples import Examples, Splits, class_counts
from zoo.data.loading import read
from zoo.data.splitting import split

if TYPE_CHECKING:
    from zoo.data.config import Data

EXAMPLES = 5
MOST_CHARACTERS = 300  # of one example
MOST_STEPS = 12


class Preview(NamedTuple):
    """Examples of the training part as lines to print, and how many of each class every part has."""

    examples: list[str]
    counts: dict[str, dict[str, int]]


def look(data: Data, name: str) -> Preview:
    """A preview of what `zoo.data.load` starts from.

    Raises:
        UsageError or MissingError: as `load`.
    """
    source = read(data)
    if data.task == "language-model":
        return Preview([_cut(str(source.train.x[0]), 2 * MOST_CHARACTERS)], {})
    splits = series.split(source, data, name) if data.series else split(source, data, name)
    counts = {} if data.kind == "text-pair" else _counts(splits, data)
    return Preview([_line(splits.train, row, data) for row in range(min(EXAMPLES, len(splits.train.y)))], counts)


def _counts(splits: Splits, data: Data) -> dict[str, dict[str, int]]:
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: class_counts(part, data) for name, part in parts.items()}


def _line(part: Examples, row: int, data: Data) -> str:
    if data.series:
        seen = [f"{value:.4g}" for value in part.x[row, -MOST_STEPS:, 0]]
        return f"... {' '.join(seen)} -> {' '.join(f'{value:.4g}' for value in part.y[row])}"
    if data.kind == "text-pair":
        return f"{_cut(part.x[row], MOST_CHARACTERS)} -> {_cut(part.y[row], MOST_CHARACTERS)}"
    label = f"{part.y[row]:g}"
    name = data.class_names[int(part.y[row])] if data.class_names else label
    return f"{name}: {_cut(part.x[row], MOST_CHARACTERS)}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} ..."
