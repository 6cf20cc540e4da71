"""What a network's outputs are held against: a loss value for each example or token, and running means.

A loss gives a value and a weight for each example (or token, or pixel); what is minimised is the sum of value times
weight over the whole batch, divided by the sum of the weights. So several devices, each with a share of the batch,
compute what one device computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

import zoo.layers

Values = Callable[[Any, Any], Any]  # (targets, outputs) -> (batch, ...)
LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
    "binary_crossentropy": keras.losses.BinaryCrossentropy,
    "binary_focal_crossentropy": keras.losses.BinaryFocalCrossentropy,
    "categorical_crossentropy": keras.losses.CategoricalCrossentropy,
    "categorical_focal_crossentropy": keras.losses.CategoricalFocalCrossentropy,
    "kl_divergence": keras.losses.KLDivergence,
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy,
    "hinge": keras.losses.Hinge,
    "perceptron": zoo.layers.PerceptronLoss,
}


EXACT = {  # loss -> the activation that it undoes where it is given what went into the activation
    "binary_crossentropy": "sigmoid",
    "categorical_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
}


def example_loss(name: str) -> Values:
    """A loss by the recipe's name, one value an example: (targets, outputs) -> (batch,)."""
    return LOSSES[name](reduction="none")


class Exact(NamedTuple):
    """A loss without the cut that keeps Keras' cross-entropies of probabilities below 16.1: from logits."""

    activation: str  # of which the logits are the input
    values: Values  # (targets, logits) -> (batch, ...)


def exact_loss(name: str) -> Exact | None:
    """As `example_loss`, from logits; None for losses that have no such form."""
    if name not in EXACT:
        return None
    return Exact(EXACT[name], LOSSES[name](from_logits=True, reduction="none"))


class Objective:
    """A loss of one value an example, metrics, and the running means of both.

    What is minimised, and watched while it is, are `values`; a finished network is scored by `exact`, if there is one.
    """

    def __init__(self, values: Values, metrics: Sequence[keras.metrics.Metric], exact: Exact | None = None) -> None:
        self.values, self.metrics, self.exact = values, list(metrics), exact
        self.mean_loss = keras.metrics.Mean(name="loss")

    @property
    def logits_of(self) -> str | Mapping[str, str]:
        """The activation whose input an exact loss takes, or those of heads by name; empty where there is none."""
        return self.exact.activation if self.exact else ""

    def weights(self, y: Any) -> Any:
        """What each loss value counts, of its shape; None: once."""
        return None

    def total(self, y: Any, values: Any, batch_size: int) -> Any:
        """The sum of a whole batch's weights; `values` are those of a share of it, `y` all of its targets."""
        weights = self.weights(y)
        if weights is None:
            sides = [int(side) for side in values.shape[1:]]
            return ops.convert_to_tensor(float(batch_size * _product(sides)), values.dtype)
        return ops.sum(weights)

    def mean_weight(self, total: Any) -> Any:
        """What a whole batch counts in the running loss: each batch the same."""
        return 1.0

    def mean(self, y: Any, outputs: Any, logits: Any = None) -> Any:
        """The loss over all of `y` at once; exact where logits are given."""
        values, weights = self._values(y, outputs, logits), self.weights(y)
        summed = ops.sum(values if weights is None else values * weights)
        return ops.divide_no_nan(summed, self.total(y, values, values.shape[0]))

    def _values(self, y: Any, outputs: Any, logits: Any) -> Any:
        return self.values(y, outputs) if logits is None or self.exact is None else self.exact.values(y, logits)

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """Take a batch into the running metrics; logits matter where losses of parts are among them."""
        for metric in self.metrics:
            metric.update_state(y, outputs)

    @property
    def variables(self) -> list[keras.Variable]:
        """The running means' states."""
        return [variable for metric in (self.mean_loss, *self.metrics) for variable in metric.variables]

    def reset(self) -> None:
        """Begin anew."""
        for metric in (self.mean_loss, *self.metrics):
            metric.reset_state()

    def results(self) -> dict[str, float]:
        """The means so far, by name."""
        return {metric.name: float(metric.result()) for metric in (self.mean_loss, *self.metrics)}


class MeansObjective(Objective):
    """Of a step that gives, in place of outputs, values of each example by name: their running means."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(_no_values, [keras.metrics.Mean(name=name) for name in names])

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """Take a batch's values in."""
        for metric in self.metrics:
            metric.update_state(outputs[metric.name])


def _no_values(y: Any, outputs: Any) -> Any:
    raise TypeError("the step itself computes the loss")


class Part(NamedTuple):
    """What one of several heads is held against, what its loss counts, and what its values are divided by for it."""

    objective: Objective
    weight: float = 1.0
    scale: float = 1.0


class HeadsObjective(Objective):
    """Of a network with several heads: the weighted sum of their losses; each head has running means of its own."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self.parts = dict(parts)
        metrics = [metric for one in parts.values() for metric in (one.objective.mean_loss, *one.objective.metrics)]
        super().__init__(self._sum, metrics)

    @property
    def logits_of(self) -> Mapping[str, str]:
        """The activation of each head that has an exact loss."""
        exact = {name: one.objective.exact for name, one in self.parts.items()}
        return {name: one.activation for name, one in exact.items() if one is not None}

    def _sum(self, y: Any, outputs: Any) -> Any:
        """(batch,)"""
        return self._values(y, outputs, None)

    def _values(self, y: Any, outputs: Any, logits: Any) -> Any:
        return sum(one.weight * self._of_head(name, y, outputs, logits) for name, one in self.parts.items())

    def _of_head(self, name: str, y: Any, outputs: Any, logits: Any) -> Any:
        objective, _, scale = self.parts[name]
        if logits is not None and objective.exact is not None:
            return objective.exact.values(y[name], logits[name])
        if scale == 1.0:
            return objective.values(y[name], outputs[name])
        return objective.values(y[name] / scale, outputs[name] / scale)

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """Take a batch into the running losses and metrics of all heads."""
        for name, one in self.parts.items():
            one.objective.mean_loss.update_state(self._of_head(name, y, outputs, logits))
            one.objective.count(y[name], outputs[name])

    def results(self) -> dict[str, float]:
        """The means so far: `loss`, and of each head `HEAD_loss` and its metrics."""
        found = {"loss": float(self.mean_loss.result())}
        for name, one in self.parts.items():
            found |= {f"{name}_{metric}": value for metric, value in one.objective.results().items()}
        return found


class TokenObjective(Objective):
    """Cross-entropy with token ids, of which 0 is padding: losses and accuracies are means over real tokens."""

    def __init__(self) -> None:
        accuracy = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
        exact = Exact("softmax", zoo.layers.TokenCrossentropy("none", from_logits=True))
        super().__init__(zoo.layers.TokenCrossentropy("none"), [accuracy], exact)

    def weights(self, y: Any) -> Any:
        """1 for real tokens, 0 for padding."""
        return ops.cast(ops.not_equal(y, 0), "float32")

    def mean_weight(self, total: Any) -> Any:
        """As often as a batch has real tokens."""
        return total

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """One value a token: Keras would weigh each text by its batch's length."""
        y = ops.reshape(y, (-1,))
        outputs = ops.reshape(outputs, (-1, outputs.shape[-1]))
        for metric in self.metrics:
            metric.update_state(y, outputs, sample_weight=self.weights(y))


def _product(sides: Sequence[int]) -> int:
    whole = 1
    for side in sides:
        whole *= side
    return whole
