"""A first convolution that is computed and not learnt: it takes apart what neighbouring pixels have in common."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

EPSILON = 5e-4  # added to the eigenvalues: directions of next to no variance are noise
ROWS = 2**18  # patches that are counted at once


@keras.saving.register_keras_serializable(package="zoo")
class PatchWhitening(layers.Layer):
    """Each patch in the directions of the patches' principal components, each of about unit variance, and its negative.

    (batch, height, width, channels) -> (batch, height - size + 1, width - size + 1, 2 * size * size * channels).
    The kernel stays as it is in training; `adapt` computes it from images. Until then the directions are the single
    pixels. The biases learn. Source: Page 2019, How to train your ResNet 8; as a frozen layer of components and their
    negatives Jordan 2024, arXiv:2404.00498, section 3.2.
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.kernel_size, self.strides = (size, size), (1, 1)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        self.shape = (self.size, self.size, channels)
        count = self.size**2 * int(channels or 0)
        self.kernel = self.add_weight(
            shape=(*self.shape, 2 * count), initializer=self._start, trainable=False, name="kernel"
        )
        self.bias = self.add_weight(shape=(2 * count,), initializer="zeros", name="bias")

    def _start(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        return ops.convert_to_tensor(self._both(np.eye(shape[-1] // 2)), dtype)

    def _both(self, directions: np.ndarray) -> np.ndarray:
        """Directions (count, patch) and their negatives as a kernel."""
        whole = np.concatenate([directions, -directions])  # (2 count, patch)
        return whole.T.reshape(*self.shape, len(whole)).astype("float32")

    def adapt(self, images: np.ndarray) -> None:
        """Compute the kernel from images as the layer sees them, (n, height, width, channels)."""
        size, channels = self.size, images.shape[-1]
        windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
        windows = windows.transpose(0, 1, 2, 4, 5, 3)  # (n, places, places, size, size, channels)
        total, patches = np.zeros((size * size * channels,) * 2), 0
        at_once = max(1, ROWS // (windows.shape[1] * windows.shape[2]))
        for start in range(0, len(windows), at_once):
            rows = windows[start : start + at_once].reshape(-1, len(total)).astype("float64")
            total, patches = total + rows.T @ rows, patches + len(rows)
        values, vectors = np.linalg.eigh(total / patches)
        vectors = vectors[:, ::-1] * np.sign(vectors[np.abs(vectors).argmax(0), range(len(total))])[::-1]
        self.kernel.assign(self._both(vectors.T / np.sqrt(values[::-1, None] + EPSILON)))

    def call(self, x: Any) -> Any:
        return ops.conv(x, self.kernel, strides=1, padding="valid", data_format="channels_last") + self.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, channels = input_shape
        lost = self.size - 1
        filters = channels and 2 * self.size**2 * channels
        return batch, height and height - lost, width and width - lost, filters

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
