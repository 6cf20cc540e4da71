"""Layers that draw in training: a code from its Gaussian, and noise that hides part of what a network is to restore.

Their seed generators are part of a model's state, as those of Keras' dropout are: a run that is resumed draws on as if
it had never stopped, and several replicas draw what one device draws.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from zoo.errors import UsageError


@keras.saving.register_keras_serializable(package="zoo")
class GaussianSample(layers.Layer):
    """[mean, log_variance], both (batch, units) -> (batch, units): mean + exp(log_variance / 2) * noise.

    The noise is standard normal and drawn anew for every example in training; otherwise the mean is returned. Written
    so, gradients reach mean and variance (the reparameterisation of Kingma and Welling 2014, section 2.4).
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        mean, log_variance = inputs
        if not training:
            return mean
        noise = keras.random.normal(ops.shape(mean), dtype=mean.dtype, seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable(package="zoo")
class MaskingNoise(layers.Layer):
    """(batch, ...) -> the same shape with this share of the numbers set to 0 in training; the others stay as they are.

    Source: Vincent et al. 2008. Keras' Dropout would scale what is left.
    """

    def __init__(self, share: float = 0.25, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= share < 1:
            raise UsageError(f"the share of masked numbers is from 0 to below 1, not {share}")
        self.share, self.seed = share, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, x: Any, training: bool = False) -> Any:
        if not training or not self.share:
            return x
        kept = keras.random.uniform(ops.shape(x), seed=self.seed_generator) >= self.share
        return x * ops.cast(kept, x.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "share": self.share, "seed": self.seed}
