"""Checks of how a model learns: every weight, from a loss near that of chance, a few examples by heart."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np

from zoo.checks.subject import CheckError, Subject, by_name, outputs_of

LEARNING_RATES = (1e-3, 1e-2, 1e-1)  # of Adam, tried in this order
COMPILED = keras.backend.backend() == "jax"  # TensorFlow takes longer to compile so few steps than to take them
ROUND, ROUNDS = 20, 20  # steps between two looks, and looks at each learning rate


def gradients(subject: Subject) -> str:
    """One long step of plain SGD changes every trainable weight, and to finite values: no gradient is missing."""
    model = subject.build()
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(100.0), subject.loss(), jit_compile=COMPILED)
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
    """Before training the classes are as good as equally likely: cross-entropy near ln(classes); else finite.

    Batch normalisation takes the moments of the batch, as the first step of training does.
    """
    outputs = outputs_of(subject.build(), subject.inputs(16), training=True)
    losses = by_name(subject.loss())
    targets = by_name(subject.targets(16))
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
    model.compile(keras.optimizers.Adam(), subject.loss(), jit_compile=COMPILED)
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
            if _fitted(subject, by_name(y), outputs_of(model, x)):
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
