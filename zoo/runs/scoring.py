"""Score a finished run again: on whole splits of its own dataset or of another one, or on files with labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import tasks
from zoo.data import sources
from zoo.data.config import Data
from zoo.data.reading import Reading
from zoo.data.sources import own, parts
from zoo.errors import MissingError, UsageError
from zoo.recipe import load_recipe
from zoo.tasks.task import Look

if TYPE_CHECKING:
    from zoo.data.examples import Splits
    from zoo.runs.directory import Run
    from zoo.training.evaluation import Evaluation

PAGE = ("examples_scored", "examples_in_split", "details")  # what a report says beside the metrics


def rescore(run: Run, dataset: str | None, split: str, known: Data | None = None) -> dict[str, Any]:
    """Loss and metric of a run's model over all of one split, of its own dataset or of another one.

    `known` is its own data where that lies elsewhere than its recipe says.

    Raises:
        UsageError: the other dataset differs in shape, task or classes; MissingError: its data is not there.
    """
    described = load_recipe(dataset).data if dataset else known or run.recipe.data
    if dataset:
        _refuse_other(run, described, dataset)
    elif sources.is_own_file(described.source) and not sources.status(described).ready:
        raise MissingError(
            f"the data of {run.name} is not here: {described.source.partition(':')[2]}\n"
            f"score it on labelled examples of your own: zoo eval {run.name} --data FILE\n"
            f"FILE is {sources.wanted(described)}"
        )
    name = dataset or run.recipe.dataset
    splits = load_splits(run, described, name)
    if not len(splits.by_name()[split]):
        raise UsageError(f"{name} has no {split} split (its size is 0)")
    return _result(_measured(run, splits, split), len(splits.by_name()[split]))


def score_files(run: Run, path: str | Path, report: Path | None = None) -> dict[str, Any]:
    """The same over all examples of a file or folder with labels, read as the run's own data is.

    `report` is a new folder for pictures and a page of their own.

    Raises:
        UsageError: the files differ in columns, classes or shape; what is foreign in them is named.
    """
    if report is not None and report.exists():
        raise UsageError(f"{report} exists already; nothing is overwritten\nname another folder with --report")
    splits = load_splits(run, _of_files(run, path), Path(path).name)
    found = _measured(run, splits, "train")
    result = _result(found, len(splits.train))
    return result | ({"report": [str(path) for path in _draw(run, splits, found, result, report)]} if report else {})


def _of_files(run: Run, path: str | Path) -> Data:
    """The run's data with these files in the place of all its parts: nothing is held out."""
    data = run.recipe.data
    scheme, label = data.source.partition(":")[0], data.label
    if not sources.is_own_file(data.source):
        found = own.from_path(path, Reading(label=label))
        scheme, label = found.source.partition(":")[0], found.label
    whole = {"test_share": 0.0, "validation_share": 0.0, "examples_a_class": 0, "label": label}
    return tasks.counted(data.of_part(parts.address(scheme, str(path))).model_copy(update=whole))


def load_splits(run: Run, data: Data, name: str) -> Splits:
    from zoo.training.environment import prepare

    if data.text:  # TensorFlow takes texts apart
        prepare()
    return tasks.load(data, name, run.vocabularies if data.text else None)


def _measured(run: Run, splits: Splits, split: str) -> Evaluation:
    from zoo.training.environment import prepare

    prepare()
    from zoo.training.evaluation import make_predict, make_score, measure

    data, loss = run.recipe.data, str(run.recipe.training.loss)
    fields = tasks.of(data).fields(data)
    score = make_score(run.model, data, loss, lambda forward: make_predict(forward, fields))
    return measure(run.model, data, loss, splits, split, score, run.recipe.training.test_flips)


def _result(found: Evaluation, count: int) -> dict[str, Any]:
    counts = {"examples_scored": count, "examples_in_split": count}
    return {"metrics": found.metrics, "details": dict(found.details), "loss_from": found.loss_from} | counts


def _draw(run: Run, splits: Splits, found: Evaluation, result: dict[str, Any], folder: Path) -> list[Path]:
    from zoo import report

    folder.mkdir(parents=True)
    look = Look(
        run.model, run.recipe.data, str(run.recipe.training.loss), splits.train, found.outputs, found.metrics,
        splits.raw.train if splits.raw else None, found.texts, run.vocabularies if run.recipe.data.text else None,
        found.details,
    )  # fmt: skip
    measured = {"test": found.metrics} | {
        key: result[key] for key in ("examples_scored", "examples_in_split", "details")
    }
    return report.draw(folder, look, {}, run.info | {"metrics": measured})


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
