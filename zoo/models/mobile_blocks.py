"""What MobileNets and EfficientNet are put together from: two kinds of normalised convolution, filters in eights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras

HALVINGS = 5  # 224x224 pixels end as 7x7 maps


class Strides:
    """The strides of a net whose published form has five of 2: all but the last `halvings` of these become 1.

    Raises:
        UsageError: more halvings than 5, or fewer than none.
    """

    def __init__(self, halvings: int) -> None:
        if not 0 <= halvings <= HALVINGS:
            raise UsageError(f"halvings is from 0 to {HALVINGS}, not {halvings}")
        self.left_out = HALVINGS - halvings

    def next(self, published: int) -> int:
        """The stride of the next layer."""
        if published == 2 and self.left_out:
            self.left_out -= 1
            return 1
        return published


def convolved(x: keras.KerasTensor, filters: int, size: int, stride: int, name: str, norm: str) -> keras.KerasTensor:
    """(batch, height, width, channels) -> (batch, height / stride, width / stride, filters), normalised."""
    from keras import layers

    conv = layers.Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal", name=name)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=norm)(conv(x))


def depthwise(x: keras.KerasTensor, size: int, stride: int, name: str, norm: str) -> keras.KerasTensor:
    """One filter a channel: (batch, height, width, channels), the same out or halved, normalised."""
    import keras
    from keras import layers

    start = keras.initializers.VarianceScaling(2.0, "fan_out")  # a filter sees size * size inputs: Keras' fan-out
    conv = layers.DepthwiseConv2D(size, stride, "same", use_bias=False, depthwise_initializer=start, name=name)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-3, name=norm)(conv(x))


def in_eights(filters: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth below; at least 8."""
    near = max(8, int(filters + 4) // 8 * 8)
    return near + 8 if near < 0.9 * filters else near
