"""The turns of a contender that trains through Keras callbacks: the zoo and the plain Keras script."""

from __future__ import annotations

import keras

from benchmarks.turns import Turns


class TakeTurns(keras.callbacks.Callback):
    """Holds each epoch back until it is asked for."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self.turns = turns

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Wait, then start the clock."""
        self.turns.wait()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stop the clock and answer."""
        self.turns.done((logs or {})["loss"])
