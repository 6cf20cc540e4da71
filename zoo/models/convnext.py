"""ConvNeXt: a ResNet brought up to date, one choice of the transformers after another.

Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, A ConvNet for the 2020s, CVPR, arXiv:2201.03545.
Layers bear the names of keras.applications without its prefix, so that its ImageNet weights go in by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError
from zoo.models.widths import scaled

if TYPE_CHECKING:
    import keras

EPSILON = 1e-6


@register(
    "convnext.tiny",
    family="convnext",
    year=2022,
    paper="Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, A ConvNet for the 2020s",
    idea="Patches, large filters a channel, one norm and one bend a block: convolutions as good as attention.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=28_589_128,
    min_size=32,
    published={
        "parameters": "28.6 million",
        "multiplications and additions at 224x224": "4.5 billion",
        "ImageNet validation, top-1 accuracy": "82.1 %",
    },
    deviations=(
        "pixels are scaled by preprocessing, not inside the network as in keras.applications",
        "the output layer starts near 0; no penalty, mixing of examples or average of weights: these are recipes'",
    ),
    trial={
        "input_shape": (16, 16, 3), "num_classes": 10, "depths": [1, 1, 2], "width": 1 / 12, "patch_size": 2,
        "drop_path": 0.0, "layer_scale": 0.1,
    },
)  # fmt: skip
def convnext_tiny(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    include_top: bool = True,
    depths: tuple[int, ...] = (3, 3, 9, 3),
    width: float = 1.0,
    patch_size: int = 4,
    drop_path: float = 0.1,
    layer_scale: float = 1e-6,
    name: str = "convnext_tiny",
) -> keras.Model:
    """ConvNeXt-T as in table 9 of the paper: 28,589,128 parameters, none of them moving moments.

    224x224x3 -> 56x56x96 -> 28x28x192 -> 14x14x384 -> 7x7x768 -> 768 -> 1000.

    Args:
        input_shape: (height, width, channels); the sides are patch_size * 2 ** (stages - 1) or more. ImageNet weights
            want pixels from 0 to 1, less their mean on ImageNet and divided by their deviation.
        include_top: False: the last maps come out, normalised as the head normalises their average, and
            `num_classes` and `classifier_activation` have no effect.
        depths: blocks in each stage; each stage has twice the channels of the one before, at half the side.
        width: factor on the channels of all stages, which are 96, 192, 384 and 768.
        patch_size: side of the squares that the first layer makes vectors of; 1 or 2 suit images of 32x32.
        drop_path: chance that an example skips the last block in training (Huang et al. 2016); it grows from 0 on.
        layer_scale: what the factors of each block's channels start with (Touvron et al. 2021).

    Raises:
        UsageError: a width that is not above 0, or images too small for the stages.

    Source: Liu et al. 2022, sections 2 and A; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    _refuse_small(input_shape, patch_size, len(depths))

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x, done = inputs, 0
    for stage, count in enumerate(depths):
        channels = scaled(96 * 2**stage, width)
        if stage == 0:
            x = layers.Conv2D(channels, patch_size, patch_size, kernel_initializer=_start(), name="stem_conv")(x)
            x = _normalised(x, "stem_layernorm")  # (batch, 56, 56, 96)
        else:
            x = _normalised(x, f"downsampling_layernorm_{stage - 1}")
            conv = layers.Conv2D(channels, 2, 2, kernel_initializer=_start(), name=f"downsampling_conv_{stage - 1}")
            x = conv(x)  # (batch, height / 2, width / 2, channels)
        for block in range(count):
            rate = drop_path * done / max(1, sum(depths) - 1)
            x = _block(x, rate, layer_scale, f"stage_{stage}_block_{block}")
            done += 1
    if not include_top:
        return keras.Model(inputs, _normalised(x, "head_layernorm"), name=name)
    x = layers.GlobalAveragePooling2D(name="head_gap")(x)  # (batch, 768)
    x = _normalised(x, "head_layernorm")
    head = layers.Dense(
        num_classes, activation=classifier_activation, kernel_initializer=_start(), dtype="float32", name="head_dense"
    )
    return keras.Model(inputs, head(x), name=name)  # (batch, num_classes)


def _block(x: keras.KerasTensor, drop_path: float, layer_scale: float, at: str) -> keras.KerasTensor:
    """A 7x7 filter a channel, then four times as many units and back: (batch, height, width, channels), the same out.

    Normalisation and activation stand once in a block, the activation between the two dense layers (figure 4).
    """
    from keras import layers

    from zoo.layers import LayerScale

    channels = x.shape[-1]
    y = layers.DepthwiseConv2D(7, padding="same", depthwise_initializer=_start(), name=f"{at}_depthwise_conv")(x)
    y = _normalised(y, f"{at}_layernorm")
    y = layers.Dense(4 * channels, kernel_initializer=_start(), name=f"{at}_pointwise_conv_1")(y)
    y = layers.Activation("gelu", name=f"{at}_gelu")(y)  # (batch, height, width, 4 * channels)
    y = layers.Dense(channels, kernel_initializer=_start(), name=f"{at}_pointwise_conv_2")(y)
    y = LayerScale(layer_scale, name=f"{at}_layer_scale")(y)
    if drop_path:
        y = layers.Dropout(drop_path, noise_shape=(None, 1, 1, 1), name=f"{at}_drop_path")(y)
    return layers.Add(name=f"{at}_add")([x, y])


def _normalised(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Each position by its own mean and variance over the channels."""
    from keras import layers

    return layers.LayerNormalization(epsilon=EPSILON, name=name)(x)


def _start() -> keras.initializers.Initializer:
    """A normal distribution of deviation 0.02 without its tails, as in the authors' code."""
    import keras

    return keras.initializers.TruncatedNormal(stddev=0.02)


def _refuse_small(input_shape: tuple[int, ...], patch_size: int, stages: int) -> None:
    least = patch_size * 2 ** (stages - 1)
    if min(input_shape[:2]) < least:
        raise UsageError(
            f"{input_shape[0]}x{input_shape[1]} pixels are too few for patches of {patch_size}x{patch_size} and "
            f"{stages} stages: at least {least}x{least}"
        )
