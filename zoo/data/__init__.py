"""Examples from anywhere, as NumPy arrays: `load("digits")`. Importing this imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.examples import Examples, Splits, class_counts
from zoo.data.sources import Status, prepare, read, read_examples, status

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.text.encoding import Vocabularies

__all__ = [
    "Examples",
    "Splits",
    "Status",
    "class_counts",
    "load",
    "prepare",
    "read",
    "read_examples",
    "status",
]


def load(dataset: Data | str | Path, name: str | None = None, vocabularies: Vocabularies | None = None) -> Splits:
    """Training, validation and test examples as NumPy arrays, texts as token ids; the same rows in every run.

    `load("digits").train` has `x` and `y`, and `as_dataset()`; see `Examples` for shapes and types, and
    `zoo.data.splitting` for what goes where. A TensorFlow Datasets source is downloaded if it is not there.

    Args:
        dataset: a dataset that has a recipe, by name; `tfds:NAME` or another source; the `Path` of own files; or a
            description, as a recipe holds it in `recipe.data`.
        name: what messages call the dataset.
        vocabularies: those of a model that is to be applied to texts, which are otherwise learnt on the training part.

    Raises:
        UsageError: no such dataset, or the source's content is bad or is not what the description says.
        MissingError: the source is not there and cannot be fetched.
    """
    from zoo.recipe.datasets import load as load_dataset

    return load_dataset(dataset, name, vocabularies)
