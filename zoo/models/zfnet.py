"""ZFNet: AlexNet looked into, and mended where the pictures showed dead and coarse filters.

Zeiler and Fergus 2014, Visualizing and understanding convolutional networks, ECCV, arXiv:1311.2901.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

FILTERS = (96, 256, 384, 384, 256)


@register(
    "zfnet",
    family="zfnet",
    year=2013,
    paper="Zeiler and Fergus 2014, Visualizing and understanding convolutional networks",
    idea="AlexNet with smaller first filters and strides, chosen by looking at what its layers had learnt.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=62_357_608,
    min_size=57,
    published={
        "ImageNet 2012 validation, one net, top-1 error": "38.4 %",
        "ImageNet 2012 validation, one net, top-5 error": "16.5 %",
    },
    deviations=(
        "contrast normalisation across maps is AlexNet's local response normalisation, whose constants the paper does "
        "not give",
        "the filters of conv1 are not held to a norm of 0.1 in training",
        "weights start as in He et al. 2015 unless kernel_initializer is none (paper: 0.01, biases 0)",
    ),
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.01},
    trial={"input_shape": (57, 57, 3), "num_classes": 10, "width": 1 / 16},
)
def zfnet(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str | None = "he_normal",
    name: str = "zfnet",
) -> keras.Model:
    """ZFNet of the paper's figure 3: 62,357,608 parameters.

    224x224x3 -> 110x110x96 -> 55x55x96 -> 26x26x256 -> 13x13x256 -> 13x13x384 -> 13x13x384 -> 13x13x256 -> 6x6x256
    -> 4096 -> 4096 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 57x57.
        include_top: with the dense layers; without them the output is the last pool's maps, (batch, 6, 6, 256).
        dropout: share of the outputs of fc6 and fc7 dropped in training.
        width: factor on all filters and hidden units.
        kernel_initializer: of all layers but the output, by its Keras name; None: normal, deviation 0.01.

    Raises:
        UsageError: a width that is not above 0.

    Source: Zeiler and Fergus 2014, section 3 and figure 3.
    """
    import keras
    from keras import layers

    from zoo.layers import LocalResponseNormalization

    start = kernel_initializer or keras.initializers.RandomNormal(stddev=0.01)
    filters = [scaled(maps, width) for maps in FILTERS]
    units = scaled(4096, width)

    def convolve(x: keras.KerasTensor, i: int, kernel: int, strides: int, padding: str) -> keras.KerasTensor:
        x = layers.Conv2D(filters[i - 1], kernel, strides, padding, kernel_initializer=start, name=f"conv{i}")(x)
        return layers.Activation("relu", name=f"relu{i}")(x)

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = layers.ZeroPadding2D(1, name="conv1_pad")(inputs)  # (batch, 226, 226, 3)
    x = convolve(x, 1, 7, 2, "valid")  # (batch, 110, 110, 96)
    x = layers.MaxPooling2D(3, 2, "same", name="pool1")(x)  # (batch, 55, 55, 96)
    x = LocalResponseNormalization(name="norm1")(x)
    x = convolve(x, 2, 5, 2, "valid")  # (batch, 26, 26, 256)
    x = layers.MaxPooling2D(3, 2, "same", name="pool2")(x)  # (batch, 13, 13, 256)
    x = LocalResponseNormalization(name="norm2")(x)
    for i in (3, 4, 5):
        x = convolve(x, i, 3, 1, "same")  # (batch, 13, 13, 384), 384, 256
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)  # (batch, 6, 6, 256)
    if not include_top:
        return keras.Model(inputs, x, name=name)
    x = layers.Flatten(name="flatten")(x)  # (batch, 9216)
    for i in (6, 7):
        x = layers.Dense(units, activation="relu", kernel_initializer=start, name=f"fc{i}")(x)  # (batch, 4096)
        x = layers.Dropout(dropout, name=f"dropout{i}")(x)
    last = keras.initializers.RandomNormal(stddev=0.01)
    fc8 = layers.Dense(num_classes, classifier_activation, kernel_initializer=last, dtype="float32", name="fc8")
    return keras.Model(inputs, fc8(x), name=name)  # (batch, num_classes)
