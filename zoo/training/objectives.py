"""Losses and metrics by the recipe's names, and labels in the form that they take."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

import zoo.layers

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

    def reset(self) -> None:
        """Begin a new epoch's means."""
        self.mean_loss.reset_state()
        self.metric.reset_state()

    def results(self) -> dict[str, float]:
        """The means so far, by name."""
        return {"loss": float(self.mean_loss.result()), self.metric.name: float(self.metric.result())}


def make_objective(task: str, loss: str) -> Objective:
    """The loss by its name, with the task's metric and a running mean of the loss."""
    return Objective(make_loss(loss), make_metric(task, loss), keras.metrics.Mean(name="loss"))


def make_loss(name: str, reduction: str = "sum_over_batch_size") -> keras.losses.Loss:
    """A Keras loss by the recipe's name; `reduction="none"` gives one value an example."""
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
    """Labels as the loss takes them: ids (n,), indicators (n, num_classes), or one value a row (n, 1)."""
    if wants_one_hot(task, loss):
        return np.eye(num_classes, dtype="float32")[y]  # (n, num_classes)
    return y if task == "classification" else y.astype("float32").reshape(-1, 1)  # (n, 1)


def predicted_labels(outputs: np.ndarray, task: str, loss: str) -> np.ndarray:
    """What the model says for each row of its outputs: a class id, or the value itself for regression."""
    if task == "classification":
        return outputs.argmax(axis=-1)
    flat = outputs.reshape(-1)
    return flat if task == "regression" else (flat > threshold(loss)).astype("int32")
