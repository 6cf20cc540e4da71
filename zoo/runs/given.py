"""What a run may be given in Python, as a resolved recipe and the examples themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from zoo import tasks
from zoo.catalogue.registry import describe
from zoo.data.examples import Source
from zoo.data.sources import memory
from zoo.errors import UsageError
from zoo.recipe import Recipe, Resolved, changed, resolve

if TYPE_CHECKING:
    import tensorflow as tf

Pair: TypeAlias = "tuple[Any, Any] | tf.data.Dataset"  # arrays x and y, or a dataset of such pairs
Dataset: TypeAlias = "str | Path | Recipe | Pair | Mapping[str, Pair]"


def understood(
    model: str | Resolved, dataset: Dataset | None, sets: Sequence[str], options: dict[str, Any]
) -> tuple[Resolved, list[str], Source | None]:
    """The resolved recipe behind what `run` was given, notes on it, and the examples where these were given themselves.

    Raises:
        UsageError: as `zoo.recipe.resolve`, or no dataset, or one too many.
    """
    if isinstance(model, Resolved):
        if dataset is not None and not _is_given(dataset):
            raise UsageError(f"a resolved recipe names its dataset, {model.dataset}: leave the other one away")
        source = None if dataset is None else memory.read(dataset)[1]
        return *changed(model, sets, options), source
    if dataset is None:
        raise UsageError(f"on which dataset? such as zoo.run({model!r}, 'digits')   (see: zoo.list_datasets())")
    if isinstance(dataset, Recipe):
        return *resolve(model, dataset.name, sets, options, data=dataset), None
    wanted = describe(model).tasks
    if isinstance(dataset, Path) and dataset.suffix != ".toml":
        return *resolve(model, dataset.stem, sets, options, data=tasks.from_path(dataset, wanted=wanted)), None
    if isinstance(dataset, str | Path):
        own = tasks.infer(str(dataset), wanted=wanted) if ":" in str(dataset) else None
        return *resolve(model, str(dataset), sets, options, data=own), None
    described, source = memory.read(dataset)
    return *resolve(model, "memory", sets, options, data=tasks.decided(described, wanted)), source


def _is_given(dataset: Any) -> bool:
    return not isinstance(dataset, str | Path | Recipe)
