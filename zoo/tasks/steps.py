"""What is learnt from one batch: a list of steps, one for an ordinary network, two for a generator and its critic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

from zoo.tasks.objective import Objective


class BatchLoss(NamedTuple):
    """What a step makes of a batch: a loss value an example (or token), the outputs, and the weights' own penalty."""

    values: Any  # (batch, ...)
    outputs: Any
    penalty: Any  # (), added to the mean of the values


class Step(NamedTuple):
    """Variables that learn together: by which optimiser, from which loss of a batch (x, y).

    The objective says what each value weighs, and keeps the running means that are shown.
    """

    name: str
    variables: Sequence[keras.Variable]
    optimizer: keras.optimizers.Optimizer
    loss: Callable[[Any, Any], BatchLoss]
    objective: Objective


def ordinary(model: keras.Model, optimizer: keras.optimizers.Optimizer, objective: Objective) -> list[Step]:
    """The only step of a network with one loss."""

    def loss(x: Any, y: Any) -> BatchLoss:
        outputs = model(x, training=True)
        return BatchLoss(objective.values(y, outputs), outputs, sum(model.losses))

    return [Step("train", model.trainable_variables, optimizer, loss, objective)]
