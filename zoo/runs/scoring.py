"""Score a finished run again, on whole splits of its own dataset or of another one."""

from __future__ import annotations

from typing import Any

from zoo import tasks
from zoo.data.config import Data
from zoo.errors import UsageError
from zoo.recipe import load_recipe
from zoo.runs.directory import Run


def rescore(run: Run, dataset: str | None, split: str) -> dict[str, Any]:
    """Loss and metric of a run's model over all of one split, of its own dataset or of another one.

    Raises:
        UsageError: the other dataset differs in shape, task or classes; MissingError: its data is not there.
    """
    own = run.recipe.data
    described = load_recipe(dataset).data if dataset else own
    if dataset:
        _refuse_other(run, described, dataset)
    from zoo.training.environment import prepare

    if described.text:  # TensorFlow takes texts apart
        prepare()
    splits = tasks.load(described, dataset or run.recipe.dataset, run.vocabularies if described.text else None)
    examples = splits.by_name()[split]
    if not len(examples):
        raise UsageError(f"{dataset or run.recipe.dataset} has no {split} split (its size is 0)")
    prepare()
    from zoo.training.evaluation import make_predict, make_score, measure

    fields, loss = tasks.of(own).fields(own), str(run.recipe.training.loss)
    score = make_score(run.model, own, loss, lambda forward: make_predict(forward, fields))
    found = measure(run.model, own, loss, splits, split, score)
    counts = {"examples_scored": len(examples), "examples_in_split": len(examples)}
    return {"metrics": found.metrics, "details": dict(found.details), "loss_from": found.loss_from} | counts


def _refuse_other(run: Run, other: Data, name: str) -> None:
    own = run.recipe.data
    for what in ("inputs", "targets"):
        mine, theirs = ({n: _essence(one) for n, one in getattr(data, what).items()} for data in (own, other))
        if mine != theirs:
            raise UsageError(
                f"{run.name} was trained on {run.recipe.dataset}, and {name} has other {what}\n"
                f"train on it instead: zoo run {run.recipe.model} {name}"
            )
    for what in ("task", "input_shape", "num_classes"):
        mine, theirs = getattr(own, what), getattr(other, what)
        if mine != theirs:
            raise UsageError(
                f"{run.name} was trained on {run.recipe.dataset} with {what} {mine}, {name} has {theirs}\n"
                f"train on it instead: zoo run {run.recipe.model} {name}"
            )


def _essence(one: Any) -> tuple[Any, ...]:
    """What two inputs or two targets have to share for one network."""
    return tuple(getattr(one, key, None) for key in ("kind", "input_shape", "task", "num_classes"))
