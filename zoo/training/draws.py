"""Random numbers of layers on several replicas: those of one device, of which every replica uses its share.

A dropout layer draws a mask as large as its input, so on a part of the batch it would draw another one. While replicas
train, such a layer is given the whole batch, with zeros in the place of the other replicas' examples, and the rows of
this replica are taken from what it returns. All replicas hold the same seeds; so N of them drop what one device drops.

The saved model knows nothing of this. It costs what the layers themselves take for the whole batch, on each replica.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf

from zoo.training.distribution.replicas import layers_of, share

CELL_MASKS = (
    "get_dropout_mask",
    "get_recurrent_dropout_mask",
)  # of Keras' recurrent cells


@contextmanager
def drawn_as_one(model: keras.Model, batch_size: int) -> Iterator[None]:
    """While it lasts, layers with a seed generator of their own draw for a whole batch and return a replica's share.

    That is every dropout and noise layer of Keras, recurrent cells and attention with dropout, and any other layer
    that computes each example by itself.
    """
    with ExitStack() as stack:
        for layer in layers_of(model, keras.layers.Layer):
            if any(isinstance(value, keras.random.SeedGenerator) for value in vars(layer).values()):
                for method in CELL_MASKS if hasattr(layer, CELL_MASKS[0]) else ("call",):
                    setattr(layer, method, _on_whole_batch(getattr(layer, method), batch_size))
                    stack.callback(delattr, layer, method)
        yield


def _on_whole_batch(function: Callable[..., Any], batch_size: int) -> Callable[..., Any]:
    """`function`, called with every tensor of this replica's examples filled up to the batch; its share is returned."""

    def on_whole_batch(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("training", True):
            return function(*args, **kwargs)
        first, count = share(batch_size)
        count = max(count, 1)  # a replica without an example computes one all the same

        def fill(value: Any) -> Any:
            if not tf.is_tensor(value) or not value.shape.rank or value.shape[0] != count:
                return value
            return tf.pad(value, [[first, batch_size - first - count], *[[0, 0]] * (value.shape.rank - 1)])

        def cut(value: Any) -> Any:
            is_whole = tf.is_tensor(value) and value.shape.rank and value.shape[0] == batch_size
            return value[first : first + count] if is_whole else value

        filled = tf.nest.map_structure(fill, (args, kwargs))
        return tf.nest.map_structure(cut, function(*filled[0], **filled[1]))

    return on_whole_batch
