"""The examples of a dataset by its name, its source, the path of own files, or its description."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo import tasks
from zoo.data import sources
from zoo.data.config import Data
from zoo.recipe.store import load_recipe

if TYPE_CHECKING:
    from zoo.data.examples import Splits
    from zoo.data.text.encoding import Vocabularies


def load(dataset: Data | str | Path, name: str | None = None, vocabularies: Vocabularies | None = None) -> Splits:
    """See `zoo.data.load`."""
    if isinstance(dataset, Data):
        return tasks.load(dataset, name or dataset.source, vocabularies)
    return tasks.load(_described(dataset), name or Path(dataset).stem, vocabularies)


def _described(dataset: str | Path) -> Data:
    """The description behind a name, a source or a path."""
    if isinstance(dataset, Path) and dataset.suffix != ".toml":
        return tasks.from_path(dataset)
    if sources.is_address(str(dataset)):
        return tasks.infer(str(dataset))
    return load_recipe(dataset).data
