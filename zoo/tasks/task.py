"""What a network is asked to do: the contract of a task.

A task is one object in one file of this package, the only place that knows its name. What is asked of it without
training anything (fields, sizes, output layer, losses, mistakes in a recipe) needs no framework; the methods further
down import what they use when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data.fields import ROLES, Field, Fields

if TYPE_CHECKING:
    import keras
    import numpy as np
    from matplotlib.figure import Figure

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Examples, Source, Splits
    from zoo.data.text.encoding import Vocabularies
    from zoo.recipe.schema import Resolved
    from zoo.tasks.decoding import Decoder
    from zoo.tasks.objective import Objective
    from zoo.tasks.steps import Step


class Further(NamedTuple):
    """What is measured once, after training: more metrics of a split, and the texts that the model gave for it."""

    metrics: dict[str, Any]
    texts: list[str]


class Answer(NamedTuple):
    """What was wanted of an example and what a model said, in words, and how sure it was, where it says so."""

    wanted: str
    said: str
    sure: float = 0.0


# inputs of a batch, number of its first example -> values of each example by name, `loss` among them, and what is kept
Scorer = Callable[[Any, Any], "tuple[Mapping[str, Any], Any]"]
MOST_SHOWN = 64  # examples
Plan = tuple[str, str, "Callable[[], Figure | str]"]  # file name, title, and what makes the picture


class Look(NamedTuple):
    """What pictures of a finished run are drawn from: its model, and what it kept of the test split.

    Of large arrays only some rows are there (`zoo.data.kept.SomeRows`): those that `Task.shown` asks for.
    """

    model: keras.Model
    data: Data
    loss: str
    test: Examples
    outputs: Any  # for the test split, an array or arrays by name; None where none were kept
    measured: Mapping[str, Any]  # metrics of the test split
    raw: Examples | None = None  # texts of the test split, before they were encoded
    said: Sequence[str] = ()  # texts, where the model says some
    vocabularies: Vocabularies | None = None
    details: Mapping[str, Any] = MappingProxyType({})  # of the test split, see `zoo.tasks.details`


class Task:
    """A task; each method here is what holds for most."""

    name: str  # as a recipe has it in data.task
    kinds: tuple[str, ...]  # of data that it goes with
    losses: tuple[str, ...]  # that fit, the default first
    metrics: tuple[str, ...] = ("accuracy",)  # beside the loss, after each epoch
    over_tokens = False  # whether losses and metrics are means over tokens
    writes = False  # whether its models go on with a prompt
    answers_in_text = False  # whether its models say a text for a text
    answers_in_files = False  # whether what is predicted is written into files
    scales_targets = False  # whether outputs come in the units of standardised inputs and are brought back
    can_scale_targets = False  # whether values to predict may be standardised for the network
    takes_weights = False  # whether an example may count more or less than others in the loss
    has_several_labels = False  # whether an example may have any number of the classes
    needs_targets = True  # whether it learns from more than the inputs themselves
    has_classes = False  # whether what is predicted is one of some classes
    is_head = False  # whether it can be one of several heads of a network
    no_script = ""  # why its runs are not written as a script; "": they are
    keeps_outputs = True  # whether the outputs of a whole split fit into memory together
    no_transfer = ""  # why trained networks of it cannot be a base for others; "": they can

    # --- what is known without a framework

    def fields(self, data: Data) -> Fields:
        """The named arrays of an example."""
        return Fields(inputs(data), (self.target(data),))

    def target(self, data: Data) -> Field:
        """The array that is predicted."""
        raise NotImplementedError

    def suits(self, data: Data, role: str) -> bool:
        """Whether this is the task of data whose recipe names none, and of which a target of this role is known."""
        return data.kind in self.kinds and role == self.target(data).role

    def logged(self, data: Data, loss: str) -> tuple[str, ...]:
        """What is measured after each epoch, beside the loss."""
        return self.metrics

    def sizes(self, data: Data) -> dict[str, int]:
        """Examples in `train`, `validation` and `test`, after texts or series are cut into windows."""
        return data.parts()

    def head(self, spec: DataSpec) -> tuple[int, str]:
        """Units and activation of the output layer."""
        raise NotImplementedError

    def offers(self, spec: DataSpec) -> dict[str, Any]:
        """What the data decides of a builder's knobs; a builder takes those that it has.

        Token ids come in any length (they are padded batch by batch), so their `input_shape` is `(None,)`.
        """
        tokens = spec.vocab_size is not None
        units, activation = self.head(spec)
        return {
            "input_shape": (None,) if tokens else spec.input_shape,
            "num_classes": units,
            "classifier_activation": activation,
            "vocab_size": spec.vocab_size,
            "target_vocab_size": spec.target_vocab_size,
            "max_length": max(spec.input_shape[0], spec.target_length or 0) if tokens else None,
            "return_sequences": self.writes,
        }

    def mistakes(self, data: Data) -> list[str]:
        """What a recipe's [data] may not say for this task."""
        found = []
        if (data.classes or data.examples_a_class) and not self.has_classes:
            found.append(f"classes and examples_a_class have no meaning for {self.name}")
        if data.several_labels and not self.has_several_labels:
            found.append(f"several_labels has no meaning for {self.name}")
        if data.masks and not self.target(data).is_map:
            found.append(f"the table data.masks has no meaning for {self.name}")
        if data.boxes and not self.target(data).has_boxes:
            found.append(f"the table data.boxes has no meaning for {self.name}")
        return found

    def contradictions(self, recipe: Resolved) -> list[str]:
        """What the rest of a recipe may not say for this task."""
        return []

    def class_names(self, data: Data) -> tuple[str, ...]:
        """Names of the classes, numbers where they have none; empty where nothing is classified."""
        if not self.has_classes:
            return ()
        return data.class_names or tuple(str(i) for i in range(data.num_classes or 2))

    def pipeline(self, kind: str) -> str:
        """What Hugging Face calls this task on this kind of data."""
        return "other"

    def next_command(self, run: str, kind: str) -> str:
        """The command that applies a run's model, after a word that says what it does."""
        given = {"image": "IMAGE.png", "text": "--text '...'", "text-pair": "--text '...'"}.get(kind, "ROWS.csv")
        return f"predict: zoo predict {run} {given}"

    # --- what is done with data and networks

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        """What a source holds, checked, split and encoded; `known` vocabularies are those of a trained model.

        Raises:
            UsageError: shapes, sizes or texts that are not what the recipe says. ZooError: a row that is not.
        """
        if data.text:
            from zoo.data.text import encoding

            return encoding.encoded(source, data, self.target(data).role, name, known)
        from zoo.data.splitting import conformed

        return conformed(source, data, name, self.target(data).role)

    def objective(self, data: Data, loss: str) -> Objective:
        """What the network's outputs are held against."""
        raise NotImplementedError

    def steps(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, data: Data, loss: str) -> list[Step]:
        """What is learnt from a batch; `optimizer` is that of the first step."""
        from zoo.tasks.steps import ordinary

        return ordinary(model, optimizer, self.objective(data, loss))

    def scorer(self, model: keras.Model, data: Data, loss: str) -> Scorer | None:
        """What scores a batch, where loss and metrics cannot be had from the network's outputs and the targets."""
        return None

    def targets(self, y: np.ndarray, data: Data, loss: str) -> np.ndarray:
        """Targets in the form that the loss takes."""
        form = self.target_form(data, loss)
        return y if form is None else form(y)

    def target_form(self, data: Data, loss: str) -> partial[np.ndarray] | None:
        """What brings targets into the form that the loss takes; None: they are in it. See `zoo.tasks.targets`."""
        return None

    def further(self, model: keras.Model, data: Data, splits: Splits, part: str, measured: Mapping[str, float]) -> Further:  # fmt: skip  # noqa: E501
        """What is measured once of one part, beside the loss and the metrics in `measured`."""
        return Further({}, [])

    def from_outputs(self, examples: Examples, outputs: Any, data: Data, loss: str) -> dict[str, float]:
        """What is measured once of one part and needs the outputs for all of it, such as an order of examples."""
        return {}

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        """What is said of a whole part beside its metrics, see `zoo.tasks.details`.

        `outputs` are the network's for all of it or, of a task that keeps none, the texts that it gave.
        """
        return {}

    def baselines(self, data: Data, splits: Splits, measured: Mapping[str, Any], asked: bool) -> list[dict[str, Any]]:
        """What learners without a network score on the test part, see `zoo.catalogue.baselines`.

        `measured` are the network's metrics; where nobody asked for them only quick learners are tried.
        """
        return []

    def read(self, data: Data, path: Path) -> Any:
        """The raw examples in a file, to predict on.

        Raises:
            UsageError: a file that cannot be read, or does not fit the data.
        """
        from zoo.data.sources import read_examples

        return read_examples(data, path)

    def rows(self, path: Path, outputs: np.ndarray, data: Data, loss: str, out: Path) -> list[dict[str, Any]]:
        """What the model says of each example that was read from a file; what are files themselves go into `out`."""
        return self.words(outputs, data, loss)

    def translator(
        self, model: keras.Model, data: Data, vocabularies: Vocabularies, beam_width: int = 1
    ) -> Callable[[np.ndarray], list[str]]:
        """Where `answers_in_text`: a function from source ids (n, time) to the texts that the model says."""
        raise NotImplementedError

    def words(self, outputs: Any, data: Data, loss: str) -> list[dict[str, Any]]:
        """The model's outputs (n, ...), or the texts that it says, in words: a row an example, with its `prediction`.

        Nobody asks for it where `answers_in_files`.
        """
        raise NotImplementedError

    def by_example(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, np.ndarray]:
        """What is measured of each example by itself (n,), by the name of the metric that is its mean.

        `wanted` are the targets and `outputs` the network's; of a task that keeps none, the texts that were wanted and
        given. Empty where nothing is measured example by example. Two runs are compared by it.
        """
        return {}

    def answers(self, wanted: Any, outputs: Any, data: Data, loss: str) -> dict[str, list[Answer]]:
        """The same examples in words, by the same names."""
        return {}

    def shown(self, test: Examples, outputs: Any, data: Data, loss: str) -> np.ndarray:
        """Numbers of the test examples that pictures and tables show one by one, beside the first sixteen."""
        import numpy as np

        return np.arange(min(MOST_SHOWN, len(test)))

    def pictures(self, look: Look) -> Iterator[Plan]:
        """The pictures that this task calls for, beside learning curves and what shows the network itself."""
        yield from ()

    def mistakes_shown(self, look: Look) -> list[dict[str, Any]]:
        """Rows of a table of mistakes: `true`, `predicted`, `sure`, and `values` by feature name."""
        return []

    def texts_shown(self, look: Look) -> list[tuple[str, str, str]]:
        """Source, wanted and said texts of some test examples."""
        return []

    def sampler(self, data: Data, splits: Splits) -> Callable[[Decoder], str] | None:
        """A function that says what a model writes by now; None for tasks that write nothing."""
        return None


def inputs(data: Data) -> tuple[Field, ...]:
    """The inputs of most data: one, or those that stand in tables."""
    if data.inputs:
        several = data.inputs.items()
        return tuple(Field(name, ROLES[one.kind], one.input_shape, one.input_dtype) for name, one in several)
    if data.text:
        return (Field("x", ROLES[data.kind], data.input_shape, "int32", ragged=True),)
    return (Field("x", ROLES[data.kind], data.input_shape, data.input_dtype),)


def outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """The model's outputs for examples that fit into memory at once, as an array."""
    import numpy as np
    from keras import ops

    return np.asarray(ops.convert_to_numpy(model(ops.convert_to_tensor(x), training=False)))
