"""Entries put together that differ in their seed alone, what differs between such groups, and what they are called."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any, NamedTuple

from zoo.catalogue import metrics, registry
from zoo.compare.entries import Entry
from zoo.errors import UsageError
from zoo.recipe.overrides import SECTIONS

MISSING, UNKNOWN = "-", "?"  # of a setting that a recipe does not have, of a recipe that is not known
ORDER = ("model", "dataset", *SECTIONS)
MOST_IN_LABEL, LONGEST_LABEL = 2, 48  # settings, characters


class Spread(NamedTuple):
    """A metric over the seeds of a group."""

    mean: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value a seed."""
        return cls(sum(values) / len(values), min(values), max(values), len(values))


@dataclass(frozen=True)
class Group:
    """The seeds of one recipe; most have one."""

    label: str
    entries: tuple[Entry, ...]

    @property
    def first(self) -> Entry:
        """The entry that stands for all where one is enough."""
        return self.entries[0]

    @property
    def seeds(self) -> list[int]:
        """In their order."""
        return [entry.seed for entry in self.entries]

    def values(self, metric: str) -> list[float]:
        """What each seed has scored on the test split; seeds that have no such metric are left out."""
        return [entry.test[metric] for entry in self.entries if metric in entry.test]

    def spread(self, metric: str) -> Spread | None:
        """The same in short; None where no seed has it."""
        values = self.values(metric)
        return Spread.of(values) if values else None

    @property
    def headline(self) -> str:
        """The metric that its entries are known by."""
        return metrics.headline(self.first.test)


class Differing(NamedTuple):
    """A key of the recipes that is not the same in all groups, and its value in each."""

    key: str
    values: tuple[Any, ...]


def grouped(entries: Sequence[Entry]) -> tuple[list[Group], dict[str, str]]:
    """The groups in the order in which they are named, and runs that only repeat another one, with that one's name.

    Where a recipe and seed come twice with other numbers, the second run is of a group of its own.
    """
    found: dict[tuple[str, int], list[Entry]] = {}
    repeats = {}
    for entry in entries:
        key, place = _key(entry), 0
        while twin := next((one for one in found.get((key, place), ()) if one.seed == entry.seed), None):
            if twin.metrics == entry.metrics:
                repeats[entry.name] = twin.name
                break
            place += 1
        else:
            found.setdefault((key, place), []).append(entry)
    by_seed = [tuple(sorted(group, key=lambda entry: entry.seed)) for group in found.values()]
    return [Group(label, group) for label, group in zip(labels(by_seed), by_seed, strict=True)], repeats


def _key(entry: Entry) -> str:
    """What is the same for all seeds of a group."""
    settings = entry.settings or entry.name  # of a recorded result whose recipe is not known
    kind = "run" if entry.is_run else entry.name
    return json.dumps([kind, settings, entry.fingerprint, entry.smoke], sort_keys=True, default=str)


def differences(groups: Sequence[Sequence[Entry]]) -> list[Differing]:
    """The keys in which the recipes that are known differ, in a recipe's order."""
    known = [group[0].settings for group in groups]
    told = [settings for settings in known if settings]
    same_model = len({settings["model"] for settings in told}) == 1
    found = []
    for key in dict.fromkeys(key for settings in told for key in settings):
        values = [_value(settings, key, same_model) for settings in known]
        of_known = [value for value, settings in zip(values, known, strict=True) if settings]
        if any(value != of_known[0] for value in of_known):
            found.append(Differing(key, tuple(values)))
    return sorted(found, key=lambda one: ORDER.index(one.key.partition(".")[0]))


def _value(settings: Mapping[str, Any], key: str, same_model: bool) -> Any:
    """A setting; of the same network a knob that nobody set has its default."""
    if not settings:
        return UNKNOWN
    if key in settings or not (same_model and key.startswith("knobs.")):
        return settings.get(key, MISSING)
    try:
        default = registry.describe(settings["model"]).knobs.get(key.removeprefix("knobs."), MISSING)
    except UsageError:  # a model that is not there any more
        return MISSING
    return list(default) if isinstance(default, tuple) else default


def short(value: Any) -> str:
    """A value as a table shows it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), default=str)


def labels(groups: Sequence[Sequence[Entry]]) -> list[str]:
    """A name for each group that tells it from the others: as short as it can be, and a letter where no words do."""
    found = [""] * len(groups)
    for places in _alike([group[0].model if group[0].is_run else group[0].name for group in groups]):
        for place, label in zip(places, _told_apart([groups[place] for place in places], places), strict=True):
            found[place] = label
    return found


def _alike(names: Sequence[str]) -> Iterator[list[int]]:
    """The places of each name."""
    for name in dict.fromkeys(names):
        yield [place for place, other in enumerate(names) if other == name]


def _told_apart(groups: Sequence[Sequence[Entry]], places: Sequence[int]) -> list[str]:
    first = groups[0][0]
    base = first.model if first.is_run else first.name
    if len(groups) == 1:
        return [base]
    on_data = [f"{group[0].model} on {group[0].dataset}" for group in groups]
    if len(set(on_data)) == len(groups):
        return on_data
    differing = differences(groups)
    if 0 < len(differing) <= MOST_IN_LABEL:
        said = [_said(base, [(one.key, one.values[i]) for one in differing]) for i in range(len(groups))]
        if len(set(said)) == len(groups) and max(map(len, said)) <= LONGEST_LABEL:
            return said
    return [f"{base} {_letter(place)}" for place in places]


def _said(base: str, settings: Sequence[tuple[str, Any]]) -> str:
    told = ", ".join(f"{key.rpartition('.')[2].replace('_', ' ')} {short(value)}" for key, value in settings)
    return f"{base} ({told})"


def _letter(place: int) -> str:
    """A to Z, then AA, AB ..."""
    before, last = divmod(place, len(ascii_uppercase))
    return (_letter(before - 1) if before else "") + ascii_uppercase[last]
