"""ResNet v2: normalise and bend before each convolution, and leave the shortcut alone from the first block to the last.

He, Zhang, Ren and Sun 2016, Identity mappings in deep residual networks, ECCV, arXiv:1603.05027. The nets for ImageNet
are laid out as in the weights that were published (TF-Slim, keras.applications): a stage's last block has the stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.catalogue.registry import register
from zoo.models.pooled_head import ended
from zoo.models.resnet import BLOCKS, PENALTY
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

PAPER = "He, Zhang, Ren and Sun 2016, Identity mappings in deep residual networks"
RECORD: dict[str, Any] = {
    "family": "resnet",
    "year": 2016,
    "paper": PAPER,
    "inputs": ("image",),
    "defaults": {"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.1, "weight_decay": 0.001},
}
IMAGENET: dict[str, Any] = {
    **RECORD,
    "min_size": 32,
    "deviations": (PENALTY, "strides in a stage's last block, as in TF-Slim (paper: in the first)"),
    "trial": {"input_shape": (32, 32, 3), "num_classes": 10, "width": 1 / 16},
}
CIFAR: dict[str, Any] = {
    **RECORD,
    "min_size": 8,
    "deviations": (PENALTY,),
    "trial": {"input_shape": (8, 8, 3), "width": 1 / 4},
}


@register(
    "resnet.v2.50",
    idea="ResNet-50 whose shortcut nothing touches: signals pass from any block to any other as they are.",
    params=25_613_800,
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_v2_50(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_50",
) -> keras.Model:
    """ResNet-50 with pre-activation; arguments as of `resnet_v2`."""
    return resnet_v2(BLOCKS[50], input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.v2.101",
    idea="ResNet-101 with the order of normalisation, ReLU and convolution turned round.",
    params=44_675_560,
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_v2_101(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_101",
) -> keras.Model:
    """ResNet-101 with pre-activation; arguments as of `resnet_v2`."""
    return resnet_v2(BLOCKS[101], input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.v2.152",
    idea="ResNet-152 with the order of normalisation, ReLU and convolution turned round.",
    params=60_380_648,
    published={"ImageNet validation, one crop of 320x320, top-1 error": "21.1 %", "the same, top-5 error": "5.5 %"},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_v2_152(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_152",
) -> keras.Model:
    """ResNet-152 with pre-activation; arguments as of `resnet_v2`."""
    return resnet_v2(BLOCKS[152], input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.v2.20",
    idea="ResNet-20 with its blocks turned round: normalise, bend, convolve.",
    params=271_098,
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_v2_20(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_20",
) -> keras.Model:
    """ResNet-20 with pre-activation for 32x32 pixels; arguments as of `resnet_v2_cifar`."""
    return resnet_v2_cifar(20, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.v2.56",
    idea="ResNet-56 with its blocks turned round.",
    params=857_082,
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_v2_56(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_56",
) -> keras.Model:
    """ResNet-56 with pre-activation for 32x32 pixels; arguments as of `resnet_v2_cifar`."""
    return resnet_v2_cifar(56, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.v2.110",
    idea="ResNet-110 with its blocks turned round: the deeper the net, the more that is worth.",
    params=1_736_058,
    published={"CIFAR-10 test error, median of five runs": "6.37 %"},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_v2_110(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_110",
) -> keras.Model:
    """ResNet-110 with pre-activation for 32x32 pixels; arguments as of `resnet_v2_cifar`."""
    return resnet_v2_cifar(110, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


def resnet_v2(
    blocks: Sequence[int],
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2",
) -> keras.Model:
    """A 7x7 convolution, a pool, four stages of bottleneck blocks, one last normalisation, mean, one dense layer.

    224x224x3 -> 112x112x64 -> 56x56x64 -> 28x28x256 -> 14x14x512 -> 7x7x1024 -> 7x7x2048 -> averaged: 2048 -> 1000.

    Args:
        blocks: how many in each of the four stages.
        input_shape: (height, width, channels), at least 32x32.
        include_top: with the mean over positions and the output layer; without, the maps, (batch, 7, 7, 2048).
        shortcuts: False leaves them out: a plain net of the same depth.
        width: factor on all filters.

    Raises:
        UsageError: a width that is not above 0.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    x = convolve(x, scaled(64, width), 7, 2, "conv1_conv", "valid", use_bias=True)  # (batch, 112, 112, 64)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)  # (batch, 56, 56, 64)
    for stage, count in enumerate(blocks, start=2):
        filters = scaled(64 * 2 ** (stage - 2), width)
        for i in range(1, count + 1):
            strides = 2 if i == count and stage < 5 else 1
            x = bottleneck(x, filters, strides, i == 1, shortcuts, f"conv{stage}_block{i}")  # (batch, 28, 28, 256) ...
    x = activated(x, "post")
    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)


def bottleneck(
    x: keras.KerasTensor, filters: int, strides: int, project: bool, shortcuts: bool, name: str
) -> keras.KerasTensor:
    """shortcut + 1x1, 3x3 and 1x1 convolutions, each behind a normalisation and a ReLU."""
    from keras import layers

    before = activated(x, f"{name}_preact")
    inside = activated(convolve(before, filters, 1, 1, f"{name}_1_conv"), f"{name}_1")
    inside = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(inside)
    inside = activated(convolve(inside, filters, 3, strides, f"{name}_2_conv", "valid"), f"{name}_2")
    inside = convolve(inside, 4 * filters, 1, 1, f"{name}_3_conv", use_bias=True)
    if not shortcuts:
        return inside
    if project:
        x = convolve(before, 4 * filters, 1, strides, f"{name}_0_conv", use_bias=True)
    elif strides > 1:
        x = layers.MaxPooling2D(1, strides, name=f"{name}_0_pool")(x)
    return layers.Add(name=f"{name}_out")([x, inside])


def resnet_v2_cifar(
    depth: int,
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_v2_cifar",
) -> keras.Model:
    """A 3x3 convolution, three stages of (depth - 2) / 6 blocks of two 3x3 convolutions, a last normalisation, a mean.

    32x32x3 -> 32x32x16 -> 16x16x32 -> 8x8x64 -> averaged: 64 -> 10. As in `resnet_cifar`, shortcuts have no weights.

    Args:
        depth: layers with weights, 6 n + 2.
        input_shape, include_top, shortcuts, width: as of `resnet_v2`; at least 8x8, maps of (batch, 8, 8, 64).

    Raises:
        UsageError: a width that is not above 0.
    """
    import keras

    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    x = convolve(inputs, scaled(16, width), 3, 1, "conv1_conv")  # (batch, 32, 32, 16)
    for stage in (2, 3, 4):
        filters = scaled(2 ** (stage + 2), width)
        for i in range(1, (depth - 2) // 6 + 1):
            strides = 2 if i == 1 and stage > 2 else 1
            x = basic(x, filters, strides, shortcuts, f"conv{stage}_block{i}")  # (.., 32, 32, 16) ... (.., 8, 8, 64)
    x = activated(x, "post")
    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)


def basic(x: keras.KerasTensor, filters: int, strides: int, shortcuts: bool, name: str) -> keras.KerasTensor:
    """shortcut + two 3x3 convolutions, each behind a normalisation and a ReLU."""
    from keras import layers

    from zoo.layers import PaddedShortcut

    inside = convolve(activated(x, f"{name}_preact"), filters, 3, strides, f"{name}_1_conv")
    inside = convolve(activated(inside, f"{name}_1"), filters, 3, 1, f"{name}_2_conv")
    if not shortcuts:
        return inside
    if strides > 1 or x.shape[-1] != filters:
        x = PaddedShortcut(filters, strides, name=f"{name}_shortcut")(x)
    return layers.Add(name=f"{name}_out")([x, inside])


def activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch normalisation and ReLU."""
    from keras import layers

    x = layers.BatchNormalization(momentum=0.9, epsilon=1.001e-5, name=f"{name}_bn")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x)


def convolve(
    x: keras.KerasTensor,
    filters: int,
    kernel: int,
    strides: int,
    name: str,
    padding: str = "same",
    use_bias: bool = False,
) -> keras.KerasTensor:
    """A convolution; those in front of a normalisation have no bias."""
    from keras import layers

    return layers.Conv2D(
        filters, kernel, strides, padding, use_bias=use_bias, kernel_initializer="he_normal", name=name
    )(x)
