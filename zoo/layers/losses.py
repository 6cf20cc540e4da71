"""The loss whose gradient is the perceptron's update rule."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class PerceptronLoss(keras.losses.Loss):
    """-(y - step(z)) z for labels y in {0, 1} and scores z: 0 where the sign is right, |z| where it is wrong.

    step(z), 1 for z > 0 and else 0, is the prediction y_hat and is not differentiated, so for z = w x + b the
    gradient by w is -(y - y_hat) x. Plain SGD on batches of one then is Rosenblatt's rule, w += eta (y - y_hat) x;
    on larger batches the mean of its updates.

    Shapes: (batch, units) scores and labels -> (batch,) before the reduction. Source: Rosenblatt 1958.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "perceptron", dtype: Any = None) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_hat = ops.cast(y_pred > 0, y_pred.dtype)
        error = ops.stop_gradient(ops.cast(y_true, y_pred.dtype) - y_hat)
        return ops.mean(-error * y_pred, axis=-1)
