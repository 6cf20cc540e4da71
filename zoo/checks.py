"""The common protocol: what every entry of the catalogue, or a builder of your own, has to hold.

    results = run_protocol(describe("lenet"))      # or run_protocol(my_builder)
    assert all(result.passed for result in results)

Each check is a function of a `Subject` that returns what it saw or raises `CheckError`; CHECKS names them in order. It
runs on any Keras backend. To add one that concerns some models only, return "does not apply: ..." for the others.
"""

from __future__ import annotations

import inspect
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

import zoo.layers  # registers the layers that saved models name
from zoo import tasks
from zoo.catalogue.inspect import skeleton
from zoo.catalogue.registry import ModelRecord
from zoo.errors import unknown

TOKENS = 7  # different ids in a random batch
FREE_AXIS = 12  # length given to an axis that a model leaves open
LEARNING_RATES = (1e-3, 1e-2, 1e-1)  # of Adam, tried in this order
ROUND, ROUNDS = 20, 20  # steps between two looks, and looks at each learning rate
SCORE_LOSSES = ("hinge", "perceptron")
Check = Callable[["Subject"], str]


class CheckError(Exception):
    """A check did not hold; the message says what was seen."""


@dataclass(frozen=True)
class Result:
    """Outcome of one check: its name, whether it held, and what was seen."""

    name: str
    passed: bool
    detail: str


def run_protocol(target: ModelRecord | Callable[..., keras.Model], seed: int = 0) -> list[Result]:
    """Put one architecture through every check, in order; when it does not even build, that is the only result.

    Args:
        target: a record of the catalogue, or any function that returns a `keras.Model` when called without arguments.
        seed: of initial weights and the random batch.
    """
    if isinstance(target, ModelRecord):
        subject = Subject(target.builder, target.params, target.defaults.get("loss"), seed, target.trial)
    else:
        subject = Subject(target, seed=seed)
    results = [_run("builds", builds, subject)]
    if isinstance(target, ModelRecord):
        results += [_run("record", lambda _: known_tasks(target), subject)]
    if all(result.passed for result in results):
        results += [_run(name, check, subject) for name, check in CHECKS.items()]
    return results


def known_tasks(record: ModelRecord) -> str:
    """Every task of the record is one that is known, of the zoo or of a plug-in."""
    if wrong := [name for name in record.tasks if name not in tasks.names()]:
        raise CheckError(str(unknown("task", wrong[0], tasks.names())))
    return ", ".join(record.tasks)


def _run(name: str, check: Check, subject: Subject) -> Result:
    try:
        return Result(name, True, check(subject))
    except CheckError as failure:
        return Result(name, False, str(failure))
    except Exception as error:  # the builder is a stranger's: whatever it raises is a finding
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        return Result(name, False, f"{type(error).__name__}: {line}")


@dataclass
class Subject:
    """A builder under test and a small random batch of the shape that its default build takes."""

    builder: Callable[..., keras.Model]
    params: int | None = None
    own_loss: str | None = None
    seed: int = 0
    trial: Mapping[str, Any] = field(default_factory=dict)  # knobs that make a small build of a large network

    def build(self, name: str | None = None) -> keras.Model:
        """A fresh default build, or a small one, with the same initial weights each time."""
        keras.utils.set_random_seed(self.seed)
        return self.builder(**self.trial) if name is None else self.builder(**self.trial, name=name)

    @cached_property
    def model(self) -> keras.Model:
        """One build that checks may look at but not train."""
        return self.build()

    @cached_property
    def activation(self) -> str:
        """Of the output layer: softmax, sigmoid, or linear for everything else; of several heads that of each."""
        return ", ".join(self.activations.values())

    @cached_property
    def activations(self) -> dict[str, str]:
        """By the name of the output; the only one is called "" here."""
        if isinstance(self.model.output, dict):
            return {name: self._activation(tensor._keras_history[0]) for name, tensor in self.model.output.items()}
        return {"": self._activation(self.model.layers[-1])}

    @staticmethod
    def _activation(layer: Any) -> str:
        while isinstance(layer, keras.Model):  # a network whose last part is one itself
            layer = layer.layers[-1]
        name = getattr(getattr(layer, "activation", None), "__name__", type(layer).__name__.lower())
        return name if name in ("softmax", "sigmoid") else "linear"

    @property
    def scores(self) -> bool:
        """Whether the sign of the output decides between two classes."""
        return self.own_loss in SCORE_LOSSES

    def loss(self) -> Any:
        """The loss that the record names, or the one that goes with the output layer; of several heads by name."""
        return _only({name: self._loss(activation) for name, activation in self.activations.items()})

    def _loss(self, activation: str) -> keras.losses.Loss:
        classes = {
            "perceptron": zoo.layers.PerceptronLoss,
            "hinge": keras.losses.Hinge,
            "softmax": keras.losses.SparseCategoricalCrossentropy,
            "sigmoid": keras.losses.BinaryCrossentropy,
            "linear": keras.losses.MeanSquaredError,
        }
        return classes[self.own_loss if self.own_loss in SCORE_LOSSES else activation]()

    @property
    def takes_tokens(self) -> bool:
        """Whether all that goes in is token ids of any length, (batch, time)."""
        return all("int" in tensor.dtype and tensor.shape[1:] == (None,) for tensor in self.model.inputs)

    @property
    def writes(self) -> bool:
        """Whether tokens go in and a distribution for each comes out: a language model, or source and target."""
        given = self.model.input
        known = set(given) == {"source", "target"} if isinstance(given, dict) else not isinstance(given, list)
        return known and self.takes_tokens and self.activation == "softmax" and len(self.model.output.shape) == 3

    def inputs(self, examples: int) -> Any:
        """Random input, in the form that the model takes: pixels in [0, 1), normal features, token ids from 1 on."""
        random = np.random.default_rng(self.seed)
        return keras.tree.map_structure(lambda tensor: _random_input(random, examples, tensor), self.model.input)

    def targets(self, examples: int) -> Any:
        """Class ids in turn (examples,), 0 and 1 in turn or, of several, by chance, or values from -1 to 1.

        Of a model that writes, one of two ids for each token, by the token before it or, with a source, by the row; of
        several heads a dict.
        """
        outputs = _by_name(self.model.output)
        return _only({name: self._targets(examples, outputs[name], kind) for name, kind in self.activations.items()})

    def _targets(self, examples: int, output: keras.KerasTensor, activation: str) -> np.ndarray:
        shape = (examples, *(FREE_AXIS if side is None else side for side in output.shape[1:]))
        if self.writes:
            x = self.inputs(examples)
            chosen = np.arange(examples)[:, None] if isinstance(x, dict) else np.pad(x, ((0, 0), (1, 0)))[:, :-1]
            return (_target(x) + TOKENS * (chosen % 2)) % shape[-1]
        if activation == "softmax":
            return np.resize(np.arange(shape[-1]), shape[:-1])
        if activation == "sigmoid" or self.scores:
            if shape[1:] == (1,):
                return np.resize(np.array([0.0, 1.0], "float32"), shape)
            return np.random.default_rng(self.seed).integers(0, 2, shape).astype("float32")
        return np.linspace(-1, 1, math.prod(shape), dtype="float32").reshape(shape)

    @property
    def few(self) -> int:
        """As many examples as even one linear unit can learn by heart: up to 8, not over one more than features."""
        features = sum(math.prod(side or FREE_AXIS for side in tensor.shape[1:]) for tensor in self.model.inputs)
        return min(8, features + 1)


def _random_input(random: np.random.Generator, examples: int, tensor: keras.KerasTensor) -> np.ndarray:
    shape = (examples, *(side or FREE_AXIS for side in tensor.shape[1:]))
    if "int" in tensor.dtype:
        return random.integers(1, TOKENS + 1, shape).astype(tensor.dtype)
    values = random.random(shape) if len(shape) == 4 else random.standard_normal(shape)
    return values.astype("float32")


def _outputs(model: keras.Model, x: Any) -> dict[str, np.ndarray]:
    """Outputs by name; the only one is called ""."""
    found = _by_name(model(x, training=False))
    return {name: np.asarray(keras.ops.convert_to_numpy(output), "float32") for name, output in found.items()}


def _forward(model: keras.Model, x: Any) -> np.ndarray:
    """The output, or those of several heads side by side."""
    return _joined(_outputs(model, x))


def _joined(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    return np.concatenate([output.reshape(len(output), -1) for output in outputs.values()], axis=1)


def _by_name(outputs: Any) -> dict[str, Any]:
    return dict(outputs) if isinstance(outputs, Mapping) else {"": outputs}


def _only(found: dict[str, Any]) -> Any:
    return found.get("", found)


def _rows(x: Any, rows: slice) -> Any:
    return keras.tree.map_structure(lambda array: array[rows], x)


def _target(x: Any) -> np.ndarray:
    """The tokens that a model which writes goes on from: its only input, or the decoder's."""
    return x["target"] if isinstance(x, dict) else x


def builds(subject: Subject) -> str:
    """Called without arguments it gives an uncompiled `keras.Model` with one finite output a batch, or some by name."""
    for knob in inspect.signature(subject.builder).parameters.values():
        if knob.default is knob.empty:
            raise CheckError(f"argument {knob.name!r} has no default")
    model = subject.model
    if not isinstance(model, keras.Model):
        raise CheckError(f"returned {type(model).__name__}, not a keras.Model")
    if model.compiled:
        raise CheckError("the model is compiled already; compiling is the trainer's business")
    if not isinstance(model.output, dict) and len(model.outputs or ()) != 1:
        raise CheckError(
            f"{len(model.outputs or ())} outputs, neither one nor a dict (a subclassed model must be built first)"
        )
    if not np.isfinite(_forward(model, subject.inputs(2))).all():
        raise CheckError("the output is not finite")
    taken, given = (", ".join(map(_shape, tensors)) for tensors in (model.inputs, model.outputs))
    return f"{taken} -> {given}, {subject.activation} output"


def _shape(tensor: keras.KerasTensor) -> str:
    return "x".join(str(side or "?") for side in tensor.shape[1:])


def parameter_count(subject: Subject) -> str:
    """As many parameters as the record states."""
    counted = (skeleton(subject.builder) if subject.trial else subject.model).count_params()
    if subject.params not in (None, counted):
        raise CheckError(f"{counted:,} parameters, the record says {subject.params:,}")
    small = f"; the other checks use a build of {subject.model.count_params():,}" if subject.trial else ""
    return f"{counted:,}" + (" as recorded" if subject.params is not None else " (no record to compare)") + small


def gradients(subject: Subject) -> str:
    """One long step of plain SGD changes every trainable weight, and to finite values: no gradient is missing."""
    model = subject.build()
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(100.0), subject.loss())
    model.train_on_batch(subject.inputs(15), subject.targets(15))  # odd: the pulls of two classes must not cancel
    moved = {
        weight.path: keras.ops.convert_to_numpy(weight) - old
        for weight, old in zip(model.trainable_weights, before, strict=True)
    }
    wild = [path for path, change in moved.items() if not np.isfinite(change).all()]
    dead = [path for path, change in moved.items() if not change.any()]
    if wild:
        raise CheckError(f"gradient not finite: {', '.join(wild)}")
    if dead:
        raise CheckError(f"no gradient: {', '.join(dead)}")
    return f"{len(moved)} of {len(moved)} weights get one"


def initial_loss(subject: Subject) -> str:
    """Before training the classes are as good as equally likely: cross-entropy near ln(classes); else finite."""
    outputs, losses = _outputs(subject.model, subject.inputs(16)), _by_name(subject.loss())
    targets = _by_name(subject.targets(16))
    return "; ".join(
        _initial(name, subject.activations[name], float(losses[name](targets[name], output)), output.shape[-1])
        for name, output in outputs.items()
    )


def _initial(head: str, activation: str, loss: float, units: int) -> str:
    """What is said of the loss of one head, "" of the only one."""
    called = f"{head} " if head else ""
    if not math.isfinite(loss):
        raise CheckError(f"{called}{loss}")
    if activation == "linear":
        return f"{called}{loss:.3f}, finite"
    classes = units if activation == "softmax" else 2
    expected = math.log(classes)
    if abs(loss - expected) > max(0.5, 0.4 * expected):
        raise CheckError(f"{called}{loss:.3f}, far from ln {classes} = {expected:.3f}")
    return f"{called}{loss:.3f}, ln {classes} = {expected:.3f}"


def overfits(subject: Subject) -> str:
    """Adam learns a handful of examples with arbitrary targets by heart, at one of three learning rates."""
    x, y = subject.inputs(subject.few), subject.targets(subject.few)
    model = subject.build()
    # TensorFlow takes longer to compile these few steps than to take them
    model.compile(keras.optimizers.Adam(), subject.loss(), jit_compile=keras.backend.backend() == "jax")
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    start = [keras.ops.convert_to_numpy(variable) for variable in variables]
    for rate in LEARNING_RATES:
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        model.optimizer.learning_rate = rate
        for rounds in range(1, ROUNDS + 1):
            for _ in range(ROUND):
                model.train_on_batch(x, y)
            if _fitted(subject, _by_name(y), _outputs(model, x)):
                return f"{subject.few} examples by heart in {rounds * ROUND} steps (Adam, {rate:g})"
    raise CheckError(f"{subject.few} examples not learnt in {ROUND * ROUNDS} steps of Adam at 0.001, 0.01 or 0.1")


def _fitted(subject: Subject, targets: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> bool:
    kinds = subject.activations.items()
    return all(_head_fitted(kind, subject.scores, targets[name], outputs[name]) for name, kind in kinds)


def _head_fitted(activation: str, scores: bool, y: np.ndarray, output: np.ndarray) -> bool:
    if activation == "softmax":
        return bool((output.argmax(-1) == y).all())
    if activation == "sigmoid" or scores:
        return bool(((output > (0.0 if scores else 0.5)) == (y > 0.5)).all())
    return float(np.mean((output - y) ** 2)) < 0.01 * float(np.var(y))


def saves(subject: Subject) -> str:
    """Written to a file and read back without trusting code in it, the model gives the same output."""
    x = subject.inputs(4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        subject.model.save(path)
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
    difference = float(np.abs(_forward(loaded, x) - _forward(subject.model, x)).max())
    if not difference <= 1e-6:
        raise CheckError(f"after save and load the output differs by {difference:.1e}")
    return "same output" if difference == 0 else f"output differs by {difference:.0e}"


def batch_of_one(subject: Subject) -> str:
    """An example gives the same output alone as in a batch."""
    x = subject.inputs(4)
    together = _forward(subject.model, x)
    for i in range(4):
        alone = _forward(subject.model, _rows(x, slice(i, i + 1)))
        if alone.shape != (1, *together.shape[1:]):
            raise CheckError(f"a batch of one gives shape {alone.shape}, not {(1, *together.shape[1:])}")
        if not np.allclose(alone[0], together[i], rtol=1e-4, atol=1e-5):
            raise CheckError(f"alone and in a batch the output differs by {np.abs(alone[0] - together[i]).max():.1e}")
    return "alone as in a batch of 4"


def two_in_one(subject: Subject) -> str:
    """Two builds under different names go into one functional model, and each says there what it says alone."""
    if "name" not in inspect.signature(subject.builder).parameters:
        return "does not apply: the builder takes no name"
    names, x = ("first", "second"), subject.inputs(2)
    parts = [subject.build(name=name) for name in names]
    if [part.name for part in parts] != list(names):
        raise CheckError(f"asked for the name 'first', the model is called {parts[0].name!r}")
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name), subject.model.input
    )
    both = keras.Model(inputs, [part(inputs) for part in parts])
    for part, output in zip(parts, both(x, training=False), strict=True):
        inside = {name: np.asarray(keras.ops.convert_to_numpy(one)) for name, one in _by_name(output).items()}
        _unchanged(_forward(part, x), _joined(inside), f"in one model {part.name} differs")
    return "same outputs in one model as alone"


def no_lambda(subject: Subject) -> str:
    """No Lambda layer anywhere: its code would be hidden in the saved file."""
    found = sorted(set(_lambdas(keras.saving.serialize_keras_object(subject.model))))
    if found:
        raise CheckError(f"Lambda {', '.join(found)}: write a registered layer instead")
    return "none"


def _lambdas(config: Any) -> Iterator[str]:
    """Names of the Lambda layers in a serialised model, however deep."""
    if isinstance(config, dict):
        if config.get("class_name") == "Lambda":
            yield repr(config["config"]["name"])
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _lambdas(value)


def mixed_precision(subject: Subject) -> str:
    """Under half precision the output layer stays float32, and its values close to those of float32."""
    x, weights = subject.inputs(4), subject.model.get_weights()
    exact = _forward(subject.model, x)
    seen = []
    for policy in ("mixed_bfloat16", "mixed_float16"):
        half = _forward_under(policy, subject, weights, x)
        difference = float(np.abs(half - exact).max())
        if not difference <= 0.05 * max(1.0, float(np.abs(exact).max())):
            raise CheckError(f"{policy}: the output differs by {difference:.1e}")
        seen.append(f"{policy.removeprefix('mixed_')} differs by {difference:.0e}")
    return ", ".join(seen)


def _forward_under(policy: str, subject: Subject, weights: list[np.ndarray], x: Any) -> np.ndarray:
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = subject.build()
    finally:
        keras.config.set_dtype_policy(usual)
    if half := next((tensor.dtype for tensor in model.outputs if tensor.dtype != "float32"), None):
        raise CheckError(f'{policy}: the output is {half}; give the output layer dtype="float32"')
    model.set_weights(weights)
    return _forward(model, x)


def padding(subject: Subject) -> str:
    """More padding behind token ids changes no real output, and a row of padding alone gives numbers."""
    if not subject.takes_tokens:
        return "does not apply: takes no token ids of any length"

    def shortened(ids: np.ndarray) -> np.ndarray:
        return np.where(np.arange(FREE_AXIS) < np.array([FREE_AXIS, 7, 2, 0])[:, None], ids, 0)

    x = keras.tree.map_structure(shortened, subject.inputs(4))
    longer = keras.tree.map_structure(lambda ids: np.pad(ids, ((0, 0), (0, 5))), x)
    before, after = _forward(subject.model, x), _forward(subject.model, longer)
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise CheckError("a row of padding alone gives an output that is not finite")
    if subject.writes:
        before, after = (y[:, :FREE_AXIS][_target(x) != 0] for y in (before, after))  # (real tokens, vocabulary)
    return _unchanged(before, after, "five more columns of padding change the output")


def causality(subject: Subject) -> str:
    """What a model that writes says at a position does not hang on the tokens behind it."""
    if not subject.writes:
        return "does not apply: says one thing an example"
    x, half = subject.inputs(4), FREE_AXIS // 2
    ids = _target(x)
    other = np.where(np.arange(FREE_AXIS) < half, ids, ids % TOKENS + 1)
    changed = {**x, "target": other} if isinstance(x, dict) else other
    before, after = _forward(subject.model, x), _forward(subject.model, changed)
    return _unchanged(before[:, :half], after[:, :half], "tokens to come change the output before them")


def _unchanged(before: np.ndarray, after: np.ndarray, fault: str) -> str:
    """Equal but for rounding, beside the largest output: of thousands of tokens each has a small probability."""
    difference = float(np.abs(before - after).max() / max(np.abs(before).max(), 1e-6))
    if not difference < 1e-5:
        raise CheckError(f"{fault} by {difference:.1e}")
    return "same output" if difference == 0 else f"output differs by {difference:.0e}"


CHECKS: dict[str, Check] = {
    "parameter count": parameter_count,
    "gradients": gradients,
    "initial loss": initial_loss,
    "overfits": overfits,
    "save and load": saves,
    "batch of one": batch_of_one,
    "two in one": two_in_one,
    "padding": padding,
    "causality": causality,
    "no Lambda": no_lambda,
    "mixed precision": mixed_precision,
}
