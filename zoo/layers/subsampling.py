"""Subsampling with trained weights, as in LeNet-5 (LeCun et al. 1998, section II.B)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class Subsampling(layers.Layer):
    """activation(coefficient * sum of a 2x2 window + bias), one coefficient and one bias a map.

    (batch, height, width, maps) -> (batch, height // 2, width // 2, maps); 2 * maps parameters.
    """

    def __init__(self, activation: Any = None, kernel_initializer: Any = "ones", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = self.strides = (2, 2)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        maps = input_shape[-1]
        self.coefficient = self.add_weight(shape=(maps,), initializer=self.kernel_initializer, name="coefficient")
        self.bias = self.add_weight(shape=(maps,), initializer="zeros", name="bias")

    def call(self, x: Any) -> Any:
        x = ops.average_pool(
            x, self.pool_size, self.strides, data_format="channels_last"
        )  # (batch, height // 2, width // 2, maps)
        return self.activation(4.0 * self.coefficient * x + self.bias)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, maps = input_shape
        return batch, height and height // 2, width and width // 2, maps

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
