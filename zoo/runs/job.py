"""The main job, start to end: resolve, load data, build, fit, score, save, draw."""

from __future__ import annotations

import hashlib
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from zoo import tasks
from zoo.catalogue.registry import describe
from zoo.data import Splits, findings, sources
from zoo.data.examples import Source
from zoo.data.sources import memory
from zoo.errors import UsageError
from zoo.recipe import Recipe, Resolved, changed, resolve
from zoo.runs import directory, predictions, provenance
from zoo.training.distribution import cluster
from zoo.training.distribution.meeting import meet
from zoo.training.memory import refuse_too_large
from zoo.training.objects import NOTHING, Given
from zoo.training.signals import Stopped

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from zoo.training.checkpoint import Checkpoint
    from zoo.training.evaluation import Evaluate, Evaluation
    from zoo.training.fit import Fit, Fitted

log = logging.getLogger("zoo")
SMOKE_EPOCHS, SMOKE_STEPS = 2, 5
Pair: TypeAlias = "tuple[Any, Any] | tf.data.Dataset"  # arrays x and y, or a dataset of such pairs
Dataset: TypeAlias = "str | Path | Recipe | Pair | Mapping[str, Pair]"


class Watcher:
    """Is told what a run is doing; this one says nothing."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def begin(self, fit: Fit) -> None:
        """Training is about to begin."""

    def callbacks(self, folder: Path, recipe: Resolved) -> list[keras.callbacks.Callback]:
        """Further callbacks, told about batches and epochs."""
        return []


@dataclass
class Outcome:
    """What a run came to."""

    folder: Path
    recipe: Resolved
    metrics: dict[str, Any]
    params: int
    seconds: float
    pictures: list[Path] = field(default_factory=list)


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

    Arguments left away come from the recipe.

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
    recipe, source = _understood(model, dataset, sets, smoke_options(options) if smoke else options)
    folder = place(Path(out) if out else None, recipe)
    more: dict[str, Any] = {"source": source, "callbacks": callbacks, "given": given, "baseline": baseline}
    return execute(recipe, folder, smoke=smoke, require_gpu=require_gpu, **more)


def _object(value: Any) -> Any:
    return None if isinstance(value, str) else value


def _understood(
    model: str | Resolved, dataset: Dataset | None, sets: Sequence[str], options: dict[str, Any]
) -> tuple[Resolved, Source | None]:
    """The resolved recipe behind what `run` was given, and the examples where these were given themselves."""
    if isinstance(model, Resolved):
        if dataset is not None and not _is_given(dataset):
            raise UsageError(f"a resolved recipe names its dataset, {model.dataset}: leave the other one away")
        source = None if dataset is None else memory.read(dataset)[1]
        return changed(model, sets, options), source
    if dataset is None:
        raise UsageError(f"on which dataset? such as zoo.run({model!r}, 'digits')   (see: zoo.list_datasets())")
    if isinstance(dataset, Recipe):
        return resolve(model, dataset.name, sets, options, data=dataset)[0], None
    wanted = describe(model).tasks
    if isinstance(dataset, Path) and dataset.suffix != ".toml":
        return resolve(model, dataset.stem, sets, options, data=tasks.from_path(dataset, wanted=wanted))[0], None
    if isinstance(dataset, str | Path):
        own = tasks.infer(str(dataset), wanted=wanted) if ":" in str(dataset) else None
        return resolve(model, str(dataset), sets, options, data=own)[0], None
    described, source = memory.read(dataset)
    return resolve(model, "memory", sets, options, data=tasks.decided(described, wanted))[0], source


def _is_given(dataset: Any) -> bool:
    return not isinstance(dataset, str | Path | Recipe)


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


def resume(folder: Path, watch: Watcher | None = None, *, require_gpu: bool = False) -> Outcome | None:
    """Go on with a run that was stopped or killed, from its newest whole checkpoint, which every worker must see.

    Of a folder of several runs it is the newest that goes on.

    Where the training was over, what came after it is done: scoring the test split, pictures and report.

    Raises:
        UsageError: there is no such run, or it is finished; ZooError: all its checkpoints are damaged.
    """
    folder = directory.newest(folder)
    begun, watch = directory.Run(folder), watch or Watcher()
    if begun.is_done and (folder / "report.html").exists():
        raise UsageError(f"the run in {folder} is finished, there is nothing to resume\nscore it: zoo eval {folder}")
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
            return _complete(folder, watch, require_gpu)
    asked = begun.info.get("baseline")
    return execute(recipe, folder, smoke=smoke, watch=watch, resuming=True, require_gpu=require_gpu, baseline=asked)


def _complete(folder: Path, watch: Watcher, require_gpu: bool) -> Outcome:
    """What a run that was trained still lacks; on one device, whatever it was trained on."""
    from zoo.training.environment import prepare
    from zoo.training.evaluation import make_predict, make_score

    started, begun = time.perf_counter(), directory.Run(folder)
    recipe, facts = begun.recipe, begun.info
    watch.stage("the training was over; doing what came after it")
    if begun.is_done:
        prepare(require_gpu)
    else:
        splits = _load(recipe, watch, require_gpu)
        model, loss = begun.model, str(recipe.training.loss)
        fields = tasks.of(recipe.data).fields(recipe.data)
        score = make_score(model, recipe.data, loss, lambda forward: make_predict(forward, fields))
        scored = _score(model, recipe, splits, score)
        _finish(folder, facts | {"resumed_from": "after the last epoch"}, recipe, splits, scored, started)
    return _drawn(folder, watch)


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
) -> Outcome | None:
    """Do what a resolved recipe says, in `folder`; `watch` is told about each stage and each epoch.

    Without a folder this process is a worker that is not the chief: it takes part and leaves no files. `source` holds
    the examples of data that was given in Python. `baseline` says whether learners without a network are tested too;
    None: where own data is small enough.
    """
    watch = watch or Watcher()
    started = time.perf_counter()
    if folder is None:
        _follow(recipe, watch, smoke=smoke, require_gpu=require_gpu, source=source, callbacks=callbacks, given=given)
        return None
    splits = _start(recipe, watch, smoke, resuming, require_gpu, source)
    if not resuming:
        _note_findings(recipe, splits)
    from zoo.training.distribution.workers import loss_named
    from zoo.training.writing import sampling

    with directory.claimed(folder):
        saved = _saved(folder, watch) if resuming else None
        if not resuming:
            directory.write_recipe(folder, recipe)
        facts = provenance.facts_before(recipe, smoke) | ({"resumed_from": _position(saved)} if resuming else {})
        before = directory.Run(folder).info if resuming else {}
        facts |= {} if baseline is None else {"baseline": baseline}
        facts |= _given_facts(folder, callbacks, before) | ({"resumed_after": before["exit"]} if resuming else {})
        if given:
            facts |= {"given": given.facts()}
            log.warning("note: %s given as objects: the recipe does not hold them", " and ".join(facts["given"]))
        directory.record(folder, facts | {"exit": "started"})
        fit = None
        try:
            _compare_data(recipe, splits)
            watch.stage("building the model")
            with loss_named(cluster.find(recipe.training.strategy), folder):
                own = [*watch.callbacks(folder, recipe), *sampling(recipe, splits, None if smoke else folder)]
                fit = _make_fit(recipe, splits, folder, [*own, *callbacks], smoke, given)
                watch.begin(fit)
                fitted = fit(saved)
                _keep_trained(folder, fitted, splits)
                facts |= provenance.facts_after(fit, fitted) | {"trained": True}
                directory.record(folder, facts | {"exit": "started"})
                scored = _score(fit.model, recipe, splits, fit.score)
            _finish(folder, facts, recipe, splits, scored, started)
        except BaseException as error:
            if fit is None and not resuming:  # nothing was trained: the place stays free
                shutil.rmtree(folder)
                raise
            ended = facts | {"exit": _reason(error), "seconds": round(time.perf_counter() - started, 3)}
            directory.record(folder, before if resuming and not _went_on(error, fit, saved) else ended)
            raise
        return _drawn(folder, watch, fit.model)


def _note_findings(recipe: Resolved, splits: Splits) -> None:
    """What is to be known of own data before it is learnt from."""
    if sources.is_own(recipe.data):
        for line in findings.find(recipe.data, splits, tasks.of(recipe.data).class_names(recipe.data)):
            log.warning("note: %s", line)


def _keep_trained(folder: Path, fitted: Fitted, splits: Splits) -> None:
    """All that came out of the training; nothing of it is lost from here on."""
    directory.write_history(folder, fitted.history)
    directory.write_model(folder, fitted.model)
    if splits.vocabularies is not None:
        directory.write_vocabularies(folder, splits.vocabularies)


def _score(model: keras.Model, recipe: Resolved, splits: Splits, evaluate: Evaluate) -> dict[str, Evaluation]:
    """What is said of the whole test split and, for reference, the metrics of the validation split."""
    from zoo.training.evaluation import measure

    scored = {"test": measure(model, recipe.data, str(recipe.training.loss), splits, "test", evaluate)}
    return scored | ({"validation": evaluate(splits.validation)} if len(splits.validation) else {})


def _finish(
    folder: Path,
    facts: dict[str, Any],
    recipe: Resolved,
    splits: Splits,
    scored: dict[str, Evaluation],
    started: float,
) -> None:
    """Write down what was scored; with that the run is done."""
    import keras

    test, found, raw = splits.test, scored["test"], splits.raw.test if splits.raw else None
    shown = tasks.of(recipe.data).shown(test, found.outputs, recipe.data, str(recipe.training.loss))
    notes = predictions.write(folder, test, raw, found.outputs, found.texts, shown)
    metrics = {part: evaluation.metrics for part, evaluation in scored.items()}
    count = len(test) if found.outputs is None else len(keras.tree.flatten(found.outputs)[0])
    rows = _baselines(recipe, splits, found, facts)
    details = dict(found.details) | ({"baselines": rows} if rows else {})
    told = {"details": details} if details else {}
    directory.record_metrics(folder, metrics | told | {"examples_scored": count, "examples_in_split": len(test)})
    facts |= {"loss_from": found.loss_from, "seconds": round(time.perf_counter() - started, 3)}
    directory.record(folder, facts | {"exit": "done"} | ({"kept": notes} if notes else {}))


def _baselines(recipe: Resolved, splits: Splits, test: Evaluation, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What learners without a network score: of own data the quick ones, all if the run was asked for them."""
    asked, data = facts.get("baseline"), recipe.data
    if asked is False or (asked is None and (facts["smoke"] or not sources.is_own(data))):
        return []
    try:
        return tasks.of(data).baselines(data, splits, test.metrics, bool(asked))
    except (ValueError, MemoryError) as error:  # texts without a word, rows beyond a learner's range
        log.warning("note: no baseline: %s", str(error).splitlines()[0])
        return []


def _drawn(folder: Path, watch: Watcher, model: keras.Model | None = None) -> Outcome:
    """Pictures and report of a run that is done, and what it came to."""
    from zoo import report

    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    watch.stage("drawing")
    run = directory.Run(folder)
    return Outcome(
        folder, run.recipe, run.metrics, run.info["params"], run.info["seconds"], report.draw_run(run, model)
    )


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


def _make_fit(
    recipe: Resolved,
    splits: Splits,
    folder: Path | None,
    callbacks: Sequence[keras.callbacks.Callback],
    smoke: bool,
    given: Given,
) -> Fit:
    """What trains: the same on each of several workers, which keep no folder but for the chief."""
    given.refuse_beside(recipe)
    more = {"given": given} if given else {}
    return _fit_class(recipe)(recipe, splits, folder, callbacks, SMOKE_STEPS if smoke else None, **more)


def _fit_class(recipe: Resolved) -> type[Fit]:
    if recipe.transfer is not None:
        from zoo.pretrained.transfer import TransferFit

        return TransferFit
    from zoo.training.fit import Fit

    return Fit


def _start(
    recipe: Resolved, watch: Watcher, smoke: bool, resuming: bool, require_gpu: bool, source: Source | None = None
) -> Splits:
    """Load the data and start TensorFlow; among several workers TensorFlow must meet the others before all else."""
    from zoo.training.environment import prepare

    refuse_too_large(recipe)
    group = cluster.find(recipe.training.strategy)
    if group is not None:
        watch.stage(f"meeting the other workers as worker {group.index} of {len(group.workers)}")
        meet(group).compare(provenance.common_facts(recipe, smoke) | {"--resume": resuming})
        watch.stage("starting TensorFlow")
        prepare(require_gpu)
        from zoo.training.distribution.workers import join

        join(group)
        watch.stage("loading data")
        return tasks.load(recipe.data, recipe.dataset, source=source)
    return _load(recipe, watch, require_gpu, source)


def _load(recipe: Resolved, watch: Watcher, require_gpu: bool, source: Source | None = None) -> Splits:
    """Load the data and start TensorFlow, which takes texts apart, and must know its devices by then."""
    from zoo.training.environment import prepare

    if recipe.data.text:
        watch.stage("starting TensorFlow")
        prepare(require_gpu)
    watch.stage("loading data")
    splits = tasks.load(recipe.data, recipe.dataset, source=source)
    if not recipe.data.text:
        watch.stage("starting TensorFlow")
        prepare(require_gpu)
    return splits


def _compare_data(recipe: Resolved, splits: Splits) -> None:
    """The last thing that several workers do before they build: see that all of them hold the same examples."""
    group = cluster.find(recipe.training.strategy)
    if group is not None:
        from zoo.training.state import checksums

        found = {name: hashlib.sha256(repr(some).encode()).hexdigest()[:8] for name, some in checksums(splits).items()}
        meeting = meet(group)
        meeting.compare({f"the checksum of the {name} examples": digest for name, digest in found.items()})
        meeting.close()


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
) -> None:
    """What every worker but the chief does: the same computation, and nothing is written."""
    splits = _start(recipe, watch, smoke, resumed is not None, require_gpu, source)
    from zoo.training.distribution.workers import loss_named

    saved = _saved(resumed, watch) if resumed else None
    _compare_data(recipe, splits)
    with loss_named(cluster.find(recipe.training.strategy), resumed):
        fit = _make_fit(recipe, splits, None, callbacks, smoke, given)
        watch.begin(fit)
        fit(saved)
        _score(fit.model, recipe, splits, fit.score)


def _saved(folder: Path, watch: Watcher) -> Checkpoint | None:
    from zoo.training.checkpoint import newest

    saved, damaged = newest(folder / "checkpoints")
    if saved is not None and not all(isinstance(saved.facts.get(key), int) for key in ("epoch", "done")):
        raise UsageError(f"the checkpoint in {folder} does not say where the run stopped\nstart the run again")
    for line in damaged:
        watch.stage(f"passing over a damaged checkpoint: {line}")
    if saved is None and (folder / "head").is_dir():
        watch.stage("going on in the first phase")
    else:
        watch.stage(f"going on {_position(saved)}")
    return saved


def _position(saved: Checkpoint | None) -> str:
    if saved is None:
        return "from the start: it was stopped before its first checkpoint"
    return f"from epoch {saved.facts['epoch'] + 1}, step {saved.facts['done'] + 1}"


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
