"""All that is said of some runs beside each other, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.catalogue import metrics
from zoo.compare import entries as reading
from zoo.compare import words
from zoo.compare.groups import Differing, Group, differences, grouped, short
from zoo.compare.pairs import Held, against_first

FACTS = ("params", "epochs", "seconds")  # of an entry, beside its metrics


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, what differs in their recipes, and what is said of each against the first."""

    groups: list[Group]
    differing: list[Differing]
    held: Held
    notes: list[str]

    @property
    def metrics(self) -> list[str]:
        """What any of the groups has measured on its test split, the metric first that the first group is known by."""
        found = dict.fromkeys([self.groups[0].headline])
        return list(found | dict.fromkeys(name for group in self.groups for name in group.first.test))

    @property
    def differing_in_short(self) -> list[Differing]:
        """What differs, without what other datasets are like where the datasets differ."""
        left_out = "data." if any(one.key == "dataset" for one in self.differing) else None
        return [one for one in self.differing if left_out is None or not one.key.startswith(left_out)]

    @property
    def sentences(self) -> list[str]:
        """What came of it."""
        said = [words.of_test(one) for one in self.held.tested]
        said += words.of_no_tests(self.held.untested)
        return said + [words.of_ranges(one) for one in self.held.ranges]


def compare(names: Sequence[str]) -> Comparison:
    """Runs, folders of runs, globs, published folders and recorded results (`lenet:mnist`) beside each other.

    Raises:
        UsageError: a name that nothing has, or nothing that can be compared.
    """
    found = reading.read(names)
    groups, repeats = grouped(found.entries)
    notes = [f"{name} is passed over: {reason}" for name, reason in found.passed_over.items()]
    notes += [f"{name} repeats {first}: the same recipe, seed and numbers; it counts once" for name, first in
              repeats.items()]  # fmt: skip
    differing = differences([group.entries for group in groups])
    return Comparison(groups, differing, against_first(groups), notes + _remarks(groups, differing))


def _remarks(groups: Sequence[Group], differing: Sequence[Differing]) -> list[str]:
    """What is to be known of the groups before their numbers are believed."""
    said = [f"{group.label} is a smoke run: its numbers mean nothing" for group in groups if group.first.smoke]
    said += [f"the recipe of {group.label} has changed since it was recorded; what it was is not known"
             for group in groups if group.first.recipe is None]  # fmt: skip
    if len(groups) == 1:
        said.append("all of it is of one recipe: there is nothing to compare it with")
    elif not differing and all(group.first.recipe for group in groups):
        prints = {group.first.fingerprint for group in groups}
        said.append("their recipes are the same" + (", the code behind them is not" if len(prints) > 1 else ""))
    return said


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of it, as JSON has it."""
    return {
        "groups": [_group(group) for group in comparison.groups],
        "differences": [
            {"key": one.key, "values": _by_label(comparison.groups, one.values)} for one in comparison.differing
        ],
        "tests": [
            {
                "first": one.first.label, "second": one.second.label, "metric": one.metric, "examples": one.examples,
                "examples_in_split": one.examples_in_split, "seeds": one.seeds, "means": one.means,
                "difference": one.difference, "low": one.interval.low, "high": one.interval.high,
                "only_right": one.only_right, "p": one.p, "p_adjusted": one.adjusted,
                "more_than_chance": one.more_than_chance, "sentence": words.of_test(one),
            }
            for one in comparison.held.tested
        ],
        "untested": [
            {"first": one.first.label, "second": one.second.label, "reason": one.reason}
            for one in comparison.held.untested
        ],
        "ranges": [
            {
                "first": one.first.label, "second": one.second.label, "metric": one.metric, "overlap": one.overlap,
                "chance_apart": one.chance_apart, "sentence": words.of_ranges(one),
            }
            for one in comparison.held.ranges
        ],
        "notes": comparison.notes,
    }  # fmt: skip


def _by_label(groups: Sequence[Group], values: Sequence[Any]) -> dict[str, Any]:
    return {group.label: value for group, value in zip(groups, values, strict=True)}


def _group(group: Group) -> dict[str, Any]:
    spreads = {name: group.spread(name) for name in group.first.test}
    return {
        "label": group.label,
        "metric": group.headline,
        "test": {name: spread._asdict() for name, spread in spreads.items() if spread},
        "runs": [
            {"run": one.name, "model": one.model, "dataset": one.dataset, "seed": one.seed, "smoke": one.smoke}
            | {"date": one.date, "fingerprint": one.fingerprint}
            | {fact: getattr(one, fact) for fact in FACTS}
            | {"test": one.metrics["test"]}
            for one in group.entries
        ],
    }


def as_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A row each run: what differs in its recipe, its metrics and facts."""
    rows = []
    for place, group in enumerate(comparison.groups):
        settings = {one.key: short(one.values[place]) for one in comparison.differing}
        rows += [
            {"label": group.label, "run": one.name, "model": one.model, "dataset": one.dataset}
            | settings
            | {"seed": one.seed}
            | {f"test {name}": one.metrics["test"].get(name, "") for name in comparison.metrics}
            | {fact: getattr(one, fact) for fact in FACTS}
            for one in group.entries
        ]
    return rows


def spread_text(group: Group, metric: str) -> str:
    """A metric of a group as people read it: `99.07%`, over several seeds `99.07% (98.89% to 99.16%)`."""
    spread = group.spread(metric)
    if spread is None:
        return ""
    text = metrics.find(metric).text
    return text(spread.mean) + (f" ({text(spread.low)} to {text(spread.high)})" if spread.seeds > 1 else "")


def runs_of(group: Group) -> list[str]:
    """Names of a group's runs, each once."""
    return list(dict.fromkeys(entry.name for entry in group.entries))


def seeds_of(group: Group) -> str:
    """`0`, `0, 1, 5`, `0 to 4`."""
    first, last = group.seeds[0], group.seeds[-1]
    if len(group.seeds) > 2 and group.seeds == list(range(first, last + 1)):
        return f"{first} to {last}"
    return ", ".join(map(str, group.seeds))


def facts(group: Group) -> dict[str, str]:
    """Parameters, epochs and time of a group as people read them; the time is the mean."""
    seconds = [entry.seconds for entry in group.entries if entry.seconds is not None]
    epochs = [entry.epochs for entry in group.entries]
    return {
        "parameters": f"{group.first.params:,}",
        "epochs": str(epochs[0]) if len(set(epochs)) == 1 else f"{min(epochs)} to {max(epochs)}",
        "time": f"{sum(seconds) / len(seconds):,.1f} s" if seconds else "",
    }
