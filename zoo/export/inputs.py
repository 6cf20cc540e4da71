"""Examples to compare on: of the run's own test split where its data is at hand, else random ones of the same kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import data, tasks
from zoo.data.config import Data
from zoo.errors import ZooError
from zoo.recipe import Resolved

if TYPE_CHECKING:
    import keras

MOST = 64  # examples


def examples(recipe: Resolved) -> tuple[Any, str]:
    """Raw examples as the run's model takes them, one array or a dict, and what they are in words."""
    described = recipe.data
    try:
        if not data.status(described).ready:
            raise ZooError("it is not prepared")
        splits = tasks.load(described, recipe.dataset)
    except ZooError as error:
        reason = str(error).splitlines()[0]
        return _random(described), f"{MOST} random inputs: the data of {recipe.dataset} is not at hand ({reason})"
    name = "test" if len(splits.test) else "training"
    x = _first(getattr(splits, "test" if name == "test" else "train").x)
    return x, f"{count(x)} {name} examples of {recipe.dataset}"


def with_gaps(rows: np.ndarray) -> np.ndarray:
    """Rows of a table (n, features) with a cell that is not a number in every second one, in each feature by turns."""
    holed, every_second = rows.copy(), np.arange(1, len(rows), 2)
    holed[every_second, every_second // 2 % rows.shape[1]] = np.nan
    return holed


def count(x: Any) -> int:
    """How many examples there are."""
    return len(next(iter(x.values()))) if isinstance(x, dict) else len(x)


def part(x: Any, rows: slice, share: float = 1.0) -> Any:
    """Some rows of the examples; of token ids this share of their length."""
    if isinstance(x, dict):
        return {name: part(array, rows, share) for name, array in x.items()}
    return x[rows, : max(1, int(x.shape[1] * share))] if has_tokens(x) else x[rows]


def has_tokens(x: Any) -> bool:
    """Whether these are token ids (n, length), which may be cut."""
    arrays = x.values() if isinstance(x, dict) else [x]
    return any(array.dtype == np.int32 and array.ndim == 2 for array in arrays)


def lengths(model: keras.Model, x: Any) -> dict[str, int]:
    """Size of the first axis after the batch's, by the name of the model's input: the steps of a sequence."""
    arrays = x if isinstance(x, dict) else {model.inputs[0].name: x}
    return {name: array.shape[1] for name, array in arrays.items()}


def _first(x: Any) -> Any:
    return part(x, slice(MOST))


def _random(described: Data) -> Any:
    """Pixels 0 to 255, token ids with some padding, standard normal features: (MOST, ...)."""
    random = np.random.default_rng(0)
    if described.inputs:
        return {name: _random(described.of_input(name)) for name in described.inputs}
    text = described.text
    if text is not None:
        source = _ids(random, text.vocab_size, described.input_shape[0])
        if text.target_vocab_size is None or text.target_length is None:
            return source
        return {"source": source, "target": _ids(random, text.target_vocab_size, text.target_length)}
    shape = (MOST, *described.input_shape)
    if described.input_dtype == "float32":
        return random.standard_normal(shape, "float32")
    return random.integers(0, 256, shape).astype(described.input_dtype)


def _ids(random: np.random.Generator, vocab_size: int, length: int) -> np.ndarray:
    ids = random.integers(1, vocab_size, (MOST, length)).astype("int32")
    real = random.integers(1, length + 1, (MOST, 1))
    return np.where(np.arange(length) < real, ids, 0).astype("int32")  # (MOST, length)
