"""Losses and metrics by the recipe's names, and labels in the form that they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import zoo.layers
from zoo.spec import TOKEN_TASKS

REGRESSION_LOSSES = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}
SCORE_LOSSES = ("hinge", "perceptron")  # the model gives a score whose sign decides


@dataclass(frozen=True)
class Objective:
    """What is minimised and what is counted: running means over the steps since the last reset."""

    loss: keras.losses.Loss
    metric: keras.metrics.Metric
    mean_loss: keras.metrics.Mean
    tokens: bool = False  # y holds token ids, of which 0 is padding and counts for nothing

    def count(self, y: Any, outputs: Any) -> None:
        """Take a batch into the running metric."""
        if not self.tokens:
            self.metric.update_state(y, outputs)
            return
        y = keras.ops.reshape(y, (-1,))  # one value a token: Keras would weigh each text by its batch's length
        outputs = keras.ops.reshape(outputs, (-1, outputs.shape[-1]))
        self.metric.update_state(y, outputs, sample_weight=keras.ops.cast(keras.ops.not_equal(y, 0), "float32"))

    def weight(self, y: Any) -> Any:
        """What a batch counts in the running loss: once, or as often as it holds real tokens."""
        return keras.ops.count_nonzero(y) if self.tokens else None

    def reset(self) -> None:
        """Begin a new epoch's means."""
        self.mean_loss.reset_state()
        self.metric.reset_state()

    def results(self) -> dict[str, float]:
        """The means so far, by name."""
        return {"loss": float(self.mean_loss.result()), self.metric.name: float(self.metric.result())}


def make_objective(task: str, loss: str) -> Objective:
    """The loss by its name, with the task's metric and a running mean of the loss."""
    tokens = task in TOKEN_TASKS
    return Objective(make_loss(loss, task), make_metric(task, loss), keras.metrics.Mean(name="loss"), tokens)


def make_loss(name: str, task: str, reduction: str = "sum_over_batch_size") -> keras.losses.Loss:
    """A Keras loss by the recipe's name; `reduction="none"` gives one value an example, or one a token."""
    if task in TOKEN_TASKS:
        return zoo.layers.TokenCrossentropy("none" if reduction == "none" else "mean_with_sample_weight")
    classes = REGRESSION_LOSSES | {
        "binary_crossentropy": keras.losses.BinaryCrossentropy,
        "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
        "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
        "hinge": keras.losses.Hinge,
        "perceptron": zoo.layers.PerceptronLoss,
    }
    return classes[name](reduction=reduction)


def make_metric(task: str, loss: str) -> keras.metrics.Metric:
    """Accuracy for classes, mean absolute error for regression."""
    if task == "regression":
        return keras.metrics.MeanAbsoluteError(name="mae")
    if task == "binary":
        return keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold(loss))
    if wants_one_hot(task, loss):
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def threshold(loss: str) -> float:
    """Output above which a binary model says 1: 0 for scores, 0.5 for probabilities."""
    return 0.0 if loss in SCORE_LOSSES else 0.5


def wants_one_hot(task: str, loss: str) -> bool:
    """Whether class ids become indicator vectors: all losses but the sparse one compare vectors."""
    return task == "classification" and loss != "sparse_categorical_crossentropy"


def targets(y: np.ndarray, task: str, loss: str, num_classes: int | None) -> np.ndarray:
    """Labels as the loss takes them.

    Ids (n,), indicators (n, num_classes), tokens (n, length), or values (n, horizon).
    """
    if wants_one_hot(task, loss):
        return np.eye(num_classes, dtype="float32")[y]  # (n, num_classes)
    if task in ("classification", *TOKEN_TASKS):
        return y
    return y.astype("float32").reshape(len(y), -1)  # (n, 1), or (n, horizon) of a series


def predicted_labels(outputs: np.ndarray, task: str, loss: str) -> np.ndarray:
    """What the model says for each row of its outputs: a class id, or the value itself for regression."""
    if task == "classification":
        return outputs.argmax(axis=-1)
    flat = outputs.reshape(-1)
    return flat if task == "regression" else (flat > threshold(loss)).astype("int32")
