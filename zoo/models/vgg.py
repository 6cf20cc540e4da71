"""VGG: nothing but 3x3 convolutions and 2x2 pools, 11 to 19 layers deep.

Simonyan and Zisserman 2014, Very deep convolutional networks for large-scale image recognition, arXiv:1409.1556.
Layers bear the names under which their trained weights are known: block1_conv1 ... block5_pool, fc1, fc2, predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras

PAPER = "Simonyan and Zisserman 2014, Very deep convolutional networks for large-scale image recognition"
FILTERS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # A, B, D, E
DEVIATIONS = (
    "weights start as in He et al. 2015, the output layer's near 0, no net from another (paper: the first and "
    "last layers from the trained net A; Glorot and Bengio 2010 named as another way)",
    "no L2 penalty inside the network: a recipe's weight_decay takes the place of the paper's 5e-4",
    "the mean RGB value is not subtracted inside the network; that is preprocessing",
)
TRIAL = {"input_shape": (32, 32, 3), "num_classes": 10, "width": 1 / 16}


@register(
    "vgg.11",
    family="vgg",
    year=2014,
    paper=PAPER,
    idea="Two 3x3 filters see as far as one of 5x5 and bend twice: depth in place of width (the paper's net A).",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=132_863_336,
    min_size=32,
    published={
        "parameters": "133 million",
        "ImageNet validation, one scale, top-1 error": "29.6 %",
        "ImageNet validation, one scale, top-5 error": "10.4 %",
    },
    deviations=DEVIATIONS,
    trial=TRIAL,
)
def vgg_11(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    batch_norm: bool = False,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "vgg_11",
) -> keras.Model:
    """VGG-11, column A of the paper's Table 1: 8 convolutions and 3 dense layers; arguments as of `vgg`."""
    return vgg(CONVOLUTIONS[11], input_shape, num_classes, classifier_activation, include_top, batch_norm, dropout,
               width, kernel_initializer=kernel_initializer, name=name)  # fmt: skip


@register(
    "vgg.13",
    family="vgg",
    year=2014,
    paper=PAPER,
    idea="VGG-11 with a second convolution in the first two blocks (the paper's net B).",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=133_047_848,
    min_size=32,
    published={
        "parameters": "133 million",
        "ImageNet validation, one scale, top-1 error": "28.7 %",
        "ImageNet validation, one scale, top-5 error": "9.9 %",
    },
    deviations=DEVIATIONS,
    trial=TRIAL,
)
def vgg_13(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    batch_norm: bool = False,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "vgg_13",
) -> keras.Model:
    """VGG-13, column B of the paper's Table 1: 10 convolutions and 3 dense layers; arguments as of `vgg`."""
    return vgg(CONVOLUTIONS[13], input_shape, num_classes, classifier_activation, include_top, batch_norm, dropout,
               width, kernel_initializer=kernel_initializer, name=name)  # fmt: skip


@register(
    "vgg.16",
    family="vgg",
    year=2014,
    paper=PAPER,
    idea="Thirteen 3x3 convolutions in five blocks, three dense layers: the base that transfer learning grew up on.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=138_357_544,
    min_size=32,
    published={
        "parameters": "138 million",
        "ImageNet validation, one scale, top-1 error": "27.0 %",
        "ImageNet validation, one scale, top-5 error": "8.8 %",
        "ImageNet validation, several scales in training, top-5 error": "8.1 %",
    },
    deviations=DEVIATIONS,
    trial=TRIAL,
)
def vgg_16(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    batch_norm: bool = False,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "vgg_16",
) -> keras.Model:
    """VGG-16, column D of the paper's Table 1: 13 convolutions and 3 dense layers; arguments as of `vgg`."""
    return vgg(CONVOLUTIONS[16], input_shape, num_classes, classifier_activation, include_top, batch_norm, dropout,
               width, kernel_initializer=kernel_initializer, name=name)  # fmt: skip


@register(
    "vgg.19",
    family="vgg",
    year=2014,
    paper=PAPER,
    idea="VGG-16 with a fourth convolution in the last three blocks: here depth stops paying (the paper's net E).",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=143_667_240,
    min_size=32,
    published={
        "parameters": "144 million",
        "ImageNet validation, one scale, top-1 error": "27.3 %",
        "ImageNet validation, one scale, top-5 error": "9.0 %",
        "ImageNet validation, several scales in training, top-5 error": "8.0 %",
    },
    deviations=DEVIATIONS,
    trial=TRIAL,
)
def vgg_19(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    batch_norm: bool = False,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "vgg_19",
) -> keras.Model:
    """VGG-19, column E of the paper's Table 1: 16 convolutions and 3 dense layers; arguments as of `vgg`."""
    return vgg(CONVOLUTIONS[19], input_shape, num_classes, classifier_activation, include_top, batch_norm, dropout,
               width, kernel_initializer=kernel_initializer, name=name)  # fmt: skip


@register(
    "vgg.small",
    family="vgg",
    year=2014,
    paper=PAPER,
    idea="VGG's blocks cut to images of 28 or 32 pixels, with batch normalisation: trains on a CPU in minutes.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=576_170,
    min_size=8,
    deviations=(
        "three blocks of 1, 2 and 2 convolutions with 32, 64 and 128 filters (paper: five blocks, 64 to 512)",
        "batch normalisation (Ioffe and Szegedy 2015) after each convolution, whose bias then is left out",
        "one dense layer of 256 units (paper: two of 4,096)",
        "weights start as in He et al. 2015, the output layer's near 0",
    ),
)
def vgg_small(
    input_shape: tuple[int, ...] = (28, 28, 1),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    batch_norm: bool = True,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str = "he_normal",
    name: str = "vgg_small",
) -> keras.Model:
    """Five convolutions and two dense layers, 576,170 parameters on 28x28x1; arguments as of `vgg`.

    28x28x1 -> 14x14x32 -> 7x7x64 -> 3x3x128 -> 1152 -> 256 -> 10.
    """
    return vgg((1, 2, 2), input_shape, num_classes, classifier_activation, include_top, batch_norm, dropout, width,
               (32, 64, 128), (256,), kernel_initializer, name)  # fmt: skip


def vgg(
    convolutions: Sequence[int],
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    include_top: bool = True,
    batch_norm: bool = False,
    dropout: float = 0.5,
    width: float = 1.0,
    filters: Sequence[int] = FILTERS,
    hidden_units: Sequence[int] = (4096, 4096),
    kernel_initializer: str = "he_normal",
    name: str = "vgg",
) -> keras.Model:
    """Blocks of 3x3 convolutions, each block ending in a 2x2 max pool, then dense layers.

    VGG-16 on 224x224x3: 112x112x64 -> 56x56x128 -> 28x28x256 -> 14x14x512 -> 7x7x512 -> 4096 -> 4096 -> 1000.

    Args:
        convolutions: how many in each block.
        input_shape: (height, width, channels), at least 2 ** blocks high and wide.
        include_top: with the dense layers; without them the output is the last pool's maps, (batch, 7, 7, 512), and
            `num_classes`, `classifier_activation` and `dropout` have no effect.
        batch_norm: normalise between convolution and activation (Ioffe and Szegedy 2015; not in the paper).
        dropout: share of each hidden dense layer's outputs dropped in training.
        width: factor on all filters and hidden units.
        filters: of each block's convolutions.
        kernel_initializer: of every layer but the output, by its Keras name.

    Raises:
        UsageError: a width that is not above 0.
    """
    import keras
    from keras import layers

    if width <= 0:
        raise UsageError(f"width is a factor above 0, not {width}")

    def scaled(units: int) -> int:
        return max(1, round(units * width))

    inputs = x = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    for block, (count, maps) in enumerate(zip(convolutions, filters, strict=True), start=1):
        for i in range(1, count + 1):
            x = layers.Conv2D(
                scaled(maps),
                3,
                padding="same",
                use_bias=not batch_norm,
                kernel_initializer=kernel_initializer,
                name=f"block{block}_conv{i}",
            )(x)
            if batch_norm:
                x = layers.BatchNormalization(name=f"block{block}_norm{i}")(x)
            x = layers.Activation("relu", name=f"block{block}_relu{i}")(x)
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)  # (batch, height / 2, width / 2, maps)
    if not include_top:
        return keras.Model(inputs, x, name=name)
    x = layers.Flatten(name="flatten")(x)  # (batch, 25088)
    for i, units in enumerate(hidden_units, start=1):
        x = layers.Dense(scaled(units), activation="relu", kernel_initializer=kernel_initializer, name=f"fc{i}")(x)
        x = layers.Dropout(dropout, name=f"dropout{i}")(x)  # (batch, 4096)
    outputs = layers.Dense(
        num_classes,
        activation=classifier_activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="predictions",
    )(x)  # (batch, num_classes)
    return keras.Model(inputs, outputs, name=name)
