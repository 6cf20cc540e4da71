"""DenseNet: each layer sees the maps of all layers before it, set beside each other.

Huang, Liu, van der Maaten and Weinberger 2017, Densely connected convolutional networks, CVPR, arXiv:1608.06993.
Layers bear the names of keras.applications, so that its ImageNet weights go in by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError
from zoo.models.pooled_head import ended

if TYPE_CHECKING:
    import keras

PAPER = "Huang, Liu, van der Maaten and Weinberger 2017, Densely connected convolutional networks"
EPSILON = 1.001e-5  # of the normalisations, as with the weights of keras.applications
DEVIATIONS = (
    "no L2 penalty inside the network: a recipe's weight_decay takes the place of the paper's 1e-4",
    "the output layer starts near 0; the other weights as in He et al. 2015, which the paper cites",
)


@register(
    "densenet.40_12",
    family="densenet",
    year=2017,
    paper=PAPER,
    idea="Nothing is learnt twice: twelve new maps a layer, and every layer of a block sees all of them.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=1_037_818,
    min_size=4,
    published={
        "parameters": "1.0 million",
        "CIFAR-10 test, error, with dropout and without augmentation": "7.00 %",
        "CIFAR-10 test, error, with augmentation": "5.24 %",
    },
    deviations=DEVIATIONS,
    trial={"input_shape": (8, 8, 3), "layers_a_block": 2, "growth_rate": 4},
)
def densenet_40_12(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    layers_a_block: int = 12,
    growth_rate: int = 12,
    bottleneck: bool = False,
    compression: float = 1.0,
    dropout: float = 0.0,
    name: str = "densenet_40_12",
) -> keras.Model:
    """DenseNet for CIFAR, 40 layers deep, 12 maps a layer: 1,019,722 trainable parameters and 18,096 moving moments.

    32x32x3 -> 32x32x16 -> 32x32x160 -> 16x16x160 -> 16x16x304 -> 8x8x304 -> 8x8x448 -> 448 -> 10.

    Args:
        input_shape: (height, width, channels), at least 4x4.
        include_top: False: the last maps come out, and `num_classes` and `classifier_activation` have no effect.
        layers_a_block: convolutions in each of the three dense blocks: (depth - 4) / 3, or half of it with bottlenecks.
        growth_rate: maps that each of them adds, the paper's k.
        bottleneck: a 1x1 convolution to 4 k maps in front of each 3x3 one (DenseNet-B).
        compression: share of the maps that goes on between blocks (DenseNet-C); the paper's DenseNet-BC has 0.5.
        dropout: share of each convolution's outputs dropped in training; the paper's is 0.2 where it does not augment.

    Raises:
        UsageError: a compression that is not above 0 and at most 1.

    Source: Huang et al. 2017, section 3; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    first = 2 * growth_rate if bottleneck and compression < 1 else 16
    conv = layers.Conv2D(
        first, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name="conv1_conv"
    )  # fmt: skip
    maps = _dense_blocks(conv(inputs), (layers_a_block,) * 3, growth_rate, bottleneck, compression, dropout)
    return ended(inputs, maps, num_classes, classifier_activation, include_top, 0.0, name)


@register(
    "densenet.121",
    family="densenet",
    year=2017,
    paper=PAPER,
    idea="Dense blocks with bottlenecks, half of the maps between them: 121 layers in eight million parameters.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=8_062_504,
    min_size=32,
    published={
        "parameters of the same net in torchvision, trainable": "7,978,856",
        "ImageNet validation, single crop, top-1 error": "25.02 %",
        "ImageNet validation, single crop, top-5 error": "7.71 %",
    },
    deviations=DEVIATIONS,
    trial={"input_shape": (32, 32, 3), "num_classes": 10, "blocks": [1, 2, 1, 1], "growth_rate": 4},
)
def densenet_121(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    blocks: tuple[int, ...] = (6, 12, 24, 16),
    growth_rate: int = 32,
    dropout: float = 0.0,
    name: str = "densenet_121",
) -> keras.Model:
    """DenseNet-BC for ImageNet: 7,978,856 trainable parameters and 83,648 moving moments.

    224x224x3 -> 112x112x64 -> 56x56x64 -> 56x56x256 -> 28x28x512 -> 14x14x1024 -> 7x7x1024 -> 1024 -> 1000.

    Args:
        input_shape: (height, width, channels), at least 32x32. ImageNet weights want pixels from 0 to 1, less their
            mean on ImageNet and divided by their deviation.
        include_top: False: the last maps come out, and `num_classes` and `classifier_activation` have no effect.
        blocks: pairs of a 1x1 and a 3x3 convolution in each dense block; (6, 12, 32, 32) is DenseNet-169 and
            (6, 12, 48, 32) DenseNet-201.
        growth_rate, dropout: as of `densenet_40_12`.

    Source: Huang et al. 2017, table 1; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    conv = layers.Conv2D(
        2 * growth_rate, 7, 2, use_bias=False, kernel_initializer="he_normal", name="conv1_conv"
    )  # fmt: skip
    x = conv(x)  # (batch, 112, 112, 64)
    x = _normalised(x, "conv1")
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)  # (batch, 56, 56, 64)
    maps = _dense_blocks(x, blocks, growth_rate, bottleneck=True, compression=0.5, dropout=dropout)
    return ended(inputs, maps, num_classes, classifier_activation, include_top, 0.0, name)


def _dense_blocks(
    x: keras.KerasTensor,
    blocks: Sequence[int],
    growth_rate: int,
    bottleneck: bool,
    compression: float,
    dropout: float,
) -> keras.KerasTensor:
    """Dense blocks with a transition between each two: a 1x1 convolution, then averages of 2x2.

    (batch, height, width, channels) -> (batch, height / 2 ** (blocks - 1), ..., channels + new ones).
    """
    from keras import layers

    if not 0 < compression <= 1:
        raise UsageError(f"compression is the share of the maps that goes on, above 0 and at most 1, not {compression}")

    def convolve(x: keras.KerasTensor, filters: int, size: int, at: str) -> keras.KerasTensor:
        conv = layers.Conv2D(
            filters, size, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{at}_conv"
        )  # fmt: skip
        x = conv(x)
        return layers.Dropout(dropout, name=f"{at}_dropout")(x) if dropout else x

    for block, count in enumerate(blocks, start=2):
        for i in range(1, count + 1):
            at = f"conv{block}_block{i}"
            y = _normalised(x, f"{at}_0")
            if bottleneck:
                y = convolve(y, 4 * growth_rate, 1, f"{at}_1")  # (batch, height, width, 4 * growth_rate)
                y = _normalised(y, f"{at}_1")
            y = convolve(y, growth_rate, 3, f"{at}_2")  # (batch, height, width, growth_rate)
            x = layers.Concatenate(name=f"{at}_concat")([x, y])  # (batch, height, width, channels + growth_rate)
        if block < len(blocks) + 1:
            x = _normalised(x, f"pool{block}")
            x = convolve(x, int(x.shape[-1] * compression), 1, f"pool{block}")
            x = layers.AveragePooling2D(2, name=f"pool{block}_pool")(x)  # (batch, height / 2, width / 2, ...)
    return _normalised(x)


def _normalised(x: keras.KerasTensor, at: str = "") -> keras.KerasTensor:
    """Normalisation and ReLU, which in this net stand in front of a convolution."""
    from keras import layers

    prefix = f"{at}_" if at else ""
    x = layers.BatchNormalization(momentum=0.9, epsilon=EPSILON, name=f"{prefix}bn")(x)
    return layers.ReLU(name=f"{prefix}relu")(x)
