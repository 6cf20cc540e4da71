"""The variational autoencoder.

Kingma and Welling 2014, Auto-encoding variational Bayes, ICLR.
Rezende, Mohamed and Wierstra 2014 found the same: Stochastic backpropagation and approximate inference, ICML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.models.autoencoder import Activation, dense_decoder, hidden

if TYPE_CHECKING:
    import keras


@register(
    "vae",
    family="vae",
    year=2014,
    paper="Kingma and Welling 2014, Auto-encoding variational Bayes, ICLR",
    idea="The code is a cloud and not a point: where the clouds of all images fill a ball, new images can be drawn.",
    inputs=("image",),
    tasks=("autoencoding",),
    params=1_316_824,
    deviations=(
        "two hidden layers of 500 rectified linear units, where the paper has one of 500 with tanh "
        "(--set knobs.hidden_units=[500] --set knobs.activation=tanh)",
        "trained by Adam, where the paper has Adagrad and a weak penalty on the weights",
    ),
    defaults={"loss": "elbo"},
)
def vae(
    input_shape: tuple[int, ...] = (28, 28, 1),
    hidden_units: tuple[int, ...] = (500, 500),
    latent_dim: int = 20,
    activation: Activation = "relu",
    name: str = "vae",
) -> keras.Model:
    """(batch, *input_shape) -> mean and log-variance of a code -> the code -> probabilities (batch, *input_shape).

    In training the code (batch, latent_dim) is drawn from its Gaussian; otherwise it is the mean.

    Args:
        input_shape: (height, width, channels).
        hidden_units: sizes of the encoder's hidden layers; the decoder has them in the other order.
        latent_dim: numbers in the code; of 2 the report draws the whole plane.
        activation: of the hidden layers.

    Raises:
        UsageError: an unknown activation.

    Source: Kingma and Welling 2014, sections 2.4 and 3, appendix C: Gaussian encoder, Bernoulli decoder.
    """
    import keras
    from keras import layers

    from zoo.layers import GaussianSample

    inputs = keras.Input(input_shape, name="input")
    image = keras.Input(input_shape, name="image")
    x = hidden(image, hidden_units, activation)  # (batch, hidden_units[-1])
    mean = layers.Dense(latent_dim, name="mean")(x)  # (batch, latent_dim)
    log_variance = layers.Dense(latent_dim, name="log_variance")(x)  # (batch, latent_dim)
    code = keras.Model(image, [mean, log_variance], name="encoder")(inputs)
    sample = GaussianSample(name="sample")(code)  # (batch, latent_dim)
    return keras.Model(inputs, dense_decoder(input_shape, hidden_units, latent_dim, activation)(sample), name=name)
