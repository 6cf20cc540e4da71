"""Activations: the classic ones by name, and the squashing function of LeNet-5."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from zoo.errors import unknown

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu")


def activate(x: keras.KerasTensor, activation: str, name: str) -> keras.KerasTensor:
    """One of ACTIVATIONS on a symbolic tensor, as a layer called `name`; the shape stays.

    prelu (He et al. 2015) learns one slope a unit, or a channel of maps, which starts at 0.25 as in the paper;
    leaky_relu (Maas et al. 2013) has the paper's slope 0.01.

    Raises:
        UsageError: no such activation; the nearest names are given.
    """
    if activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS, f"known: {', '.join(ACTIVATIONS)}")
    if activation == "prelu":
        over_maps = list(range(1, len(x.shape) - 1)) or None
        return layers.PReLU(keras.initializers.Constant(0.25), shared_axes=over_maps, name=name)(x)
    if activation == "leaky_relu":
        return layers.LeakyReLU(negative_slope=0.01, name=name)(x)
    return layers.Activation(activation, name=name)(x)


@keras.saving.register_keras_serializable(package="zoo")
def scaled_tanh(x: Any) -> Any:
    """1.7159 tanh(2/3 x), through (1, 1) and (-1, -1), where it bends most (LeCun et al. 1998, appendix A)."""
    return 1.7159 * ops.tanh(x * (2.0 / 3.0))
