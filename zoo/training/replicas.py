"""Training and prediction on several replicas, arranged so that N of them compute what one device computes.

- Every replica is told the rows of the whole batch and takes its share: uneven where the batch does not divide. A
  replica left without one (a batch smaller than the replicas) computes the first example and gives it no weight, since
  kernels are not to be trusted with empty batches. No example is lost, none is counted twice.
- A replica's loss is its part of the whole batch's mean: the sum of the replicas' gradients is the batch's gradient.
- Gradients are clipped by the norm of this sum, not by the norm of a replica's part.
- Batch normalisation takes its moments over the whole batch.
- Dropout draws its masks for the whole batch (`zoo.training.draws`).

Nothing here touches a private name of TensorFlow or Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.training.augment import Augment
from zoo.training.batches import Feed, Plan, pieces, take
from zoo.training.feeding import RunSteps, fed
from zoo.training.loop import dense, in_order
from zoo.training.objectives import Objective


def share(size: int) -> tuple[int, int]:
    """First example and number of examples of this replica's share of `size`; to be called inside a replica."""
    context = tf.distribute.get_replica_context()
    replicas, number = context.num_replicas_in_sync, int(tf.get_static_value(context.replica_id_in_sync_group))
    first = size * number // replicas
    return first, size * (number + 1) // replicas - first


def make_run_steps(
    model: keras.Model,
    objective: Objective,
    example_loss: keras.losses.Loss,
    feed: Feed,
    batch_size: int,
    augment: Augment | None,
    clip_norm: float | None,
) -> RunSteps:
    """As `zoo.training.loop.make_run_steps`; `example_loss` gives one value an example or token (reduction "none")."""
    strategy = tf.distribute.get_strategy()
    train_step = _make_train_step(model, objective, example_loss, batch_size, clip_norm)

    def replica_step(here: dict[str, tf.Tensor], rows: tf.Tensor, lengths: tf.Tensor, step: tf.Tensor) -> None:
        first, count = share(batch_size)
        x, y = take(Feed(here, feed.cuts), rows[first : first + max(count, 1)], lengths)  # (share, ...)
        if augment is not None:
            x = augment(x, step, batch_size, first)
        tokens = tf.math.count_nonzero(tf.gather(here["y"], rows), dtype="float32") if objective.tokens else None
        train_step(x, y, count, tokens)

    @tf.function(reduce_retracing=True)
    def run(arrays: Any, rows: tf.Tensor, lengths: tf.Tensor, start: Any, stop: Any, first: Any) -> None:
        for i in tf.range(start, stop):
            strategy.run(replica_step, args=(arrays, rows[i], lengths[i], first + i))

    def run_on(arrays: Mapping[str, Any], plan: Plan, *numbers: int) -> None:
        run(arrays, *map(tf.constant, plan), *(tf.constant(n, "int32") for n in numbers))

    return fed(run_on, feed, batch_size, partial(_on_each, strategy))


def _on_each(strategy: tf.distribute.Strategy, array: np.ndarray) -> Any:
    """A copy of `array` on every replica's device."""
    return strategy.experimental_distribute_values_from_function(lambda context: tf.constant(array))


def _make_train_step(
    model: keras.Model,
    objective: Objective,
    example_loss: keras.losses.Loss,
    batch_size: int,
    clip_norm: float | None,
) -> Callable[[Any, tf.Tensor, int, tf.Tensor | None], None]:
    optimizer, weights = model.optimizer, model.trainable_variables
    replicas = tf.distribute.get_strategy().num_replicas_in_sync

    def train_step(x: Any, y: tf.Tensor, count: int, tokens: tf.Tensor | None) -> None:
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            losses = example_loss(y, outputs)[:count]  # (share, ...)
            values = batch_size * float(np.prod(losses.shape[1:])) if tokens is None else tokens
            part = tf.reduce_sum(losses) / values + sum(model.losses) / replicas
            scaled = optimizer.scale_loss(part)
        gradients = dense(tape.gradient(scaled, weights))
        if clip_norm is not None:
            gradients = _clipped(gradients, optimizer.scale_loss(tf.constant(clip_norm)))
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        weight = 1.0 if tokens is None else tf.cast(tokens, "float32")  # of the whole batch, on each replica
        objective.mean_loss.update_state(part * replicas, sample_weight=weight / replicas)
        objective.count(y[:count], outputs[:count])

    return train_step


def _clipped(gradients: list[tf.Tensor], norm: tf.Tensor) -> list[tf.Tensor]:
    """This replica's part of the clipped sum: the optimiser adds the parts of all replicas up again."""
    context = tf.distribute.get_replica_context()
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    clipped, _ = tf.clip_by_global_norm(total, norm)
    return [gradient / context.num_replicas_in_sync for gradient in clipped]


def make_predict(model: keras.Model, examples_a_replica: int) -> Callable[[Any], np.ndarray]:
    """A function from raw examples (n, ...) to float32 outputs (n, ...); each replica computes its share once."""
    strategy = tf.distribute.get_strategy()

    @tf.function
    def forward(x: tf.Tensor) -> tf.Tensor:
        def replica_forward(whole: tf.Tensor) -> tf.Tensor:
            first, count = share(whole.shape[0])
            outputs = model(whole[first : first + max(count, 1)], training=False)
            return tf.cast(outputs[:count], "float32")

        return strategy.gather(strategy.run(replica_forward, args=(x,)), axis=0)

    def predict(x: np.ndarray) -> np.ndarray:
        size = examples_a_replica * strategy.num_replicas_in_sync
        return in_order((rows, forward(tf.constant(part)).numpy()) for rows, part in pieces(x, size))

    return predict


@contextmanager
def synchronised(model: keras.Model) -> Iterator[None]:
    """While it lasts, batch normalisation takes its moments over all replicas; the saved model is as it was built."""
    before = [(layer, layer.synchronized) for layer in parts(model, keras.layers.BatchNormalization)]
    for layer, _ in before:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer, value in before:
            layer.synchronized = value


def parts(root: keras.Model, kind: type) -> list[Any]:
    """Every object of `kind` inside a model: its layers, theirs, and what these keep in lists and tables."""
    found: list[Any] = []
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, kind):
            found.append(item)
        if isinstance(item, keras.layers.Layer):
            waiting.extend(vars(item).values())
        elif isinstance(item, list | tuple | set):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
    return found
