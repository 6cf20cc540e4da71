"""How a run ends: what came out of the training is kept, scored on whole splits, written down and drawn."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import tasks
from zoo.data import Splits, sources
from zoo.recipe import Resolved
from zoo.runs import directory, predictions
from zoo.runs.beginning import load
from zoo.runs.watching import Watcher

if TYPE_CHECKING:
    import keras

    from zoo.training.evaluation import Evaluate, Evaluation
    from zoo.training.fit import Fitted

log = logging.getLogger("zoo")


@dataclass
class Outcome:
    """What a run came to."""

    folder: Path
    recipe: Resolved
    metrics: dict[str, Any]
    params: int
    seconds: float
    pictures: list[Path] = field(default_factory=list)


def keep_trained(folder: Path, fitted: Fitted, splits: Splits) -> None:
    """All that came out of the training; nothing of it is lost from here on."""
    directory.write_history(folder, fitted.history)
    directory.write_model(folder, fitted.model)
    if splits.vocabularies is not None:
        directory.write_vocabularies(folder, splits.vocabularies)


def score(model: keras.Model, recipe: Resolved, splits: Splits, evaluate: Evaluate) -> dict[str, Evaluation]:
    """What is said of the whole test split and, for reference, the metrics of the validation split."""
    from zoo.training.evaluation import measure

    loss, flips = str(recipe.training.loss), recipe.training.test_flips
    scored = {"test": measure(model, recipe.data, loss, splits, "test", evaluate, flips)}
    return scored | ({"validation": evaluate(splits.validation)} if len(splits.validation) else {})


def finish(
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
    task, loss = tasks.of(recipe.data), str(recipe.training.loss)
    shown = task.shown(test, found.outputs, recipe.data, loss)
    scores = {} if found.outputs is None else task.by_example(test.y, found.outputs, recipe.data, loss)
    notes = predictions.write(folder, test, raw, found.outputs, found.texts, shown, scores)
    metrics = {part: evaluation.metrics for part, evaluation in scored.items()}
    count = len(test) if found.outputs is None else len(keras.tree.flatten(found.outputs)[0])
    rows = baselines(recipe, splits, found, facts)
    details = dict(found.details) | ({"baselines": rows} if rows else {})
    told = {"details": details} if details else {}
    directory.record_metrics(folder, metrics | told | {"examples_scored": count, "examples_in_split": len(test)})
    facts |= {"loss_from": found.loss_from, "seconds": round(time.perf_counter() - started, 3)}
    directory.record(folder, facts | {"exit": "done"} | ({"kept": notes} if notes else {}))


def baselines(recipe: Resolved, splits: Splits, test: Evaluation, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What learners without a network score: of own data the quick ones, all if the run was asked for them."""
    asked, data = facts.get("baseline"), recipe.data
    if asked is False or (asked is None and (facts["smoke"] or not sources.is_own(data))):
        return []
    try:
        return tasks.of(data).baselines(data, splits, test.metrics, bool(asked))
    except (ValueError, MemoryError) as error:  # texts without a word, rows beyond a learner's range
        log.warning("note: no baseline: %s", str(error).splitlines()[0])
        return []


def drawn(folder: Path, watch: Watcher, model: keras.Model | None = None) -> Outcome:
    """Pictures and report of a run that is done, and what it came to."""
    from zoo import report

    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    watch.stage("drawing")
    run = directory.Run(folder)
    return Outcome(
        folder, run.recipe, run.metrics, run.info["params"], run.info["seconds"], report.draw_run(run, model)
    )


def complete(folder: Path, watch: Watcher, require_gpu: bool) -> Outcome:
    """What a run that was trained still lacks; on one device, whatever it was trained on."""
    from zoo.training.environment import prepare
    from zoo.training.evaluation import make_predict, make_score

    started, begun = time.perf_counter(), directory.Run(folder)
    recipe, facts = begun.recipe, begun.info
    watch.stage("the training was over; doing what came after it")
    if begun.is_done:
        prepare(require_gpu)
    else:
        splits = load(recipe, watch, require_gpu)
        model, loss = begun.model, str(recipe.training.loss)
        fields = tasks.of(recipe.data).fields(recipe.data)
        evaluate = make_score(model, recipe.data, loss, lambda forward: make_predict(forward, fields))
        scored = score(model, recipe, splits, evaluate)
        finish(folder, facts | {"resumed_from": "after the last epoch"}, recipe, splits, scored, started)
    return drawn(folder, watch)
