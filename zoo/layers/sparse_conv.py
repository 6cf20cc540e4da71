"""A convolution whose maps look at chosen input maps only, as C3 of LeNet-5 (LeCun et al. 1998, Table I)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

MOST_PLACES = 2**24  # of the layout, whose size grows with links times maps times maps


@keras.saving.register_keras_serializable(package="zoo")
class SparseConv2D(layers.Layer):
    """Convolution by a connection table: output map m sees the input maps `table[m]`; stride 1, no padding.

    (batch, height, width, maps) -> (batch, height - size + 1, width - size + 1, len(table)).
    Stored are the kernels of the links that exist and one bias a map: size**2 * links + len(table) parameters. To
    compute, they are laid out into a dense kernel with zeros at the missing links: one convolution, not sixteen.
    Weights start uniform in +-2.4 / fan-in of their own map, size**2 * len(table[m]).
    """

    def __init__(self, table: Sequence[Sequence[int]], size: int, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = tuple(tuple(row) for row in table)
        self.size = size
        self.kernel_size, self.strides = (size, size), (1, 1)
        self.activation = keras.activations.get(activation)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        maps = input_shape[-1]
        links = [(source, target) for target, row in enumerate(self.table) for source in row]
        if maps is None or max(source for source, _ in links) >= maps:
            raise ValueError(f"{self.name}: the connection table names a map that the input of {maps} maps lacks")
        if len(links) * maps * len(self.table) > MOST_PLACES:
            raise ValueError(f"{self.name}: {len(links):,} links to {len(self.table):,} maps are too many")
        layout = np.zeros((len(links), maps * len(self.table)), "float32")
        for link, (source, target) in enumerate(links):
            layout[link, source * len(self.table) + target] = 1.0
        self.layout = layout  # (links, maps * targets)
        self.dense_shape = (self.size, self.size, maps, len(self.table))
        self.fan_in = np.array([self.size**2 * len(self.table[target]) for _, target in links], "float32")
        self.kernel = self.add_weight(
            shape=(self.size, self.size, len(links)), initializer=self._start, name="kernel"
        )  # (size, size, links)
        self.bias = self.add_weight(shape=(len(self.table),), initializer="zeros", name="bias")

    def _start(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return keras.initializers.RandomUniform(-2.4, 2.4)(shape, dtype) / self.fan_in

    def dense_kernel(self) -> Any:
        """The kernel with zeros at the missing links: (size, size, maps, targets)."""
        return ops.reshape(ops.matmul(self.kernel, ops.cast(self.layout, self.compute_dtype)), self.dense_shape)

    def call(self, x: Any) -> Any:
        x = ops.conv(x, self.dense_kernel(), strides=1, padding="valid", data_format="channels_last")
        return self.activation(x + self.bias)  # (batch, height - size + 1, width - size + 1, targets)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, _ = input_shape
        lost = self.size - 1
        return batch, height and height - lost, width and width - lost, len(self.table)

    def get_config(self) -> dict[str, Any]:
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "table": self.table, "size": self.size, "activation": activation}
