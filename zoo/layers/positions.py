"""Where a token stands, added to what it is: positions as fixed waves or as learnt vectors."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class SinusoidalPositions(layers.Layer):
    """Adds sines and cosines of the position (Vaswani et al. 2017, section 3.5): (batch, time, dim), the same out.

    Feature 2i gets sin(position / 10000^(2i / dim)), feature 2i + 1 the cosine of the same. No weights, no last
    position.
    """

    def call(self, x: Any) -> Any:
        return x + self._waves(x, ops.arange(ops.shape(x)[1]))

    def step(self, x: Any, *, state: list[Any], position: Any) -> tuple[Any, list[Any]]:
        """The same for the one position of x (batch, 1, dim)."""
        return x + self._waves(x, ops.reshape(position, (1,))), state

    def _waves(self, x: Any, positions: Any) -> Any:
        feature = ops.arange(x.shape[-1])
        even = ops.cast(feature // 2 * 2, "float32")
        rates = ops.exp(even * (-math.log(10_000.0) / x.shape[-1]))  # (dim,)
        quarter = ops.cast(feature % 2, "float32") * (math.pi / 2)  # the cosine runs a quarter of a wave ahead
        angles = ops.expand_dims(ops.cast(positions, "float32"), 1) * rates + quarter  # (time, dim)
        return ops.cast(ops.sin(angles), x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return previous_mask


@keras.saving.register_keras_serializable(package="zoo")
class LearnedPositions(layers.Layer):
    """Adds a learnt vector for each of `max_length` positions: (batch, time, dim), the same out.

    Raises:
        ValueError: the input is known to be longer than `max_length`.
    """

    def __init__(self, max_length: int, embeddings_initializer: Any = "uniform", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        shape = (self.max_length, input_shape[-1])
        self.embeddings = self.add_weight(shape=shape, initializer=self.embeddings_initializer, name="embeddings")

    def call(self, x: Any) -> Any:
        if x.shape[1] is not None and x.shape[1] > self.max_length:
            raise ValueError(f"{self.name} knows {self.max_length} positions, the input has {x.shape[1]}")
        return x + ops.convert_to_tensor(self.embeddings)[: ops.shape(x)[1]]

    def step(self, x: Any, *, state: list[Any], position: Any) -> tuple[Any, list[Any]]:
        """The same for the one position of x (batch, 1, dim)."""
        return x + ops.cast(ops.take(self.embeddings, position, axis=0), x.dtype), state

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return previous_mask

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.embeddings_initializer)
        return {**super().get_config(), "max_length": self.max_length, "embeddings_initializer": initializer}
