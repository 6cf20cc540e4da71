"""A series' window brought to zero mean and unit variance by itself, and the forecast brought back.

Kim et al. 2022, Reversible instance normalization for accurate time-series forecasting against distribution shift,
ICLR; here without its trainable scale and shift. It lets a network forecast values higher than all it was trained on.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="zoo")
class WindowScaling(keras.layers.Layer):
    """(batch, window, columns) less each window's own mean, divided by its own standard deviation, column by column."""

    def call(self, x: Any) -> Any:
        mean, variance = ops.moments(x, axes=1, keepdims=True)  # (batch, 1, columns)
        return (x - mean) / ops.sqrt(variance + EPSILON)


@keras.saving.register_keras_serializable(package="zoo")
class WindowUnscaling(keras.layers.Layer):
    """Forecasts (batch, horizon) of a scaled window back in the units of the window's first column.

    Called on [forecasts, window (batch, window, columns)]: forecast * deviation + mean.
    """

    def __init__(self, dtype: Any = "float32", **kwargs: Any) -> None:
        super().__init__(dtype=dtype, **kwargs)

    def call(self, inputs: Any) -> Any:
        forecast, window = inputs
        mean, variance = ops.moments(window[:, :, 0], axes=1, keepdims=True)  # (batch, 1)
        return forecast * ops.sqrt(variance + EPSILON) + mean  # (batch, horizon)

    def compute_output_shape(self, shapes: Any) -> Any:
        return shapes[0]
