"""What runs kept of their test splits, example by example: whether two have the same examples, and how each did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import tasks
from zoo.compare.entries import Entry
from zoo.data.kept import rows_of, shared_rows
from zoo.errors import ZooError
from zoo.runs import predictions

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.runs.predictions import Predictions
    from zoo.tasks.task import Answer


class NoAnswersError(ZooError):
    """A run cannot be compared example by example; it says why."""


@dataclass(frozen=True)
class Answers:
    """What a run kept, and what was measured of each of its test examples."""

    entry: Entry
    kept: Predictions
    rows: np.ndarray  # the numbers of the examples that are measured
    values: Mapping[str, np.ndarray]  # of these, by metric

    @property
    def count(self) -> int:
        """Examples of the test split."""
        return len(self.kept.test)

    def on(self, metric: str, rows: np.ndarray) -> np.ndarray:
        """What was measured of some of the examples, by their numbers."""
        whole = rows is self.rows or np.array_equal(rows, self.rows)
        return self.values[metric] if whole else self.values[metric][np.searchsorted(self.rows, rows)]

    def told(self, metric: str, rows: np.ndarray) -> dict[int, Answer]:
        """What was wanted and said of those of some examples that were kept, in words."""
        wanted, outputs = _sides(self.kept)
        some = shared_rows(rows, shared_rows(_rows(wanted), _rows(outputs)))
        answers = _task_of(self.entry).answers(_taken(wanted, some), _taken(outputs, some), *_arguments(self.entry))
        return dict(zip(some.tolist(), answers[metric], strict=True))


def read(entry: Entry) -> Answers:
    """What an entry kept of its test split.

    Where only some outputs were kept, and no scores, the first examples are measured: the others were kept since the
    network was sure of them and wrong, or the like, and would say nothing fair.

    Raises:
        NoAnswersError: it kept nothing that says how it did with each example.
    """
    if entry.run is None or not entry.is_run:
        raise NoAnswersError(f"{entry.name} is on record without its outputs")
    try:
        kept = predictions.read(entry.run)
    except ZooError as error:
        raise NoAnswersError(str(error).splitlines()[0]) from None
    wanted, outputs = _sides(kept)
    if outputs is None or (isinstance(wanted, Mapping) and not wanted):
        raise _not_measured(entry)
    try:
        if kept.scores:
            return Answers(entry, kept, np.arange(len(kept.test)), _checked(kept.scores))
        rows = shared_rows(_rows(wanted), _rows(outputs))
        if len(rows) < len(kept.test):
            rows = rows[rows < predictions.FIRST]
        values = _task_of(entry).by_example(_taken(wanted, rows), _taken(outputs, rows), *_arguments(entry))
        values = _checked(values)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:  # whoever wrote the file
        raise NoAnswersError(f"{entry.name}: its kept outputs do not fit its recipe ({error})") from None
    if not values or not len(rows):
        raise _not_measured(entry)
    return Answers(entry, kept, rows, values)


def _not_measured(entry: Entry) -> NoAnswersError:
    return NoAnswersError(f"{entry.name} kept nothing that is measured example by example")


def _checked(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    found = {name: np.asarray(array, float) for name, array in values.items()}
    if not all(np.isfinite(array).all() for array in found.values()):
        raise ValueError("numbers that are not finite")
    return found


def _task_of(entry: Entry) -> Any:
    assert entry.recipe is not None
    return tasks.of(entry.recipe.data)


def _arguments(entry: Entry) -> tuple[Data, str]:
    assert entry.recipe is not None
    return entry.recipe.data, str(entry.recipe.training.loss)


def _sides(kept: Predictions) -> tuple[Any, Any]:
    """What was wanted and what came out: arrays, or texts where the network says some."""
    if len(kept.said) and kept.raw is not None:
        return kept.raw.y, kept.said
    return kept.test.y, kept.outputs


def _rows(kept: Any) -> np.ndarray:
    arrays = list(kept.values()) if isinstance(kept, Mapping) else [kept]
    rows = rows_of(arrays[0])
    for array in arrays[1:]:
        rows = shared_rows(rows, rows_of(array))
    return rows


def _taken(kept: Any, rows: np.ndarray) -> Any:
    if isinstance(kept, Mapping):
        return {name: array[rows] for name, array in kept.items()}
    return kept[rows]


def difference(first: Answers, second: Answers) -> str:
    """Why two runs were not tested on the same examples, as their targets and inputs tell; empty where they were."""
    if first.count != second.count:
        return f"they were tested on {first.count:,} and {second.count:,} examples"
    one, other = (_named(_sides(answers.kept)[0]) for answers in (first, second))
    if not set(one) & set(other) or any(one[name].shape != other[name].shape for name in set(one) & set(other)):
        return "they were tested on targets of another kind"
    if _differ(one, other):
        return "the targets of their test examples differ"
    one, other = ((answers.kept.raw or answers.kept.test).inputs for answers in (first, second))
    return "the inputs of their test examples differ" if _differ(one, other) else ""


def _named(kept: Any) -> Mapping[str, Any]:
    return kept if isinstance(kept, Mapping) else {"y": kept}


def _differ(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether arrays of one name and shape have other rows; of those that were kept of both."""
    return any(
        first[name].shape == second[name].shape and _rows_differ(first[name], second[name])
        for name in set(first) & set(second)
    )


def _rows_differ(first: Any, second: Any) -> bool:
    rows = shared_rows(rows_of(first), rows_of(second))
    return not np.array_equal(first[rows], second[rows], equal_nan=first.dtype.kind == "f" == second.dtype.kind)
