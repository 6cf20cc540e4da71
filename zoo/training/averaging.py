"""A running mean of the weights beside those that learn: it is what is validated, kept as the best epoch and saved.

After step t (from 0) each mean keeps a share of itself, min(decay, (1 + t) / (10 + t)), and takes the rest from the
weight: the first steps, whose weights are soon outdated, are forgotten fast. Moving statistics of normalisation layers
are averaged with the weights. The optimiser goes on from its own weights; a checkpoint holds both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops


class Averages:
    """The means of a model's variables, all but the states of seed generators."""

    def __init__(self, model: keras.Model, decay: float) -> None:
        """To be made in the scope of the strategy."""
        self.decay = decay
        self.averaged = [variable for variable in model.variables if keras.backend.is_float_dtype(variable.dtype)]
        self.variables = [
            keras.Variable(np.array(one), dtype=one.dtype, trainable=False, aggregation="only_first_replica")
            for one in self.averaged
        ]

    def begin(self) -> None:
        """Start from the weights as they are now."""
        _assign(self.variables, _arrays(self.averaged))

    def after_step(self, step: Any) -> None:
        """Take the weights in that a step left; steps are counted through all epochs, from 0."""
        done = ops.cast(step, "float32")
        kept = ops.minimum(self.decay, (1.0 + done) / (10.0 + done))
        for mean, variable in zip(self.variables, self.averaged, strict=True):
            mean.assign(variable + kept * (mean - variable))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While it lasts, the model has the means for weights."""
        learning = _arrays(self.averaged)
        self.keep()
        try:
            yield
        finally:
            _assign(self.averaged, learning)

    def keep(self) -> None:
        """Give the model the means for good."""
        _assign(self.averaged, _arrays(self.variables))


def _arrays(variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    return [np.array(variable) for variable in variables]


def _assign(variables: Sequence[keras.Variable], arrays: Sequence[np.ndarray]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
