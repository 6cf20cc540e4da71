"""The loss whose gradient is the perceptron's update rule, and the one of texts whose padding counts for nothing."""

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


@keras.saving.register_keras_serializable(package="zoo")
class TokenCrossentropy(keras.losses.Loss):
    """Cross-entropy of predicted distributions with token ids, of which 0 is padding: the mean over real tokens.

    Shapes: ids (batch, time) and probabilities, or logits, (batch, time, vocabulary); with reduction "none" -> (batch,
    time), 0 at padding.
    """

    def __init__(
        self,
        reduction: str = "mean_with_sample_weight",
        name: str = "token_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss; a `sample_weight` (batch, time) comes on top of the padding's."""
        real = ops.cast(ops.not_equal(y_true, 0), "float32")
        return super().__call__(y_true, y_pred, real if sample_weight is None else real * sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=self.from_logits)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"from_logits": self.from_logits}
