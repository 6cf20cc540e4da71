"""What is checked: a builder, one build of it, and random batches of the shape that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import keras
import numpy as np

import zoo.layers  # registers the layers that saved models name

TOKENS = 7  # different ids in a random batch
FREE_AXIS = 12  # length given to an axis that a model leaves open
SCORE_LOSSES = ("hinge", "perceptron")


class CheckError(Exception):
    """A check did not hold; the message says what was seen."""


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
        return only({name: self._loss(activation) for name, activation in self.activations.items()})

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
        outputs = by_name(self.model.output)
        return only({name: self._targets(examples, outputs[name], kind) for name, kind in self.activations.items()})

    def _targets(self, examples: int, output: keras.KerasTensor, activation: str) -> np.ndarray:
        shape = (examples, *(FREE_AXIS if side is None else side for side in output.shape[1:]))
        if self.writes:
            x = self.inputs(examples)
            chosen = np.arange(examples)[:, None] if isinstance(x, dict) else np.pad(x, ((0, 0), (1, 0)))[:, :-1]
            return (target_tokens(x) + TOKENS * (chosen % 2)) % shape[-1]
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


def outputs_of(model: keras.Model, x: Any, training: bool = False) -> dict[str, np.ndarray]:
    """Outputs by name; the only one is called ""."""
    found = by_name(model(x, training=training))
    return {name: np.asarray(keras.ops.convert_to_numpy(output), "float32") for name, output in found.items()}


def forward(model: keras.Model, x: Any) -> np.ndarray:
    """The output, or those of several heads side by side."""
    return joined(outputs_of(model, x))


def joined(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    return np.concatenate([output.reshape(len(output), -1) for output in outputs.values()], axis=1)


def by_name(outputs: Any) -> dict[str, Any]:
    return dict(outputs) if isinstance(outputs, Mapping) else {"": outputs}


def only(found: dict[str, Any]) -> Any:
    return found.get("", found)


def rows_of(x: Any, rows: slice) -> Any:
    return keras.tree.map_structure(lambda array: array[rows], x)


def target_tokens(x: Any) -> np.ndarray:
    """The tokens that a model which writes goes on from: its only input, or the decoder's."""
    return x["target"] if isinstance(x, dict) else x


def unchanged(before: np.ndarray, after: np.ndarray, fault: str) -> str:
    """Equal but for rounding, beside the largest output: of thousands of tokens each has a small probability."""
    difference = float(np.abs(before - after).max() / max(np.abs(before).max(), 1e-6))
    if not difference < 1e-5:
        raise CheckError(f"{fault} by {difference:.1e}")
    return "same output" if difference == 0 else f"output differs by {difference:.0e}"
