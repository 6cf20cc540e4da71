"""More epochs for a run that is finished: where they are what a longer run would have had from the start.

A finished run keeps the state in which its training ended (`training.checkpoint`). From there a longer run goes on, in
a folder of its own, to the numbers that it would have with these epochs from the start, bit for bit. What cannot give
these numbers is refused, with another way.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.errors import UsageError
from zoo.recipe import Resolved
from zoo.recipe.schema import Callbacks
from zoo.runs.directory import Run
from zoo.training import checkpoint
from zoo.training.checkpoint import Checkpoint

if TYPE_CHECKING:
    from zoo.training.fit import Fit

log = logging.getLogger("zoo")


class Longer(NamedTuple):
    """A longer run, and what it goes on from."""

    run: Run
    recipe: Resolved
    saved: Checkpoint

    @property
    def facts(self) -> dict[str, Any]:
        """What run.json says of it."""
        return {"continues": {"run": str(self.run.folder), "epochs": self.saved.facts["epoch"]}}

    def compare_devices(self, fit: Fit) -> None:
        """Say that the numbers are those of a longer run up to rounding, where the devices are not those of the run.

        Raises:
            UsageError: the learning rate is multiplied by the number of devices, and that is another one.
        """
        info, place = self.run.info, self.run.folder
        then = str(info.get("strategy", fit.strategy_text))
        before, now = (text.partition(", this is worker")[0] for text in (then, fit.strategy_text))
        if self.recipe.training.scale_learning_rate and info.get("replicas", fit.replicas) != fit.replicas:
            raise UsageError(
                f"the run in {place} was trained by {before}, and here is {now}\n"
                "its learning rate goes by the number of devices: go on with as many"
            )
        if before != now:
            log.warning("note: the run in %s was trained by %s, it goes on by %s: the numbers are those of %d epochs "
                        "from the start up to rounding", place, before, now, self.recipe.training.epochs)  # fmt: skip

    def write_state(self, folder: Path) -> None:
        """Put the state into the new run's folder, so that it goes on from there wherever it is stopped."""
        step = self.saved.facts["epoch"] * self.run.info["steps_an_epoch"] + self.saved.facts["done"]
        checkpoint.save(folder / "checkpoints", step, *self.saved)


def longer(run: Run, epochs: int | None, patience: int | None) -> Longer:
    """The run that goes on from a finished one: up to `epochs`, with early stopping after `patience` epochs (0: never).

    What is None stays as it was.

    Raises:
        UsageError: with these epochs from the start the run would have taken another way, or its state was not kept.
    """
    recipe, saved = run.recipe, _state_of(run)
    there, total = saved.facts["epoch"], epochs or recipe.training.epochs
    if patience is None:
        _refuse_if_stopped(run, saved)
    if total <= there:
        raise UsageError(
            f"the run in {run.folder} was trained for {there} epochs already, {total} are asked for\n"
            f"say how many it is to have in all: --epochs {2 * there}"
        )
    _refuse_schedule(run, total)
    callbacks = _with_patience(run, saved, patience)
    training = recipe.training.model_copy(update={"epochs": total})
    changed = recipe.model_copy(update={"training": training, "callbacks": callbacks})
    facts = _facts(saved, changed)
    _note(run, changed, there)
    return Longer(run, changed, Checkpoint(saved.arrays, facts))


def _state_of(run: Run) -> Checkpoint:
    if run.info.get("smoke"):
        raise UsageError(
            f"the run in {run.folder} is a smoke run, whose numbers mean nothing\nstart one without --smoke"
        )
    if "given" in run.info:
        raise UsageError(
            f"the run in {run.folder} was made with objects that are not kept ({', '.join(run.info['given'])})\n"
            f"start from its weights instead: {_from_weights(run)}"
        )
    saved = checkpoint.last(run.folder)
    if saved is None:
        raise UsageError(
            f"the run in {run.folder} holds no {checkpoint.LAST}, the state in which its training ended: it is of an "
            f"earlier version, too large to keep, or was removed\ntrain anew: {_anew(run)}\n"
            f"or start from its weights: {_from_weights(run)}"
        )
    if not all(isinstance(saved.facts.get(key), int) for key in ("epoch", "done")):
        raise UsageError(f"{run.folder / checkpoint.LAST} does not say where the run ended\ntrain anew: {_anew(run)}")
    return saved


def _refuse_schedule(run: Run, total: int) -> None:
    training = run.recipe.training
    if training.schedule == "cosine":
        raise UsageError(
            f"the learning rate fell along a cosine of {training.epochs} epochs; over {total} it would be another "
            f"from the first step on\ntrain anew: {_anew(run, total)}\n"
            f"or start from its weights, at a rate of its own: {_from_weights(run)}"
        )


def _refuse_if_stopped(run: Run, saved: Checkpoint) -> None:
    stop = run.recipe.callbacks.early_stopping
    if stop is not None and saved.facts["stop_training"]:
        raise UsageError(
            f"early stopping ended the run in {run.folder}: {_waited(saved)} epochs without a better {stop.monitor}; "
            f"more epochs change nothing\ngo on all the same: --early-stopping {2 * stop.patience}, or 0 for never"
        )


def _waited(saved: Checkpoint) -> int:
    """Epochs without a better one, at the end of the run."""
    return int(saved.facts["callbacks"]["EarlyStopping"]["wait"])


def _with_patience(run: Run, saved: Checkpoint, patience: int | None) -> Callbacks:
    """The callbacks with another patience.

    Raises:
        UsageError: early stopping would have ended the run before, or it has none.
    """
    callbacks = run.recipe.callbacks
    stop = callbacks.early_stopping
    if stop is None:
        if patience:
            raise UsageError(
                f"the run in {run.folder} has no early stopping, and might have ended before with it\n"
                f"leave --early-stopping away, or train anew: {_anew(run)} --early-stopping {patience}"
            )
        return callbacks
    if patience is None:
        return callbacks
    waited = _waited(saved)
    if 0 < patience < stop.patience or (patience and waited >= patience):
        raise UsageError(
            f"the run in {run.folder} stops after {stop.patience} epochs without a better {stop.monitor}; "
            f"with {patience} it might have ended before\n"
            f"say more than that, or 0 for never: --early-stopping {2 * stop.patience}"
        )
    later = stop.model_copy(update={"patience": patience}) if patience else None
    return callbacks.model_copy(update={"early_stopping": later})


def _facts(saved: Checkpoint, recipe: Resolved) -> dict[str, Any]:
    """What the checkpoint says, as if it were one of the longer run."""
    made = saved.facts["made_of"]
    callbacks = {
        name: {**counters, "stopped_epoch": 0} if name == "EarlyStopping" else counters
        for name, counters in saved.facts["callbacks"].items()
    }
    told = recipe.model_dump(mode="json")
    now = made["recipe"] | {"callbacks": told["callbacks"]}
    now["training"] = now["training"] | {"epochs": recipe.training.epochs}
    return saved.facts | {"callbacks": callbacks, "stop_training": False, "made_of": made | {"recipe": now}}


def _note(run: Run, recipe: Resolved, there: int) -> None:
    """Say what changes, and what does not."""
    before, now = run.recipe.callbacks, recipe.callbacks
    total = recipe.training.epochs
    log.warning("note: %s stays as it is; a run of its own goes on from epoch %d to epoch %d, with the numbers of %d "
                "epochs from the start", run.folder, there, total, total)  # fmt: skip
    if before.early_stopping and before.early_stopping != now.early_stopping:
        after = f"after {now.early_stopping.patience}" if now.early_stopping else "never"
        log.warning("note: early stopping %s in place of after %d epochs without a better %s",
                    after, before.early_stopping.patience, before.early_stopping.monitor)  # fmt: skip
    if now.checkpoint or (now.early_stopping and now.early_stopping.restore_best):
        log.warning("note: it goes on from the weights of epoch %d; those of the best epoch so far come back at the "
                    "end if none is better", there)  # fmt: skip
    elif before.early_stopping and before.early_stopping.restore_best:
        log.warning("note: without early stopping the weights of the last epoch are kept, not those of the best")


def _anew(run: Run, epochs: int | None = None) -> str:
    return f"zoo run {run.folder}/recipe.toml" + (f" --epochs {epochs}" if epochs else "")


def _from_weights(run: Run) -> str:
    return f"zoo run {run.folder}/recipe.toml --weights {run.folder}"
