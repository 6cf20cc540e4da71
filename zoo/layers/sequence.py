"""Padding made explicit: small layers for batches of sequences that are padded on the right.

A mask is a tensor like any other, (batch, time) of booleans that are true at real steps, handed on by name as `real`.
Keras' own implicit masks are not used in the zoo's networks: many operations drop them without a word. Where one comes
with a tensor and no `real` is given, the layers go by it all the same.

A recurrent layer that reads from left to right needs no mask: what comes later cannot change what came before. Taking
the output at the last real step (`LastStep`) gives what a masked layer gives, at the price of one gather; so does
reading each row's real part backwards (`Reverse`).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class PaddingMask(layers.Layer):
    """Which tokens are real: ids (batch, time) -> booleans (batch, time), false where the id is 0. No weights.

    With `keep_first` the first step counts as real whatever it holds, so that no row is without a real step: an empty
    text is read as one token of padding.
    """

    def __init__(self, keep_first: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep_first = keep_first

    def call(self, ids: Any) -> Any:
        real = ops.not_equal(ids, 0)
        if self.keep_first:
            real = ops.logical_or(real, ops.equal(ops.arange(ops.shape(ids)[1]), 0))
        return real

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "keep_first": self.keep_first}


@keras.saving.register_keras_serializable(package="zoo")
class LastStep(layers.Layer):
    """The last real step of each row: (batch, time, features), (batch, time) -> (batch, features). No weights.

    Without a mask it is the last step. Of a row without a real step it is the first.
    """

    def call(self, x: Any, real: Any = None, mask: Any = None) -> Any:
        real = mask if real is None else real
        if real is None:
            return x[:, -1]
        return _pick(x, ops.maximum(_lengths(real), 1) - 1)[:, 0]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> None:
        """None: there is no time left to mask."""


@keras.saving.register_keras_serializable(package="zoo")
class Reverse(layers.Layer):
    """Each row's real part backwards, its padding left where it is: (batch, time, ...) -> (batch, time, ...).

    Ids a b c 0 0 become c b a 0 0; done twice it changes nothing. Without a mask the whole rows are reversed.
    """

    def call(self, x: Any, real: Any = None, mask: Any = None) -> Any:
        real = mask if real is None else real
        if real is None:
            return ops.flip(x, axis=1)
        steps = ops.arange(ops.shape(x)[1])
        return _pick(x, ops.where(real, _lengths(real) - 1 - steps, steps))

    def compute_output_spec(self, x: Any, real: Any = None, mask: Any = None) -> Any:
        return keras.KerasTensor(x.shape, x.dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return previous_mask


def _lengths(real: Any) -> Any:
    """Real steps of each row: (batch, 1)."""
    return ops.sum(ops.cast(real, "int32"), axis=1, keepdims=True)


def _pick(x: Any, steps: Any) -> Any:
    """Of each row the given steps: (batch, time, ...), (batch, k) -> (batch, k, ...).

    One gather of whole steps; `take_along_axis` would gather number by number, which is five times slower.
    """
    batch, time = ops.shape(x)[0], ops.shape(x)[1]
    rows = ops.expand_dims(ops.arange(batch) * time, 1)  # (batch, 1), where each row begins in
    flat = ops.reshape(x, (-1, *x.shape[2:]))  # (batch * time, ...)
    return ops.take(flat, rows + steps, axis=0)
