"""Several heads: several things at once of an example, each with a loss, a weight and metrics of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.catalogue import metrics
from zoo.data.fields import Field, Fields
from zoo.errors import UsageError, unknown
from zoo.tasks.task import Answer, Look, Plan, Task, inputs

if TYPE_CHECKING:
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Source, Splits
    from zoo.data.text.encoding import Vocabularies
    from zoo.recipe.schema import Resolved
    from zoo.tasks.objective import Objective


class Head(NamedTuple):
    """One of several targets: its task, the data as it is with this target alone, its loss, weight and scale."""

    task: Task
    data: Data
    loss: str
    weight: float
    scale: float


class Heads(Task):
    """Outputs by name, one for each table `[data.targets.NAME]`; what is minimised is the weighted sum of their losses.

    A head does what an ordinary task does; metrics are called `HEAD_METRIC`.
    """

    name = "multi-task"
    kinds = ("mixed", "tabular", "image")
    losses = ()  # each target names its own
    no_script = "it has several inputs or heads, and the script's loop knows one of each"
    no_transfer = "its network has several output layers, and one is what can be replaced"

    def __init__(self, every: Callable[[], Sequence[Task]]) -> None:
        """`every` gives all tasks; a head has one of those that may be one."""
        self._every = every

    def heads(self, data: Data) -> dict[str, Head]:
        """What each target of the data asks for.

        Raises:
            UsageError: a head has no such task.
        """
        found = {}
        for name, one in data.targets.items():
            task = self._task(one.task)
            found[name] = Head(task, data.of_target(name), one.loss or task.losses[0], one.weight, one.scale)
        return found

    def _task(self, name: str) -> Task:
        known = [task for task in self._every() if task.is_head]
        found = next((task for task in known if task.name == name), None)
        if found is None:
            names = [task.name for task in known]
            raise unknown("task of a head", name, names, f"heads do: {', '.join(names)}")
        return found

    def fields(self, data: Data) -> Fields:
        targets = [replace(head.task.target(head.data), name=name) for name, head in self.heads(data).items()]
        return Fields(inputs(data), tuple(targets))

    def target(self, data: Data) -> Field:
        return self.fields(data).targets[0]

    def suits(self, data: Data, role: str) -> bool:
        return bool(data.targets)

    def logged(self, data: Data, loss: str) -> tuple[str, ...]:
        found = self.heads(data).items()
        return tuple(f"{name}_{metric}" for name, head in found for metric in ("loss", *head.task.metrics))

    def offers(self, spec: DataSpec) -> dict[str, Any]:
        """The shapes of the inputs, and units and activation of each head."""
        return {
            "input_shapes": dict(spec.inputs) or {"x": spec.input_shape},
            "heads": {name: self._task(one.task).head(one) for name, one in spec.targets.items()},
        }

    def mistakes(self, data: Data) -> list[str]:
        if not data.targets:
            return [f"several targets stand in tables data.targets.NAME; {self.name} has none without"]
        return [
            *super().mistakes(data),
            *(f"targets.{name}: {mistake}" for name in data.targets for mistake in self._mistakes(data, name)),
        ]

    def _mistakes(self, data: Data, name: str) -> Iterator[str]:
        """What one of the targets may not say."""
        one = data.targets[name]
        try:
            task = self._task(one.task)
        except UsageError as error:
            yield str(error).splitlines()[0]
            return
        if one.loss and one.loss not in task.losses:
            yield f"loss {one.loss} does not fit {task.name}; one of {', '.join(task.losses)}"
        if one.scale != 1 and task.has_classes:
            yield "scale is for values; classes have none"
        for metric in ("loss", *task.metrics):
            if metrics.find(f"{name}_{metric}") != metrics.find(metric):
                yield f"{name}_{metric} is the name of a metric already; call the target otherwise"
        yield from task.mistakes(data.of_target(name))

    def contradictions(self, recipe: Resolved) -> list[str]:
        if recipe.training.loss is None:
            return []
        return ["training.loss: each of several targets has its own; set data.targets.NAME.loss"]

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        from zoo.data.several import conformed

        return conformed(source, data, name, self.fields(data).targets)

    def objective(self, data: Data, loss: str) -> Objective:
        from zoo.tasks.objective import HeadsObjective, Part

        found = self.heads(data).items()
        return HeadsObjective(
            {n: Part(head.task.objective(head.data, head.loss), head.weight, head.scale) for n, head in found}
        )

    def targets(self, y: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        return {name: head.task.targets(y[name], head.data, head.loss) for name, head in self.heads(data).items()}

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        from zoo.tasks.details import of_heads

        return of_heads(
            {
                name: head.task.details(head.data, head.loss, _splits_of(splits, name), part, outputs[name])
                for name, head in self.heads(data).items()
            }
        )

    def by_example(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        """Of each head, by its name before that of the metric."""
        found = {n: head.task.by_example(wanted[n], outputs[n], head.data, head.loss)
                 for n, head in self.heads(data).items()}  # fmt: skip
        return {f"{name}_{metric}": values for name, measured in found.items() for metric, values in measured.items()}

    def answers(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, list[Answer]]:
        found = {n: head.task.answers(wanted[n], outputs[n], head.data, head.loss)
                 for n, head in self.heads(data).items()}  # fmt: skip
        return {f"{name}_{metric}": rows for name, told in found.items() for metric, rows in told.items()}

    def words(self, outputs: Any, data: Data, loss: str) -> list[dict[str, Any]]:
        """A row an example: all that is predicted, and under `heads` what each head says."""
        found = self.heads(data)
        said = [head.task.words(outputs[name], head.data, head.loss) for name, head in found.items()]
        rows = [dict(zip(found, row, strict=True)) for row in zip(*said, strict=True)]
        return [{"prediction": _told(row), "heads": row} for row in rows]

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Those of each head's task that show outputs beside the truth."""
        if look.outputs is None:
            return
        for name, head in self.heads(look.data).items():
            for file, title, make in head.task.pictures(_of_head(look, name, head)):
                yield f"{name}_{file}", f"{name.replace('_', ' ')}: {title[0].lower()}{title[1:]}", make


def _told(row: Mapping[str, Mapping[str, Any]]) -> str:
    said = {name: one["prediction"] for name, one in row.items()}
    return ", ".join(f"{name} {p:.4g}" if isinstance(p, float) else f"{name} {p}" for name, p in said.items())


def _splits_of(splits: Splits, target: str) -> Splits:
    """The splits with one of their targets alone."""
    from zoo.data.examples import Examples, Splits

    train, validation, test = (Examples(part.inputs, part.targets[target]) for part in splits)
    return Splits(train, validation, test)


def _of_head(look: Look, name: str, head: Head) -> Look:
    """What is looked at, as if this head were the only one."""
    from zoo.data.examples import Examples

    plain = head.data.model_copy(update={"kind": "mixed", "input_shape": ()})  # no picture that needs one plain input
    test = Examples(look.test.inputs, look.test.targets[name])
    return look._replace(data=plain, loss=head.loss, outputs=look.outputs[name], test=test)
