"""What a run tells whoever watches it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from zoo.recipe import Resolved
    from zoo.training.fit import Fit


class Watcher:
    """Is told what a run is doing; this one says nothing."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def another(self, text: str) -> None:
        """Another run begins in the same process."""

    def begin(self, fit: Fit) -> None:
        """Training is about to begin."""

    def callbacks(self, folder: Path, recipe: Resolved) -> list[keras.callbacks.Callback]:
        """Further callbacks, told about batches and epochs."""
        return []
