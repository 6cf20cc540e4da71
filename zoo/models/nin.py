"""Network in network: a small net slides over the image in place of each filter, and no dense layer ends it.

Lin, Chen and Yan 2014, Network in network, ICLR, arXiv:1312.4400. Layers bear the names of the authors' own
definitions: conv1 ... conv4, cccp1 ... cccp8 ("cascaded cross channel parametric pooling", a 1x1 convolution).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zoo.catalogue.registry import register
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

PAPER = "Lin, Chen and Yan 2014, Network in network"


class Block(NamedTuple):
    """One convolution, the 1x1 convolutions behind it, and the pool that ends the block."""

    filters: int
    kernel: int
    strides: int
    padding: str
    pointwise: tuple[int, ...]
    pool: str = ""
    dropout: bool = False


IMAGENET = (
    Block(96, 11, 4, "valid", (96, 96), "max"),
    Block(256, 5, 1, "same", (256, 256), "max"),
    Block(384, 3, 1, "same", (384, 384), "max", dropout=True),
    Block(1024, 3, 1, "same", (1024,)),
)
CIFAR = (
    Block(192, 5, 1, "same", (160, 96), "max", dropout=True),
    Block(192, 5, 1, "same", (192, 192), "average", dropout=True),
    Block(192, 3, 1, "same", (192,)),
)


@register(
    "nin",
    family="nin",
    year=2013,
    paper=PAPER,
    idea="1x1 convolutions mix the maps at each place, and the mean of a class's own map is its score: few weights.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=7_595_176,
    min_size=51,
    published={"the authors' ImageNet model, validation, top-1 accuracy": "59.36 %"},
    deviations=(
        "weights start as in He et al. 2015, those that give the scores near 0",
        "no ReLU on the classes' maps (the authors' definition has one): a map of zeros stops learning",
    ),
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.01, "weight_decay": 0.005},
    trial={"input_shape": (51, 51, 3), "num_classes": 10, "width": 1 / 8, "dropout": 0.0},
)
def nin(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "nin",
) -> keras.Model:
    """The authors' net for ImageNet, four blocks: 7,595,176 parameters.

    224x224x3 -> 54x54x96 -> 27x27x256 -> 13x13x384 -> 6x6x1024 -> 6x6x1000 -> averaged: 1000.

    Args:
        input_shape: (height, width, channels), at least 51x51.
        dropout: share of the inputs of the last block dropped in training.
        width: factor on all filters but the classes' own.
        kernel_initializer: of all layers but the last convolution, by its Keras name.

    Raises:
        UsageError: a width that is not above 0.

    Source: Lin et al. 2014; sizes from the authors' definition for Caffe.
    """
    return build(IMAGENET, input_shape, num_classes, classifier_activation, dropout, width, kernel_initializer, name)


@register(
    "nin.cifar",
    family="nin",
    year=2013,
    paper=PAPER,
    idea="Network in network as its authors ran it on CIFAR-10: three blocks, under a million weights.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=966_986,
    min_size=8,
    published={
        "CIFAR-10 test error": "10.41 %",
        "CIFAR-10 test error, with shifted and mirrored training images": "8.81 %",
    },
    deviations=(
        "weights start as in He et al. 2015, those that give the scores near 0 (authors: deviation 0.05)",
        "no ReLU on the classes' maps (the authors' definition has one): a map of zeros stops learning",
    ),
    trial={"input_shape": (8, 8, 3), "width": 1 / 8, "dropout": 0.0},
)
def nin_cifar(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "nin_cifar",
) -> keras.Model:
    """The authors' net for CIFAR-10: 966,986 parameters; arguments as of `nin`, `dropout` behind both pools.

    32x32x3 -> 32x32x192 -> 32x32x96 -> 16x16x192 -> 8x8x192 -> 8x8x10 -> averaged: 10.
    """
    return build(CIFAR, input_shape, num_classes, classifier_activation, dropout, width, kernel_initializer, name)


def build(
    blocks: Sequence[Block],
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    dropout: float,
    width: float,
    kernel_initializer: str,
    name: str,
) -> keras.Model:
    """Blocks of a convolution and 1x1 convolutions; a last 1x1 convolution has one map a class, whose mean counts."""
    import keras
    from keras import layers

    pools = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}

    def convolve(
        x: keras.KerasTensor, filters: int, kernel: int, strides: int, padding: str, name: str
    ) -> keras.KerasTensor:
        conv = layers.Conv2D(
            scaled(filters, width), kernel, strides, padding, kernel_initializer=kernel_initializer, name=name
        )
        x = conv(x)
        return layers.Activation("relu", name=f"{name}_relu")(x)

    inputs = x = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    pointwise = 0
    for i, block in enumerate(blocks, start=1):
        x = convolve(x, block.filters, block.kernel, block.strides, block.padding, f"conv{i}")  # (batch, 32, 32, 192)
        for filters in block.pointwise:
            pointwise += 1
            x = convolve(x, filters, 1, 1, "valid", f"cccp{pointwise}")  # (batch, 32, 32, 160), then 96
        if block.pool:
            rounds_up = "valid" if x.shape[1] % 2 else "same"  # 54 -> 27 and 27 -> 13, as the authors' pools do
            x = pools[block.pool](3, 2, rounds_up, name=f"pool{i}")(x)  # (batch, 16, 16, 96)
        if block.dropout:
            x = layers.Dropout(dropout, name=f"dropout{i}")(x)
    near_zero = keras.initializers.RandomNormal(stddev=0.01)
    x = layers.Conv2D(num_classes, 1, kernel_initializer=near_zero, name=f"cccp{pointwise + 1}")(x)  # (batch, 8, 8, 10)
    x = layers.GlobalAveragePooling2D(dtype="float32", name="average")(x)  # (batch, num_classes)
    outputs = layers.Activation(classifier_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)
