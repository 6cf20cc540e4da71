"""Tasks: what a network is asked to do, one file each. Importing this imports no framework.

Other packages add tasks through the entry-point group `zoo.tasks`, whose value names a `Task` or several. One that
breaks is kept in `broken()` and harms nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zoo.catalogue import plugins
from zoo.catalogue.spec import KINDS, DataSpec
from zoo.data import sources
from zoo.data.reading import AS_FOUND, Reading
from zoo.errors import UsageError, unknown
from zoo.tasks import (
    autoencoding,
    classification,
    detection,
    forecast,
    heads,
    language_model,
    regression,
    segmentation,
    seq2seq,
)
from zoo.tasks.task import Task

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.examples import Source, Splits
    from zoo.data.text.encoding import Vocabularies

_ALONE: tuple[Task, ...] = (
    *classification.TASKS,
    *regression.TASKS,
    *forecast.TASKS,
    *language_model.TASKS,
    *seq2seq.TASKS,
    *segmentation.TASKS,
    *detection.TASKS,
    *autoencoding.TASKS,
)
_SEVERAL = heads.Heads(lambda: _every())
_ALL = (*_ALONE, _SEVERAL)


class Described(Protocol):
    """What says which task it is for: a recipe's [data], or a DataSpec."""

    @property
    def task(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def targets(self) -> Mapping[str, Any]: ...


def names() -> tuple[str, ...]:
    """Every task, as recipes and records of models call it."""
    return tuple(dict.fromkeys(task.name for task in _every()))


def broken() -> dict[str, str]:
    """Plug-ins whose tasks are left out: `entry point of package` -> what went wrong."""
    return dict(_theirs().broken)


def _every() -> tuple[Task, ...]:
    return (*_ALL, *_theirs().objects)


@cache
def _theirs() -> plugins.Brought[Task]:
    """The tasks of other packages, and what broke."""
    taken = {task.name for task in _ALL}
    return plugins.brought(
        "zoo.tasks", Task, what="task", key="name", pattern="[a-z][a-z0-9_-]*", taken=taken, refuse=_refuse_bad
    )


def _refuse_bad(task: Task) -> None:
    for what in ("kinds", "losses"):
        if not _are_words(getattr(task, what, None)):
            raise UsageError(f"the task {task.name!r} has no `{what}`: a tuple of words")
    if bad := [kind for kind in task.kinds if kind not in KINDS]:
        raise unknown("kind of data", bad[0], KINDS, f"known: {', '.join(KINDS)}")


def _are_words(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) > 0 and all(isinstance(one, str) for one in value)


def of(described: Described) -> Task:
    """The task of a recipe's data.

    Raises:
        UsageError: there is no such task, or it does not go with this kind of data.
    """
    if described.targets and not described.task:
        return _SEVERAL
    found = [task for task in _every() if task.name == described.task]
    if not found:
        raise unknown("task", described.task, names(), f"known: {', '.join(names())}")
    kinds = " or ".join(repr(kind) for task in found for kind in task.kinds)
    fits = next((task for task in found if described.kind in task.kinds), None)
    if fits is None:
        raise UsageError(f"task = {described.task!r} goes with kind = {kinds}, not {described.kind!r}")
    return fits


def infer(
    source: str,
    label: str | None = None,
    kind: str | None = None,
    wanted: Sequence[str] = (),
    reading: Reading = AS_FOUND,
) -> Data:
    """As `zoo.data.sources.infer`, with the task that goes with what was found; see `decided`."""
    from zoo.data import sources

    return decided(sources.infer(source, label, kind, reading), wanted)


def from_path(
    path: str | Path,
    label: str | None = None,
    kind: str | None = None,
    wanted: Sequence[str] = (),
    reading: Reading = AS_FOUND,
) -> Data:
    """As `zoo.data.sources.own.from_path`, with the task that goes with what was found; see `decided`.

    `label` and `kind` are two things of `reading` by themselves.
    """
    from zoo.data.sources import own

    reading = reading.of(label, kind)
    fitting = [task for task in _every() if task.name in wanted]
    if reading.kind is None and fitting and not any(task.needs_targets for task in fitting):
        reading = reading.of(None, "images" if own.holds_images(path) else None)
    if reading.kind is None and fitting and all(task.writes for task in fitting):
        reading = reading.of(None, "corpus" if own.holds_text(path) else None)
    return decided(own.from_path(path, reading), wanted)


def decided(found: Data, wanted: Sequence[str] = ()) -> Data:
    """The data with a task in the place of the role of what is predicted.

    It is one of `wanted`, the tasks of the model that is to learn from it, if one of these suits, or needs no targets.
    Each of several targets has its own.
    """
    if found.targets:
        several = {name: decided(found.of_target(name)).task for name in found.targets}
        tables = {name: found.targets[name].model_copy(update={"task": task}) for name, task in several.items()}
        return found.model_copy(update={"targets": tables})
    fits = [task for task in _every() if task.suits(found, found.task)]
    fits += [task for task in _every() if not task.needs_targets and found.kind in task.kinds]
    task = next((task for task in fits if task.name in wanted), fits[0])
    stratify = {"stratify": "on"} if found.task == "label" else {}
    return found.model_copy(update={"task": task.name, **stratify})


def mistakes(data: Data) -> list[str]:
    """What a recipe's [data] may not say for its task."""
    try:
        task = of(data)
        if data.targets and task is not _SEVERAL:
            return [f"task = {data.task!r} is for one target; where several stand in tables, leave it away"]
        return [*sources.mistakes(data), *task.mistakes(data)]
    except UsageError as error:
        return [str(error).splitlines()[0]]


def load(data: Data, name: str, known: Vocabularies | None = None, source: Source | None = None) -> Splits:
    """Training, validation and test examples as NumPy arrays, texts as token ids; the same rows in every run.

    `name` is what messages call the dataset; `known` vocabularies are those of a model that is to be applied to texts,
    which are otherwise learnt on the training part; `source` has the examples of data given in Python. See
    `zoo.data.splitting` for what goes where. A TensorFlow Datasets source is downloaded if it is not there.

    Raises:
        UsageError: the source's content is bad or is not what `data` says.
        MissingError: the source is not there and cannot be fetched.
    """
    from zoo.data.sources import read
    from zoo.data.subset import of_classes

    task = of(data)
    found = source or read(data, task.target(data).role)
    return task.encode(of_classes(found, data), data, name, known)


def counted(data: Data) -> Data:
    """The data with `train`, and sizes of an example, as its own files have them, to be read as a whole.

    Raises:
        UsageError: what is foreign in the files is named.
    """
    source, address = sources.of(data.source)
    train = source.count(address, data, of(data).target(data).role)
    return source.including(address, data).model_copy(update={"train": train})


def classifies_images(data: Data) -> bool:
    """Whether it is said of one image to which class, or classes, it belongs."""
    task = of(data)
    alone = task.has_classes and not data.inputs and not data.targets
    return alone and not task.target(data).is_map and task.fields(data).inputs[0].has_pixels


def sizes(data: Data) -> dict[str, int]:
    """Examples in `train`, `validation` and `test` after splitting; texts and series come in windows."""
    return of(data).sizes(data)


def spec(data: Data, name: str) -> DataSpec:
    """A recipe's data as the registry sees it."""
    text, series = data.text, data.series
    return DataSpec(
        name=name,
        kind=data.kind,
        task=of(data).name,
        input_shape=data.input_shape,
        input_dtype=data.input_dtype,
        num_classes=data.num_classes,
        class_names=data.class_names,
        feature_names=data.feature_names,
        splits=sizes(data),
        vocab_size=text.vocab_size if text else None,
        target_vocab_size=text.target_vocab_size if text else None,
        target_length=text.target_length if text else None,
        horizon=series.horizon if series else 1,
        inputs={one: data.inputs[one].input_shape for one in data.inputs},
        input_kinds=tuple(dict.fromkeys(one.kind for one in data.inputs.values())),
        targets={one: spec(data.of_target(one), one) for one in data.targets},
    )
