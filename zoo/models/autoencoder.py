"""Autoencoders: dense, convolutional and denoising.

Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, Science 313.
Masci, Meier, Ciresan and Schmidhuber 2011, Stacked convolutional auto-encoders for hierarchical feature extraction.
Vincent, Larochelle, Bengio and Manzagol 2008, Extracting and composing robust features with denoising autoencoders.

Each is two networks in one: `encoder`, from an image to its code, and `decoder`, from a code to an image. Images are
pixels from 0 to 1, and so is what comes out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from zoo.catalogue.registry import register

if TYPE_CHECKING:
    import keras

Activation = Literal["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu"]


@register(
    "autoencoder",
    family="autoencoder",
    year=2006,
    paper="Hinton and Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, Science 313",
    idea="A net that has to give back its input through a narrow code learns what an image can be told by.",
    inputs=("image",),
    tasks=("autoencoding",),
    params=2_837_314,
    published={
        "MNIST test, squared error an image, 30 numbers in the code": "3.00 (0.00383 a pixel)",
        "the same by 30 principal components": "13.87 (0.01769 a pixel)",
    },
    deviations=(
        "trained from random weights by Adam, where the paper trains a stack of restricted Boltzmann machines first",
        "rectified linear units, where the paper has logistic ones",
    ),
)
def autoencoder(
    input_shape: tuple[int, ...] = (28, 28, 1),
    hidden_units: tuple[int, ...] = (1000, 500, 250),
    latent_dim: int = 30,
    activation: Activation = "relu",
    name: str = "autoencoder",
) -> keras.Model:
    """Dense layers: (batch, *input_shape) -> encoder -> (batch, latent_dim) -> decoder -> (batch, *input_shape).

    Args:
        input_shape: (height, width, channels).
        hidden_units: sizes of the encoder's hidden layers; the decoder has them in the other order.
        latent_dim: numbers in the code, which is linear.
        activation: of the hidden layers.

    Raises:
        UsageError: an unknown activation.

    Source: Hinton and Salakhutdinov 2006, 784-1000-500-250-30 and back.
    """
    import keras
    from keras import layers

    inputs = keras.Input(input_shape, name="input")
    image = keras.Input(input_shape, name="image")
    code = layers.Dense(latent_dim, name="code")(hidden(image, hidden_units, activation))  # (batch, latent_dim)
    x = keras.Model(image, code, name="encoder")(inputs)
    return keras.Model(inputs, dense_decoder(input_shape, hidden_units, latent_dim, activation)(x), name=name)


def hidden(image: keras.KerasTensor, units: tuple[int, ...], activation: Activation) -> keras.KerasTensor:
    """An encoder's hidden layers: (batch, height, width, channels) -> (batch, units[-1])."""
    from keras import layers

    from zoo.layers import activate

    x = layers.Flatten(name="flatten")(image)  # (batch, pixels)
    for number, size in enumerate(units, start=1):
        x = layers.Dense(size, name=f"hidden{number}")(x)  # (batch, size)
        x = activate(x, activation, name=f"hidden{number}_{activation}")
    return x


def dense_decoder(
    input_shape: tuple[int, ...], hidden_units: tuple[int, ...], latent_dim: int, activation: Activation
) -> keras.Model:
    """(batch, latent_dim) -> the encoder's hidden layers in the other order -> pixels (batch, *input_shape)."""
    import keras
    from keras import layers

    from zoo.layers import activate

    code = x = keras.Input((latent_dim,), name="code")
    for number in range(len(hidden_units), 0, -1):
        x = layers.Dense(hidden_units[number - 1], name=f"back{number}")(x)  # (batch, size)
        x = activate(x, activation, name=f"back{number}_{activation}")
    x = layers.Dense(math.prod(input_shape), name="pixels")(x)  # (batch, pixels)
    x = layers.Reshape(input_shape, name="image")(x)  # (batch, height, width, channels)
    return keras.Model(code, layers.Activation("sigmoid", dtype="float32", name="output")(x), name="decoder")


@register(
    "autoencoder.conv",
    family="autoencoder",
    year=2011,
    paper=(
        "Masci, Meier, Ciresan and Schmidhuber 2011, Stacked convolutional auto-encoders for hierarchical feature "
        "extraction"
    ),
    idea="Filters that are shared over the image look for its parts, and others paint it again from them.",
    inputs=("image",),
    tasks=("autoencoding",),
    params=228_895,
    min_size=4,
    deviations=(
        "convolutions of stride 2 halve the maps, where the paper pools the largest value",
        "a code of 30 numbers between two dense layers, and all layers trained at once",
        "rectified linear units, where the paper has scaled tanh",
    ),
)
def autoencoder_conv(
    input_shape: tuple[int, ...] = (28, 28, 1),
    filters: tuple[int, ...] = (32, 64),
    latent_dim: int = 30,
    activation: Activation = "relu",
    name: str = "autoencoder_conv",
) -> keras.Model:
    """3x3 convolutions of stride 2, a dense code, and transposed convolutions back to (batch, *input_shape).

    Args:
        input_shape: (height, width, channels).
        filters: maps of each convolution; the transposed ones have them in the other order.
        latent_dim: numbers in the code, which is linear.
        activation: of all hidden layers.

    Raises:
        UsageError: an unknown activation.

    Source: Masci et al. 2011; what differs stands in the record.
    """
    import keras
    from keras import layers

    from zoo.layers import activate

    inputs = keras.Input(input_shape, name="input")
    image = x = keras.Input(input_shape, name="image")
    for number, maps in enumerate(filters, start=1):
        x = layers.Conv2D(maps, 3, strides=2, padding="same", name=f"C{number}")(
            x
        )  # (batch, height / 2, width / 2, maps)
        x = activate(x, activation, name=f"C{number}_{activation}")
    shape = tuple(x.shape[1:])
    code = layers.Dense(latent_dim, name="code")(layers.Flatten(name="flatten")(x))  # (batch, latent_dim)
    encoder = keras.Model(image, code, name="encoder")

    start = keras.Input((latent_dim,), name="code")
    x = activate(layers.Dense(math.prod(shape), name="maps")(start), activation, name=f"maps_{activation}")
    x = layers.Reshape(shape, name="reshape")(x)  # (batch, height / 4, width / 4, maps)
    for number, maps in zip(range(len(filters), 0, -1), (*filters[-2::-1], input_shape[-1]), strict=True):
        x = layers.Conv2DTranspose(maps, 3, strides=2, padding="same", name=f"T{number}")(x)  # twice as high and wide
        x = activate(x, activation, name=f"T{number}_{activation}") if number > 1 else x
    beyond = [(0, x.shape[axis] - input_shape[axis - 1]) for axis in (1, 2)]
    if any(more for _, more in beyond):  # sides that are no multiple of 4
        x = layers.Cropping2D(beyond, name="crop")(x)
    decoder = keras.Model(start, layers.Activation("sigmoid", dtype="float32", name="output")(x), name="decoder")
    return keras.Model(inputs, decoder(encoder(inputs)), name=name)


@register(
    "autoencoder.denoising",
    family="autoencoder",
    year=2008,
    paper=(
        "Vincent, Larochelle, Bengio and Manzagol 2008, Extracting and composing robust features with denoising "
        "autoencoders, ICML"
    ),
    idea="Given an image of which a part is blotted out, it has to paint the whole: a wide code cannot just copy.",
    inputs=("image",),
    tasks=("autoencoding",),
    params=1_569_784,
    deviations=(
        "one layer, as one step of the paper's stack; the decoder's weights are its own, not the encoder's transposed",
        "trained by Adam",
    ),
    defaults={"loss": "binary_crossentropy"},
)
def autoencoder_denoising(
    input_shape: tuple[int, ...] = (28, 28, 1),
    latent_dim: int = 1000,
    masked_share: float = 0.25,
    name: str = "autoencoder_denoising",
) -> keras.Model:
    """(batch, *input_shape) -> some pixels set to 0 in training -> a code of logistic units -> (batch, *input_shape).

    Args:
        input_shape: (height, width, channels).
        latent_dim: units of the code, more than there are pixels by default.
        masked_share: of the pixels that are set to 0, others for each image and step; in training alone.

    Raises:
        UsageError: a share below 0, or of 1 and above.

    Source: Vincent et al. 2008, masking noise and cross-entropy.
    """
    import keras
    from keras import layers

    from zoo.layers import MaskingNoise

    inputs = keras.Input(input_shape, name="input")
    image = keras.Input(input_shape, name="image")
    flat = layers.Flatten(name="flatten")(image)  # (batch, pixels)
    encoder = keras.Model(image, layers.Dense(latent_dim, "sigmoid", name="code")(flat), name="encoder")
    x = encoder(MaskingNoise(masked_share, name="corruption")(inputs))  # (batch, latent_dim)
    return keras.Model(inputs, dense_decoder(input_shape, (), latent_dim, "sigmoid")(x), name=name)
