"""What a run shows while it works: a bar on a terminal, plain lines elsewhere, and the same lines in log.txt."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from zoo.cli.console import err
from zoo.data import class_counts, sources
from zoo.files import append
from zoo.files.names import escaped
from zoo.recipe import Resolved
from zoo.runs.watching import Watcher

if TYPE_CHECKING:
    import keras

    from zoo.training.fit import Fit


MANY = 100  # of more epochs than this, not every one gets a line


class Progress(Watcher):
    """Tells the terminal and the run's log.txt what is going on."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.said = self.started
        self.lines: list[str] = []
        self.log: Path | None = None

    def say(self, text: str) -> None:
        """One line on stderr and in the log."""
        self.said = time.perf_counter()
        line = f"{time.perf_counter() - self.started:6.1f} s  {escaped(text)}"
        err.print(line, markup=False)
        self.lines.append(line)
        if self.log and self.log.parent.is_dir():  # not that of a run that came to nothing
            append(self.log, line + "\n")

    def stage(self, text: str) -> None:
        """A new stage begins."""
        self.say(text)

    def another(self, text: str) -> None:
        """Another run begins, whose log has nothing of the one before."""
        self.log, self.lines = None, []
        self.say(text)

    def begin(self, fit: Fit) -> None:
        """What is about to be trained, on what."""
        train, validation, test = (f"{len(part):,}" for part in fit.splits)
        padding = f" ({fit.padding:.1%} padding)" if fit.lengths.shape[1] else ""
        self.say(
            f"{fit.recipe.model} ({fit.params:,} parameters) on {fit.recipe.dataset}: {train} to train{padding}, "
            f"{validation} to validate, {test} to test; "
            f"{fit.strategy_text}{', XLA' if fit.jit else ''}"
        )

        data = fit.recipe.data
        counts = class_counts(fit.splits.train, fit.task.class_names(data))
        if counts and sources.is_own_file(data.source):
            self.say("to train on: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))

    def callbacks(self, folder: Path, recipe: Resolved) -> list[keras.callbacks.Callback]:
        """A callback that draws the bar and says how each epoch ended."""
        self.log = folder / "log.txt"
        append(self.log, "".join(line + "\n" for line in self.lines))
        return [_epochs(self)]


def watcher(quiet: bool) -> Progress | None:
    """What the command that is running shows: notes in any case, and unless it is to be quiet all that goes on."""
    shown = None if quiet else Progress()
    logger = logging.getLogger("zoo")
    before, handler = (logger.level, logger.propagate), _Notes(shown.say if shown else err.print)

    def put_back() -> None:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]

    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False  # other libraries give the root logger a handler of their own
    logger.addHandler(handler)
    click.get_current_context().call_on_close(put_back)
    return shown


class _Notes(logging.Handler):
    """What the zoo's modules log, said like everything else."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self.say = say

    def emit(self, record: logging.LogRecord) -> None:
        self.say(record.getMessage())


def _epochs(progress: Progress) -> keras.callbacks.Callback:
    import keras

    class Epochs(keras.callbacks.Callback):
        """One bar an epoch, gone when the epoch is; one line that stays."""

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.bar = Bar(
                TextColumn(f"epoch {epoch + 1}/{self.params['epochs']}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=err,
                transient=True,
                disable=not err.is_terminal,
            )
            self.task = self.bar.add_task("", total=self.params["steps"])
            self.bar.start()

        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            self.bar.update(self.task, completed=batch + 1, description=_values(logs or {}, list(logs or {})))

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.bar.stop()
            epochs = self.params["epochs"]  # of this phase, where a run has several
            if epochs > MANY and epoch + 1 < epochs and time.perf_counter() - progress.said < 0.5:
                return
            shown = sorted(set(logs or {}) - {"seconds", "learning_rate"}, key=_order)
            progress.say(f"epoch {epoch + 1}/{epochs}  {_values(logs or {}, shown)}  ({(logs or {})['seconds']:.1f} s)")

    return Epochs()


def _order(name: str) -> tuple[bool, bool, str]:
    """Training before validation, the loss before the metrics."""
    return name.startswith("val_"), not name.endswith("loss"), name


def _values(logs: dict[str, float], names: Sequence[str]) -> str:
    return "  ".join(
        f"{name} {logs[name]:.4f}" if logs[name] >= 0.001 else f"{name} {logs[name]:.2e}"
        for name in names
        if name in logs
    )
