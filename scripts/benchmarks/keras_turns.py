"""The turns of a contender that trains through Keras callbacks: the zoo and the plain Keras script."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras

from benchmarks.turns import Turns


class TakeTurns(keras.callbacks.Callback):
    """Holds each epoch back until it is asked for; an epoch lasts until the next one would begin."""

    def __init__(self, turns: Turns, waited: Callable[[float], None] | None = None) -> None:
        """`waited` is told the seconds of each wait."""
        super().__init__()
        self.turns, self.waited = turns, waited
        self.loss: float | None = None
        self.accuracy: float | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stop the clock of the epoch before and answer, wait, start the clock."""
        if self.loss is not None:
            self.turns.done(self.loss, self.accuracy)
        began = time.monotonic()
        self.turns.wait()
        if self.waited:
            self.waited(time.monotonic() - began)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the loss for the answer, and the accuracy where some examples are validated."""
        self.loss, self.accuracy = (logs or {})["loss"], (logs or {}).get("val_accuracy")
