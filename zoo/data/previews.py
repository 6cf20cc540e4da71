"""A first look at texts and series: a few examples as they come from their source, and the classes counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zoo.data import series
from zoo.data.examples import Examples, Splits, class_counts
from zoo.data.sources import read
from zoo.data.splitting import split

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.fields import Field

EXAMPLES = 5
MOST_CHARACTERS = 300  # of one example
MOST_STEPS = 12


class Preview(NamedTuple):
    """Examples of the training part as lines to print, and how many of each class every part has."""

    examples: list[str]
    counts: dict[str, dict[str, int]]
    splits: Splits | None = None  # of texts, as they are before they are encoded


def look(data: Data, name: str, field: Field, classes: Sequence[str]) -> Preview:
    """A preview of what training starts from; `field` is what is predicted, `classes` their names.

    Raises:
        UsageError or MissingError: as `read`.
    """
    target = field.role
    source = read(data, target)
    if target == "tokens" and data.kind == "text":
        return Preview([_cut(str(source.train.x[0]), 2 * MOST_CHARACTERS)], {})
    splits = series.split(source, data, name) if data.series else split(source, data, name, target)
    counts = {part: class_counts(examples, classes) for part, examples in splits.by_name().items()} if classes else {}
    lines = [_line(splits.train, row, data) for row in range(min(EXAMPLES, len(splits.train)))]
    return Preview(lines, counts, splits if data.text or data.series else None)


def _line(part: Examples, row: int, data: Data) -> str:
    if data.series:
        seen = [f"{value:.4g}" for value in part.x[row, -MOST_STEPS:, 0]]
        return f"... {' '.join(seen)} -> {' '.join(f'{value:.4g}' for value in part.y[row])}"
    if data.kind == "text-pair":
        return f"{_cut(part.x[row], MOST_CHARACTERS)} -> {_cut(part.y[row], MOST_CHARACTERS)}"
    return f"{_label(part.y[row], data)}: {_cut(part.x[row], MOST_CHARACTERS)}"


def _label(y: np.ndarray, data: Data) -> str:
    if data.several_labels:
        return " | ".join(name for name, there in zip(data.class_names, y, strict=True) if there) or "none"
    return data.class_names[int(y)] if data.class_names else f"{y:g}"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most].rstrip()} ..."
