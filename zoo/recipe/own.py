"""The recipe of data that has none: own files, arrays, datasets of TensorFlow Datasets by their address.

Steps decide how much a network learns, not epochs: of few examples there are more passes. The best epoch by the
validation loss is kept, and training stops when that has not fallen for a while. `scripts/own_defaults` holds the
defaults for tables against logistic and ridge regression, `scripts/text_defaults` those for texts against TF-IDF.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from zoo import tasks
from zoo.data.config import Data, Input
from zoo.recipe.chosen import least_size


class Length(NamedTuple):
    """How long to train on one kind of data: steps that are enough for most, within bounds of epochs."""

    steps: int
    least: int  # epochs
    most: int
    patience: int  # epochs without a lower validation loss


LENGTHS = {
    "tabular": Length(3000, 20, 300, 30),
    "series": Length(3000, 20, 200, 20),
    "text": Length(2000, 5, 30, 3),
    "text-pair": Length(6000, 10, 40, 5),
    "image": Length(3000, 10, 40, 8),
    "mixed": Length(3000, 10, 60, 10),
}
BOXES = Length(3000, 30, 150, 30)  # of images with boxes: each says little of where one class is
BOXES_BATCH = 8
BATCHES = ((20_000, 128), (5_000, 64), (0, 32))  # from so many training examples on, examples a step
READERS = ("simple_rnn", "lstm", "gru")
ROWS_A_WEIGHT = 5  # of one linear unit, from which on it does not learn rows by heart
FEW_ROWS = 2_000  # of a table, below which a small network is enough
PREPROCESSING: dict[str, dict[str, Any]] = {
    "image": {"rescale": 255.0}, "tabular": {"standardize": "feature"}, "series": {"standardize": "window"},
}  # fmt: skip


def tables_for(
    data: Data, defaults: Mapping[str, Any], said: Mapping[str, Any], least: int | None = None
) -> dict[str, Any]:
    """A recipe for own data as tables.

    Args:
        data: its description, with what is said of it on the command line.
        defaults: those of the model that is to learn from it, for [training].
        said: what the command line says for [training].
        least: the smallest height and width of an image that the model takes.
    """
    sizes = tasks.sizes(data)
    boxes = any(field.has_boxes for field in tasks.of(data).fields(data).targets)
    usual = batch_size(sizes["train"], defaults)
    batch = said.get("batch_size") or (min(usual, BOXES_BATCH) if boxes else usual)
    length = BOXES if boxes else LENGTHS[data.kind]
    epochs = said.get("epochs") or epochs_for(length, max(1, sizes["train"] // batch))
    return {
        "title": data.source,
        "data": data.model_dump(exclude_none=True),
        "preprocessing": _preprocessing(data) | (least_size(data, least) if tasks.of(data).is_head else {}),
        "augmentation": _moved(data) if boxes else {},
        "training": {"epochs": epochs, "batch_size": batch},
        "callbacks": _callbacks(length, epochs) if sizes["validation"] > 0 else {},
        "models": _models(data, sizes["train"], said.get("optimizer", "adamw")),
    }


def batch_size(train: int, defaults: Mapping[str, Any]) -> int:
    """Examples a step: few of few, four steps an epoch at the least, and no more than the model has by default."""
    usual = next(batch for least, batch in BATCHES if train >= least)
    return min(usual, defaults.get("batch_size", usual), max(1, train // 4))


def epochs_for(length: Length, steps: int) -> int:
    """As many epochs of so many steps as give the wanted length."""
    return min(max(math.ceil(length.steps / steps), length.least), length.most)


def _callbacks(length: Length, epochs: int) -> dict[str, Any]:
    """The best epoch is kept; training stops early where there are epochs enough for that."""
    stop = {"early_stopping": {"patience": length.patience, "restore_best": False}}
    return {"checkpoint": {}} | (stop if length.patience < epochs else {})


def _moved(data: Data) -> dict[str, Any]:
    """Images with boxes are moved, scaled and put together; not mirrored, which not every object stands."""
    return {"shift": round(0.05 * min(data.input_shape[:2])), "zoom": 0.2, "mosaic": 0.5}


def _preprocessing(data: Data) -> dict[str, Any]:
    """Pixels to [0, 1], columns of a table, windows of a series to mean 0, variance 1; and values to predict.

    Images of floating-point numbers may have any scale: they too go to mean 0, variance 1.
    """
    if data.inputs:
        return {"inputs": {name: _steps(one) for name, one in data.inputs.items()}}
    targets = {"targets": "standardize"} if tasks.of(data).can_scale_targets else {}
    return _steps(data) | targets


def _steps(one: Data | Input) -> dict[str, Any]:
    floating = one.kind == "image" and one.input_dtype != "uint8"
    return {"standardize": "global"} if floating else PREPROCESSING.get(one.kind, {})


def _models(data: Data, train: int, optimizer: str) -> dict[str, Any]:
    """What differs for the networks of texts and of tables: the default sizes of most are those for images.

    Recurrent networks read texts in both directions, as in the recipe for IMDB, with a dropout of 0.5.
    """
    if data.kind == "text" and not tasks.of(data).writes:
        return {name: {"knobs": {"bidirectional": True, "dropout": 0.5}} for name in READERS}
    if data.kind != "tabular":
        return {}
    return {
        "mlp": _few_rows(data, optimizer) if train < FEW_ROWS else {"knobs": {"hidden_units": [128, 64]}},
        "perceptron": {"training": {"learning_rate": 0.02}},
        "perceptron.sigmoid": {"training": {"learning_rate": 0.02}},
        # one linear unit under plain gradient descent learns values of any scale as they are
        "linear": {"preprocessing": {"targets": "none"}} | _to_the_end(data, train),
    }


def _to_the_end(data: Data, train: int) -> dict[str, Any]:
    """A linear unit trains to the end where there are enough rows: early stopping by a few validation rows hurts it."""
    enough = train >= ROWS_A_WEIGHT * data.input_shape[0]
    return {"callbacks": {"checkpoint": None, "early_stopping": None}} if enough else {}


def _few_rows(data: Data, optimizer: str) -> dict[str, Any]:
    """A small, strongly regularised `mlp`: weight decay, and for classes dropout; for values tanh units without it."""
    knobs: dict[str, Any] = {"hidden_units": [64], "dropout": 0.5}
    if tasks.of(data).can_scale_targets:
        knobs = {"hidden_units": [32], "activation": "tanh", "dropout": 0.0}
    decay = {"optimizer": "adamw", "weight_decay": 3.0} if optimizer == "adamw" else {}
    return {"knobs": knobs, "training": {"learning_rate": 0.003} | decay}
