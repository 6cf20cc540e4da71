"""The loop of training and what goes with it, written plainly for one device: scripts take these functions along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.data.text.vocabulary import ids_of, learn_tokens, splitter


def make_train_step(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: keras.losses.Loss, jit: bool
) -> Callable[[Any, Any], tf.Tensor]:
    """The function that takes one step on one batch and gives the loss before it."""
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=jit, reduce_retracing=True)
    def train_step(x: Any, y: Any) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True)) + sum(model.losses)  # model.losses: penalties on weights, if any
            scaled = optimizer.scale_loss(value)  # small gradients would be 0 in float16; in float32 it is the same
        gradients = tape.gradient(scaled, model.trainable_variables)
        # those of an embedding are sparse, and Keras' optimisers are exact only when repeated tokens are added up
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    return train_step


def array_evaluator(
    model: keras.Model, loss: keras.losses.Loss, metric: keras.metrics.Metric, at_once: int
) -> Callable[[np.ndarray, np.ndarray], dict[str, float]]:
    """The function that gives loss and metric over all of some examples, `at_once` of which go through the model."""
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def evaluate(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        outputs = np.concatenate([forward(x[i : i + at_once]) for i in range(0, len(x), at_once)])
        return scores(model, loss, metric, y, outputs)

    return evaluate


def text_evaluator(
    model: keras.Model, loss: keras.losses.Loss, metric: keras.metrics.Metric, at_once: int
) -> Callable[[np.ndarray, np.ndarray], dict[str, float]]:
    """The function that gives loss and metric over all of some texts; those of about one length go together."""
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def evaluate(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
        order = np.argsort(token_counts(x), kind="stable")
        parts = np.split(order, range(at_once, len(order), at_once))
        return scores(model, loss, metric, y[order], np.concatenate([forward(take(x, rows)) for rows in parts]))

    return evaluate


def scores(
    model: keras.Model, loss: keras.losses.Loss, metric: keras.metrics.Metric, y: np.ndarray, outputs: np.ndarray
) -> dict[str, float]:
    """Loss and metric over all outputs at once."""
    metric.reset_state()
    metric.update_state(y, outputs)
    return {"loss": float(loss(y, outputs) + sum(model.losses)), metric.name: float(metric.result())}


def token_evaluator(
    model: keras.Model, loss: keras.losses.Loss, metric: keras.metrics.Metric, at_once: int
) -> Callable[[Any, np.ndarray], dict[str, float]]:
    """The function that gives loss and metric over all tokens of some texts, padding left out."""
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def evaluate(x: Any, y: np.ndarray) -> dict[str, float]:
        total, order = 0.0, np.argsort(token_counts(x), kind="stable")
        metric.reset_state()
        for rows in np.split(order, range(at_once, len(order), at_once)):
            outputs, wanted = forward(take(x, rows)).numpy(), take(y, rows)  # (batch, time, vocabulary), (batch, time)
            total += float(loss(wanted, outputs)) * np.count_nonzero(wanted)
            metric.update_state(wanted[wanted != 0], outputs[wanted != 0])
        return {"loss": total / np.count_nonzero(y), metric.name: float(metric.result())}

    return evaluate


def told(values: Mapping[str, float]) -> str:
    """Numbers with their names, in a line."""
    return ", ".join(f"{name} {value:.6f}" for name, value in values.items())


def learn(texts: Sequence[str], size: int, kind: str, standardize: str) -> list[str]:
    """All tokens of a vocabulary: those of `learn_tokens`, if there are as many as `size`."""
    tokens = learn_tokens(texts, size, kind, standardize)
    if len(tokens) < size:
        raise ValueError(f"these texts give {len(tokens)} tokens, fewer than the {size} of the vocabulary's size")
    return tokens


def encode(texts: Sequence[str], tokens: Sequence[str], kind: str, standardize: str) -> list[np.ndarray]:
    """The token ids of each text."""
    return ids_of(texts, splitter(kind, standardize, tokens))


def token_counts(x: Any) -> np.ndarray:
    """Tokens of each example without padding, (n,), those of several inputs together."""
    return np.sum([np.count_nonzero(ids, axis=1) for ids in keras.tree.flatten(x)], axis=0)


def take(x: Any, rows: np.ndarray) -> Any:
    """Some examples' token ids, (rows, time), cut to the longest of them; of several inputs each by itself."""
    return keras.tree.map_structure(lambda ids: ids[rows, : np.count_nonzero(ids[rows], axis=1).max()], x)


def features(
    frozen: keras.Model, examples: tuple[np.ndarray, np.ndarray], at_once: int
) -> tuple[np.ndarray, np.ndarray]:
    """What a network gives for each example, in place of the example."""
    forward = tf.function(lambda x: frozen(x, training=False), reduce_retracing=True)
    x, y = examples
    found = [np.zeros((0, *frozen.output.shape[1:]), "float32")]
    found += [forward(x[i : i + at_once]).numpy() for i in range(0, len(x), at_once)]
    return np.concatenate(found), y


def copy_of(layers: Sequence[keras.layers.Layer], shape: tuple[int, ...]) -> keras.Model:
    """Layers that follow each other as a network of their own, on inputs of some shape, with the same weights."""
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = type(layer).from_config(layer.get_config())(x)
    model = keras.Model(inputs, x)
    model.set_weights([weight for layer in layers for weight in layer.get_weights()])
    return model
