"""Classifiers in the middle of a network: further outputs that learn the same target, and that only training knows.

Szegedy et al. 2015, Going deeper with convolutions, section 5: they bring gradients to a deep network's first half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from zoo.tasks.steps import BatchLoss, Step


def without(network: keras.Model, auxiliary: Mapping[str, float]) -> keras.Model:
    """The network with its main output alone, on the same layers; as it is where it has no auxiliary output."""
    if not has(network, auxiliary):
        return network
    return keras.Model(network.input, network.output[_main(network, auxiliary)], name=network.name)


def has(network: keras.Model, auxiliary: Mapping[str, float]) -> bool:
    """Whether auxiliary outputs are among the network's."""
    return isinstance(network.output, dict) and not auxiliary.keys().isdisjoint(network.output)


def with_auxiliary(step: Step, network: keras.Model, auxiliary: Mapping[str, float]) -> Step:
    """The step of the main output, with the auxiliary ones' losses added in their weights.

    Metrics are those of the main output; the loss that is shown while training is the sum.
    """
    main, objective = _main(network, auxiliary), step.objective

    def loss(x: Any, y: Any) -> BatchLoss:
        outputs = network(x, training=True)
        further = [weight * objective.values(y, outputs[name]) for name, weight in auxiliary.items()]
        return BatchLoss(objective.values(y, outputs[main]) + sum(further), outputs[main], sum(network.losses))

    return step._replace(variables=network.trainable_variables, loss=loss)


def _main(network: keras.Model, auxiliary: Mapping[str, float]) -> str:
    (main,) = network.output.keys() - auxiliary.keys()
    return str(main)
