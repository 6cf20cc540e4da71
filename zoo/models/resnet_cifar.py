"""ResNets for CIFAR-10: three stages of 16, 32 and 64 filters, shortcuts without weights, 20 to 110 layers deep.

He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, CVPR, arXiv:1512.03385: section 4.2. Each has
a plain twin without shortcuts: the pairs show that plain nets get worse with depth, in training too, and these do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.catalogue.registry import register
from zoo.models.pooled_head import ended
from zoo.models.resnet import PAPER, PENALTY, normalised
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

CIFAR: dict[str, Any] = {
    "family": "resnet",
    "year": 2015,
    "paper": PAPER,
    "inputs": ("image",),
    "min_size": 8,
    "deviations": (PENALTY,),
    "defaults": {"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.1, "weight_decay": 0.001},
    "trial": {"input_shape": (8, 8, 3), "width": 1 / 4},
}


def error(percent: str) -> dict[str, str]:
    """What the paper states of a residual net."""
    return {"CIFAR-10 test error, augmented": percent}


@register(
    "resnet.20",
    idea="Three stages of three residual blocks, a quarter of a million weights: the ResNet that a CPU trains.",
    params=271_098,
    published={"parameters that learn": "269,722", **error("8.75 %")},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_20(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_20",
) -> keras.Model:
    """ResNet-20 for 32x32 pixels: 269,722 weights learn; arguments as of `resnet_cifar`."""
    return resnet_cifar(20, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.32",
    idea="Five blocks a stage, a point better than three.",
    params=466_426,
    published={"parameters that learn": "464,154", **error("7.51 %")},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_32(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_32",
) -> keras.Model:
    """ResNet-32 for 32x32 pixels: 464,154 weights learn; arguments as of `resnet_cifar`."""
    return resnet_cifar(32, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.44",
    idea="Seven blocks a stage.",
    params=661_754,
    published={"parameters that learn": "658,586", **error("7.17 %")},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_44(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_44",
) -> keras.Model:
    """ResNet-44 for 32x32 pixels: 658,586 weights learn; arguments as of `resnet_cifar`."""
    return resnet_cifar(44, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.56",
    idea="Nine blocks a stage: deeper still helps, where the plain twin has long got worse.",
    params=857_082,
    published={"parameters that learn": "853,018", **error("6.97 %")},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_56(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_56",
) -> keras.Model:
    """ResNet-56 for 32x32 pixels: 853,018 weights learn; arguments as of `resnet_cifar`."""
    return resnet_cifar(56, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.110",
    idea="Eighteen blocks a stage, 110 layers: as good as the paper's nets get on CIFAR-10.",
    params=1_736_058,
    published={"parameters that learn": "1,727,962", **error("6.43 %")},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_110(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_110",
) -> keras.Model:
    """ResNet-110 for 32x32 pixels: 1,727,962 weights learn; arguments as of `resnet_cifar`."""
    return resnet_cifar(110, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name)


@register(
    "resnet.plain.20",
    idea="ResNet-20 without its shortcuts: at this depth still nearly as good.",
    params=271_098,
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_plain_20(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "resnet_plain_20",
) -> keras.Model:
    """The plain twin of ResNet-20, without shortcuts; arguments as of `resnet_cifar`."""
    return resnet_cifar(20, input_shape, num_classes, classifier_activation, include_top, False, width, name)


@register(
    "resnet.plain.32",
    idea="ResNet-32 without its shortcuts.",
    params=466_426,
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_plain_32(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "resnet_plain_32",
) -> keras.Model:
    """The plain twin of ResNet-32, without shortcuts; arguments as of `resnet_cifar`."""
    return resnet_cifar(32, input_shape, num_classes, classifier_activation, include_top, False, width, name)


@register(
    "resnet.plain.44",
    idea="ResNet-44 without its shortcuts: training error rises with depth.",
    params=661_754,
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_plain_44(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "resnet_plain_44",
) -> keras.Model:
    """The plain twin of ResNet-44, without shortcuts; arguments as of `resnet_cifar`."""
    return resnet_cifar(44, input_shape, num_classes, classifier_activation, include_top, False, width, name)


@register(
    "resnet.plain.56",
    idea="ResNet-56 without its shortcuts: clearly worse than 20 layers, in training too.",
    params=857_082,
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_plain_56(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "resnet_plain_56",
) -> keras.Model:
    """The plain twin of ResNet-56, without shortcuts; arguments as of `resnet_cifar`."""
    return resnet_cifar(56, input_shape, num_classes, classifier_activation, include_top, False, width, name)


@register(
    "resnet.plain.110",
    idea="ResNet-110 without its shortcuts: error above 60 % in the paper.",
    params=1_736_058,
    published={"CIFAR-10 test error": "above 60 %"},
    tasks=("classification", "binary", "multilabel"),
    **CIFAR,
)
def resnet_plain_110(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "resnet_plain_110",
) -> keras.Model:
    """The plain twin of ResNet-110, without shortcuts; arguments as of `resnet_cifar`."""
    return resnet_cifar(110, input_shape, num_classes, classifier_activation, include_top, False, width, name)


def resnet_cifar(
    depth: int,
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_cifar",
) -> keras.Model:
    """A 3x3 convolution, three stages of (depth - 2) / 6 blocks of two 3x3 convolutions, a mean, one dense layer.

    32x32x3 -> 32x32x16 -> 16x16x32 -> 8x8x64 -> averaged: 64 -> 10. Shortcuts have no weights: where maps get smaller
    and more, they take every second position and have zeros in the new maps (option A).

    Args:
        depth: layers with weights, 6 n + 2.
        input_shape: (height, width, channels), at least 8x8.
        include_top: with the mean over positions and the output layer; without, the maps, (batch, 8, 8, 64).
        shortcuts: False: a plain net of the same depth and as many weights.
        width: factor on all filters.

    Raises:
        UsageError: a width that is not above 0.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    x = normalised(inputs, scaled(16, width), 3, 1, "conv1")  # (batch, 32, 32, 16)
    x = layers.Activation("relu", name="conv1_relu")(x)
    for stage in (2, 3, 4):
        filters = scaled(2 ** (stage + 2), width)
        for i in range(1, (depth - 2) // 6 + 1):
            strides = 2 if i == 1 and stage > 2 else 1
            x = residual(x, filters, strides, shortcuts, f"conv{stage}_block{i}")  # (.., 32, 32, 16) ... (.., 8, 8, 64)
    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)


def residual(x: keras.KerasTensor, filters: int, strides: int, shortcuts: bool, name: str) -> keras.KerasTensor:
    """relu(shortcut + two 3x3 convolutions)."""
    from keras import layers

    from zoo.layers import PaddedShortcut

    inside = normalised(x, filters, 3, strides, f"{name}_1")
    inside = layers.Activation("relu", name=f"{name}_1_relu")(inside)
    inside = normalised(inside, filters, 3, 1, f"{name}_2")
    if shortcuts:
        if strides > 1 or x.shape[-1] != filters:
            x = PaddedShortcut(filters, strides, name=f"{name}_shortcut")(x)
        inside = layers.Add(name=f"{name}_add")([x, inside])
    return layers.Activation("relu", name=f"{name}_out")(inside)
