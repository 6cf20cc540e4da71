"""What a comparison says, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.catalogue import metrics
from zoo.compare.chance import CONFIDENCE
from zoo.compare.groups import Group
from zoo.compare.pairs import Ranges, Tested, Untested

NAMES = {"mae": "mean absolute error", "mse": "mean squared error"}
EXAMPLES = {"image": "test images", "tabular": "test rows", "text": "test texts", "text-pair": "test texts",
            "series": "test windows"}  # fmt: skip
LEAST = 0.001  # of a p-value of the bootstrap, below which its resamples tell little
CERTAINTY = f"{100 * CONFIDENCE:.0f} % confidence interval"


def named(metric: str) -> str:
    """A metric as a sentence has it: `price mean absolute error`."""
    known = metrics.find(metric).name
    head = metric.removesuffix(known).replace("_", " ")
    return head + NAMES.get(known, known).replace("_", " ")


def number(metric: str, value: float) -> str:
    """A difference in percentage points, or in the units of an error."""
    return f"{round(100 * value, 2) + 0.0:.2f}" if metrics.find(metric).is_share else f"{value + 0.0:.4g}"  # no -0


def unit(metric: str) -> str:
    """What follows such a number."""
    return " percentage points" if metrics.find(metric).is_share else ""


def p_value(p: float, least: float = 0.0) -> str:
    """`p = 0.034`, `p = 2e-11`; below what can be told of it `p < 0.001`."""
    if p < least:
        return f"p < {least:g}"
    return f"p = {p:.0e}" if p < 0.001 else f"p = {p:.2g}"


def examples(group: Group) -> str:
    """What the examples of a group's test split are."""
    recipe = group.first.recipe
    return EXAMPLES.get(recipe.data.kind, "test examples") if recipe else "test examples"


def of_test(one: Tested) -> str:
    """What came of a test, the better network first."""
    better, worse = (one.first, one.second) if _first_is_ahead(one) else (one.second, one.first)
    if one.only_right == (0, 0):
        return f"{better.label} and {worse.label} are right and wrong on the same of {_count(one)}: nothing differs."
    if one.interval.low == one.interval.high == 0:
        return f"{better.label} and {worse.label} do the same on each of {_count(one)}: nothing differs."
    if one.only_right is None:
        gap, sure = _gap(one, f" than that of {_averaged(one, worse)}"), p_value(one.adjusted, LEAST)
        return f"The {named(one.metric)} of {_averaged(one, better)} is {gap}: {_verdict(one, sure)}."
    ahead, behind = one.only_right if better is one.first else one.only_right[::-1]
    counts = (
        f"{better.label} is right on {ahead:,} {examples(one.first)} that {worse.label} gets wrong, "
        f"{worse.label} on {behind:,} that {better.label} gets wrong"
    )
    verdict = _verdict(one, f"McNemar's exact test, {p_value(one.adjusted)}")
    of_head = "" if one.metric == "accuracy" else f"{named(one.metric).capitalize()}: "
    return f"{of_head}{counts}: {verdict}. The {named(one.metric)} of {better.label} is {_gap(one)}."


def _first_is_ahead(one: Tested) -> bool:
    return not metrics.find(one.metric).is_better(one.means[1], one.means[0])


def _verdict(one: Tested, sure: str) -> str:
    """Whether it may be chance, and by which test; where several are made, that p is adjusted."""
    adjusted = f" after Holm's correction for {one.tests} tests" if one.tests > 1 else ""
    return f"{'more than chance' if one.more_than_chance else 'which may be chance'} ({sure}{adjusted})"


def _gap(one: Tested, than: str = "") -> str:
    """How far the better network is ahead, and between which bounds."""
    higher = metrics.find(one.metric).higher_is_better
    sign = 1 if _first_is_ahead(one) == higher else -1
    low, high = sorted(sign * bound for bound in one.interval[:2])
    size = f"{number(one.metric, abs(one.difference))}{unit(one.metric)} {'higher' if higher else 'lower'}"
    bounds = f"{number(one.metric, low)} to {number(one.metric, high)}"
    return f"{size}{than}, with a {CERTAINTY} of {bounds} (paired bootstrap over {_count(one)})"


def _count(one: Tested) -> str:
    what = examples(one.first)
    if one.examples < one.examples_in_split:
        return f"the first {one.examples:,} of {one.examples_in_split:,} {what}, the only ones that were kept"
    return f"{one.examples:,} {what}"


def _averaged(one: Tested, group: Group) -> str:
    """A group's label; of several seeds that each example counts by their mean."""
    seeds = one.seeds[0] if group is one.first else one.seeds[1]
    return f"{group.label} ({seeds} seeds, averaged)" if seeds > 1 else group.label


def of_no_tests(untested: Sequence[Untested]) -> list[str]:
    """Why groups are not tested example by example; those with the same reason together."""
    found: dict[str, list[Untested]] = {}
    for one in untested:
        found.setdefault(one.reason, []).append(one)
    return [
        f"{some[0].first.label} is not tested example by example against "
        f"{', '.join(one.second.label for one in some)}: {reason}."
        for reason, some in found.items()
    ]


def of_ranges(one: Ranges) -> str:
    """Whether what seeds change reaches from one group to the other."""
    text = metrics.find(one.metric).text
    said = [
        f"{text(spread.low)} to {text(spread.high)} for {group.label} ({spread.seeds} seeds)"
        for group, spread in zip((one.first, one.second), one.spreads, strict=True)
    ]
    if one.overlap:
        verdict = "the ranges overlap"
    else:
        rarely = f"one time in {1 / one.chance_apart:,.0f}"
        verdict = f"the ranges do not overlap, which chance alone does {rarely} with so many seeds"
    return f"Over the seeds {named(one.metric)} goes from {said[0]}, and from {said[1]}: {verdict}."


SEEDS_HINT = (
    "one seed each says how these networks differ, not what another seed would change: "
    "zoo run MODEL DATASET --seeds 0-4"
)
