"""LeNet-5, as usually built and as printed.

LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition, Proc. IEEE 86(11).
Layer names are the paper's: C convolution, S subsampling, F fully connected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register
from zoo.errors import unknown

if TYPE_CHECKING:
    import keras

PAPER = "LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition"
PUBLISHED = {
    "MNIST test, 20 passes": "99.05 %",
    "MNIST test, with distorted training images": "99.2 %",
    "trainable parameters": "60,000",
    "connections": "340,908",
}

# Table I of the paper: for each of the 16 maps of C3, the maps of S2 it looks at.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


@register(
    "lenet",
    family="lenet",
    year=1998,
    paper=PAPER,
    idea="Small shared filters, then averaging, twice: the first convolutional net at work, reading bank cheques.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=61_706,
    min_size=16,
    published=PUBLISHED,
    deviations=(
        "every map of C3 sees all six maps of S2 (paper: a table that leaves out 36 of 96 links)",
        "S2 and S4 are plain averages: no coefficient, no bias, no squashing",
        "tanh instead of 1.7159 tanh(2/3 x)",
        "a dense softmax output instead of distances to fixed codes",
    ),
)
def lenet(
    input_shape: tuple[int, ...] = (32, 32, 1),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    activation: Literal["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu"] = "tanh",
    pooling: Literal["average", "max"] = "average",
    kernel_initializer: str = "glorot_uniform",
    name: str = "lenet",
) -> keras.Model:
    """LeNet-5 as usually built: 61,706 parameters on 32x32x1 (156 + 0 + 2,416 + 0 + 48,120 + 10,164 + 850).

    Args:
        input_shape: (height, width, channels), at least 16x16; other sizes than 32x32 change C5 only.
        activation: of C1, C3, C5 and F6.
        pooling: what S2 and S4 do with a 2x2 window.
        kernel_initializer: of every layer, by its Keras name: zeros, random_normal, he_normal, lecun_normal ...

    Raises:
        UsageError: an unknown activation or pooling.

    Source: LeCun et al. 1998, section II.B; what differs from it stands in the record and is mended in `lenet.1998`.
    """
    import keras
    from keras import layers

    from zoo.layers import activate

    pools = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
    if pooling not in pools:
        raise unknown("pooling", pooling, pools, "known: average, max")
    pool = pools[pooling]

    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 1)
    x = layers.Conv2D(6, 5, kernel_initializer=kernel_initializer, name="C1")(inputs)  # (batch, 28, 28, 6)
    x = activate(x, activation, name=f"C1_{activation}")
    x = pool(2, name="S2")(x)  # (batch, 14, 14, 6)
    x = layers.Conv2D(16, 5, kernel_initializer=kernel_initializer, name="C3")(x)  # (batch, 10, 10, 16)
    x = activate(x, activation, name=f"C3_{activation}")
    x = pool(2, name="S4")(x)  # (batch, 5, 5, 16)
    x = layers.Flatten(name="flatten")(x)  # (batch, 400)
    x = layers.Dense(120, kernel_initializer=kernel_initializer, name="C5")(
        x
    )  # (batch, 120); the paper's 5x5 convolution on 5x5 maps
    x = activate(x, activation, name=f"C5_{activation}")
    x = layers.Dense(84, kernel_initializer=kernel_initializer, name="F6")(x)  # (batch, 84)
    x = activate(x, activation, name=f"F6_{activation}")
    outputs = layers.Dense(
        num_classes, classifier_activation, kernel_initializer=kernel_initializer, dtype="float32", name="output"
    )(x)
    return keras.Model(inputs, outputs, name=name)


@register(
    "lenet.1998",
    family="lenet",
    year=1998,
    paper=PAPER,
    idea="LeNet-5 as printed: a sparse table between S2 and C3, averages that learn, distances to fixed codes.",
    inputs=("image",),
    tasks=("classification",),
    params=60_000,
    min_size=16,
    published=PUBLISHED,
    deviations=(
        "the output's 84-bit codes are rows of a Hadamard matrix, all 42 bits apart, where the paper drew characters "
        "as 7x12 bitmaps (it names error-correcting codes as another choice)",
        "softmax of the negative distances and cross-entropy: the paper's criterion (9) without the constant for "
        "the rubbish class",
        "distances are divided by 32 before the softmax; undivided they saturate it: zoo run lenet.1998 mnist "
        "--epochs 2 gives 97.9 %, with --set knobs.temperature=1 it gives 89.1 %",
        "trained by first-order steps, not by the stochastic diagonal Levenberg-Marquardt method",
    ),
    defaults={"optimizer": "adam", "learning_rate": 0.003, "batch_size": 128},
)
def lenet_1998(
    input_shape: tuple[int, ...] = (32, 32, 1),
    num_classes: int = 10,
    temperature: float = 32.0,
    name: str = "lenet_1998",
) -> keras.Model:
    """LeNet-5 as printed: 60,000 trainable parameters (156 + 12 + 1,516 + 32 + 48,120 + 10,164 + 0).

    S2 and S4 add up the four values of a 2x2 window, multiply the sum by the map's coefficient and add the map's bias.
    All of C1 to F6 end in the squashing function 1.7159 tanh(2/3 x). Weights start uniform in +-2.4 / fan-in, a
    subsampling unit having four inputs, biases at zero. The output layer has no weights: its units give the squared
    distances between F6 and one fixed +-1 code a class.

    Args:
        input_shape: (height, width, channels), at least 16x16; the paper's is (32, 32, 1).
        num_classes: 2 to 168, as many codes as there are.
        temperature: what the distances are divided by before the softmax; 1 as printed.

    Raises:
        UsageError: more classes than codes.

    Source: LeCun et al. 1998, section II.B, Table I, appendix A.
    """
    import keras
    from keras import layers

    from zoo.layers import CodeDistance, SparseConv2D, Subsampling, scaled_tanh

    def uniform(fan_in: int) -> keras.initializers.Initializer:
        return keras.initializers.RandomUniform(-2.4 / fan_in, 2.4 / fan_in)

    def dense(units: int, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return layers.Dense(units, activation=scaled_tanh, kernel_initializer=uniform(x.shape[-1]), name=name)(x)

    inputs = keras.Input(input_shape, name="input")  # (batch, 32, 32, 1)
    c1 = layers.Conv2D(6, 5, activation=scaled_tanh, kernel_initializer=uniform(25 * input_shape[-1]), name="C1")
    x = c1(inputs)  # (batch, 28, 28, 6)
    x = Subsampling(activation=scaled_tanh, kernel_initializer=uniform(4), name="S2")(x)  # (batch, 14, 14, 6)
    x = SparseConv2D(C3_TABLE, 5, activation=scaled_tanh, name="C3")(x)  # (batch, 10, 10, 16)
    x = Subsampling(activation=scaled_tanh, kernel_initializer=uniform(4), name="S4")(x)  # (batch, 5, 5, 16)
    x = layers.Flatten(name="flatten")(x)  # (batch, 400)
    x = dense(120, x, "C5")  # (batch, 120)
    x = dense(84, x, "F6")  # (batch, 84)
    x = CodeDistance(num_classes, dtype="float32", name="RBF")(x)  # (batch, 10)
    x = layers.Rescaling(-1.0 / temperature, dtype="float32", name="score")(x)
    outputs = layers.Softmax(dtype="float32", name="output")(x)  # (batch, 10)
    return keras.Model(inputs, outputs, name=name)
