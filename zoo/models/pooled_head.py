"""The end of most convolutional nets since 2014: maps averaged to a vector, one dense layer of classes behind it.

Lin, Chen and Yan 2013, Network in network, section 3.2: averages over whole maps in place of dense layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def ended(
    inputs: keras.KerasTensor,
    maps: keras.KerasTensor,
    num_classes: int,
    classifier_activation: str,
    include_top: bool,
    dropout: float,
    name: str,
) -> keras.Model:
    """The model from `inputs` to classes, or without the top to `maps`, (batch, height, width, channels).

    Layers avg_pool, dropout and predictions; the output layer starts near 0, so that all classes are equally likely.
    """
    import keras

    outputs = classes_of(maps, num_classes, classifier_activation, dropout) if include_top else maps
    return keras.Model(inputs, outputs, name=name)


def classes_of(
    maps: keras.KerasTensor, num_classes: int, classifier_activation: str, dropout: float
) -> keras.KerasTensor:
    """(batch, height, width, channels) -> (batch, num_classes)."""
    import keras
    from keras import layers

    x = layers.GlobalAveragePooling2D(name="avg_pool")(maps)  # (batch, channels)
    x = layers.Dropout(dropout, name="dropout")(x)
    return layers.Dense(
        num_classes,
        activation=classifier_activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="predictions",
    )(x)
