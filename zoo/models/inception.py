"""Inception v3: large filters taken apart, 5x5 into two of 3x3 and 7x7 into 1x7 and 7x1, each one normalised.

Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, Rethinking the Inception architecture for computer vision, CVPR,
arXiv:1512.00567. Modules are called mixed0 ... mixed10, as in keras.applications.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.pooled_head import ended
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

PAPER = "Szegedy et al. 2016, Rethinking the Inception architecture for computer vision"
SMALL_PAPER = (
    "Zhang, Bengio, Hardt, Recht and Vinyals 2017, Understanding deep learning requires rethinking generalization"
)


@register(
    "inception.v3",
    family="inception",
    year=2015,
    paper=PAPER,
    idea="Modules of factorised filters, batch normalisation and careful halving of the maps: 42 layers deep, cheap.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=23_851_784,
    min_size=75,
    published={
        "parameters that learn": "23,817,352",
        "ImageNet 2012 validation, one net, one crop, top-1 error": "21.2 %",
        "ImageNet 2012 validation, one net, one crop, top-5 error": "5.6 %",
    },
    deviations=(
        "layers as in the weights that were published, which differ from the paper's table 1 in the first convolutions",
        "no auxiliary classifier, which only training knows",
        "no label smoothing inside the network",
    ),
    trial={"input_shape": (75, 75, 3), "num_classes": 10, "width": 1 / 16},
)
def inception_v3(
    input_shape: tuple[int, ...] = (299, 299, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "inception_v3",
) -> keras.Model:
    """Inception v3 as published weights have it: 23,851,784 parameters, 23,817,352 of which learn.

    299x299x3 -> 35x35x192 -> 35x35x288 -> 17x17x768 -> 8x8x2048 -> averaged: 2048 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 75x75.
        include_top: with the mean over positions and the output layer; without, the maps, (batch, 8, 8, 2048).
        width: factor on all filters.

    Source: Szegedy et al. 2016, section 6; normalisation without a scale.
    """
    import keras
    from keras import layers

    def conv(
        x: keras.KerasTensor, filters: int, size: tuple[int, int], at: str, strides: int = 1, padding: str = "same"
    ) -> keras.KerasTensor:
        x = layers.Conv2D(scaled(filters, width), size, strides, padding, use_bias=False, name=at)(x)
        x = layers.BatchNormalization(scale=False, name=f"{at}_norm")(x)
        return layers.Activation("relu", name=f"{at}_relu")(x)

    def chain(x: keras.KerasTensor, at: str, *steps: tuple[int, tuple[int, int]]) -> keras.KerasTensor:
        for i, (filters, size) in enumerate(steps, start=1):
            x = conv(x, filters, size, f"{at}_{i}")
        return x

    def pooled(x: keras.KerasTensor, filters: int, at: str) -> keras.KerasTensor:
        x = layers.AveragePooling2D(3, 1, "same", name=f"{at}_pool")(x)
        return conv(x, filters, (1, 1), f"{at}_pool_1x1")

    inputs = keras.Input(input_shape, name="input")  # (batch, 299, 299, 3)
    x = conv(inputs, 32, (3, 3), "conv1", 2, "valid")  # (batch, 149, 149, 32)
    x = conv(x, 32, (3, 3), "conv2", padding="valid")  # (batch, 147, 147, 32)
    x = conv(x, 64, (3, 3), "conv3")
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # (batch, 73, 73, 64)
    x = conv(x, 80, (1, 1), "conv4", padding="valid")
    x = conv(x, 192, (3, 3), "conv5", padding="valid")  # (batch, 71, 71, 192)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)  # (batch, 35, 35, 192)

    for i, behind in enumerate((32, 64, 64)):  # figure 5: (batch, 35, 35, 256), then 288
        at = f"mixed{i}"
        branches = [
            conv(x, 64, (1, 1), f"{at}_1x1"),
            chain(x, f"{at}_5x5", (48, (1, 1)), (64, (5, 5))),
            chain(x, f"{at}_3x3", (64, (1, 1)), (96, (3, 3)), (96, (3, 3))),
            pooled(x, behind, at),
        ]
        x = layers.Concatenate(name=at)(branches)

    halved = [  # figure 10: (batch, 17, 17, 768)
        conv(x, 384, (3, 3), "mixed3_3x3", 2, "valid"),
        conv(chain(x, "mixed3_double", (64, (1, 1)), (96, (3, 3))), 96, (3, 3), "mixed3_double_3", 2, "valid"),
        layers.MaxPooling2D(3, 2, name="mixed3_pool")(x),
    ]
    x = layers.Concatenate(name="mixed3")(halved)

    for i, inner in enumerate((128, 160, 160, 192), start=4):  # figure 6: (batch, 17, 17, 768)
        at = f"mixed{i}"
        branches = [
            conv(x, 192, (1, 1), f"{at}_1x1"),
            chain(x, f"{at}_7x7", (inner, (1, 1)), (inner, (1, 7)), (192, (7, 1))),
            chain(x, f"{at}_double", (inner, (1, 1)), (inner, (7, 1)), (inner, (1, 7)), (inner, (7, 1)), (192, (1, 7))),
            pooled(x, 192, at),
        ]
        x = layers.Concatenate(name=at)(branches)

    halved = [  # (batch, 8, 8, 1280)
        conv(chain(x, "mixed8_3x3", (192, (1, 1))), 320, (3, 3), "mixed8_3x3_2", 2, "valid"),
        conv(
            chain(x, "mixed8_7x7", (192, (1, 1)), (192, (1, 7)), (192, (7, 1))), 192, (3, 3), "mixed8_7x7_4", 2, "valid"
        ),
        layers.MaxPooling2D(3, 2, name="mixed8_pool")(x),
    ]
    x = layers.Concatenate(name="mixed8")(halved)

    for at in ("mixed9", "mixed10"):  # figure 7: (batch, 8, 8, 2048)
        wide = conv(x, 384, (1, 1), f"{at}_3x3")
        double = chain(x, f"{at}_double", (448, (1, 1)), (384, (3, 3)))
        branches = [
            conv(x, 320, (1, 1), f"{at}_1x1"),
            *(conv(wide, 384, size, f"{at}_3x3_{size[0]}x{size[1]}") for size in ((1, 3), (3, 1))),
            *(conv(double, 384, size, f"{at}_double_{size[0]}x{size[1]}") for size in ((1, 3), (3, 1))),
            pooled(x, 192, at),
        ]
        x = layers.Concatenate(name=at)(branches)

    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)


# Figure 3 of Zhang et al.: filters of the 1x1 and the 3x3 branch of each module; a number alone halves the maps
SMALL: tuple[int | tuple[int, int], ...] = (
    (32, 32),
    (32, 48),
    80,
    (112, 48),
    (96, 64),
    (80, 80),
    (48, 96),
    96,
    (176, 160),
    (176, 160),
)


@register(
    "inception.small",
    family="inception",
    year=2016,
    paper=SMALL_PAPER,
    idea="Inception cut to images of 28 to 32 pixels, modules of two branches: it learns CIFAR-10 by heart, labels "
    "shuffled or not.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=1_652_826,
    min_size=8,
    published={
        "parameters": "1,649,402",
        "CIFAR-10 test accuracy, with random crops and weight decay": "89.05 %",
    },
    deviations=("any size of image (paper: the middle 28x28 pixels, each image standardised by itself)",),
    trial={"input_shape": (16, 16, 3), "width": 1 / 8},
)
def inception_small(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "inception_small",
) -> keras.Model:
    """The small Inception of Zhang et al. 2017: modules of a 1x1 and a 3x3 convolution, maps halved twice.

    32x32x3 -> 32x32x96 -> 32x32x80 -> 16x16x160 -> 16x16x144 -> 8x8x240 -> 8x8x336 -> averaged: 336 -> 10.

    Args:
        input_shape, include_top, width: as of `inception.v3`; at least 8x8.

    Source: Zhang et al. 2017, figure 3; normalisation without a scale, from which the paper's count comes out.
    """
    import keras
    from keras import layers

    def conv(x: keras.KerasTensor, filters: int, size: int, at: str, strides: int = 1) -> keras.KerasTensor:
        conv = layers.Conv2D(
            scaled(filters, width), size, strides, "same", use_bias=False, kernel_initializer="he_normal", name=at
        )
        x = layers.BatchNormalization(scale=False, name=f"{at}_norm")(conv(x))
        return layers.Activation("relu", name=f"{at}_relu")(x)

    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    x = conv(inputs, 96, 3, "conv1")  # (batch, 32, 32, 96)
    for i, filters in enumerate(SMALL, start=1):
        at = f"module{i}"
        if isinstance(filters, tuple):
            branches = [conv(x, filters[0], 1, f"{at}_1x1"), conv(x, filters[1], 3, f"{at}_3x3")]
        else:
            branches = [conv(x, filters, 3, f"{at}_3x3", 2), layers.MaxPooling2D(3, 2, "same", name=f"{at}_pool")(x)]
        x = layers.Concatenate(name=at)(branches)  # (batch, 32, 32, 64), 80; (.., 16, 16, 160) ... (.., 8, 8, 336)
    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)
