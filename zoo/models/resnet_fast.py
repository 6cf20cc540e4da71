"""A small residual net that is good on CIFAR-10 after minutes; what makes it so can be switched off piece by piece.

Own design after two nets that were made for speed: Page 2019, How to train your ResNet (ResNet-9, the fastest of
DAWNBench), and Jordan 2024, 94% on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498 (airbench94).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register
from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras


@register(
    "resnet.fast",
    family="resnet",
    year=2024,
    paper="own design after Jordan 2024, 94% on CIFAR-10 in 3.29 seconds on a single GPU, arXiv:2404.00498, and "
    "Page 2019, How to train your ResNet",
    idea="Whitened patches first, then three wide residual blocks: CIFAR-10 in a few passes over its pictures.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=1_973_944,
    min_size=9,
    published={"CIFAR-10 test accuracy (airbench94, 9.9 epochs, flips and shifts at the test)": "94.01 %"},
    deviations=(
        "shortcuts around the second convolution of a block, where airbench94 starts convolutions as the identity",
        "one learning rate for all weights, where airbench94's biases learn 64 times faster",
        "by our recipes the weights are averaged each step; airbench94 looks ahead every five",
    ),
    defaults={"optimizer": "nesterov", "momentum": 0.85, "learning_rate": 0.3, "weight_decay": 0.009},
    trial={"input_shape": (12, 12, 3), "widths": (8, 16, 16)},
)
def resnet_fast(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    widths: tuple[int, ...] = (64, 256, 256),
    whitening: bool = True,
    shortcuts: bool = True,
    activation: Literal["gelu", "silu", "relu"] = "gelu",
    output_scale: float = 1 / 9,
    name: str = "resnet_fast",
) -> keras.Model:
    """Whitened 2x2 patches, blocks of a convolution, a pool and a residual convolution, the maximum of each map.

    32x32x3 -> 31x31x24 -> 15x15x64 -> 7x7x256 -> 3x3x256 -> the largest of each map: 256 -> 10. Convolutions are 3x3
    without biases; normalisation after each has shifts and no scales. A run computes the first kernel from its training
    split, once; elsewhere the patches come in as single pixels until the layer `whiten` is given images to `adapt` to.

    Args:
        input_shape: (height, width, channels), at least 9x9.
        include_top: with the maximum and the output layer; without, the maps, (batch, 3, 3, 256).
        widths: filters of each block; a block halves the maps.
        whitening: False: the first convolution learns from the start like any other.
        shortcuts: False: a plain net of as many weights.
        activation: behind each normalisation.
        output_scale: factor on what the output layer sees; small, so that the first answers are unsure.

    Raises:
        UsageError: an input that the blocks halve to nothing.
    """
    import keras
    from keras import layers

    from zoo.layers import PatchWhitening

    if min(input_shape[:2]) - 1 < 2 ** len(widths):
        raise UsageError(
            f"{len(widths)} blocks need images of {2 ** len(widths) + 1} pixels or more, not {input_shape}"
        )
    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 3)
    filters = 2 * 4 * input_shape[-1]
    first = PatchWhitening(2, name="whiten") if whitening else layers.Conv2D(filters, 2, name="conv0")
    x = layers.Activation(activation, name="act0")(first(inputs))  # (batch, 31, 31, 24)
    for i, width in enumerate(widths, start=1):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"block{i}_conv1")(x)
        x = layers.MaxPooling2D(2, name=f"block{i}_pool")(x)  # (batch, 15, 15, 64), (.., 7, 7, 256), (.., 3, 3, 256)
        x = normalised(x, activation, f"block{i}_1")
        y = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"block{i}_conv2")(x)
        y = normalised(y, activation, f"block{i}_2")
        x = layers.Add(name=f"block{i}_add")([x, y]) if shortcuts else y
    if not include_top:
        return keras.Model(inputs, x, name=name)
    x = layers.GlobalMaxPooling2D(name="max_pool")(x)  # (batch, 256)
    x = layers.Rescaling(output_scale, name="scale")(x)
    outputs = layers.Dense(
        num_classes, activation=classifier_activation, use_bias=False, dtype="float32", name="predictions"
    )(x)
    return keras.Model(inputs, outputs, name=name)


def normalised(x: keras.KerasTensor, activation: str, name: str) -> keras.KerasTensor:
    """Batch normalisation without scales, and the activation."""
    from keras import layers

    x = layers.BatchNormalization(momentum=0.6, epsilon=1e-5, scale=False, name=f"{name}_bn")(x)
    return layers.Activation(activation, name=f"{name}_act")(x)
