"""Local response normalisation, as in AlexNet (Krizhevsky, Sutskever and Hinton 2012, section 3.3)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class LocalResponseNormalization(layers.Layer):
    """x / (bias + alpha * sum of squares over `size` neighbouring maps) ** beta, at each position; no parameters.

    (batch, height, width, maps) -> the same. Defaults are the paper's. As printed, alpha is not divided by `size`;
    other libraries divide it. Maps beyond the first and the last count as 0.
    """

    def __init__(
        self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, bias: float = 2.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"{self.name}: size is an odd number of maps from 1 on, not {size}")
        self.size, self.alpha, self.beta, self.bias = size, alpha, beta, bias

    def call(self, x: Any) -> Any:
        maps, beyond = x.shape[-1], self.size // 2
        squares = ops.pad(ops.square(x), [[0, 0], [0, 0], [0, 0], [beyond, beyond]])
        summed = sum(squares[..., i : i + maps] for i in range(self.size))  # (batch, height, width, maps)
        return x / ops.power(self.bias + self.alpha * summed, self.beta)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta, "bias": self.bias}
        return {**super().get_config(), **own}
