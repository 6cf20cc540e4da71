"""Recurrent layers that pause at padding: for their last state, which `LastStep` cannot pick from an LSTM's outputs.

They are Keras' layers with the mask as an input like any other. Through Keras' own argument `mask` it would be attached
to all that they return, and travel on unseen; that one counts where it comes with the sequences and no `real` does.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


class _Pausing:
    """The mask comes as `real`, (batch, time) of booleans: where it is false, states and outputs stay as they are."""

    def build(self, sequences_shape: Any, real_shape: Any = None) -> None:
        super().build(sequences_shape)  # type: ignore[misc]

    def call(self, sequences: Any, real: Any = None, training: bool = False, mask: Any = None) -> Any:
        return super().call(sequences, mask=mask if real is None else real, training=training)  # type: ignore[misc]

    def compute_output_shape(self, sequences_shape: Any, real_shape: Any = None) -> Any:
        return super().compute_output_shape(sequences_shape)  # type: ignore[misc]


@keras.saving.register_keras_serializable(package="zoo")
class MaskedLSTM(_Pausing, layers.LSTM):
    """x (batch, time, features), real (batch, time) -> as Keras' LSTM; no row may be without a real step on a GPU."""


@keras.saving.register_keras_serializable(package="zoo")
class MaskedGRU(_Pausing, layers.GRU):
    """x (batch, time, features), real (batch, time) -> as Keras' GRU; no row may be without a real step on a GPU."""
