"""From one vector a position to one vector an example."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class MeanOverTime(layers.Layer):
    """The mean over the real steps: (batch, time, features), (batch, time) -> (batch, features). No weights.

    Without a mask, Keras' own on `x` included, all steps count; of a row without a real step it is 0.
    """

    def call(self, x: Any, real: Any = None, mask: Any = None) -> Any:
        real = mask if real is None else real
        if real is None:
            return ops.mean(x, axis=1)
        counted = ops.expand_dims(ops.cast(real, "float32"), -1)  # (batch, time, 1)
        total = ops.sum(ops.cast(x, "float32") * counted, axis=1)  # a half precision sum over hundreds would drift
        return ops.cast(total / ops.maximum(ops.sum(counted, axis=1), 1.0), x.dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: there is no time left to mask."""


@keras.saving.register_keras_serializable(package="zoo")
class FirstStep(layers.Layer):
    """The first step: (batch, time, features) -> (batch, features). No weights."""

    def call(self, x: Any) -> Any:
        return x[:, 0]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: there is no time left to mask."""
