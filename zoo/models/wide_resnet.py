"""Wide residual networks: fewer layers, more maps in each.

Zagoruyko and Komodakis 2016, Wide residual networks, BMVC, arXiv:1605.07146.
He, Zhang, Ren and Sun 2016, Identity mappings in deep residual networks: normalisation and ReLU before a convolution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError
from zoo.models.pooled_head import ended
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras


@register(
    "wide_resnet.16_4",
    family="wide_resnet",
    year=2016,
    paper="Zagoruyko and Komodakis 2016, Wide residual networks",
    idea="Sixteen layers four times as wide learn what a thousand thin ones do, and in a fraction of the time.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=2_752_506,
    min_size=4,
    published={
        "CIFAR-10 test, error": "5.02 %",
        "CIFAR-10 test, error, with dropout": "5.24 %",
        "CIFAR-100 test, error": "24.03 %",
    },
    deviations=(
        "no L2 penalty inside the network: a recipe's weight_decay takes the place of the paper's 5e-4",
        "the output layer starts near 0",
    ),
    trial={"input_shape": (8, 8, 3), "depth": 10, "width": 0.5},
)
def wide_resnet_16_4(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    depth: int = 16,
    width: float = 4.0,
    dropout: float = 0.0,
    name: str = "wide_resnet_16_4",
) -> keras.Model:
    """WRN-16-4 for CIFAR: 2,748,890 trainable parameters and 3,616 moving moments.

    32x32x3 -> 32x32x16 -> 32x32x64 -> 16x16x128 -> 8x8x256 -> 256 -> 10.

    Args:
        input_shape: (height, width, channels), at least 4x4.
        include_top: False: the last maps come out, and `num_classes` and `classifier_activation` have no effect.
        depth: layers with weights, 6 n + 4 for n blocks in each of three groups: 10, 16, 22, 28, 40.
        width: the paper's k, a factor on the filters of all blocks; 1 is a plain residual network.
        dropout: share dropped between the two convolutions of a block in training; the paper takes 0.3 on CIFAR.

    Raises:
        UsageError: a depth that is not 6 n + 4, or a width that is not above 0.

    Source: Zagoruyko and Komodakis 2016, table 1 and section 2.4; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    if depth < 10 or (depth - 4) % 6:
        raise UsageError(f"depth is 6 n + 4 for n blocks in each group, such as 10, 16, 22 or 28, not {depth}")
    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    x = _convolution(16, 3, 1, "conv1")(inputs)  # (batch, 32, 32, 16)
    for group, filters in enumerate((16, 32, 64), start=2):
        for i in range(1, (depth - 4) // 6 + 1):
            stride = 2 if group > 2 and i == 1 else 1
            x = _block(x, scaled(filters, width), stride, dropout, f"conv{group}_block{i}")
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name="bn")(x)  # (batch, 8, 8, 256)
    x = layers.ReLU(name="relu")(x)
    return ended(inputs, x, num_classes, classifier_activation, include_top, 0.0, name)


def _block(x: keras.KerasTensor, filters: int, stride: int, dropout: float, at: str) -> keras.KerasTensor:
    """Two 3x3 convolutions, each behind its normalisation and ReLU, and a shortcut (figure 1c and d).

    (batch, height, width, channels) -> (batch, height / stride, width / stride, filters). Where the number of maps
    changes, the shortcut is a 1x1 convolution of what the first one sees.
    """
    from keras import layers

    def normalised(x: keras.KerasTensor, i: int) -> keras.KerasTensor:
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{at}_bn{i}")(x)
        return layers.ReLU(name=f"{at}_relu{i}")(x)

    y = normalised(x, 1)
    if x.shape[-1] != filters or stride > 1:
        x = _convolution(filters, 1, stride, f"{at}_shortcut")(y)
    y = _convolution(filters, 3, stride, f"{at}_conv1")(y)
    y = normalised(y, 2)
    y = layers.Dropout(dropout, name=f"{at}_dropout")(y)
    y = _convolution(filters, 3, 1, f"{at}_conv2")(y)
    return layers.Add(name=f"{at}_add")([x, y])


def _convolution(filters: int, size: int, stride: int, name: str) -> keras.Layer:
    """A convolution without biases, started as in He et al. 2015."""
    from keras import layers

    return layers.Conv2D(
        filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal", name=name
    )  # fmt: skip
