"""Apply a finished run: score it on whole splits, predict from raw files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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


def predict(run: Run, files: Sequence[Path], invert: bool = False, out: Path = Path()) -> list[dict[str, Any]]:
    """What the run's model says of each raw example: one row an image, one a CSV line, or one a step after a series.

    `invert` turns light into dark first, for dark ink on paper where the training images are light on dark.

    A row names its `file`, for a table its `row` (from 1), the `prediction` (a class name or a value) and, for
    classes, the `probability` of it and of every class. Masks and images are written into the folder `out`.

    Raises:
        UsageError: a file that cannot be read, or that does not look like the training data.
    """
    if invert and run.recipe.data.kind != "image":
        raise UsageError(f"--invert is for images, {run.recipe.dataset} is {run.recipe.data.kind}")
    task, loss = tasks.of(run.recipe.data), str(run.recipe.training.loss)
    batches = [(file, task.read(run.recipe.data, file)) for file in files]
    batches = [(file, 255 - x if invert else x) for file, x in batches]
    from zoo.training.environment import prepare

    prepare()
    from zoo.training.evaluation import make_predict

    apply = make_predict(run.model, task.fields(run.recipe.data))
    return [
        {"file": str(file), "row": number, **row, "unlike": _unlike(run, x)}
        for file, x in batches
        for number, row in enumerate(task.rows(file, apply(x), run.recipe.data, loss, out), start=1)
    ]


def _unlike(run: Run, x: Any) -> bool:
    """Whether an image is light where the training images are dark, or the reverse: half the scale apart on average."""
    mean = run.info.get("input_mean")
    return run.recipe.data.kind == "image" and mean is not None and abs(float(x.mean()) - mean) > 127
