"""The linear unit: y = w x + b.

Widrow and Hoff 1960, Adaptive switching circuits (the ADALINE and its delta rule, which is gradient descent on the
squared error). The fit by least squares is older: Legendre 1805, Gauss 1809.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register

if TYPE_CHECKING:
    import keras


@register(
    "linear",
    family="linear",
    year=1960,
    paper="Widrow and Hoff 1960, Adaptive switching circuits, IRE WESCON Convention Record",
    idea="One unit that adds up its weighted inputs; gradient descent on the squared error finds the line.",
    inputs=("tabular",),
    tasks=("regression",),
    params=2,
    defaults={"loss": "mse", "optimizer": "sgd", "learning_rate": 0.02},
)
def linear(input_shape: tuple[int, ...] = (1,), name: str = "linear") -> keras.Model:
    """One linear unit: (batch, features) -> (batch, 1); features + 1 parameters.

    Source: Widrow and Hoff 1960. Train it with the mean squared error.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")  # (batch, features)
    outputs = layers.Dense(1, dtype="float32", name="output")(inputs)  # (batch, 1)
    return keras.Model(inputs, outputs, name=name)
