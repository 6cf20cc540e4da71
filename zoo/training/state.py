"""Everything a run needs to go on as if it had never stopped, gathered into arrays and facts, and put back."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from zoo.data import Examples, Splits
from zoo.data.examples import is_stored
from zoo.errors import UsageError, ZooError
from zoo.recipe import Resolved
from zoo.recipe.overrides import flat
from zoo.training.callbacks import BestWeights, EarlyStopping
from zoo.training.checkpoint import Checkpoint

SAMPLED = 1000  # rows on disk that a checksum looks at
# callback class -> (attributes that are numbers, attribute that holds weights)
KEPT: dict[type, tuple[tuple[str, ...], str | None]] = {
    EarlyStopping: (("wait", "best", "best_epoch", "stopped_epoch"), "best_weights"),
    keras.callbacks.ReduceLROnPlateau: (("wait", "best", "cooldown_counter"), None),
    BestWeights: (("best", "epoch"), "weights"),
}


def gather(groups: dict[str, Sequence[Any]], callbacks: Iterable[keras.callbacks.Callback]) -> Checkpoint:
    """All variables by group and position, and the callbacks' counters and remembered weights."""
    arrays = {
        f"{group}/{i}": np.array(variable)
        for group, variables in groups.items()
        for i, variable in enumerate(variables)
    }
    facts: dict[str, Any] = {}
    for name, callback, numbers, weights in _stateful(callbacks):
        facts[name] = {key: _plain(getattr(callback, key)) for key in numbers}
        if weights:
            arrays |= {f"{name}/{i}": np.array(w) for i, w in enumerate(getattr(callback, weights) or [])}
    return Checkpoint(arrays, {"callbacks": facts})


def put_back(
    saved: Checkpoint, groups: dict[str, Sequence[Any]], callbacks: Iterable[keras.callbacks.Callback]
) -> None:
    """Assign every variable and counter of `saved`.

    Raises:
        ZooError: the variables of the run are not those of the checkpoint.
    """
    for group, variables in groups.items():
        arrays = _members(saved, group)
        if [a.shape for a in arrays] != [tuple(v.shape) for v in variables]:
            raise ZooError(f"the checkpoint's {group} variables are of another network or optimiser")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
    for name, callback, numbers, weights in _stateful(callbacks):
        for key in numbers:
            setattr(callback, key, saved.facts["callbacks"][name][key])
        if weights:
            setattr(callback, weights, _members(saved, name) or None)


def is_finite(variables: Iterable[Any]) -> bool:
    """Whether all numbers in `variables` are finite: those of a run that diverged are not worth keeping."""
    return all(np.isfinite(np.array(variable)).all() for variable in variables)


def made_of(recipe: Resolved, splits: Splits) -> dict[str, Any]:
    """What a run's numbers follow from, as JSON: the resolved recipe, and checksums of its examples."""
    found = checksums(splits)
    return {
        "recipe": recipe.model_dump(mode="json"),
        "data": {name: found[name] for name in ("training", "validation")},
    }


def checksums(splits: Splits) -> dict[str, list[str]]:
    """Of the arrays of each part."""
    parts = {"training": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: [_checksum(array) for array in _arrays(part)] for name, part in parts.items()}


def _arrays(part: Examples) -> list[np.ndarray]:
    return [*part.inputs.values(), *part.targets.values()]


def _checksum(array: Any) -> str:
    """Of what is in memory all, of rows on disk a thousand spread evenly."""
    if is_stored(array):
        some = np.linspace(0, len(array) - 1, min(len(array), SAMPLED)).astype("int64")
        return f"{array.shape} {array.dtype} {zlib.crc32(array[some]):08x} of {len(some)}"
    return f"{array.shape} {array.dtype} {zlib.crc32(np.ascontiguousarray(array)):08x}"


def refuse_other(saved: Checkpoint, now: Mapping[str, Any]) -> None:
    """A run goes on as it began.

    Raises:
        UsageError: the checkpoint is of another recipe or of other data; each difference is named.
    """
    kept = Resolved.model_validate(saved.facts["made_of"]["recipe"])  # keys that came since have their defaults
    before, after = flat(kept.model_dump(mode="json")), flat(now["recipe"])
    keys = sorted(key for key in {*before, *after} if before.get(key) != after.get(key))
    differs = [f"{key} was {before.get(key)!r}, now {after.get(key)!r}" for key in keys]
    for name, checksums in saved.facts["made_of"]["data"].items():
        if checksums != now["data"][name]:
            differs.append(f"the {name} examples are others than they were")
    if differs:
        raise UsageError(
            f"the checkpoint is of another run: {'; '.join(differs)}\nput it back as it was, or start a run of its own"
        )


def _members(saved: Checkpoint, group: str) -> list[np.ndarray]:
    count = sum(key.rpartition("/")[0] == group for key in saved.arrays)
    return [saved.arrays[f"{group}/{i}"] for i in range(count)]


def _stateful(callbacks: Iterable[keras.callbacks.Callback]) -> list[tuple[str, Any, tuple[str, ...], str | None]]:
    return [(type(c).__name__, c, *KEPT[type(c)]) for c in callbacks if type(c) in KEPT]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) else value
