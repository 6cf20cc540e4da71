"""The main job, start to end: resolve, load data, build, fit, score, save, draw."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.examples import Source
from zoo.errors import UsageError
from zoo.recipe import Resolved
from zoo.runs import directory, provenance
from zoo.runs.beginning import compare_data, make_fit, note_findings, position, saved_state, settle, start
from zoo.runs.finishing import Outcome, complete, drawn, finish, keep_trained, score
from zoo.runs.given import Dataset, understood
from zoo.runs.watching import Watcher
from zoo.training.distribution import cluster
from zoo.training.objects import NOTHING, Given
from zoo.training.signals import Stopped

if TYPE_CHECKING:
    import keras

    from zoo.data import Splits
    from zoo.runs.more_epochs import Longer
    from zoo.training.checkpoint import Checkpoint
    from zoo.training.fit import Fit

log = logging.getLogger("zoo")
SMOKE_EPOCHS = 2


def run(
    model: str | Resolved,
    dataset: Dataset | None = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: str | keras.optimizers.Optimizer | None = None,
    loss: str | keras.losses.Loss | None = None,
    seed: int | None = None,
    strategy: str | None = None,
    precision: str | None = None,
    jit: str | None = None,
    scale_learning_rate: bool | None = None,
    sets: Sequence[str] = (),
    callbacks: Sequence[keras.callbacks.Callback] = (),
    out: str | Path | None = None,
    smoke: bool = False,
    require_gpu: bool = False,
    baseline: bool | None = None,
) -> Outcome | None:
    """Train `model` on `dataset` by its recipe, score the whole test split, save and draw; as `zoo run` does.

    Arguments left away come from the recipe. Notes, such as what was chosen for own data, are warnings of the logger
    `zoo`, which Python writes to stderr unless told otherwise.

    Args:
        model: a name of the catalogue; or all that a run needs, as `zoo.load(FOLDER).recipe` holds it.
        dataset: the name of a dataset that has a recipe; a recipe, by its .toml file's path or as an object; the `Path`
            of own files; arrays `(x, y)`, with images (n, height, width[, channels]) or rows (n, features) and one
            class id or quantity an example; a finite `tf.data.Dataset` of such pairs; or `{"train": ..., "test": ...,
            "validation": ...}` of pairs or datasets. What is given in Python is held in memory and not kept.
        learning_rate: of the optimiser, a step.
        optimizer: a name of the recipes; or an optimiser of Keras, with a learning rate of its own: one like it is made
            by its configuration. It takes one device. The recipe's clip_norm, schedule and weight_decay are not for it.
        loss: a name of the recipes; or a loss of Keras for (targets, outputs) in the form that the recipe's loss takes,
            which training minimises. Scores are by the recipe's loss all the same. Of objects the same holds as of
            callbacks, but that a run that began with one cannot be resumed.
        sets: `SECTION.KEY=VALUE` strings, as after `--set`.
        callbacks: Keras callbacks, told of epochs and of batches. The recipe does not hold them, so that neither
            `--resume` nor a run of recipe.toml has them again: run.json names them, and a note says so.
        out: the run's folder, which must not exist; `runs/MODEL-DATASET/STAMP` if not given.
        smoke: a few steps only, to see that all of it works.
        baseline: test learners without a network on the same rows; None: where own data is small enough.

    Returns:
        What the run came to; None where this process is one of several workers and not their chief, who alone writes.

    Raises:
        UsageError: bad input; MissingError: data or devices missing; ZooError: the run failed, or an example holds NaN.
    """
    given = Given(_object(optimizer), _object(loss))
    if given.optimizer is not None and learning_rate is not None:
        raise UsageError("an optimizer given as an object has its learning rate with it: leave learning_rate away")
    options = {
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate,
        "optimizer": None if given.optimizer is not None else optimizer,
        "loss": None if given.loss is not None else loss,
        "seed": seed, "strategy": strategy, "precision": precision, "jit": jit,
        "scale_learning_rate": scale_learning_rate,
    }  # fmt: skip
    recipe, notes, source = understood(model, dataset, sets, smoke_options(options) if smoke else options)
    folder = place(Path(out) if out else None, recipe)
    more: dict[str, Any] = {"source": source, "callbacks": callbacks, "given": given, "baseline": baseline}
    return execute(recipe, folder, smoke=smoke, require_gpu=require_gpu, notes=notes, **more)


def _object(value: Any) -> Any:
    return None if isinstance(value, str) else value


def place(out: Path | None, recipe: Resolved) -> Path | None:
    """Where a new run goes; None on a worker that is not the chief, who alone writes.

    Raises:
        UsageError: the place is taken or cannot be written, or TF_CONFIG is not what it should be.
    """
    group = cluster.find(recipe.training.strategy)
    return directory.place(out, recipe) if group is None or group.chief else None


def smoke_options(options: dict[str, Any]) -> dict[str, Any]:
    """A smoke run's epochs, unless others were asked for."""
    return options | {"epochs": options.get("epochs") or SMOKE_EPOCHS}


def resume(
    folder: Path,
    watch: Watcher | None = None,
    *,
    require_gpu: bool = False,
    epochs: int | None = None,
    patience: int | None = None,
    out: Path | None = None,
) -> Outcome | None:
    """Go on with a run that was stopped or killed, from its newest whole checkpoint, which every worker must see.

    Of a folder of several runs it is the newest that goes on.

    Where the training was over, what came after it is done: scoring the test split, pictures and report. With `epochs`,
    or `patience` of early stopping (0: never), a finished run is trained for longer, in a folder of its own, `out` (see
    `zoo.runs.more_epochs`).

    Raises:
        UsageError: there is no such run, or it is finished; ZooError: all its checkpoints are damaged.
    """
    folder = directory.newest(folder)
    begun, watch = directory.Run(folder), watch or Watcher()
    if epochs is not None or patience is not None:
        from zoo.runs.more_epochs import longer

        onwards = longer(begun, epochs, patience)
        new, asked = place(out, onwards.recipe), begun.info.get("baseline")
        return execute(onwards.recipe, new, watch=watch, require_gpu=require_gpu, baseline=asked, onwards=onwards)
    if begun.is_done and (folder / "report.html").exists():
        raise UsageError(
            f"the run in {folder} is finished, there is nothing to resume\n"
            f"score it: zoo eval {folder}\ntrain it for longer: zoo run --resume {folder} --epochs NUMBER"
        )
    recipe, smoke, trained = begun.recipe, bool(begun.info.get("smoke")), begun.is_done or begun.info.get("trained")
    if "given" in begun.info and not trained:
        raise UsageError(
            f"the run in {folder} began with objects that are not kept ({', '.join(begun.info['given'])})\n"
            "start it anew, with zoo.run"
        )
    group = cluster.find(recipe.training.strategy)
    if group is not None and not group.chief:
        if not trained:
            _follow(recipe, watch, smoke=smoke, require_gpu=require_gpu, resumed=folder)
        return None
    if trained:
        with directory.claimed(folder):
            return complete(folder, watch, require_gpu)
    asked = begun.info.get("baseline")
    return execute(recipe, folder, smoke=smoke, watch=watch, resuming=True, require_gpu=require_gpu, baseline=asked)


def execute(
    recipe: Resolved,
    folder: Path | None,
    *,
    smoke: bool = False,
    watch: Watcher | None = None,
    resuming: bool = False,
    require_gpu: bool = False,
    source: Source | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    given: Given = NOTHING,
    baseline: bool | None = None,
    onwards: Longer | None = None,
    notes: Sequence[str] = (),
    splits: Splits | None = None,
) -> Outcome | None:
    """Do what a resolved recipe says, in `folder`; `watch` is told about each stage and each epoch.

    Without a folder this process is a worker that is not the chief: it takes part and leaves no files. `source` holds
    the examples of data that was given in Python. `baseline` says whether learners without a network are tested too;
    None: where own data is small enough. `onwards` is what a run that is trained for longer goes on from. `notes` on
    the recipe are told first, like all notes: by the logger `zoo`. `splits` are the recipe's, where they are loaded
    already, and TensorFlow is started.
    """
    watch = watch or Watcher()
    started = time.perf_counter()
    if folder is None:
        _follow(recipe, watch, smoke=smoke, require_gpu=require_gpu, source=source, callbacks=callbacks, given=given,
                onwards=onwards)  # fmt: skip
        return None
    for note in notes:
        log.warning("note: %s", note)
    if splits is None:
        splits = start(recipe, watch, smoke, resuming or onwards is not None, require_gpu, source)
        if not resuming:
            note_findings(recipe, splits)
    recipe, chosen = settle(recipe, watch)
    from zoo.training.distribution.workers import loss_named
    from zoo.training.environment import policy_put_back
    from zoo.training.writing import sampling

    with directory.claimed(folder):
        saved = saved_state(folder, watch) if resuming else None
        if not resuming:
            directory.write_recipe(folder, recipe)
        facts = provenance.facts_before(recipe, smoke) | ({"resumed_from": position(saved)} if resuming else {})
        before = directory.Run(folder).info if resuming else {}
        if onwards:
            saved, facts = onwards.saved, facts | onwards.facts
            onwards.write_state(folder)
        facts |= {} if baseline is None else {"baseline": baseline}
        if reason := chosen or before.get("precision_reason"):
            facts["precision_reason"] = reason
        facts |= _given_facts(folder, callbacks, before) | ({"resumed_after": before["exit"]} if resuming else {})
        if given:
            facts |= {"given": given.facts()}
            log.warning("note: %s given as objects: the recipe does not hold them", " and ".join(facts["given"]))
        directory.record(folder, facts | {"exit": "started"})
        fit = None
        try:
            compare_data(recipe, splits)
            watch.stage("building the model")
            with policy_put_back(), loss_named(cluster.find(recipe.training.strategy), folder):
                own = [*watch.callbacks(folder, recipe), *sampling(recipe, splits, None if smoke else folder)]
                made = make_fit(recipe, splits, folder, [*own, *callbacks], smoke, given)
                if onwards:
                    onwards.compare_devices(made)
                fit = made
                watch.begin(fit)
                fitted = fit(saved)
                keep_trained(folder, fitted, splits)
                facts |= provenance.facts_after(fit, fitted) | {"trained": True}
                directory.record(folder, facts | {"exit": "started"})
                scored = score(fit.predictor, recipe, splits, fit.score)
            finish(folder, facts, recipe, splits, scored, started)
        except BaseException as error:
            if fit is None and not resuming:  # nothing was trained: the place stays free
                shutil.rmtree(folder)
                raise
            ended = facts | {"exit": _reason(error), "seconds": round(time.perf_counter() - started, 3)}
            directory.record(folder, before if resuming and not _went_on(error, fit, saved) else ended)
            raise
        return drawn(folder, watch, fit.predictor)


def _went_on(error: BaseException, fit: Fit | None, saved: Checkpoint | None) -> bool:
    """Whether a resumed run came further than its checkpoint; if not, why it stopped before is still what counts."""
    before = (saved.facts["epoch"], saved.facts["done"]) if saved else (0, 0)
    return isinstance(error, Stopped) or (fit is not None and (fit.epoch, fit.done) > before)


def _given_facts(
    folder: Path, callbacks: Sequence[keras.callbacks.Callback], info: Mapping[str, Any]
) -> dict[str, Any]:
    """What run.json says of callbacks given as objects, to this run or to the one of `info`, which it goes on with."""
    before = info.get("callbacks", [])
    if before:
        log.warning("note: the run began with callbacks that are not kept (%s); it goes on without", ", ".join(before))
    if callbacks:
        log.warning("note: callbacks were given as objects; zoo run %s/recipe.toml does without them", folder)
    names = [*before, *(type(callback).__name__ for callback in callbacks)]
    return {"callbacks": names} if names else {}


def _follow(
    recipe: Resolved,
    watch: Watcher,
    *,
    smoke: bool,
    require_gpu: bool,
    resumed: Path | None = None,
    source: Source | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    given: Given = NOTHING,
    onwards: Longer | None = None,
) -> None:
    """What every worker but the chief does: the same computation, and nothing is written."""
    splits = start(recipe, watch, smoke, resumed is not None or onwards is not None, require_gpu, source)
    recipe, _ = settle(recipe, watch)
    from zoo.training.distribution.workers import loss_named
    from zoo.training.environment import policy_put_back

    saved = saved_state(resumed, watch) if resumed else onwards and onwards.saved
    compare_data(recipe, splits)
    with policy_put_back(), loss_named(cluster.find(recipe.training.strategy), resumed):
        fit = make_fit(recipe, splits, None, callbacks, smoke, given)
        if onwards:
            onwards.compare_devices(fit)
        watch.begin(fit)
        fit(saved)
        score(fit.predictor, recipe, splits, fit.score)


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
