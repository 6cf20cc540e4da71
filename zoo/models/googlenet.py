"""GoogLeNet (Inception v1): every module looks at several sizes at once, and 1x1 convolutions keep that cheap.

Szegedy et al. 2015, Going deeper with convolutions, CVPR, arXiv:1409.4842. Table 1 is the network: modules are called
3a ... 5b as there, their branches after the filters' sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.pooled_head import classes_of, ended
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

PAPER = "Szegedy et al. 2015, Going deeper with convolutions"
PUBLISHED = {
    "ImageNet 2014, seven nets, 144 crops, top-5 error": "6.67 %",
    "ImageNet 2014 validation, one net, one crop, top-5 error": "10.07 %",
    "torchvision's weights, ImageNet validation, top-1 accuracy": "69.8 %",
}
DEVIATIONS = (
    "weights start as in He et al. 2015, the output layers' near 0 (the paper does not say)",
    "local response normalisation has AlexNet's constants, which the paper does not give",
)

# Table 1: filters of 1x1; of 1x1 before 3x3, and of 3x3; of 1x1 before 5x5, and of 5x5; of 1x1 behind the pool
MODULES: dict[str, tuple[int, int, int, int, int, int]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
ENDS = ("3b", "4e")  # a pool follows
AUXILIARY = {"auxiliary1": "4a", "auxiliary2": "4d"}  # classifiers in the middle -> the module that they look at
WEIGHTS = dict.fromkeys(AUXILIARY, 0.3)  # of their losses


@register(
    "googlenet",
    family="googlenet",
    year=2014,
    paper=PAPER,
    idea="Filters of several sizes side by side in nine modules, narrowed by 1x1: 22 layers with a ninth of AlexNet's "
    "weights.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=6_998_552,
    min_size=32,
    published=PUBLISHED,
    deviations=(*DEVIATIONS, "without the two auxiliary classifiers, which only training knows: googlenet.auxiliary"),
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.01},
    trial={"input_shape": (32, 32, 3), "num_classes": 10, "width": 1 / 8},
)
def googlenet(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    dropout: float = 0.4,
    width: float = 1.0,
    name: str = "googlenet",
) -> keras.Model:
    """GoogLeNet with its true 5x5 filters: 6,998,552 parameters (6,624,904 where, as in torchvision, they are 3x3).

    224x224x3 -> 112x112x64 -> 56x56x192 -> 28x28x480 -> 14x14x832 -> 7x7x1024 -> averaged: 1024 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 32x32.
        include_top: with the mean over positions and the output layer; without, the maps of 5b, (batch, 7, 7, 1024).
        dropout: share of the averaged features dropped in training.
        width: factor on all filters.

    Raises:
        UsageError: a width that is not above 0.

    Source: Szegedy et al. 2015, table 1.
    """
    import keras

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    maps = modules(stem(inputs, width), width)
    return ended(inputs, maps["5b"], num_classes, classifier_activation, include_top, dropout, name)


@register(
    "googlenet.auxiliary",
    family="googlenet",
    year=2014,
    paper=PAPER,
    idea="GoogLeNet as it was trained: two classifiers in the middle learn too, for gradients in the first half.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=13_378_280,
    min_size=65,
    published=PUBLISHED,
    deviations=DEVIATIONS,
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.01},
    trial={"input_shape": (65, 65, 3), "num_classes": 10, "width": 1 / 16},
    auxiliary=WEIGHTS,
)
def googlenet_auxiliary(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    dropout: float = 0.4,
    width: float = 1.0,
    name: str = "googlenet_auxiliary",
) -> keras.Model:
    """GoogLeNet with its two auxiliary classifiers: 13,378,280 parameters, 6,998,552 of which stay after training.

    Outputs `predictions`, `auxiliary1` (behind 4a) and `auxiliary2` (behind 4d), a mapping of (batch, num_classes). In
    `zoo run` the auxiliary ones learn the same target with 0.3 of its loss, and are left away when training is over.

    Args:
        input_shape: (height, width, channels), at least 65x65.
        dropout, width: as of `googlenet`.

    Source: Szegedy et al. 2015, section 5.
    """
    import keras

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    maps = modules(stem(inputs, width), width)
    further = {
        at: auxiliary(maps[module], num_classes, classifier_activation, width, False, at)
        for at, module in AUXILIARY.items()
    }
    outputs = {"predictions": classes_of(maps["5b"], num_classes, classifier_activation, dropout), **further}
    return keras.Model(inputs, outputs, name=name)


@register(
    "googlenet.small",
    family="googlenet",
    year=2014,
    paper=PAPER,
    idea="GoogLeNet's nine modules at a quarter of the width for images of 32 pixels, normalised: trains on a CPU.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=382_266,
    min_size=8,
    deviations=(
        "two 3x3 convolutions in place of the stem, which would leave 4x4 of 32x32 pixels",
        "a quarter of the filters",
        "batch normalisation (Ioffe and Szegedy 2015) after each convolution, no local response normalisation",
        "weights start as in He et al. 2015, the output layer's near 0",
    ),
    trial={"input_shape": (16, 16, 3), "width": 1 / 16},
    auxiliary=WEIGHTS,
)
def googlenet_small(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    dropout: float = 0.4,
    width: float = 0.25,
    auxiliary_classifiers: bool = False,
    name: str = "googlenet_small",
) -> keras.Model:
    """Nine modules on 32x32 pixels; arguments as of `googlenet`, and with `auxiliary_classifiers` its further outputs.

    32x32x3 -> 32x32x48 -> 16x16x120 -> 8x8x208 -> 4x4x256 -> averaged: 256 -> 10.
    """
    import keras

    inputs = x = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    for i, filters in ((1, 64), (2, 192)):
        x = convolve(x, scaled(filters, width), 3, f"conv{i}", batch_norm=True)  # (batch, 32, 32, 16), then 48
    x = keras.layers.MaxPooling2D(3, 2, "same", name="pool2")(x)  # (batch, 16, 16, 48)
    maps = modules(x, width, batch_norm=True)
    whole = ended(
        inputs, maps["5b"], num_classes, classifier_activation, include_top, dropout, name
    )  # (batch, 4, 4, 256)
    if not (auxiliary_classifiers and include_top):
        return whole
    further = {
        at: auxiliary(maps[module], num_classes, classifier_activation, width, True, at)
        for at, module in AUXILIARY.items()
    }
    return keras.Model(inputs, {"predictions": whole.output, **further}, name=name)


def auxiliary(
    x: keras.KerasTensor, num_classes: int, activation: str, width: float, batch_norm: bool, name: str
) -> keras.KerasTensor:
    """A classifier on the maps of a module, section 5: (batch, 14, 14, 512) -> (batch, num_classes)."""
    import keras
    from keras import layers

    x = layers.AveragePooling2D(5, 3, "valid" if min(x.shape[1:3]) >= 5 else "same", name=f"{name}_pool")(x)
    x = convolve(x, scaled(128, width), 1, f"{name}_conv", batch_norm=batch_norm)  # (batch, 4, 4, 128)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(scaled(1024, width), "relu", kernel_initializer="he_normal", name=f"{name}_fc")(x)  # (batch, 1024)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    near_zero = keras.initializers.RandomNormal(stddev=0.01)
    return layers.Dense(num_classes, activation, kernel_initializer=near_zero, dtype="float32", name=name)(x)


def stem(x: keras.KerasTensor, width: float) -> keras.KerasTensor:
    """What is in front of the modules: (batch, 224, 224, 3) -> (batch, 28, 28, 192)."""
    from keras import layers

    from zoo.layers import LocalResponseNormalization

    x = convolve(x, scaled(64, width), 7, "conv1", strides=2)  # (batch, 112, 112, 64)
    x = layers.MaxPooling2D(3, 2, "same", name="pool1")(x)  # (batch, 56, 56, 64)
    x = LocalResponseNormalization(name="norm1")(x)
    x = convolve(x, scaled(64, width), 1, "conv2_reduce")
    x = convolve(x, scaled(192, width), 3, "conv2")  # (batch, 56, 56, 192)
    x = LocalResponseNormalization(name="norm2")(x)
    return layers.MaxPooling2D(3, 2, "same", name="pool2")(x)  # (batch, 28, 28, 192)


def modules(x: keras.KerasTensor, width: float, batch_norm: bool = False) -> Mapping[str, keras.KerasTensor]:
    """The nine modules and the pools between them; each module's maps by its name."""
    from keras import layers

    found = {}
    for module, filters in MODULES.items():
        x = found[module] = inception(x, filters, width, batch_norm, f"inception_{module}")
        if module in ENDS:
            x = layers.MaxPooling2D(3, 2, "same", name=f"pool{module[0]}")(x)  # (batch, 14, 14, 480), (.., 7, 7, 832)
    return found


def inception(
    x: keras.KerasTensor, filters: tuple[int, int, int, int, int, int], width: float, batch_norm: bool, name: str
) -> keras.KerasTensor:
    """Figure 2b: four branches side by side, (batch, 28, 28, 192) -> (batch, 28, 28, 64 + 128 + 32 + 32)."""
    from keras import layers

    def branch(x: keras.KerasTensor, maps: int, kernel: int, at: str) -> keras.KerasTensor:
        return convolve(x, scaled(maps, width), kernel, f"{name}_{at}", batch_norm=batch_norm)

    one, reduce3, three, reduce5, five, behind = filters
    pooled = layers.MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x)
    branches = [
        branch(x, one, 1, "1x1"),
        branch(branch(x, reduce3, 1, "3x3_reduce"), three, 3, "3x3"),
        branch(branch(x, reduce5, 1, "5x5_reduce"), five, 5, "5x5"),
        branch(pooled, behind, 1, "pool_proj"),
    ]
    return layers.Concatenate(name=name)(branches)


def convolve(
    x: keras.KerasTensor, filters: int, kernel: int, name: str, strides: int = 1, batch_norm: bool = False
) -> keras.KerasTensor:
    """A padded convolution with ReLU, normalised between the two where asked for."""
    from keras import layers

    conv = layers.Conv2D(
        filters, kernel, strides, "same", use_bias=not batch_norm, kernel_initializer="he_normal", name=name
    )
    x = conv(x)
    if batch_norm:
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)
