"""Vision transformer: an image as a sequence of squares, read by the transformer's encoder.

Dosovitskiy et al. 2021, An image is worth 16x16 words: transformers for image recognition at scale, ICLR,
arXiv:2010.11929.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register
from zoo.errors import UsageError
from zoo.models.transformer_blocks import NO_ATTENTION_DROPOUT, Stack, one_of, positioned

if TYPE_CHECKING:
    import keras

PAPER = "Dosovitskiy et al. 2021, An image is worth 16x16 words: transformers for image recognition at scale"
INSIDE = "dropout behind each sublayer, not between the two dense layers of a block as well"


@register(
    "vit.base",
    family="vit",
    year=2021,
    paper=PAPER,
    idea="Squares of 16x16 pixels are the words; what a convolution is born with, attention learns from many images.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=86_567_656,
    min_size=16,
    published={
        "parameters": "86 million",
        "ImageNet validation, first trained on ImageNet-21k, top-1 accuracy at 384x384": "83.97 %",
    },
    deviations=(
        "a head of one dense layer, as the paper has it in fine-tuning; it trains with one hidden layer more",
        INSIDE,
        NO_ATTENTION_DROPOUT,
    ),
    trial={
        "input_shape": (8, 8, 3), "num_classes": 10, "patch_size": 4, "num_layers": 2, "model_dim": 16, "num_heads": 2,
        "feedforward_dim": 32, "dropout": 0.0,
    },
)  # fmt: skip
def vit_base(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 1000,
    classifier_activation: str = "softmax",
    patch_size: int = 16,
    num_layers: int = 12,
    model_dim: int = 768,
    num_heads: int = 12,
    feedforward_dim: int = 3072,
    dropout: float = 0.1,
    pooling: Literal["token", "mean"] = "token",
    name: str = "vit_base",
) -> keras.Model:
    """ViT-B/16 of table 1 of the paper: 86,567,656 parameters on 224x224x3 and 1,000 classes.

    224x224x3 -> 14x14x768 -> 196x768 -> 197x768 with the class token -> 768 -> 1000.

    Args:
        input_shape: (height, width, channels), sides multiples of `patch_size`. Each size has positions of its own.
        patch_size: side of a square in pixels.
        num_layers: blocks of attention and two dense layers, norms in front.
        model_dim: length of the vectors, a multiple of `num_heads`.
        feedforward_dim: hidden units of each block's dense layers.
        dropout: rate behind the positions and each sublayer.
        pooling: what is classified: a learnt token in front of the squares, or their mean without such a token
            (section D.3 of the paper: both do equally well, at other learning rates).

    Raises:
        UsageError: sides that are no multiples of the patches', model_dim none of num_heads, an unknown pooling.

    Source: Dosovitskiy et al. 2021, section 3.1 and appendix B.1; what differs from it stands in the record.
    """
    import keras
    from keras import layers

    from zoo.layers import ClassToken, FirstStep, MeanOverTime

    one_of("pooling", pooling, ("token", "mean"))
    _refuse_sides(input_shape, patch_size)
    stack = Stack(num_layers, model_dim, num_heads, feedforward_dim, dropout, "pre", "gelu")

    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = layers.Conv2D(model_dim, patch_size, patch_size, name="patch_embedding")(inputs)  # (batch, 14, 14, 768)
    x = layers.Reshape((-1, model_dim), name="patches")(x)  # (batch, 196, 768)
    if pooling == "token":
        x = ClassToken(name="class_token")(x)  # (batch, 197, 768)
    x = positioned(x, "learned", x.shape[1], "patch")
    x = layers.Dropout(dropout, name="patch_dropout")(x)
    x = stack.encoder(x, None)  # (batch, 197, 768)
    x = FirstStep(name="first")(x) if pooling == "token" else MeanOverTime(name="mean")(x)  # (batch, 768)
    outputs = layers.Dense(
        num_classes,
        activation=classifier_activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        dtype="float32",
        name="head",
    )(x)  # (batch, num_classes)
    return keras.Model(inputs, outputs, name=name)


@register(
    "vit.tiny",
    family="vit",
    year=2021,
    paper=PAPER,
    idea="A vision transformer for 32x32 pixels: squares of 4x4, six blocks of 128 units; few images cost it dear.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=1_205_642,
    min_size=8,
    deviations=(
        "own sizes, for images of 32x32 on a CPU: squares of 4x4 pixels, six blocks of 128 units and four heads "
        "(the paper's smallest has 12 blocks of 768 units)",
        "the mean of all squares is classified, not a token of its own",
        INSIDE,
        NO_ATTENTION_DROPOUT,
    ),
    trial={
        "input_shape": (8, 8, 3), "num_layers": 2, "model_dim": 16, "num_heads": 2, "feedforward_dim": 32,
        "dropout": 0.0,
    },
)  # fmt: skip
def vit_tiny(
    input_shape: tuple[int, ...] = (32, 32, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    patch_size: int = 4,
    num_layers: int = 6,
    model_dim: int = 128,
    num_heads: int = 4,
    feedforward_dim: int = 512,
    dropout: float = 0.1,
    pooling: Literal["token", "mean"] = "mean",
    name: str = "vit_tiny",
) -> keras.Model:
    """A vision transformer for a CPU: 1,205,642 parameters on 32x32x3; arguments as of `vit_base`.

    32x32x3 -> 8x8x128 -> 64x128 -> 128 -> 10.
    """
    return vit_base(
        input_shape, num_classes, classifier_activation, patch_size, num_layers, model_dim, num_heads,
        feedforward_dim, dropout, pooling, name,
    )  # fmt: skip


def _refuse_sides(input_shape: tuple[int, ...], patch_size: int) -> None:
    height, width = input_shape[:2]
    if height % patch_size or width % patch_size:
        raise UsageError(f"images of {height}x{width} do not fall into patches of {patch_size}x{patch_size} pixels")
