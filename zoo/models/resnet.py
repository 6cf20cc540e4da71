"""ResNet: blocks learn what to add to their input, so that a deeper net is never worse for being deeper.

He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, CVPR, arXiv:1512.03385: table 1 and figure 5.
Layers bear the names under which trained weights are known: conv1_conv, conv2_block1_1_conv ... conv5_block3_out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.catalogue.registry import register
from zoo.models.pooled_head import ended
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

PAPER = "He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition"
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # table 1
PENALTY = "a weight decay of 0.001 beside momentum (paper: an L2 penalty of 1e-4, of which momentum makes ten times)"
IMAGENET: dict[str, Any] = {
    "family": "resnet",
    "year": 2015,
    "paper": PAPER,
    "inputs": ("image",),
    "min_size": 32,
    "deviations": (PENALTY,),
    "defaults": {"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.1, "weight_decay": 0.001},
    "trial": {"input_shape": (32, 32, 3), "num_classes": 10, "width": 1 / 16},
}


def errors(one_crop: str, top_5: str) -> dict[str, str]:
    """What the paper states of a net on the ImageNet validation split."""
    return {"ImageNet validation, ten crops, top-1 error": one_crop, "the same, top-5 error": top_5}


@register(
    "resnet.18",
    idea="A shortcut around every two convolutions: gradients reach the first layer, and 18 layers train with ease.",
    params=11_699_112,
    published={"parameters that learn": "11,689,512", "ImageNet validation, ten crops, top-1 error": "27.88 %"},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_18(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_18",
) -> keras.Model:
    """ResNet-18 of the paper's table 1, blocks of two 3x3 convolutions; arguments as of `resnet`."""
    return resnet(
        BLOCKS[18], False, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name
    )


@register(
    "resnet.34",
    idea="34 layers with shortcuts beat 18 with them; without, the deeper net is the worse one (resnet.plain.34).",
    params=21_814_696,
    published={"parameters that learn": "21,797,672", **errors("24.52 %", "7.46 %")},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_34(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_34",
) -> keras.Model:
    """ResNet-34 of the paper's table 1, blocks of two 3x3 convolutions; arguments as of `resnet`."""
    return resnet(
        BLOCKS[34], False, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name
    )


@register(
    "resnet.50",
    idea="Bottleneck blocks, 1x1 down, 3x3, 1x1 up: 50 layers for hardly more work than 34.",
    params=25_610_152,
    published={"parameters that learn": "25,557,032", **errors("22.85 %", "6.71 %")},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_50(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_50",
) -> keras.Model:
    """ResNet-50 of the paper's table 1, bottleneck blocks; arguments as of `resnet`."""
    return resnet(
        BLOCKS[50], True, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name
    )


@register(
    "resnet.101",
    idea="ResNet-50 with 23 blocks in its third stage in place of six.",
    params=44_654_504,
    published={"parameters that learn": "44,549,160", **errors("21.75 %", "6.05 %")},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_101(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_101",
) -> keras.Model:
    """ResNet-101 of the paper's table 1, bottleneck blocks; arguments as of `resnet`."""
    return resnet(
        BLOCKS[101], True, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name
    )


@register(
    "resnet.152",
    idea="152 layers, eight times as deep as VGG and still less work: the winner of ImageNet 2015.",
    params=60_344_232,
    published={"parameters that learn": "60,192,808", **errors("21.43 %", "5.71 %")},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_152(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet_152",
) -> keras.Model:
    """ResNet-152 of the paper's table 1, bottleneck blocks; arguments as of `resnet`."""
    return resnet(
        BLOCKS[152], True, input_shape, num_classes, classifier_activation, include_top, shortcuts, width, name
    )


@register(
    "resnet.plain.34",
    idea="ResNet-34 without its shortcuts: the control of the paper's experiment, worse than 18 layers without them.",
    params=21_639_080,
    published={"ImageNet validation, ten crops, top-1 error": "28.54 %"},
    tasks=("classification", "binary", "multilabel"),
    **IMAGENET,
)
def resnet_plain_34(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    name: str = "resnet_plain_34",
) -> keras.Model:
    """The plain twin of ResNet-34, in the middle of the paper's figure 3; arguments as of `resnet`."""
    return resnet(BLOCKS[34], False, input_shape, num_classes, classifier_activation, include_top, False, width, name)


def resnet(
    blocks: Sequence[int],
    bottleneck: bool,
    input_shape: tuple[int, ...],
    num_classes: int,
    classifier_activation: str,
    include_top: bool = True,
    shortcuts: bool = True,
    width: float = 1.0,
    name: str = "resnet",
) -> keras.Model:
    """A 7x7 convolution, a pool, four stages of residual blocks, the mean over positions, one dense layer.

    ResNet-50: 224x224x3 -> 112x112x64 -> 56x56x256 -> 28x28x512 -> 14x14x1024 -> 7x7x2048 -> averaged: 2048 -> 1000.
    Convolutions have no biases, since batch normalisation follows each. A stage begins with stride 2 (the first does
    not) and a 1x1 convolution in the shortcut, where maps change in size or number (option B).

    Args:
        blocks: how many in each of the four stages.
        bottleneck: blocks of 1x1, 3x3 and 1x1 with four times the filters at the end; else of two 3x3.
        input_shape: (height, width, channels), at least 32x32.
        include_top: with the mean over positions and the output layer; without, the maps, (batch, 7, 7, 2048).
        shortcuts: False leaves them out, the 1x1 convolutions in them too: a plain net of the same depth.
        width: factor on all filters.

    Raises:
        UsageError: a width that is not above 0.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    x = normalised(x, scaled(64, width), 7, 2, "conv1", "valid")  # (batch, 112, 112, 64)
    x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1_pool")(x)  # (batch, 56, 56, 64)
    for stage, count in enumerate(blocks, start=2):
        filters = scaled(64 * 2 ** (stage - 2), width)
        for i in range(1, count + 1):
            strides = 2 if i == 1 and stage > 2 else 1
            x = residual(
                x, filters, strides, bottleneck, shortcuts, f"conv{stage}_block{i}"
            )  # (batch, 56, 56, 256) ...
    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)


def residual(
    x: keras.KerasTensor, filters: int, strides: int, bottleneck: bool, shortcuts: bool, name: str
) -> keras.KerasTensor:
    """relu(shortcut + convolutions), figure 5: two of 3x3, or 1x1, 3x3 and 1x1 with four times the filters."""
    from keras import layers

    kernels, widths = ((1, 3, 1), (filters, filters, 4 * filters)) if bottleneck else ((3, 3), (filters, filters))
    inside = x
    for i, (kernel, units) in enumerate(zip(kernels, widths, strict=True), start=1):
        inside = normalised(inside, units, kernel, strides if i == 1 else 1, f"{name}_{i}")
        if i < len(kernels):
            inside = layers.Activation("relu", name=f"{name}_{i}_relu")(inside)
    if shortcuts:
        if strides > 1 or x.shape[-1] != widths[-1]:
            x = normalised(x, widths[-1], 1, strides, f"{name}_0")
        inside = layers.Add(name=f"{name}_add")([x, inside])
    return layers.Activation("relu", name=f"{name}_out")(inside)


def normalised(
    x: keras.KerasTensor, filters: int, kernel: int, strides: int, name: str, padding: str = "same"
) -> keras.KerasTensor:
    """A convolution without bias, and batch normalisation."""
    from keras import layers

    conv = layers.Conv2D(
        filters, kernel, strides, padding, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )
    return layers.BatchNormalization(momentum=0.9, epsilon=1.001e-5, name=f"{name}_bn")(conv(x))
