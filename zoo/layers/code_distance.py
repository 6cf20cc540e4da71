"""Distances to fixed codes: the Euclidean radial basis functions at the output of LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo.errors import UsageError

UNITS = 84


def codes(num_classes: int) -> np.ndarray:
    """One code of 84 bits of +-1 a class, 42 bits from every other: (num_classes, 84).

    They are the rows of Paley's Hadamard matrix for the prime 83 (Paley 1933): entry (i, j) says whether j - i is a
    square modulo 83. From the 85th class on come the same rows negated, 84 bits from their twins.

    Raises:
        UsageError: fewer than 2 or more than 168 classes.
    """
    if not 2 <= num_classes <= 2 * UNITS:
        raise UsageError(f"num_classes is 2 to {2 * UNITS} for an output of fixed codes, not {num_classes}")
    prime = UNITS - 1
    squares = {i * i % prime for i in range(1, prime)}
    character = np.array([0, *(1 if i in squares else -1 for i in range(1, prime))])
    rows = np.ones((UNITS, UNITS))
    rows[1:, 0] = -1
    rows[1:, 1:] = character[(np.arange(prime) - np.arange(prime)[:, None]) % prime] + np.eye(prime)
    return np.concatenate([rows, -rows])[:num_classes]


@keras.saving.register_keras_serializable(package="zoo")
class CodeDistance(layers.Layer):
    """Squared Euclidean distances to fixed codes: (batch, 84) -> (batch, num_classes). No weights."""

    def __init__(self, num_classes: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.codes = codes(num_classes)  # (num_classes, 84)

    def call(self, x: Any) -> Any:
        centres = ops.cast(self.codes, x.dtype)
        squares = ops.sum(x * x, axis=-1, keepdims=True)  # (batch, 1)
        return squares - 2.0 * ops.matmul(x, ops.transpose(centres)) + UNITS  # (batch, num_classes)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.num_classes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}
