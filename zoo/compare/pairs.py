"""Two groups held against each other: on the same test examples where there are some, and by ranges over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from zoo.catalogue import metrics
from zoo.compare import chance
from zoo.compare.groups import Group, Spread

if TYPE_CHECKING:
    from zoo.compare.answers import Answers


@dataclass(frozen=True)
class Tested:
    """A metric of two groups on the same test examples; of several seeds an example counts by the mean over them."""

    first: Group
    second: Group
    metric: str
    examples: int
    examples_in_split: int
    seeds: tuple[int, int]  # how many of each group are compared
    means: tuple[float, float]
    interval: chance.Interval  # of the first's mean less the second's
    only_right: tuple[int, int] | None  # of one seed each: examples that one alone gets right
    p: float
    adjusted: float  # the same in view of all tests that are made at once
    tests: int  # how many they are

    @property
    def difference(self) -> float:
        """Of the means."""
        return self.means[0] - self.means[1]

    @property
    def more_than_chance(self) -> bool:
        """Whether chance alone would hardly make such a difference."""
        return self.adjusted < chance.LEVEL


class Untested(NamedTuple):
    """Two groups that cannot be held against each other example by example, and why."""

    first: Group
    second: Group
    reason: str
    other_examples: bool = False  # whether they are known to be tested on other examples


class Ranges(NamedTuple):
    """What two groups score over several seeds each, and how probable ranges apart are where nothing differs."""

    first: Group
    second: Group
    metric: str
    spreads: tuple[Spread, Spread]
    overlap: bool
    chance_apart: float


class Held(NamedTuple):
    """All that is said of pairs of groups."""

    tested: list[Tested]
    untested: list[Untested]
    ranges: list[Ranges]


def against_first(groups: Sequence[Group]) -> Held:
    """Each group against the one that is named first."""
    tested: list[Tested] = []
    untested, ranges = [], []
    known = _answers(groups[0]) if len(groups) > 1 else ""
    for group in groups[1:]:
        found = _compared(groups[0], group, known, _answers(group))
        if isinstance(found, Untested):
            untested.append(found)
        else:
            tested += found
        if not (isinstance(found, Untested) and found.other_examples) and (both := _ranges(groups[0], group)):
            ranges.append(both)
    adjusted = chance.holm([one.p for one in tested])
    tested = [replace(one, adjusted=p, tests=len(adjusted)) for one, p in zip(tested, adjusted, strict=True)]
    return Held(tested, untested, ranges)


def _answers(group: Group) -> list[Answers] | str:
    """What the seeds of a group kept, or why none of them has kept anything."""
    from zoo.compare import answers

    found, reasons = [], []
    for entry in group.entries:
        try:
            found.append(answers.read(entry))
        except answers.NoAnswersError as error:
            reasons.append(str(error))
    return found or reasons[0]


def _compared(
    first: Group, second: Group, known: list[Answers] | str, others: list[Answers] | str
) -> list[Tested] | Untested:
    """Each metric that is measured example by example of both groups; or why there is none."""
    from zoo.compare.answers import difference

    for found in (known, others):
        if isinstance(found, str):
            return Untested(first, second, found, _on_other_data(first, second))
    assert not isinstance(known, str) and not isinstance(others, str)
    for one in (*known[1:], *others):
        if why := difference(known[0], one):
            return Untested(first, second, why, other_examples=True)
    shared = [name for name in known[0].values if all(name in one.values for one in (*known, *others))]
    if not shared:
        return Untested(first, second, "nothing that is measured example by example is the same of both")
    return [_tested(first, second, metric, known, others) for metric in shared]


def _tested(first: Group, second: Group, metric: str, known: list[Answers], others: list[Answers]) -> Tested:
    import numpy as np

    from zoo.data.kept import shared_rows

    rows = reduce(shared_rows, [one.rows for one in (*known, *others)])
    one, other = (np.mean([answers.on(metric, rows) for answers in group], axis=0) for group in (known, others))
    interval = chance.bootstrap(one - other)
    only, p = None, interval.p
    if metrics.find(metric).counts_examples and len(known) == len(others) == 1:
        only = int((one > other).sum()), int((other > one).sum())
        p = chance.mcnemar(*only)
    means, seeds = (float(one.mean()), float(other.mean())), (len(known), len(others))
    return Tested(first, second, metric, len(rows), known[0].count, seeds, means, interval, only, p, p, 1)


def _on_other_data(first: Group, second: Group) -> bool:
    """Whether two groups, of which no test examples can be compared, are of other data as their recipes have it."""
    return _data_of(first) != _data_of(second)


def _data_of(group: Group) -> tuple[str, ...]:
    recipe = group.first.recipe
    data = (recipe.data.source, recipe.data.label or "", *recipe.data.targets) if recipe else ()
    return group.first.dataset, *data


def _ranges(first: Group, second: Group) -> Ranges | None:
    one, other = first.spread(first.headline), second.spread(first.headline)
    if one is None or other is None or min(one.seeds, other.seeds) < 2:
        return None
    overlap = one.low <= other.high and other.low <= one.high
    apart = chance.chance_of_separate_ranges(one.seeds, other.seeds)
    return Ranges(first, second, first.headline, (one, other), overlap, apart)
