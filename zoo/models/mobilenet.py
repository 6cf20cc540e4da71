"""MobileNets: convolutions taken apart into one a channel and one across channels, for phones.

Howard et al. 2017, MobileNets: efficient convolutional neural networks for mobile vision applications,
arXiv:1704.04861.
Sandler, Howard, Zhu, Zhmoginov and Chen 2018, MobileNetV2: inverted residuals and linear bottlenecks, CVPR.
Layers bear the names of keras.applications, so that its ImageNet weights go in by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.mobile_blocks import HALVINGS, Strides, convolved, depthwise, in_eights
from zoo.models.pooled_head import ended
from zoo.models.widths import refuse_factor

if TYPE_CHECKING:
    import keras

PAPER_V1 = "Howard et al. 2017, MobileNets: efficient convolutional neural networks for mobile vision applications"
PAPER_V2 = "Sandler et al. 2018, MobileNetV2: inverted residuals and linear bottlenecks"
BLOCKS_V1 = (  # filters and stride of each depthwise separable convolution (Table 1)
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
BLOCKS_V2 = (  # expansion, channels, repetitions, stride of the first (Table 2: t, c, n, s)
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
START = "weights start as in He et al. 2015, the output layer's near 0 (the papers do not say)"
MOMENTS = "batch normalisation averages over some ten batches, as short trainings need it"


@register(
    "mobilenet.v1",
    family="mobilenet",
    year=2017,
    paper=PAPER_V1,
    idea="A 3x3 filter a channel, then 1x1 across channels: a ninth of the work of a 3x3 convolution, nearly as good.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=4_253_864,
    min_size=32,
    published={
        "parameters": "4.2 million",
        "multiplications and additions at 224x224": "569 million",
        "ImageNet validation, top-1 accuracy": "70.6 %",
    },
    deviations=(
        "the last depthwise convolution has stride 1: Table 1 prints 2, yet 7x7 maps come out of 7x7",
        "the activation is cut off at 6 and 0.1 % is dropped before the output, as in the authors' code",
        START,
        MOMENTS,
    ),
    trial={"input_shape": (32, 32, 3), "num_classes": 10, "alpha": 1 / 8, "halvings": 3},
)
def mobilenet_v1(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    alpha: float = 1.0,
    halvings: int = HALVINGS,
    dropout: float = 0.001,
    name: str = "mobilenet_v1",
) -> keras.Model:
    """MobileNet as in Table 1 of the paper: 4,231,976 trainable parameters and 21,888 moving moments.

    224x224x3 -> 112x112x32 -> 112x112x64 -> 56x56x128 -> 28x28x256 -> 14x14x512 -> 7x7x1024 -> 1024 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 32x32. ImageNet weights want pixels from -1 to 1.
        include_top: False: the last maps come out, and `num_classes`, `classifier_activation` and `dropout` have no
            effect.
        alpha: the paper's width multiplier, a factor on all filters; it has 1, 0.75, 0.5 and 0.25.
        halvings: how often height and width are halved. Below 5 the first of the layers that do it have stride 1:
            3 suits images of 32x32, which end as 4x4 maps.
        dropout: share of the averaged maps that is dropped in training.

    Raises:
        UsageError: an alpha that is not above 0, or more halvings than 5.

    Source: Howard et al. 2017, section 3; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    refuse_factor("alpha", alpha)
    strides = Strides(halvings)

    def scaled(filters: int) -> int:
        return max(1, int(filters * alpha))

    inputs = x = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = convolved(x, scaled(32), 3, strides.next(2), "conv1", "conv1_bn")  # (batch, 112, 112, 32)
    x = layers.ReLU(6.0, name="conv1_relu")(x)
    for i, (filters, stride) in enumerate(BLOCKS_V1, start=1):
        x = depthwise(x, 3, strides.next(stride), f"conv_dw_{i}", f"conv_dw_{i}_bn")
        x = layers.ReLU(6.0, name=f"conv_dw_{i}_relu")(x)
        x = convolved(x, scaled(filters), 1, 1, f"conv_pw_{i}", f"conv_pw_{i}_bn")  # (batch, ..., filters)
        x = layers.ReLU(6.0, name=f"conv_pw_{i}_relu")(x)
    return ended(inputs, x, num_classes, classifier_activation, include_top, dropout, name)


@register(
    "mobilenet.v2",
    family="mobilenet",
    year=2018,
    paper=PAPER_V2,
    idea="Residuals turned inside out: shortcuts between thin layers, wide ones in between, and no bend when thin.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=3_538_984,
    min_size=32,
    published={
        "parameters": "3.4 million",
        "multiplications and additions at 224x224": "300 million",
        "ImageNet validation, top-1 accuracy": "72.0 %",
    },
    deviations=("dropout of 20 % before the output: the paper has dropout and names no rate", START, MOMENTS),
    trial={"input_shape": (32, 32, 3), "num_classes": 10, "alpha": 0.1, "halvings": 3, "dropout": 0.0},
)
def mobilenet_v2(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    alpha: float = 1.0,
    halvings: int = HALVINGS,
    last_filters: int = 1280,
    dropout: float = 0.2,
    name: str = "mobilenet_v2",
) -> keras.Model:
    """MobileNetV2 as in Table 2 of the paper: 3,504,872 trainable parameters and 34,112 moving moments.

    224x224x3 -> 112x112x32 -> 112x112x16 -> 56x56x24 -> 28x28x32 -> 14x14x64 -> 14x14x96 -> 7x7x160 -> 7x7x320
    -> 7x7x1280 -> 1280 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 32x32. ImageNet weights want pixels from -1 to 1.
        include_top: False: the last maps come out, and `num_classes`, `classifier_activation` and `dropout` have no
            effect.
        alpha: the paper's width multiplier, a factor on all filters, which become multiples of 8. On the last
            convolution's it acts above 1 only.
        halvings: how often height and width are halved. Below 5 the first of the layers that do it have stride 1:
            3 suits images of 32x32, which end as 4x4 maps.
        last_filters: of the 1x1 convolution in front of the average.
        dropout: share of the averaged maps that is dropped in training.

    Raises:
        UsageError: an alpha that is not above 0, or more halvings than 5.

    Source: Sandler et al. 2018, sections 3 and 4; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    refuse_factor("alpha", alpha)
    strides = Strides(halvings)

    inputs = x = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = convolved(x, in_eights(32 * alpha), 3, strides.next(2), "Conv1", "bn_Conv1")  # (batch, 112, 112, 32)
    x = layers.ReLU(6.0, name="Conv1_relu")(x)
    block = 0
    for expansion, channels, count, first_stride in BLOCKS_V2:
        for stride in (first_stride, *(1,) * (count - 1)):
            at = f"block_{block}" if block else "expanded_conv"
            x = _inverted_residual(x, expansion, in_eights(channels * alpha), strides.next(stride), at)
            block += 1  # (batch, ..., channels)
    x = convolved(x, in_eights(last_filters * max(alpha, 1)), 1, 1, "Conv_1", "Conv_1_bn")  # (batch, 7, 7, 1280)
    x = layers.ReLU(6.0, name="out_relu")(x)
    return ended(inputs, x, num_classes, classifier_activation, include_top, dropout, name)


@register(
    "mobilenet.v2_small",
    family="mobilenet",
    year=2018,
    paper=PAPER_V2,
    idea="MobileNetV2 for 32x32 pixels: half the filters, and only three of the five layers that halve the maps.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=607_674,
    min_size=16,
    deviations=(
        "the first two of the five strides of 2 are 1, so that 32x32 pixels end as 4x4 maps (own choice; the paper "
        "has no net for images so small)",
        "half the filters (the paper's width multiplier), and 640 instead of 1,280 in the last convolution",
        "dropout of 20 % before the output: the paper has dropout and names no rate",
        START,
        MOMENTS,
    ),
    trial={"input_shape": (16, 16, 3), "alpha": 0.1, "last_filters": 32, "dropout": 0.0},
)
def mobilenet_v2_small(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    alpha: float = 0.5,
    halvings: int = 3,
    last_filters: int = 640,
    dropout: float = 0.2,
    name: str = "mobilenet_v2_small",
) -> keras.Model:
    """MobileNetV2 that a CPU trains on CIFAR-10; arguments as of `mobilenet_v2`.

    32x32x3 -> 32x32x16 -> 32x32x8 -> 32x32x16 -> 16x16x16 -> 8x8x32 -> 8x8x48 -> 4x4x80 -> 4x4x160 -> 4x4x640 -> 640
    -> 10.
    """
    return mobilenet_v2(
        input_shape, num_classes, classifier_activation, include_top, alpha, halvings, last_filters, dropout, name
    )


def _inverted_residual(x: keras.KerasTensor, expansion: int, channels: int, stride: int, at: str) -> keras.KerasTensor:
    """Widen, look around, narrow again without an activation; a shortcut where shapes allow it (figure 4d)."""
    from keras import layers

    before = x
    if expansion > 1:
        x = convolved(x, expansion * x.shape[-1], 1, 1, f"{at}_expand", f"{at}_expand_BN")
        x = layers.ReLU(6.0, name=f"{at}_expand_relu")(x)  # (batch, height, width, expansion * channels before)
    x = depthwise(x, 3, stride, f"{at}_depthwise", f"{at}_depthwise_BN")
    x = layers.ReLU(6.0, name=f"{at}_depthwise_relu")(x)
    x = convolved(x, channels, 1, 1, f"{at}_project", f"{at}_project_BN")  # (batch, ..., channels)
    return layers.Add(name=f"{at}_add")([before, x]) if x.shape == before.shape else x
