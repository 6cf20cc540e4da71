"""What a model writes after each epoch: one can watch it learn to spell, then to speak."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from zoo import tasks
from zoo.data import Splits
from zoo.files import append
from zoo.recipe import Resolved

if TYPE_CHECKING:
    from zoo.tasks.decoding import Decoder


def sampling(recipe: Resolved, splits: Splits, folder: Path | None) -> list[keras.callbacks.Callback]:
    """A callback that adds to `samples.txt`, for tasks whose models write; none for others or without a folder."""
    write = tasks.of(recipe.data).sampler(recipe.data, splits) if folder else None
    return [Samples(write, folder / "samples.txt")] if folder and write else []


class Samples(keras.callbacks.Callback):
    """After each epoch: what the model writes by now."""

    def __init__(self, write: Callable[[Decoder], str], file: Path) -> None:
        super().__init__()
        self.write, self.file = write, file

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add what the model writes now."""
        append(self.file, f"--- epoch {epoch + 1} ---\n{self.write(self._decoder)}\n\n")

    @cached_property
    def _decoder(self) -> Decoder:
        from zoo.tasks.decoding import Decoder

        return Decoder(self.model)
