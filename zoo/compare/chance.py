"""Whether a difference is more than chance: McNemar's exact test, the paired bootstrap, and what several tests cost.

References:
    McNemar, Note on the sampling error of the difference between correlated proportions, Psychometrika 1947; in its
    exact form the binomial test of the examples on which two networks differ
    Efron, Bootstrap methods: another look at the jackknife, Annals of Statistics 1979 (percentile intervals)
    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 1979
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE  # of p, below which a difference counts as more than chance
RESAMPLES, FEWEST = 10_000, 1_000
MOST_DRAWS = 200_000_000  # of examples, over all resamples: of more examples there are fewer resamples
FEW = 200  # different values whose counts are drawn, in place of the examples one by one
SEED = 0  # the same command says the same each time


class Interval(NamedTuple):
    """A confidence interval of a mean difference, and the p-value of the hypothesis that there is none."""

    low: float
    high: float
    p: float


def mcnemar(only_first: int, only_second: int) -> float:
    """The p-value of McNemar's exact test, two-sided.

    Two networks answer for the same examples; one is right on `only_first` of those that the other gets wrong, the
    other on `only_second`. If neither was better, each such example would be as likely of one kind as of the other.
    """
    if only_first == only_second:
        return 1.0
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def bootstrap(differences: np.ndarray) -> Interval:
    """The paired bootstrap: of what differs between two networks example by example (n,) the mean's interval and p.

    Examples are drawn with replacement, as many as there are; the interval lies between the percentiles of the means.
    p is twice the share of the means on the other side of zero, and never less than the resamples can tell.
    """
    import numpy as np

    means = np.concatenate(list(_means(np.asarray(differences, float))))
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    beyond = min(int((means <= 0).sum()), int((means >= 0).sum()))
    return Interval(float(low), float(high), min(1.0, 2 * (beyond + 1) / (len(means) + 1)))


def _means(values: np.ndarray) -> Iterator[np.ndarray]:
    """Means of resamples of the values, batch by batch."""
    import numpy as np

    draw, count = np.random.default_rng(SEED), len(values)
    different, often = np.unique(values, return_counts=True)
    if len(different) <= FEW:
        yield draw.multinomial(count, often / count, RESAMPLES) @ different / count
        return
    left = max(FEWEST, min(RESAMPLES, MOST_DRAWS // count))
    at_once = max(1, 1_000_000 // count)
    for start in range(0, left, at_once):
        rows = draw.integers(0, count, (min(at_once, left - start), count), dtype="int32")
        yield values[rows].mean(axis=1)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, adjusted by Holm's method: that any of them is below LEVEL by chance alone is as
    unlikely as it is for a single test."""
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def chance_of_separate_ranges(first: int, second: int) -> float:
    """How probable it is that the ranges of so many values of one kind and so many of another do not overlap.

    That is where both kinds are the same: of all orders of the values two have all of one kind first.
    """
    return 2 / comb(first + second, first)
