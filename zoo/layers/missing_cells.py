"""Missing cells of a table, filled inside the network that learnt from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class MissingCells(keras.layers.Layer):
    """(batch, features) -> the same, with a value in place of each cell that is not a number.

    Args:
        fills: what a missing cell of each feature becomes.
        flag_of: for features that are 1 where another one is missing, the number of that other one; -1 for the rest.
    """

    def __init__(self, fills: Sequence[float], flag_of: Sequence[int], dtype: Any = "float32", **kwargs: Any) -> None:
        super().__init__(dtype=dtype, **kwargs)
        self.fills, self.flag_of = [float(value) for value in fills], [int(number) for number in flag_of]

    def call(self, x: Any) -> Any:
        missing = ops.isnan(x)  # (batch, features)
        tells = np.zeros((len(self.fills), len(self.fills)), "float32")  # 1 where a flag tells of a feature
        for flag, other in enumerate(self.flag_of):
            if other >= 0:
                tells[other, flag] = 1.0
        told = ops.matmul(ops.cast(missing, "float32"), tells) > 0.0
        filled = ops.where(missing, ops.cast(np.array(self.fills, "float32"), x.dtype), x)
        return ops.where(told, ops.ones_like(filled), filled)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "fills": self.fills, "flag_of": self.flag_of}
