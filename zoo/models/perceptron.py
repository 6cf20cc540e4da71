"""The perceptron: one layer of weights, in its first form and in the three that gradient descent can train.

Rosenblatt 1958, The perceptron: a probabilistic model for information storage and organization in the brain.
Minsky and Papert 1969, Perceptrons (why one layer cannot learn XOR).

    perceptron          softmax, cross-entropy     any number of classes
    perceptron.sigmoid  sigmoid, log loss          two classes
    perceptron.hinge    score, hinge loss          two classes; the step is taken when predicting: class 1 if score > 0
    perceptron.1958     score, the update rule     two classes; the same step
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register

if TYPE_CHECKING:
    import keras

PAPER = "Rosenblatt 1958, The perceptron: a probabilistic model for information storage, Psychological Review 65(6)"
ONE_LAYER = (
    "the fixed random connections between retina and association units are left out: inputs meet the weights directly"
)


@register(
    "perceptron",
    family="perceptron",
    year=1958,
    paper=PAPER,
    idea="One layer of weights; softmax and cross-entropy make it a linear classifier for any number of classes.",
    inputs=("tabular", "image"),
    tasks=("classification", "binary", "multilabel"),
    params=7_850,
    published={"MNIST, linear classifier (LeCun et al. 1998)": "88.0 %"},
    deviations=(ONE_LAYER, "softmax and cross-entropy instead of the threshold and its rule (see perceptron.1958)"),
)
def perceptron(
    input_shape: tuple[int, ...] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    kernel_initializer: str = "glorot_uniform",
    name: str = "perceptron",
) -> keras.Model:
    """One dense layer: (batch, *input_shape) -> (batch, features) -> (batch, num_classes).

    (features + 1) * num_classes parameters: 7,850 for 28x28 images and ten classes. Source: Rosenblatt 1958; as
    multinomial logistic regression it is trained with cross-entropy.

    Args:
        kernel_initializer: how weights start, by its Keras name: zeros, random_normal, glorot_uniform, he_normal ...
    """
    return _one_layer(name, input_shape, num_classes, classifier_activation, kernel_initializer)


@register(
    "perceptron.sigmoid",
    family="perceptron",
    year=1958,
    paper=PAPER,
    idea="The threshold softened to a sigmoid: log loss gives every example a say, not only the misclassified ones.",
    inputs=("tabular", "image"),
    tasks=("binary",),
    params=3,
    deviations=(ONE_LAYER, "sigmoid and log loss instead of the threshold and its rule"),
    defaults={"loss": "binary_crossentropy"},
)
def perceptron_sigmoid(
    input_shape: tuple[int, ...] = (2,), kernel_initializer: str = "glorot_uniform", name: str = "perceptron_sigmoid"
) -> keras.Model:
    """One sigmoid unit, the probability of class 1: (batch, *input_shape) -> (batch, 1). Two classes only."""
    return _one_layer(name, input_shape, 1, "sigmoid", kernel_initializer)


@register(
    "perceptron.hinge",
    family="perceptron",
    year=1958,
    paper=PAPER,
    idea="A linear score and the hinge loss: examples on the right side with room to spare no longer pull.",
    inputs=("tabular", "image"),
    tasks=("binary",),
    params=3,
    deviations=(ONE_LAYER, "hinge loss, which asks for a margin of 1, instead of the rule on misclassified points"),
    defaults={"loss": "hinge", "optimizer": "sgd", "learning_rate": 0.1},
)
def perceptron_hinge(
    input_shape: tuple[int, ...] = (2,), kernel_initializer: str = "glorot_uniform", name: str = "perceptron_hinge"
) -> keras.Model:
    """One linear score: (batch, *input_shape) -> (batch, 1); class 1 where it is above 0. Two classes only."""
    return _one_layer(name, input_shape, 1, "linear", kernel_initializer)


@register(
    "perceptron.1958",
    family="perceptron",
    year=1958,
    paper=PAPER,
    idea="Rosenblatt's rule: a misclassified example is added to the weights or taken off, w += eta (y - y_hat) x.",
    inputs=("tabular", "image"),
    tasks=("binary",),
    params=3,
    deviations=(ONE_LAYER, "weights start at zero"),
    defaults={"loss": "perceptron", "optimizer": "sgd", "learning_rate": 1.0, "batch_size": 1},
)
def perceptron_1958(input_shape: tuple[int, ...] = (2,), name: str = "perceptron_1958") -> keras.Model:
    """One linear score: (batch, *input_shape) -> (batch, 1); class 1 where it is above 0. Two classes only.

    With the loss `zoo.layers.PerceptronLoss`, plain SGD and batches of one, training is the rule of 1958 step for
    step. From zero weights the learning rate only scales them: the decisions do not depend on it.
    """
    return _one_layer(name, input_shape, 1, "linear", "zeros")


def _one_layer(name: str, input_shape: tuple[int, ...], units: int, activation: str, initializer: str) -> keras.Model:
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")
    x = layers.Flatten(name="flatten")(inputs) if len(input_shape) > 1 else inputs  # (batch, features)
    outputs = layers.Dense(
        units, activation=activation, kernel_initializer=initializer, dtype="float32", name="output"
    )(x)  # (batch, units)
    return keras.Model(inputs, outputs, name=name)
