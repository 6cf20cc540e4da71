"""What a network of keras.applications wants of an image, as a layer: raw pixels in."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo.errors import unknown

MODULES = (
    "convnext", "densenet", "efficientnet", "efficientnet_v2", "inception_resnet_v2", "inception_v3", "mobilenet",
    "mobilenet_v2", "mobilenet_v3", "nasnet", "resnet", "resnet_v2", "vgg16", "vgg19", "xception",
)  # fmt: skip


@keras.saving.register_keras_serializable(package="zoo")
class KerasPreprocessing(layers.Layer):
    """`keras.applications.<of>.preprocess_input`: Keras' own scaling, centring and order of colours.

    (batch, height, width, channels) of 0 to 255 -> the same shape; one channel is repeated, so that three come out. Of
    other numbers of channels each is treated by the mean of what red, green and blue are.
    """

    def __init__(self, of: str = "vgg16", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if of not in MODULES:
            raise unknown("module of keras.applications", of, MODULES)
        self.of = of
        self.prepare = getattr(keras.applications, of).preprocess_input
        self.zero, self.one = (self._mean_of(value) for value in (0.0, 1.0))

    def _mean_of(self, pixel: float) -> float:
        return float(np.mean(self.prepare(np.full((1, 1, 1, 3), pixel, "float64"))))

    def call(self, x: Any) -> Any:
        x = ops.cast(x, self.compute_dtype)
        if x.shape[-1] == 1:
            x = ops.repeat(x, 3, axis=-1)  # (batch, height, width, 3)
        return self.prepare(x) if x.shape[-1] == 3 else x * (self.one - self.zero) + self.zero

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 3 if input_shape[-1] == 1 else input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "of": self.of}
