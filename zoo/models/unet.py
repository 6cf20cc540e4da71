"""U-Net: a contracting path that sees what is there, an expanding path that says where.

Ronneberger, Fischer and Brox 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI,
arXiv:1505.04597. Figure 1 is the network; every box of it is a layer here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register
from zoo.errors import unknown

if TYPE_CHECKING:
    import keras

PAPER = "Ronneberger, Fischer and Brox 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation"
PUBLISHED = {
    "convolutional layers": "23",
    "input and output of the figure": "572x572 -> 388x388",
    "ISBI 2012 membranes, hidden test set: warping error": "0.000353",
    "ISBI 2012 membranes, hidden test set: Rand error": "0.0382",
    "ISBI 2012 membranes, hidden test set: pixel error": "0.0611",
}


@register(
    "unet",
    family="unet",
    year=2015,
    paper=PAPER,
    idea="Down to see what is there, up to say where, with the fine maps handed across: a class for every pixel.",
    inputs=("image",),
    tasks=("segmentation",),
    params=31_030_658,
    min_size=188,
    published=PUBLISHED,
    deviations=(
        "no weight map that favours the gaps between touching cells (equation 2); its weights of classes are in a "
        "recipe: data.masks.weights",
        "dropout rate: the paper has dropout at the end of the contracting path and names no rate; here 0.5",
    ),
    defaults={"optimizer": "momentum", "momentum": 0.99, "batch_size": 1, "learning_rate": 0.001},
    trial={"input_shape": (44, 44, 1), "filters": 4, "depth": 2, "dropout": 0.0},
)
def unet(
    input_shape: tuple[int, ...] = (572, 572, 1),
    num_classes: int = 2,
    classifier_activation: str = "softmax",
    filters: int = 64,
    depth: int = 4,
    padding: Literal["valid", "same"] = "valid",
    dropout: float = 0.5,
    batch_norm: bool = False,
    name: str = "unet",
) -> keras.Model:
    """U-Net as printed: 31,030,658 parameters on one channel and two classes; 572x572 pixels in, 388x388 out.

    Contracting: two 3x3 convolutions with ReLU, then a 2x2 maximum, four times, 64 filters first and twice as many
    after each pool (568x568x64, 280x280x128, 136x136x256, 64x64x512); two convolutions at the bottom (28x28x1024).
    Expanding: a 2x2 up-convolution to half the maps, beside it the middle of the contracting path's maps of that size,
    then two 3x3 convolutions (52x52x512, 100x100x256, 196x196x128, 388x388x64); a 1x1 convolution gives the classes.
    Convolutions start from a normal distribution of deviation sqrt(2 / fan-in).

    Args:
        input_shape: (height, width, channels). Both sides have to come out even before every pool: with valid padding
            and four pools 188, 204, 220 ... 572 ..., with same padding multiples of 16.
        filters: of the first level; each level further down has twice as many.
        depth: pools, and up-convolutions.
        padding: of the 3x3 convolutions. "valid": the output is smaller than the input by a margin, 92 pixels on each
            side for four pools. "same": it is as large as the input, and what is said near the border knows less.
        dropout: rate at the end of the contracting path, behind its last two levels.
        batch_norm: between each 3x3 convolution and its ReLU, with means over some ten batches; the paper is older.

    Raises:
        UsageError: an unknown padding, or sides that are too small or do not come out even.

    Source: Ronneberger et al. 2015, section 2 and figure 1; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    if padding not in ("valid", "same"):
        raise unknown("padding", padding, ("valid", "same"), "known: valid, same")

    def convolve(x: keras.KerasTensor, units: int, at: str) -> keras.KerasTensor:
        for i in (1, 2):
            conv = layers.Conv2D(units, 3, padding=padding, kernel_initializer="he_normal", name=f"{at}_conv{i}")
            x = conv(x)
            if batch_norm:
                x = layers.BatchNormalization(momentum=0.9, name=f"{at}_norm{i}")(x)
            x = layers.ReLU(name=f"{at}_relu{i}")(x)
        return x

    inputs = keras.Input(input_shape, name="input")  # (batch, 572, 572, 1)
    x, copied = inputs, []
    for level in range(1, depth + 1):
        _refuse_small(x, input_shape, padding)
        x = convolve(x, filters * 2 ** (level - 1), f"down{level}")  # (batch, 568, 568, 64)
        if level == depth and dropout:
            x = layers.Dropout(dropout, name=f"down{level}_dropout")(x)
        _refuse_odd(x, input_shape, level)
        copied.append(x)
        x = layers.MaxPooling2D(2, name=f"pool{level}")(x)  # (batch, 284, 284, 64)
    _refuse_small(x, input_shape, padding)
    x = convolve(x, filters * 2**depth, "bottom")  # (batch, 28, 28, 1024)
    if dropout:
        x = layers.Dropout(dropout, name="bottom_dropout")(x)
    for level in range(depth, 0, -1):
        units = filters * 2 ** (level - 1)
        x = layers.Conv2DTranspose(units, 2, strides=2, kernel_initializer="he_normal", name=f"up{level}_upconv")(x)
        fine = _middle(copied.pop(), x, f"up{level}_crop")  # (batch, 56, 56, 512)
        x = layers.Concatenate(name=f"up{level}_concatenate")([fine, x])  # (batch, 56, 56, 1024)
        x = convolve(x, units, f"up{level}")  # (batch, 52, 52, 512)
    outputs = layers.Conv2D(num_classes, 1, activation=classifier_activation, dtype="float32", name="output")(x)
    return keras.Model(inputs, outputs, name=name)


def _middle(fine: keras.KerasTensor, coarse: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """The middle of the finer maps, of the size of the others: the paper's "copy and crop"."""
    from keras import layers

    cut = [(large - small) // 2 for large, small in zip(fine.shape[1:3], coarse.shape[1:3], strict=True)]
    return layers.Cropping2D(tuple(cut), name=name)(fine) if any(cut) else fine


def _refuse_small(x: keras.KerasTensor, input_shape: tuple[int, ...], padding: str) -> None:
    if min(x.shape[1:3]) < (5 if padding == "valid" else 1):
        raise ValueError(f"{input_shape[0]}x{input_shape[1]} pixels are too few: nothing is left after the pools")


def _refuse_odd(x: keras.KerasTensor, input_shape: tuple[int, ...], level: int) -> None:
    if any(side % 2 for side in x.shape[1:3]):
        height, width = x.shape[1:3]
        raise ValueError(
            f"{input_shape[0]}x{input_shape[1]} pixels: pool {level} would meet maps of {height}x{width}, "
            "which have to be even"
        )


@register(
    "unet.small",
    family="unet",
    year=2015,
    paper=PAPER,
    idea="The same U for a CPU: a quarter of the filters, three pools, normalised, as large out as in.",
    inputs=("image",),
    tasks=("segmentation",),
    params=484_578,
    deviations=(
        "16 filters at first instead of 64, and three pools instead of four",
        "padded convolutions: the output is as large as the input (paper: 92 pixels smaller on each side)",
        "batch normalisation, and no dropout",
    ),
    defaults={"optimizer": "adam", "learning_rate": 0.002, "batch_size": 8},
    trial={"input_shape": (16, 16, 1), "filters": 4, "depth": 2},
)
def unet_small(
    input_shape: tuple[int, ...] = (64, 64, 1),
    num_classes: int = 2,
    classifier_activation: str = "softmax",
    filters: int = 16,
    depth: int = 3,
    dropout: float = 0.0,
    name: str = "unet_small",
) -> keras.Model:
    """A U-Net for a CPU: 16, 32, 64 and 128 filters, padded and normalised, any sides that are multiples of 8.

    Maps of 64x64 pixels: 64x64x16, 32x32x32, 16x16x64, at the bottom 8x8x128, and back up to 64x64x2.

    Args:
        input_shape: (height, width, channels), sides multiples of 2 to the power of `depth`.
        filters, depth, dropout: as of `unet`.

    Source: Ronneberger et al. 2015; smaller, padded and normalised as the record says.
    """
    return unet(
        input_shape, num_classes, classifier_activation, filters, depth, "same", dropout,
        batch_norm=True, name=name,
    )  # fmt: skip
