"""One step of training, written once for one device and for many.

Every device is told the rows of the whole batch and computes its share. A share's loss is its part of the whole
batch's mean, so the sum of the devices' gradients is the batch's gradient; gradients are clipped by the norm of this
sum. One device has the whole batch as its share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf
from keras import ops, tree

from zoo.tasks.steps import Step

TrainStep = Callable[[Any, Any, Any, int], None]  # x and y of a share, y of the whole batch, examples in the share


def make_train_step(step: Step, batch_size: int, clip_norm: float | None) -> TrainStep:
    """A function that takes one step on a share of a batch of `batch_size`; the first `count` examples count.

    On one device the optimiser clips by itself; `clip_norm` matters where there are several.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    optimizer, objective = step.optimizer, step.objective

    def train_step(x: Any, y: Any, whole_y: Any, count: int) -> None:
        with tf.GradientTape() as tape:
            values, outputs, penalty = step.loss(x, y)
            weights = objective.weights(y)
            weighted = values if weights is None else values * weights
            total = objective.total(whole_y, values, batch_size)
            part = ops.divide_no_nan(ops.sum(_first(weighted, count)), total) + penalty / replicas
            scaled = optimizer.scale_loss(part)
        gradients = dense(tape.gradient(scaled, step.variables))
        if clip_norm is not None and replicas > 1:
            gradients = _clipped(gradients, optimizer.scale_loss(tf.constant(clip_norm)))
        optimizer.apply_gradients(zip(gradients, step.variables, strict=True))
        objective.mean_loss.update_state(part * replicas, sample_weight=objective.mean_weight(total) / replicas)
        objective.count(_first(y, count), _first(outputs, count))

    return train_step


def _first(arrays: Any, count: int) -> Any:
    """The first examples of arrays that have one more where a device has no share at all."""
    return tree.map_structure(lambda array: array if array.shape[0] == count else array[:count], arrays)


def dense(gradients: Iterable[Any]) -> list[Any]:
    """Gradients with an embedding's slices added up, those of a repeated token together.

    Keras 3.15 squares slices and takes their norm before it adds them, which is neither Adam's second moment nor the
    norm of the gradient.
    """
    return [tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g for g in gradients]


def _clipped(gradients: list[tf.Tensor], norm: tf.Tensor) -> list[tf.Tensor]:
    """This replica's part of the clipped sum: the optimiser adds the parts of all replicas up again."""
    context = tf.distribute.get_replica_context()
    total = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    clipped, _ = tf.clip_by_global_norm(total, norm)
    return [gradient / context.num_replicas_in_sync for gradient in clipped]
