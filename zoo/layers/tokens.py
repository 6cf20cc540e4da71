"""A token of the network's own in front of a sequence."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class ClassToken(layers.Layer):
    """A learnt vector in front of each sequence: (batch, time, dim) -> (batch, 1 + time, dim).

    What the blocks behind it gather there is classified (Devlin et al. 2019; Dosovitskiy et al. 2021, section 3.1).
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.token = self.add_weight(shape=(1, 1, input_shape[-1]), initializer="zeros", name="token")

    def call(self, x: Any) -> Any:
        token = ops.cast(ops.convert_to_tensor(self.token), x.dtype)
        return ops.concatenate([ops.repeat(token, ops.shape(x)[0], axis=0), x], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, time, dim = input_shape
        return (batch, None if time is None else time + 1, dim)
