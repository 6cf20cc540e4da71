"""The main job, start to end: resolve, load data, build, fit, score, save, draw."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import data, runs
from zoo.errors import ZooError
from zoo.recipe import Resolved, fingerprint, resolve

if TYPE_CHECKING:
    import keras

    from zoo.training.fit import Fit, Fitted

SMOKE_EPOCHS, SMOKE_STEPS = 2, 5


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
    model: str,
    dataset: str,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    optimizer: str | None = None,
    seed: int | None = None,
    strategy: str | None = None,
    precision: str | None = None,
    jit: str | None = None,
    sets: Sequence[str] = (),
    out: str | Path | None = None,
    smoke: bool = False,
) -> Outcome:
    """Train `model` on `dataset` by its recipe, score the whole test split, save and draw; as `zoo run` does.

    Arguments left away come from the recipe; `sets` are `SECTION.KEY=VALUE` strings.

    Raises:
        UsageError: bad input; MissingError: data or devices missing; ZooError: the run failed.
    """
    options = {
        "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "optimizer": optimizer,
        "seed": seed, "strategy": strategy, "precision": precision, "jit": jit,
    }  # fmt: skip
    recipe, _ = resolve(model, dataset, sets, smoke_options(options) if smoke else options)
    return execute(recipe, out=Path(out) if out else None, smoke=smoke)


def smoke_options(options: dict[str, Any]) -> dict[str, Any]:
    """A smoke run's epochs, unless others were asked for."""
    return options | {"epochs": options.get("epochs") or SMOKE_EPOCHS}


def execute(
    recipe: Resolved,
    *,
    out: Path | None = None,
    smoke: bool = False,
    draw: bool = True,
    watch: Watcher | None = None,
) -> Outcome:
    """Do what a resolved recipe says; `watch` is told about each stage and each epoch."""
    watch = watch or Watcher()
    folder = runs.place(out, recipe.model, recipe.dataset)
    started = time.perf_counter()
    watch.stage("loading data")
    splits = data.load(recipe.data, recipe.dataset)
    watch.stage("starting TensorFlow")
    from zoo.training.environment import prepare

    prepare()
    from zoo.training.fit import Fit

    watch.stage("building the model")
    folder.mkdir(parents=True, exist_ok=True)
    runs.write_recipe(folder, recipe)
    facts = _facts(recipe, smoke)
    runs.record(folder, facts | {"exit": "started"})
    try:
        fit = Fit(recipe, splits, folder, watch.callbacks(folder, recipe), SMOKE_STEPS if smoke else None)
        watch.begin(fit)
        fitted = fit()
        metrics, scores = _score(fit)
        runs.write_model(folder, fitted.model)
        runs.record_metrics(folder, metrics)
    except BaseException as error:
        runs.record(folder, facts | {"exit": _reason(error), "seconds": time.perf_counter() - started})
        raise
    facts |= _figures(fit, fitted) | {"seconds": round(time.perf_counter() - started, 3), "exit": "done"}
    runs.record(folder, facts)
    outcome = Outcome(folder, recipe, metrics, fit.params, facts["seconds"])
    if draw:
        watch.stage("drawing")
        outcome.pictures = _draw(outcome, fit, scores, facts)
    return outcome


class Watcher:
    """Is told what a run is doing; this one says nothing."""

    def stage(self, text: str) -> None:
        """A new stage begins."""

    def begin(self, fit: Fit) -> None:
        """Training is about to begin."""

    def callbacks(self, folder: Path, recipe: Resolved) -> list[keras.callbacks.Callback]:
        """Further callbacks, told about batches and epochs."""
        return []


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"failed: {error}" if isinstance(error, ZooError) else f"failed: {type(error).__name__}: {error}"


def _score(fit: Fit) -> tuple[dict[str, Any], Any]:
    """Metrics of the whole test split and, for reference, the validation split; and the test outputs."""
    test = fit.splits.test
    values, outputs = fit.evaluate(test)
    metrics: dict[str, Any] = {"test": values, "examples_scored": len(outputs), "examples_in_split": len(test.y)}
    if len(fit.splits.validation.y):
        metrics["validation"] = fit.evaluate(fit.splits.validation)[0]
    return metrics, outputs


def _facts(recipe: Resolved, smoke: bool) -> dict[str, Any]:
    packages = ("tensorflow", "keras", "numpy", "tensorflow-datasets", "scikit-learn")
    return {
        "model": recipe.model,
        "dataset": recipe.dataset,
        "seed": recipe.training.seed,
        "smoke": smoke,
        "fingerprint": fingerprint(recipe),
        "argv": sys.argv,
        "command": shlex.join(["zoo", *sys.argv[1:]]),
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "zoo": version_of_zoo()} | {p: version(p) for p in packages},
        "machine": {"system": platform.platform(), "cores": os.cpu_count(), "processor": platform.machine()},
    }


def version_of_zoo() -> str:
    """The version of this package, installed or not."""
    from zoo import __version__

    return __version__


def _figures(fit: Fit, fitted: Fitted) -> dict[str, Any]:
    import tensorflow as tf

    devices = [device.name for device in tf.config.list_logical_devices()]
    return {
        "strategy": fitted.strategy,
        "replicas": fit.strategy.num_replicas_in_sync,
        "devices": devices,
        "threads": {"intra": tf.config.threading.get_intra_op_parallelism_threads() or os.cpu_count()},
        "jit": fitted.jit,
        "params": fit.params,
        "epochs": len(fitted.history["loss"]),
        "steps_an_epoch": fit.steps,
        "fit_seconds": round(fitted.seconds, 3),
        "first_step_seconds": round(fitted.first_step_seconds, 3),
    }


def _draw(outcome: Outcome, fit: Fit, scores: Any, facts: dict[str, Any]) -> list[Path]:
    from zoo import report

    test, recipe = fit.splits.test, outcome.recipe
    return report.draw(
        outcome.folder,
        model=fit.model,
        spec=recipe.data.spec(recipe.dataset),
        history=fit.history,
        x_test=test.x,
        y_test=test.y,
        scores=scores,
        facts=facts | {"metrics": outcome.metrics, "loss": recipe.training.loss},
    )
