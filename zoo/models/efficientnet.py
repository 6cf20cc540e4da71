"""EfficientNet: depth, width and image size grown together, from a small net that a search found.

Tan and Le 2019, EfficientNet: rethinking model scaling for convolutional neural networks, ICML, arXiv:1905.11946.
Layers bear the names of keras.applications, so that its ImageNet weights go in by name.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.mobile_blocks import HALVINGS, Strides, convolved, depthwise, in_eights
from zoo.models.pooled_head import ended
from zoo.models.widths import refuse_factor

if TYPE_CHECKING:
    import keras

BLOCKS = (  # expansion, filter size, channels, repetitions, stride of the first (table 1)
    (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)  # fmt: skip


@register(
    "efficientnet.b0",
    family="efficientnet",
    year=2019,
    paper="Tan and Le 2019, EfficientNet: rethinking model scaling for convolutional neural networks",
    idea="MobileNetV2's blocks, each weighing its maps, in numbers that a search chose: the net that others grow from.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=5_330_564,
    min_size=32,
    published={
        "parameters": "5.3 million",
        "multiplications and additions at 224x224": "0.39 billion",
        "ImageNet validation, top-1 accuracy": "77.1 %",
    },
    deviations=(
        "pixels are scaled by preprocessing, not inside the network as in keras.applications",
        "batch normalisation averages over some ten batches, as short trainings need it (paper: momentum 0.99)",
        "the output layer starts near 0; no L2 penalty inside the network, a recipe's weight_decay takes its place",
    ),
    trial={
        "input_shape": (32, 32, 3), "num_classes": 10, "width": 0.25, "depth": 0.1, "halvings": 3, "dropout": 0.0,
        "drop_path": 0.0,
    },
)  # fmt: skip
def efficientnet_b0(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    width: float = 1.0,
    depth: float = 1.0,
    halvings: int = HALVINGS,
    dropout: float = 0.2,
    drop_path: float = 0.2,
    name: str = "efficientnet_b0",
) -> keras.Model:
    """EfficientNet-B0 as in table 1 of the paper: 5,288,548 trainable parameters and 42,016 moving moments.

    224x224x3 -> 112x112x32 -> 112x112x16 -> 56x56x24 -> 28x28x40 -> 14x14x80 -> 14x14x112 -> 7x7x192 -> 7x7x320
    -> 7x7x1280 -> 1280 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 32x32. ImageNet weights want pixels from 0 to 1, less their
            mean on ImageNet and divided by their deviation.
        include_top: False: the last maps come out, and `num_classes`, `classifier_activation` and `dropout` have no
            effect.
        width: factor on all filters, which become multiples of 8; with depth 1.1 and 240x240 pixels 1.0 is B1, 1.1
            with 1.2 and 260x260 B2.
        depth: factor on the repetitions of each block, rounded up.
        halvings: how often height and width are halved. Below 5 the first of the layers that do it have stride 1:
            3 suits images of 32x32, which end as 4x4 maps.
        dropout: share of the averaged maps that is dropped in training.
        drop_path: chance that an example skips the last block in training (Huang et al. 2016); it grows from 0 on.

    Raises:
        UsageError: a width or depth that is not above 0, or more halvings than 5.

    Source: Tan and Le 2019, sections 4 and 5; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    for knob, factor in (("width", width), ("depth", depth)):
        refuse_factor(knob, factor)
    strides = Strides(halvings)
    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = convolved(inputs, in_eights(32 * width), 3, strides.next(2), "stem_conv", "stem_bn")  # (batch, 112, 112, 32)
    x = layers.Activation("silu", name="stem_activation")(x)
    repeated = [math.ceil(depth * count) for *_, count, _ in BLOCKS]
    done = 0
    for stage, ((expansion, size, channels, _, stride), count) in enumerate(zip(BLOCKS, repeated, strict=True), 1):
        for i in range(count):
            at = f"block{stage}{chr(ord('a') + i)}"
            rate = drop_path * done / sum(repeated)
            x = _block(x, expansion, size, in_eights(channels * width), strides.next(1 if i else stride), rate, at)
            done += 1  # (batch, ..., channels)
    x = convolved(x, in_eights(1280 * width), 1, 1, "top_conv", "top_bn")  # (batch, 7, 7, 1280)
    x = layers.Activation("silu", name="top_activation")(x)
    return ended(inputs, x, num_classes, classifier_activation, include_top, dropout, name)


def _block(
    x: keras.KerasTensor, expansion: int, size: int, channels: int, stride: int, drop_path: float, at: str
) -> keras.KerasTensor:
    """An inverted residual with squeeze and excitation: (batch, height, width, ...) -> (batch, ..., channels)."""
    from keras import layers

    before, squeezed = x, max(1, x.shape[-1] // 4)
    if expansion > 1:
        x = convolved(x, expansion * x.shape[-1], 1, 1, f"{at}_expand_conv", f"{at}_expand_bn")
        x = layers.Activation("silu", name=f"{at}_expand_activation")(x)  # (batch, height, width, wide)
    x = depthwise(x, size, stride, f"{at}_dwconv", f"{at}_bn")
    x = layers.Activation("silu", name=f"{at}_activation")(x)
    x = _excited(x, squeezed, at)
    x = convolved(x, channels, 1, 1, f"{at}_project_conv", f"{at}_project_bn")  # (batch, ..., channels)
    if x.shape != before.shape:
        return x
    if drop_path:
        x = layers.Dropout(drop_path, noise_shape=(None, 1, 1, 1), name=f"{at}_drop")(x)
    return layers.Add(name=f"{at}_add")([x, before])


def _excited(x: keras.KerasTensor, squeezed: int, at: str) -> keras.KerasTensor:
    """Each map times a weight from 0 to 1 that a small net makes of the means of all maps (Hu et al. 2018)."""
    from keras import layers

    wide = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{at}_se_squeeze")(x)  # (batch, 1, 1, wide)
    y = layers.Conv2D(squeezed, 1, activation="silu", kernel_initializer="he_normal", name=f"{at}_se_reduce")(y)
    y = layers.Conv2D(wide, 1, activation="sigmoid", name=f"{at}_se_expand")(y)  # (batch, 1, 1, wide)
    return layers.Multiply(name=f"{at}_se_excite")([x, y])
