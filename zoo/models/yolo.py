"""YOLO: all objects of an image in one look, by a grid of cells each of which answers for what has its middle there.

Redmon, Divvala, Girshick and Farhadi 2016, You only look once: unified, real-time object detection, CVPR,
arXiv:1506.02640: figure 3 and section 2. The output is a map (rows, columns, 5 * boxes + classes); what its numbers
mean, and the loss, stand in `zoo.tasks.cells`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError
from zoo.models.widths import refuse_factor, scaled

if TYPE_CHECKING:
    import keras

PAPER = "Redmon 2016, You only look once: unified, real-time object detection, CVPR, arXiv:1506.02640"
SLOPE = 0.1  # of the leaky units below 0
# figure 3: filters and side of each convolution, "pool" a 2x2 maximum; a minus: with steps of 2
V1 = (
    (64, -7), "pool", (192, 3), "pool", (128, 1), (256, 3), (256, 1), (512, 3), "pool",
    *((256, 1), (512, 3)) * 4, (512, 1), (1024, 3), "pool",
    *((512, 1), (1024, 3)) * 2, (1024, 3), (1024, -3), (1024, 3), (1024, 3),
)  # fmt: skip


@register(
    "yolo.v1",
    family="yolo",
    year=2015,
    paper=PAPER,
    idea="Detection as one regression: a grid of 7x7 cells, each with two boxes and one class.",
    inputs=("image",),
    tasks=("detection",),
    params=271_703_550,
    min_size=64,
    published={"VOC 2007 mAP50 (pretrained on ImageNet)": "63.4 %"},
    deviations=("starts from new weights; the paper's first 20 convolutions were pretrained on ImageNet",),
    defaults={"optimizer": "momentum", "momentum": 0.9, "learning_rate": 0.001, "weight_decay": 0.0005},
    trial={"input_shape": (64, 64, 3), "num_classes": 3, "width": 1 / 32, "hidden_units": 24, "dropout": 0.0},
)
def yolo_v1(
    input_shape: tuple[int, ...] = (448, 448, 3),
    num_classes: int = 20,
    boxes_per_cell: int = 2,
    hidden_units: int = 4096,
    dropout: float = 0.5,
    width: float = 1.0,
    name: str = "yolo_v1",
) -> keras.Model:
    """Figure 3 of the paper: 24 convolutions, two dense layers, and a grid of a 64th of the image's sides.

    448x448x3 -> 224x224x64 -> 112x112x192 -> 56x56x512 -> 28x28x1024 -> 14x14x1024 -> 7x7x1024 -> 4,096 -> 7x7x30.
    Leaky units of slope 0.1 behind all layers but the last.

    Args:
        input_shape: (height, width, channels), at least 64x64.
        num_classes: classes of objects.
        boxes_per_cell: boxes that a cell may answer with.
        hidden_units: of the first dense layer.
        dropout: share that is left out behind it.
        width: factor on all filters.

    Raises:
        UsageError: an image below 64x64 pixels, or a width that is not above 0.
    """
    import keras
    from keras import layers

    refuse_factor("width", width)
    _refuse_small(input_shape, 64)
    inputs = x = keras.Input(input_shape, name="input")  # (batch, 448, 448, 3)
    convolutions = pools = 0
    for step in V1:
        if isinstance(step, str):
            pools += 1
            x = layers.MaxPooling2D(2, padding="same", name=f"pool{pools}")(x)
            continue
        convolutions += 1
        filters, side = scaled(step[0], width), abs(step[1])
        strides = 2 if step[1] < 0 else 1
        x = layers.Conv2D(filters, side, strides, padding="same", name=f"conv{convolutions}")(x)
        x = layers.LeakyReLU(SLOPE, name=f"leaky{convolutions}")(x)  # (batch, 224, 224, 64) ... (batch, 7, 7, 1024)
    rows, columns = x.shape[1:3]
    x = layers.Flatten(name="flatten")(x)  # (batch, 50176)
    x = layers.Dense(hidden_units, name="dense1")(x)  # (batch, 4096)
    x = layers.LeakyReLU(SLOPE, name="leaky_dense1")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    channels = 5 * boxes_per_cell + num_classes
    x = layers.Dense(rows * columns * channels, dtype="float32", name="dense2")(x)  # (batch, 1470)
    outputs = layers.Reshape((rows, columns, channels), dtype="float32", name="predictions")(x)  # (batch, 7, 7, 30)
    return keras.Model(inputs, outputs, name=name)


@register(
    "yolo.small",
    family="yolo",
    year=2018,
    paper="own design on the residual blocks of Redmon and Farhadi 2018, YOLOv3: an incremental improvement, "
    "arXiv:1804.02767, with the cells and boxes of Redmon 2016, You only look once, arXiv:1506.02640",
    idea="A residual net of 1.8 million weights, all convolutions, for images of any size: a processor trains it.",
    inputs=("image",),
    tasks=("detection",),
    params=1_828_717,
    min_size=32,
    deviations=("one grid of a 16th of the image's sides, where YOLOv3 has three of a 32nd, a 16th and an eighth",),
    defaults={"loss": "yolo_logistic", "optimizer": "adamw", "learning_rate": 0.002, "weight_decay": 0.05},
    trial={"input_shape": (32, 32, 3), "width": 1 / 8},
)
def yolo_small(
    input_shape: tuple[int, ...] = (240, 320, 3),
    num_classes: int = 3,
    boxes_per_cell: int = 2,
    blocks: tuple[int, ...] = (1, 2, 2),
    width: float = 1.0,
    name: str = "yolo_small",
) -> keras.Model:
    """Convolutions that halve the maps, residual blocks between them, and a 1x1 convolution as the output.

    240x320x3 -> 120x160x32 -> 60x80x64 -> 30x40x128 -> 15x20x256 -> 15x20x(5 * 2 + 3). Batch normalisation and leaky
    units of slope 0.1 behind each convolution but the last.

    Args:
        input_shape: (height, width, channels), at least 32x32; a side that 16 does not divide is filled up.
        num_classes: classes of objects.
        boxes_per_cell: boxes that a cell may answer with.
        blocks: residual blocks on the maps of a quarter, an eighth and a 16th of the image's sides.
        width: factor on all filters.

    Raises:
        UsageError: an image below 32x32 pixels, other than three numbers of blocks, or a width that is not above 0.
    """
    import keras
    from keras import layers

    refuse_factor("width", width)
    _refuse_small(input_shape, 32)
    if len(blocks) != 3:
        raise UsageError(f"blocks: {len(blocks)} numbers; one for each of three sizes of maps")
    inputs = keras.Input(input_shape, name="input")  # (batch, 240, 320, 3)
    x = unit(inputs, scaled(32, width), 3, 2, "stem")  # (batch, 120, 160, 32)
    for stage, count in enumerate(blocks, start=1):
        filters = scaled(32 * 2**stage, width)
        x = unit(x, filters, 3, 2, f"down{stage}")  # (.., 60, 80, 64), (.., 30, 40, 128), (.., 15, 20, 256)
        for i in range(1, count + 1):
            x = residual(x, filters, f"stage{stage}_block{i}")
    x = unit(x, scaled(256, width), 3, 1, "neck")  # (batch, 15, 20, 256)
    outputs = layers.Conv2D(5 * boxes_per_cell + num_classes, 1, dtype="float32", name="predictions")(x)
    return keras.Model(inputs, outputs, name=name)  # (batch, 15, 20, 13)


def unit(x: keras.KerasTensor, filters: int, side: int, strides: int, name: str) -> keras.KerasTensor:
    """A convolution without biases, batch normalisation and a leaky unit."""
    from keras import layers

    x = layers.Conv2D(filters, side, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
    return layers.LeakyReLU(SLOPE, name=f"{name}_leaky")(x)


def residual(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """x + a 3x3 convolution behind a 1x1 convolution to half the maps."""
    from keras import layers

    inside = unit(x, max(1, filters // 2), 1, 1, f"{name}_1")
    inside = unit(inside, filters, 3, 1, f"{name}_2")
    return layers.Add(name=f"{name}_add")([x, inside])


def _refuse_small(input_shape: tuple[int, ...], least: int) -> None:
    if min(input_shape[:2]) < least:
        raise UsageError(f"images of {least}x{least} pixels or more, not {input_shape[0]}x{input_shape[1]}")
