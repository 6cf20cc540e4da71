"""AlexNet: the net that won ImageNet in 2012 and turned computer vision to deep learning.

Krizhevsky, Sutskever and Hinton 2012, ImageNet classification with deep convolutional neural networks, NIPS.
Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997: as one tower.
Layers are numbered as in the papers: conv1 ... conv5, fc6, fc7, and the output fc8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from zoo.catalogue.registry import register
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

PAPER = "Krizhevsky, Sutskever and Hinton 2012, ImageNet classification with deep convolutional neural networks"
ONE_TOWER = "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks"


class Layout(NamedTuple):
    """What the variants differ in: the first convolution and its padding, filters, halves and units."""

    kernel: int
    strides: int
    padding: int
    filters: tuple[int, int, int, int, int]
    halves: tuple[str, ...] = ("",)  # names of towers side by side, which see each other in conv3 and fc6
    hidden_units: tuple[int, int] = (4096, 4096)
    local_response: bool = False


TWO_HALVES = Layout(11, 4, 0, (96, 256, 384, 384, 256), halves=("a", "b"), local_response=True)
TOWER = Layout(11, 4, 2, (64, 192, 384, 256, 256))
SMALL = Layout(5, 1, 2, (48, 96, 128, 128, 96), hidden_units=(512, 512))


@register(
    "alexnet.2012",
    family="alexnet",
    year=2012,
    paper=PAPER,
    idea="LeNet's plan at eight layers, with ReLU, dropout and two GPUs: 15 % of errors where others had 26 %.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=60_965_224,
    min_size=67,
    published={
        "parameters": "60 million",
        "ImageNet 2010 test, top-1 error": "37.5 %",
        "ImageNet 2010 test, top-5 error": "17.0 %",
        "ImageNet 2012 validation, one net, top-1 error": "40.7 %",
        "ImageNet 2012 validation, one net, top-5 error": "18.2 %",
    },
    deviations=(
        "227x227 pixels: the paper says 224, from which its own 55x55 maps do not come out",
        "the two halves compute on one device, not on two GPUs",
        "no colour noise along the principal components of RGB; that is augmentation",
        "a weight decay of 0.005 beside the momentum (paper: 0.0005 inside of it, which makes ten times of it)",
    ),
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.01, "weight_decay": 0.005},
    trial={"input_shape": (67, 67, 3), "num_classes": 10, "width": 1 / 16, "kernel_initializer": "he_normal"},
)
def alexnet_2012(
    input_shape: tuple[int, ...] = (227, 227, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str | None = None,
    name: str = "alexnet_2012",
) -> keras.Model:
    """AlexNet as printed, in two halves: 60,965,224 parameters; conv2, conv4 and conv5 see only their own half.

    227x227x3 -> 55x55x96 -> 27x27x256 -> 13x13x384 -> 13x13x384 -> 13x13x256 -> 6x6x256 -> 4096 -> 4096 -> 1000.
    Each half has half of these maps (conv1a, conv1b ...); conv3 and fc6 see both. Local response normalisation follows
    the ReLU of conv1 and conv2, in each half by itself; pools are 3x3 with stride 2, so they overlap.

    Args:
        input_shape, include_top, dropout, width: as of `alexnet`.
        kernel_initializer: of all layers but the output, by its Keras name. None: as printed, a normal distribution of
            deviation 0.01, and biases of 1 in conv2, conv4, conv5, fc6 and fc7.

    Source: Krizhevsky et al. 2012, sections 3 and 5.
    """
    return build(TWO_HALVES, input_shape, num_classes, classifier_activation, include_top, dropout, width,
                 kernel_initializer, name)  # fmt: skip


@register(
    "alexnet",
    family="alexnet",
    year=2014,
    paper=ONE_TOWER,
    idea="AlexNet as usually built today: one tower, no normalisation, slightly fewer filters.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=61_100_840,
    min_size=63,
    published={"torchvision's weights, ImageNet validation, top-1 accuracy": "56.5 %"},
    deviations=(
        "weights start as in He et al. 2015 (paper: as in AlexNet, a normal distribution of deviation 0.01)",
        "384, 256 and 256 filters in conv3 to conv5, as torchvision has them (paper: 384, 384 and 256)",
    ),
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.01, "weight_decay": 0.005},
    trial={"input_shape": (63, 63, 3), "num_classes": 10, "width": 1 / 16},
)
def alexnet(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str | None = "he_normal",
    name: str = "alexnet",
) -> keras.Model:
    """AlexNet as one tower, with 61,100,840 parameters, as many as torchvision's.

    224x224x3 -> 55x55x64 -> 27x27x192 -> 13x13x384 -> 13x13x256 -> 13x13x256 -> 6x6x256 -> 4096 -> 4096 -> 1000.
    conv1 is padded by 2 pixels; on 227x227 pixels its maps are 56x56, and all later ones as above.

    Args:
        input_shape: (height, width, channels), at least 63x63.
        include_top: with the dense layers; without them the output is the last pool's maps, (batch, 6, 6, 256).
        dropout: share of the inputs of fc6 and fc7, or of their outputs in `alexnet.2012`, dropped in training.
        width: factor on all filters and hidden units.
        kernel_initializer: of all layers but the output, by its Keras name; None as of `alexnet.2012`.

    Raises:
        UsageError: a width that is not above 0.

    Source: Krizhevsky 2014.
    """
    return build(TOWER, input_shape, num_classes, classifier_activation, include_top, dropout, width,
                 kernel_initializer, name)  # fmt: skip


@register(
    "alexnet.small",
    family="alexnet",
    year=2012,
    paper=PAPER,
    idea="AlexNet's eight layers for images of 32 pixels: small first filters, few maps; trains on a CPU.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=1_198_602,
    min_size=15,
    deviations=(
        "a first convolution of 5x5 with stride 1 (paper: 11x11 with stride 4)",
        "48, 96, 128, 128 and 96 filters and 512 hidden units (paper: 96 to 384 and 4,096), one tower",
        "no local response normalisation",
        "weights start as in He et al. 2015",
    ),
)
def alexnet_small(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    dropout: float = 0.5,
    width: float = 1.0,
    kernel_initializer: str | None = "he_normal",
    name: str = "alexnet_small",
) -> keras.Model:
    """AlexNet's plan on 32x32 pixels; arguments as of `alexnet`.

    32x32x3 -> 32x32x48 -> 15x15x96 -> 7x7x128 -> 7x7x128 -> 7x7x96 -> 3x3x96 -> 512 -> 512 -> 10.
    """
    return build(SMALL, input_shape, num_classes, classifier_activation, include_top, dropout, width,
                 kernel_initializer, name)  # fmt: skip


def build(
    layout: Layout,
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    include_top: bool,
    dropout: float,
    width: float,
    kernel_initializer: str | None,
    name: str,
) -> keras.Model:
    """Five convolutions, three of them before a pool, in one tower or two; and three dense layers."""
    import keras
    from keras import layers

    from zoo.layers import LocalResponseNormalization

    start = kernel_initializer or keras.initializers.RandomNormal(stddev=0.01)
    ones = "zeros" if kernel_initializer else "ones"  # the paper's biases, where its weights are wanted

    def convolve(x: keras.KerasTensor, i: int, half: str) -> keras.KerasTensor:
        x = layers.Conv2D(
            scaled(layout.filters[i - 1] // len(layout.halves), width),
            {1: layout.kernel, 2: 5}.get(i, 3),
            strides=layout.strides if i == 1 else 1,
            padding="valid" if i == 1 else "same",
            kernel_initializer=start,
            bias_initializer=ones if i in (2, 4, 5) else "zeros",
            name=f"conv{i}{half}",
        )(x)  # (batch, 55, 55, 96), (batch, 27, 27, 256), then (batch, 13, 13, 384), 384, 256
        x = layers.Activation("relu", name=f"relu{i}{half}")(x)
        if i <= 2 and layout.local_response:
            x = LocalResponseNormalization(name=f"norm{i}{half}")(x)
        if i in (1, 2, 5):
            x = layers.MaxPooling2D(3, 2, name=f"pool{i}{half}")(x)  # (.., 27, 27, 96), .., (.., 6, 6, 256)
        return x

    def joined(towers: list[keras.KerasTensor], name: str) -> keras.KerasTensor:
        return layers.Concatenate(name=name)(towers) if len(towers) > 1 else towers[0]

    inputs = x = keras.Input(input_shape, name="input")  # (batch, 227, 227, 3)
    if layout.padding:
        x = layers.ZeroPadding2D(layout.padding, name="conv1_pad")(x)
    towers = [x for _ in layout.halves]
    for i in range(1, 6):
        if i == 3:
            towers = [joined(towers, "both2")] * len(towers)
        towers = [convolve(x, i, half) for x, half in zip(towers, layout.halves, strict=True)]
    x = joined(towers, "both5")
    if not include_top:
        return keras.Model(inputs, x, name=name)
    x = layers.Flatten(name="flatten")(x)  # (batch, 9216)
    for i, units in enumerate(layout.hidden_units, start=6):
        x = layers.Dense(
            scaled(units, width), activation="relu", kernel_initializer=start, bias_initializer=ones, name=f"fc{i}"
        )(x)  # (batch, 4096)
        x = layers.Dropout(dropout, name=f"dropout{i}")(x)
    last = keras.initializers.RandomNormal(stddev=0.01)
    fc8 = layers.Dense(num_classes, classifier_activation, kernel_initializer=last, dtype="float32", name="fc8")
    return keras.Model(inputs, fc8(x), name=name)  # (batch, num_classes)
