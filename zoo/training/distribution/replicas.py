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

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.data.examples import only
from zoo.data.fields import Fields
from zoo.tasks.steps import Step
from zoo.training.augment import Augment
from zoo.training.batches import Feed, Plan, pieces, take, take_targets
from zoo.training.evaluation import Predict, as_arrays, by_name, constant, in_order
from zoo.training.feeding import RunSteps, fed
from zoo.training.stepping import make_train_step


def share(size: int) -> tuple[int, int]:
    """First example and number of examples of this replica's share of `size`; to be called inside a replica."""
    context = tf.distribute.get_replica_context()
    replicas, number = context.num_replicas_in_sync, int(tf.get_static_value(context.replica_id_in_sync_group))
    first = size * number // replicas
    return first, size * (number + 1) // replicas - first


def make_run_steps(
    steps: Sequence[Step],
    feed: Feed,
    batch_size: int,
    augment: Augment | None,
    clip_norm: float | None,
    after_step: Callable[[tf.Tensor], None] | None = None,
) -> RunSteps:
    """As `zoo.training.loop.make_run_steps`, for all replicas of the strategy in whose scope it is called."""
    strategy = tf.distribute.get_strategy()
    train_steps = [make_train_step(step, batch_size, clip_norm) for step in steps]

    def replica_step(here: dict[str, tf.Tensor], rows: tf.Tensor, lengths: tf.Tensor, step: tf.Tensor) -> None:
        first, count = share(batch_size)
        feed_here = feed._replace(arrays=here)
        mine = slice(first, first + max(count, 1))
        if augment is not None and augment.across_examples:
            x, y = augment(*take(feed_here, rows, lengths), step, batch_size, 0)
            x, y = keras.tree.map_structure(lambda array: array[mine], (x, y))  # (share, ...)
        else:
            x, y = take(feed_here, rows[mine], lengths)  # (share, ...)
            x, y = (x, y) if augment is None else augment(x, y, step, batch_size, first)
        for train_step in train_steps:
            train_step(x, y, take_targets(feed_here, rows, lengths), count)
        if after_step is not None:
            after_step(step)

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


def make_predict(model: Callable[..., Any], fields: Fields, examples_a_replica: int) -> Predict:
    """A function from raw examples (n, ...) to float32 outputs (n, ...); each replica computes its share once."""
    strategy = tf.distribute.get_strategy()

    @tf.function
    def forward(x: Any) -> Any:
        def replica_forward(whole: Any) -> Any:
            first, count = share(keras.tree.flatten(whole)[0].shape[0])
            mine = keras.tree.map_structure(lambda array: array[first : first + max(count, 1)], whole)
            outputs = model(mine, training=False)
            return keras.tree.map_structure(lambda array: tf.cast(array[:count], "float32"), outputs)

        found = strategy.run(replica_forward, args=(x,))
        return keras.tree.map_structure(lambda array: strategy.gather(array, axis=0), found)

    def predict(x: Any) -> Any:
        size = examples_a_replica * strategy.num_replicas_in_sync
        return in_order(
            (rows, as_arrays(forward(constant(only(part))))) for rows, part in pieces(by_name(x), fields, size)
        )

    return predict


@contextmanager
def synchronised(model: keras.Model) -> Iterator[None]:
    """While it lasts, batch normalisation takes its moments over all replicas; the saved model is as it was built."""
    before = [(layer, layer.synchronized) for layer in layers_of(model, keras.layers.BatchNormalization)]
    for layer, _ in before:
        layer.synchronized = True
    try:
        yield
    finally:
        for layer, value in before:
            layer.synchronized = value


def layers_of(root: keras.Model, kind: type) -> list[Any]:
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
