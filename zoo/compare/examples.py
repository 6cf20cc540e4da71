"""Test examples that one of two networks does better with than the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from zoo.catalogue import metrics
from zoo.compare import answers
from zoo.compare.answers import Answers, NoAnswersError
from zoo.compare.groups import Group
from zoo.compare.pairs import Tested
from zoo.data.kept import rows_of, shared_rows
from zoo.drawing.style import names_or_numbers, number
from zoo.drawing.tables import MOST_COLUMNS, shortened

if TYPE_CHECKING:
    from zoo.tasks.task import Answer


class Example(NamedTuple):
    """A test example: what was wanted, what both said, and what it looks like, as far as that was kept."""

    row: int
    wanted: str
    said: tuple[str, str]  # by the first network and by the second
    sure: tuple[float, float]  # how sure each was, 0 where it does not say so
    image: np.ndarray | None  # (height, width, channels)
    values: Mapping[str, str]  # of a table by column, of a text as `text`


class Sides(NamedTuple):
    """Examples that the first does better with, and those that the second does; how many there are in all."""

    examples: tuple[list[Example], list[Example]]
    counts: tuple[int, int]
    seeds: tuple[int, int]  # whose examples they are


def differing(tested: Tested, most: int) -> Sides:
    """At most so many examples of each side, those that can be shown first, and of these those that tell most.

    Of several seeds they are those of the first of each group that kept its outputs.
    """
    both = _first(tested.first), _first(tested.second)
    rows = shared_rows(both[0].rows, both[1].rows)
    one, other = (side.on(tested.metric, rows) for side in both)
    gain = one - other if metrics.find(tested.metric).higher_is_better else other - one
    sides = [
        list(_told(both, tested.metric, rows, gain, worse=1)),
        list(_told(both, tested.metric, rows, -gain, worse=0)),
    ]
    return Sides(
        (sides[0][:most], sides[1][:most]), (len(sides[0]), len(sides[1])), (both[0].entry.seed, both[1].entry.seed)
    )


def _first(group: Group) -> Answers:
    """What the first seed kept that kept something: there is one, since the group was tested."""
    for entry in group.entries[:-1]:
        try:
            return answers.read(entry)
        except NoAnswersError:
            continue
    return answers.read(group.entries[-1])


def _told(
    both: tuple[Answers, Answers], metric: str, rows: np.ndarray, gain: np.ndarray, worse: int
) -> Iterator[Example]:
    """The examples that one gains, in the order in which they are to be shown."""
    ahead = rows[gain > 0]
    words = [side.told(metric, ahead) for side in both]
    shown = {row: _input(both, row) for row in ahead.tolist()}
    empty = _empty()

    def order(row: int) -> tuple[bool, float, float, int]:
        image, values = shown[row]
        lost = float(gain[np.searchsorted(rows, row)])
        return image is None and not values, -lost, -words[worse].get(row, empty).sure, row

    for row in sorted(shown, key=order):
        first, second = (said.get(row, empty) for said in words)
        wanted = first.wanted or second.wanted
        yield Example(row, wanted, (first.said, second.said), (first.sure, second.sure), *shown[row])


def _empty() -> Answer:
    """Of an example whose outputs were not kept."""
    from zoo.tasks.task import Answer

    return Answer("", "")


def _input(both: tuple[Answers, Answers], row: int) -> tuple[np.ndarray | None, dict[str, str]]:
    """An example's image, or the values of its row or its text; neither where no run kept them."""
    for side in both:
        kept = side.kept.raw or side.kept.test
        for name, array in kept.inputs.items():
            if row in rows_of(array) and (found := _seen(side, name, array[row])) is not None:
                return found
    return None, {}


def _seen(side: Answers, name: str, one: Any) -> tuple[np.ndarray | None, dict[str, str]] | None:
    if isinstance(one, str):
        return None, {"text" if name == "x" else name: shortened(one)}
    if np.ndim(one) == 3:
        return np.asarray(one), {}
    if np.ndim(one) != 1 or np.asarray(one).dtype.kind != "f":
        return None
    assert side.entry.recipe is not None
    data = side.entry.recipe.data
    features = data.inputs[name].feature_names if name in data.inputs else data.feature_names
    names = names_or_numbers(features, len(one))[:MOST_COLUMNS]
    return None, {column: number(float(value)) for column, value in zip(names, one, strict=False)}
