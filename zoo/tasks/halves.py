"""The two halves of an autoencoder inside a trained model, and what is done with them: training, scoring, walking."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo.errors import UsageError
from zoo.layers import GaussianSample, MaskingNoise
from zoo.tasks import elbo
from zoo.tasks.objective import MeansObjective, example_loss
from zoo.tasks.steps import BatchLoss, Step

AT_ONCE = 500  # images
MOST_PIXELS = 2048  # in an image whose principal components are computed
SEED = 0  # of the noise that images are corrupted with, and of new images


class Halves:
    """A model taken apart: preprocessing, corruption if there is any, encoder and decoder.

    Raises:
        UsageError: its network has no encoder or no decoder.
    """

    def __init__(self, model: keras.Model) -> None:
        network = next(layer for layer in model.layers if isinstance(layer, keras.Model))
        found = {layer.name: layer for layer in network.layers}
        if not {"encoder", "decoder"} <= set(found):
            raise UsageError(f"{network.name} has no layers called encoder and decoder, which autoencoding asks for")
        self.model, self.encoder, self.decoder = model, found["encoder"], found["decoder"]
        self.prepare = keras.Model(model.input, model.layers[model.layers.index(network) - 1].output)
        self.logits = keras.Model(self.decoder.input, self.decoder.layers[-1].input)  # before the sigmoid
        self.sample: Any = next((layer for layer in network.layers if isinstance(layer, GaussianSample)), None)
        self.corrupt: Any = next((layer for layer in network.layers if isinstance(layer, MaskingNoise)), None)

    @property
    def code_size(self) -> int:
        """Numbers in a code."""
        return int(self.decoder.input_shape[-1])

    def encode(self, pixels: Any, training: bool = False) -> Any:
        """The code (batch, units); of one that is drawn its mean and its log-variance; float32."""
        return keras.tree.map_structure(lambda code: ops.cast(code, "float32"), self.encoder(pixels, training=training))

    def errors(self, loss: str, pixels: Any, logits: Any) -> Any:
        """The loss of each image, (batch,): the mean over its pixels."""
        pixels, logits = (_flat(array) for array in (pixels, logits))
        if loss == "binary_crossentropy":  # of the logits: a probability is cut at 1e-7
            return ops.mean(ops.binary_crossentropy(pixels, logits, from_logits=True), axis=-1)
        return example_loss(loss)(pixels, ops.sigmoid(logits))

    def parts(self, loss: str, raw: Any, training: bool, noise: Callable[[Any], Any]) -> tuple[dict[str, Any], Any]:
        """Of each image of a batch the loss and its parts by name, (batch,), and the code, (batch, units).

        `noise` draws a code from its mean and log-variance.
        """
        pixels = ops.cast(self.prepare(raw), "float32")
        given = self.corrupt(pixels, training=training) if self.corrupt else pixels
        code = self.encode(given, training)
        if self.sample is None:
            logits = ops.cast(self.logits(code, training=training), "float32")
            values = {"loss": self.errors(loss, pixels, logits), "mse": self.errors("mse", pixels, logits)}
            return values, code
        logits = ops.cast(self.logits(noise(code), training=training), "float32")
        values = {"reconstruction": elbo.negative_log_probability(pixels, logits), "kl": elbo.divergence(*code)}
        return {"loss": values["reconstruction"] + values["kl"], **values}, code[0]

    def training_step(self, optimizer: keras.optimizers.Optimizer, loss: str) -> Step:
        """The only step: what is drawn or corrupted is so by the network's own layers."""

        def of_batch(raw: Any, y: Any) -> BatchLoss:
            values, _ = self.parts(loss, raw, True, lambda code: self.sample(code, training=True))
            return BatchLoss(values.pop("loss"), values, sum(self.model.losses))

        names = ("reconstruction", "kl") if self.sample is not None else ("mse",)
        return Step("train", self.model.trainable_variables, optimizer, of_batch, MeansObjective(names))

    def scorer(self, loss: str) -> Callable[[Any, Any], tuple[dict[str, Any], Any]]:
        """A function (batch, number of its first image) -> loss and its parts of each image, and their codes."""

        def score(raw: Any, first: Any) -> tuple[dict[str, Any], Any]:
            return self.parts(loss, raw, False, lambda code: _drawn(code, first))

        return score

    def images(self, codes: Any) -> np.ndarray:
        """What the decoder makes of codes (n, units): pixels from 0 to 1, (n, height, width, channels)."""
        return np.asarray(self.decoder(ops.convert_to_tensor(codes, "float32"), training=False))

    def corrupted(self, pixels: Any, first: int = 0) -> np.ndarray:
        """Pixels that are masked as in training, the same ones each time for the same number of the first image."""
        drawn = tf.random.stateless_uniform(pixels.shape, [SEED, first])
        return np.asarray(pixels * tf.cast(drawn >= self.corrupt.share, pixels.dtype))

    def restorations(self, x: Any) -> dict[str, np.ndarray]:
        """Images, where the network was trained on corrupted ones these too, and what it makes of them."""
        pixels = np.asarray(self.prepare(ops.convert_to_tensor(x)))
        shown = {"given": pixels}
        if self.corrupt:
            shown["corrupted"] = self.corrupted(tf.constant(pixels))
        codes = keras.tree.flatten(self.encode(ops.convert_to_tensor(list(shown.values())[-1])))[0]
        return {**shown, "restored": self.images(codes)}

    def walks(self, ends: np.ndarray, stages: int) -> list[np.ndarray]:
        """For each two codes (pairs, 2, units) images on the straight line between them, (stages, ...)."""
        shares = np.linspace(0, 1, stages)[:, None]
        return [self.images((1 - shares) * start + shares * end) for start, end in ends]

    def samples(self, count: int) -> np.ndarray:
        """What the decoder makes of codes drawn from the standard normal."""
        return self.images(np.random.default_rng(SEED).standard_normal((count, self.code_size)))

    def plane(self, codes: np.ndarray, side: int) -> np.ndarray:
        """What the decoder makes of a grid over a code of two numbers, (side, side, ...), the first row on top.

        A code that is drawn is stepped through by equal shares of the standard normal, another over what codes span.
        """
        shares = (np.arange(side) + 0.5) / side
        if self.sample is not None:
            across = down = np.array([NormalDist().inv_cdf(share) for share in shares])
        else:
            across, down = (np.quantile(codes[:, axis], [0.02, 0.98]) @ [1 - shares, shares] for axis in (0, 1))
        grid = np.stack(np.meshgrid(across, down[::-1]), axis=-1)  # (side, side, 2)
        return self.images(grid.reshape(-1, 2)).reshape(side, side, *self.decoder.output_shape[1:])


def _drawn(code: tuple[Any, Any], number: Any) -> Any:
    mean, log_variance = code
    return mean + ops.exp(0.5 * log_variance) * elbo.noise(ops.shape(mean), number)


def component_error(halves: Halves, train: Any, x: Any) -> dict[str, float]:
    """`pca_mse`: the error of as many principal components of the training images as a code has numbers.

    Empty for images too large for it, and where a code is no smaller than an image.
    """
    pixels = math.prod(halves.decoder.output_shape[1:])
    if pixels > MOST_PIXELS or halves.code_size >= pixels:
        return {}
    total, products, count = np.zeros(pixels), np.zeros((pixels, pixels)), len(train)
    for part in _flat_parts(halves, train):
        total += part.sum(axis=0)
        products += part.T @ part
    mean = total / count
    _, directions = np.linalg.eigh(products / count - np.outer(mean, mean))  # the smallest variance first
    kept = directions[:, -halves.code_size :]
    error = 0.0
    for part in _flat_parts(halves, x):
        rest = part - mean
        error += float(np.square(rest - rest @ kept @ kept.T).sum())
    return {"pca_mse": error / (len(x) * pixels)}


def restored(halves: Halves, x: Any) -> dict[str, float]:
    """`denoised_mse`, between images and what is made of corrupted ones, and `corrupted_mse`, of these themselves.

    Empty for networks that were trained on images as they are.
    """
    if halves.corrupt is None:
        return {}
    errors = np.zeros(2)
    for number, part in enumerate(_parts(x)):
        pixels = halves.prepare(part)
        given = halves.corrupted(pixels, number * AT_ONCE)
        made = halves.images(halves.encode(ops.convert_to_tensor(given)))
        errors += [float(np.square(image - np.asarray(pixels)).mean(axis=(1, 2, 3)).sum()) for image in (made, given)]
    denoised, corrupted = errors / len(x)
    return {"denoised_mse": float(denoised), "corrupted_mse": float(corrupted)}


def _parts(x: Any) -> Iterator[Any]:
    for start in range(0, len(x), AT_ONCE):
        yield ops.convert_to_tensor(x[start : start + AT_ONCE])


def _flat_parts(halves: Halves, x: Any) -> Iterator[np.ndarray]:
    for part in _parts(x):
        yield np.asarray(_flat(halves.prepare(part)), "float64")


def _flat(array: Any) -> Any:
    return ops.reshape(array, (-1, math.prod(array.shape[1:])))
