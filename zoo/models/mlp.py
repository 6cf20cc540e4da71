"""The multilayer perceptron.

Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323.
Default build: the 512-512 net with dropout that Keras has shown on MNIST since 2015 (its example mnist_mlp).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register
from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras


@register(
    "mlp",
    family="mlp",
    year=1986,
    paper="Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors, Nature 323",
    idea="Layers of units between input and output, trained by back-propagation, bend the decision boundary.",
    inputs=("tabular", "image"),
    tasks=("classification", "binary", "multilabel", "regression"),
    params=669_706,
    published={
        "MNIST, 300 hidden units (LeCun et al. 1998)": "95.3 %",
        "MNIST, 300 and 100 hidden units (LeCun et al. 1998)": "96.95 %",
        "MNIST, 512 and 512 hidden units with dropout 0.2 (Keras example mnist_mlp, 20 epochs)": "98.40 %",
    },
    deviations=("rectified linear units, dropout and softmax by default, where 1986 had sigmoids and squared error",),
)
def mlp(
    input_shape: tuple[int, ...] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    hidden_units: tuple[int, ...] = (512, 512),
    activation: Literal["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu"] = "relu",
    kernel_initializer: str = "glorot_uniform",
    dropout: float = 0.2,
    l1: float = 0.0,
    l2: float = 0.0,
    batch_norm: Literal["before", "after"] | None = None,
    name: str = "mlp",
) -> keras.Model:
    """Dense layers: (batch, *input_shape) -> (batch, features) -> (batch, units) ... -> (batch, num_classes).

    Args:
        input_shape: one example; anything but a vector is flattened.
        hidden_units: sizes of the hidden layers, none to many.
        kernel_initializer: of every layer, by its Keras name: he_normal goes with relu, lecun_normal with selu.
        dropout: share of each hidden layer's outputs dropped in training.
        l1, l2: penalties on the weights (not on the biases), output layer included.
        batch_norm: None, "before" the activation (the layer's bias, now useless, is left out) or "after" it.

    Raises:
        UsageError: an unknown activation or place of the normalisation.

    Source: Rumelhart et al. 1986. Units a, b in adjoining layers cost (a + 1) * b parameters.
    """
    import keras
    from keras import layers

    from zoo.layers import activate

    if batch_norm not in (None, "before", "after"):
        raise UsageError(f"batch_norm is 'before' or 'after' the activation, or absent, not {batch_norm!r}")

    def dense(units: int, **rest: object) -> layers.Dense:
        penalty = keras.regularizers.L1L2(l1, l2) if l1 or l2 else None
        return layers.Dense(units, kernel_initializer=kernel_initializer, kernel_regularizer=penalty, **rest)

    inputs = keras.Input(input_shape, name="input")
    x = layers.Flatten(name="flatten")(inputs) if len(input_shape) > 1 else inputs  # (batch, features)
    for i, units in enumerate(hidden_units, start=1):
        x = dense(units, use_bias=batch_norm != "before", name=f"hidden_{i}")(x)  # (batch, units)
        if batch_norm == "before":
            x = layers.BatchNormalization(name=f"norm_{i}")(x)
        x = activate(x, activation, name=f"{activation}_{i}")
        if batch_norm == "after":
            x = layers.BatchNormalization(name=f"norm_{i}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{i}")(x)
    outputs = dense(num_classes, activation=classifier_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)
