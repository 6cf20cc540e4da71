"""The training loop: data is on the device, the host only says which rows make the next batches.

One call of the compiled function runs many steps on rows gathered from arrays there, so a small network is
not slowed down by Python or by an input pipeline. Which rows come when is computed from (seed, epoch) alone, and how
many steps one call takes changes nothing in the result.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import UsageError
from zoo.training.augment import Augment
from zoo.training.batches import Feed, Plan, pieces, take
from zoo.training.feeding import RunSteps, fed, signature
from zoo.training.objectives import Objective

SECONDS_A_CALL = 0.3  # long enough to hide the call, short enough for progress and Ctrl-C
MOST_STEPS_A_CALL = 512
EVALUATION_BATCH = 500
MOST_NUMBERS = 2**23  # in an evaluation batch's inputs
TOKEN_BATCH = 64


def make_run_steps(
    model: keras.Model, objective: Objective, feed: Feed, batch_size: int, augment: Augment | None, jit: bool
) -> RunSteps:
    """A function that trains on the batches from `start` up to `stop` of an epoch's plan."""
    train_step = _make_train_step(model, objective)
    whole = jit and augment is None  # XLA has no image warp: beside one it compiles each step by itself
    if jit and not whole:
        train_step = tf.function(train_step, jit_compile=True)
    scalar = tf.TensorSpec((), "int32")

    # the plan is the whole epoch's, so that its shape never changes and XLA compiles once
    told = [signature(feed), *plan_signature(feed, batch_size), scalar, scalar, scalar]

    @tf.function(input_signature=told, jit_compile=whole)
    def run(arrays: Any, rows: tf.Tensor, lengths: tf.Tensor, start: Any, stop: Any, first: Any) -> None:
        i = start
        while i < stop:  # not tf.range: XLA would compile anew for each start and stop
            x, y = take(Feed(arrays, feed.cuts), rows[i], lengths[i])  # (batch, ...)
            if augment is not None:
                x = augment(x, first + i)
            train_step(x, y)
            i += 1

    def run_on(arrays: Mapping[str, Any], plan: Plan, *numbers: int) -> None:
        run(arrays, *map(tf.constant, plan), *(tf.constant(n, "int32") for n in numbers))

    return fed(run_on, feed, batch_size, tf.constant)


def plan_signature(feed: Feed, batch_size: int) -> list[tf.TensorSpec]:
    """What TensorFlow is told of a plan: (steps, batch) and (steps, lengths)."""
    kinds = len(set(feed.cuts.values()))
    return [tf.TensorSpec((None, batch_size), "int32"), tf.TensorSpec((None, kinds), "int32")]


def _make_train_step(model: keras.Model, objective: Objective) -> Callable[[tf.Tensor, tf.Tensor], None]:
    optimizer, weights = model.optimizer, model.trainable_variables

    def train_step(x: Any, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = objective.loss(y, outputs) + sum(model.losses)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply_gradients(zip(dense(tape.gradient(scaled, weights)), weights, strict=True))
        objective.mean_loss.update_state(loss, sample_weight=objective.weight(y))
        objective.count(y, outputs)

    return train_step


def dense(gradients: Iterable[Any]) -> list[Any]:
    """Gradients with an embedding's slices added up, those of a repeated token together.

    Keras 3.15 squares slices and takes their norm before it adds them, which is neither Adam's second moment nor the
    norm of the gradient.
    """
    return [tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g for g in gradients]


class Pace:
    """How many steps one call takes: as many as fit SECONDS_A_CALL, going by the calls before."""

    def __init__(self, agreed: Callable[[float], float]) -> None:
        """`agreed` makes of one worker's seconds a step those that all workers go by."""
        self.agreed, self.size = agreed, 1

    def learn(self, seconds: float, steps: int) -> None:
        """A call of so many steps took so long."""
        fit = SECONDS_A_CALL / max(self.agreed(seconds / steps), 1e-9)
        self.size = int(min(max(fit, 1), MOST_STEPS_A_CALL, 8 * self.size))


def run_epoch(plan: Plan, run_steps: RunSteps, first: int, done: int, pace: Pace) -> Iterator[int]:
    """Run an epoch's steps from the one after `done`, and yield how many are done after each call."""
    while done < len(plan.rows):
        started = time.perf_counter()
        stop = min(done + pace.size, len(plan.rows))
        run_steps(plan, done, stop, first)
        pace.learn(time.perf_counter() - started, stop - done)
        done = stop
        yield done


def make_predict(model: keras.Model) -> Callable[[Any], np.ndarray]:
    """A function from raw examples (n, ...) to float32 outputs (n, ...), every example once, none dropped."""
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def predict(x: Any) -> np.ndarray:
        return in_order((rows, forward(_constant(part)).numpy()) for rows, part in pieces(x, _evaluation_batch(x)))

    return predict


def _evaluation_batch(x: Any) -> int:
    """Examples at once: fewer of large images, whose maps would fill the memory."""
    size = 1 if isinstance(x, dict) else math.prod(x.shape[1:])
    return int(min(EVALUATION_BATCH, max(1, MOST_NUMBERS // size)))


def in_order(parts: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Outputs of pieces put back into the order of their row numbers, float32."""
    rows, outputs = (np.concatenate(column) for column in zip(*parts, strict=True))
    ordered = np.empty_like(outputs, "float32")
    ordered[rows] = outputs
    return ordered


def _constant(x: Any) -> Any:
    return {name: tf.constant(array) for name, array in x.items()} if isinstance(x, dict) else tf.constant(x)


def score(model: keras.Model, objective: Objective, outputs: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Loss and metric over a whole split, from the outputs for all of it at once."""
    loss = objective.loss(y, outputs) + sum(model.losses)
    objective.count(y, outputs)
    return {"loss": float(loss), objective.metric.name: float(objective.metric.result())}


def make_score_tokens(model: keras.Model, objective: Objective) -> Callable[[Any, np.ndarray], dict[str, float]]:
    """A function from texts and the tokens to predict to mean loss and accuracy a real token, over all of them.

    The outputs, a distribution over the vocabulary for each token, are never all in memory.
    """

    @tf.function(reduce_retracing=True)
    def add(x: Any, y: tf.Tensor) -> None:
        outputs = model(x, training=False)
        objective.mean_loss.update_state(objective.loss(y, outputs), sample_weight=objective.weight(y))
        objective.count(y, outputs)

    def score_tokens(x: Any, y: np.ndarray) -> dict[str, float]:
        objective.reset()
        for rows, part in pieces(x, TOKEN_BATCH):
            longest = next(reversed(part.values())).shape[1] if isinstance(part, dict) else part.shape[1]
            add(_constant(part), tf.constant(y[rows, :longest]))
        return objective.results()

    return score_tokens


def use_jit(setting: str, model: keras.Model, strategy: tf.distribute.Strategy) -> bool:
    """Whether XLA compiles the steps: as said, or for `auto` by what was measured.

    On two CPU cores a loop compiled as a whole takes a fifth to two thirds off the time of dense networks, and small
    convolutions take twice as long in XLA (scripts/bench): `auto` means dense networks only on a CPU, and Keras' own
    choice on a GPU. Gradients that several replicas exchange cannot be compiled with the step.

    Raises:
        UsageError: `on` under a mirrored strategy or several workers.
    """
    if isinstance(strategy, tf.distribute.MirroredStrategy | tf.distribute.MultiWorkerMirroredStrategy):
        if setting == "on":
            raise UsageError("--jit on does not go with --strategy mirrored or multi-worker; leave --jit away")
        return False
    if setting != "auto":
        return setting == "on"
    if tf.config.list_logical_devices("GPU"):
        return bool(model.jit_compile)
    layers = keras.layers
    plain = (layers.InputLayer, layers.Dense, layers.Activation, layers.Dropout, layers.Flatten, layers.Rescaling)
    return all(isinstance(layer, (*plain, layers.Normalization)) for layer in leaves(model))


def leaves(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers, those of nested models in place of the models."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found
