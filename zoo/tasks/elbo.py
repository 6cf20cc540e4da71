"""The evidence lower bound and the evidence itself, of a Gaussian code and pixels that are 0 or 1, in nats an image.

Kingma and Welling 2014: log p(x) >= E[log p(x|z)] - KL(q(z|x) || p(z)), the two parts of the loss with the other sign.
Burda, Grosse and Salakhutdinov 2016: log p(x) is about the logarithm of the mean of p(x|z) p(z) / q(z|x) over samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from keras import ops

if TYPE_CHECKING:
    from zoo.tasks.halves import Halves

SAMPLES = 200  # of the code for each image, for the likelihood
AT_ONCE = 50  # samples that are decoded together, of
IMAGES = 100  # images
SEED = 20140414  # of the noise in scoring: the same in every run


def negative_log_probability(pixels: Any, logits: Any) -> Any:
    """-log p(x|z) of pixels (batch, ...) as Bernoulli variables with these logits: the sum over an image, (batch,)."""
    each = ops.softplus(logits) - pixels * logits  # exact where a probability would be rounded to 0 or 1
    return ops.sum(ops.reshape(each, (-1, math.prod(each.shape[1:]))), axis=-1)


def divergence(mean: Any, log_variance: Any) -> Any:
    """KL(q(z|x) || p(z)) of Gaussians (batch, units) from the standard normal, (batch,)."""
    return 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0, axis=-1)


def noise(shape: tuple[int, ...], number: Any) -> Any:
    """Standard normal numbers, the same for the same `number`: scoring twice gives one result."""
    return tf.random.stateless_normal(shape, [SEED, number])


def log_likelihood(halves: Halves, x: Any) -> float:
    """The mean over images of log p(x) by importance sampling, SAMPLES from each image's own Gaussian."""

    @tf.function  # anew for the last batch, which is smaller
    def terms(raw: Any, number: Any) -> Any:
        """log p(x|z) + log p(z) - log q(z|x), (samples, images)."""
        pixels = halves.prepare(raw)
        mean, log_variance = halves.encode(pixels)
        drawn = noise((AT_ONCE, *mean.shape), number)
        code = mean + tf.exp(0.5 * log_variance) * drawn  # (samples, images, units)
        prior_and_own = 0.5 * tf.reduce_sum(tf.square(drawn) - tf.square(code) + log_variance, axis=-1)
        logits = halves.logits(tf.reshape(code, (-1, code.shape[-1])))
        repeated = tf.tile(pixels, [AT_ONCE, *[1] * (len(pixels.shape) - 1)])
        return prior_and_own - tf.reshape(negative_log_probability(repeated, logits), prior_and_own.shape)

    total = 0.0
    for start, part in _parts(x):
        numbers = range(start // IMAGES * SAMPLES, start // IMAGES * SAMPLES + SAMPLES, AT_ONCE)
        found = np.concatenate([terms(part, tf.constant(n)).numpy() for n in numbers])  # (SAMPLES, images)
        total += float((np.logaddexp.reduce(found.astype("float64"), axis=0) - math.log(SAMPLES)).sum())
    return total / len(x)


def _parts(x: Any) -> Iterator[tuple[int, Any]]:
    for start in range(0, len(x), IMAGES):
        yield start, tf.constant(x[start : start + IMAGES])
