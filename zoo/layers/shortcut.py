"""A shortcut without weights to maps that are smaller and more, as in ResNet (He et al. 2016, option A)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class PaddedShortcut(layers.Layer):
    """Every `strides`-th position of each map, and maps of zeros behind them up to `filters`; no parameters.

    (batch, height, width, maps) -> (batch, ceil(height / strides), ceil(width / strides), filters).
    """

    def __init__(self, filters: int, strides: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.strides = filters, strides
        self.kernel_size = (1, 1)  # of what a unit sees

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if (input_shape[-1] or 0) > self.filters:
            raise ValueError(f"{self.name}: {input_shape[-1]} maps do not fit into {self.filters}")

    def call(self, x: Any) -> Any:
        x = x[:, :: self.strides, :: self.strides, :]  # (batch, height / strides, width / strides, maps)
        return ops.pad(x, [[0, 0], [0, 0], [0, 0], [0, self.filters - x.shape[-1]]])

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, _ = input_shape
        return batch, height and -(-height // self.strides), width and -(-width // self.strides), self.filters

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}
