"""Apply a finished run: score it on whole splits, predict from raw files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo import data
from zoo.data.config import Data
from zoo.errors import UsageError
from zoo.recipe import load_recipe
from zoo.runs import Run


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
    splits = data.load(described, dataset or run.recipe.dataset, run.vocabularies if described.text else None)
    examples = getattr(splits, split)
    if not len(examples.y):
        raise UsageError(f"{dataset or run.recipe.dataset} has no {split} split (its size is 0)")
    prepare()
    from zoo.training.extras import extras
    from zoo.training.loop import make_predict, make_score_tokens, score
    from zoo.training.objectives import make_objective, targets

    loss = str(run.recipe.training.loss)
    objective = make_objective(own.task, loss)
    if objective.tokens:
        metrics: dict[str, Any] = make_score_tokens(run.model, objective)(examples.x, examples.y)
    else:
        y = targets(examples.y, own.task, loss, own.num_classes)
        metrics = score(run.model, objective, make_predict(run.model)(examples.x), y)
    metrics |= extras(run.model, own, splits, split, metrics)[0]
    return {"metrics": metrics, "examples_scored": len(examples.y), "examples_in_split": len(examples.y)}


def _refuse_other(run: Run, other: Data, name: str) -> None:
    own = run.recipe.data
    for what in ("task", "input_shape", "num_classes"):
        mine, theirs = getattr(own, what), getattr(other, what)
        if mine != theirs:
            raise UsageError(
                f"{run.name} was trained on {run.recipe.dataset} with {what} {mine}, {name} has {theirs}\n"
                f"train on it instead: zoo run {run.recipe.model} {name}"
            )


def predict(run: Run, files: Sequence[Path], invert: bool = False) -> list[dict[str, Any]]:
    """What the run's model says of each raw example: one row an image, one a CSV line, or one a step after a series.

    `invert` turns light into dark first, for dark ink on paper where the training images are light on dark.

    A row names its `file`, for a table its `row` (from 1), the `prediction` (a class name or a value) and, for
    classes, the `probability` of it and of every class.

    Raises:
        UsageError: a file that cannot be read, or that does not look like the training data.
    """
    if invert and run.recipe.data.kind != "image":
        raise UsageError(f"--invert is for images, {run.recipe.dataset} is {run.recipe.data.kind}")
    batches = [(file, data.read_examples(run.recipe.data, file)) for file in files]
    batches = [(file, 255 - x if invert else x) for file, x in batches]
    from zoo.training.environment import prepare

    prepare()
    from zoo.training.loop import make_predict

    apply = make_predict(run.model)
    return [
        {"file": str(file), "row": number, **row, "unlike": _unlike(run, x)}
        for file, x in batches
        for number, row in enumerate(label_rows(run, apply(x)), start=1)
    ]


def _unlike(run: Run, x: Any) -> bool:
    """Whether an image is light where the training images are dark, or the reverse: half the scale apart on average."""
    mean = run.info.get("input_mean")
    return run.recipe.data.kind == "image" and mean is not None and abs(float(x.mean()) - mean) > 127


def label_rows(run: Run, outputs: Any) -> list[dict[str, Any]]:
    """The model's outputs (n, ...) in words: `prediction`, and of classes their probabilities."""
    from zoo.training.objectives import SCORE_LOSSES, predicted_labels

    own, loss = run.recipe.data, str(run.recipe.training.loss)
    if own.series:
        return [{"prediction": float(value)} for value in outputs.reshape(-1)]  # (1, horizon)
    labels = predicted_labels(outputs, own.task, loss)
    rows: list[dict[str, Any]] = []
    for label, output in zip(labels, outputs, strict=True):
        row: dict[str, Any] = {}
        if own.task == "regression":
            row["prediction"] = float(label)
        else:
            names = own.class_names or tuple(str(i) for i in range(own.num_classes or 2))
            row["prediction"] = names[int(label)]
            if loss in SCORE_LOSSES:
                row["score"] = float(output.reshape(-1)[0])
            else:
                shares = (
                    output if own.task == "classification" else [1.0 - output.reshape(-1)[0], output.reshape(-1)[0]]
                )
                row["probability"] = float(shares[int(label)])
                row["probabilities"] = {name: float(share) for name, share in zip(names, shares, strict=True)}
        rows.append(row)
    return rows
