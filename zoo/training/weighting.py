"""What each example counts in the loss: by the rarity of its class, by a column of its own, or by both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.data.examples import WEIGHT, Examples, only
from zoo.tasks.objective import Objective
from zoo.tasks.steps import BatchLoss, Step


def example_weights(part: Examples, train: Examples, class_weights: str) -> np.ndarray | None:
    """float32 (n,), or None where each example counts once; `train` says how frequent the classes are."""
    own = part.beside.get(WEIGHT)
    if class_weights == "none":
        return None if own is None else own.astype("float32")
    classes, counts = np.unique(train.y, return_counts=True)
    by_class = len(train) / (len(classes) * counts)
    places = np.minimum(np.searchsorted(classes, part.y), len(classes) - 1)
    found = np.where(classes[places] == part.y, by_class[places], 1.0).astype("float32")  # 1: of no training example
    return found if own is None else (found * own).astype("float32")


def weighted(step: Step) -> Step:
    """A step whose targets come with a weight for each example: y and `weight`, as a mapping."""

    def loss(x: Any, y: Any) -> BatchLoss:
        return step.loss(x, _targets(y))

    return step._replace(loss=loss, objective=WeightedObjective(step.objective))


def mean_loss(model: keras.Model, objective: Objective, y: Any, outputs: Any, weights: np.ndarray) -> float:
    """The weighted loss over a whole part, from the outputs for it."""
    values = ops.convert_to_numpy(objective.values(y, outputs)).astype("float64")
    return float((values * weights).sum() / weights.sum()) + float(sum(model.losses))


class WeightedObjective(Objective):
    """An objective of one loss value an example, of which each counts as its weight says; metrics count all alike."""

    def __init__(self, plain: Objective) -> None:
        super().__init__(plain.values, plain.metrics, plain.exact)
        self.plain = plain

    def weights(self, y: Any) -> Any:
        """(batch,)"""
        return y[WEIGHT]

    def mean_weight(self, total: Any) -> Any:
        """As much as a batch's examples weigh together."""
        return total

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """Take a batch into the running metrics."""
        self.plain.count(_targets(y), outputs, logits)


def _targets(y: Mapping[str, Any]) -> Any:
    return only({name: array for name, array in y.items() if name != WEIGHT})
