"""The training loop: data rests on the device, the host only says which rows make the next batches.

One call of the compiled function runs many steps on rows gathered from the resident arrays, so a small network is
not slowed down by Python or by an input pipeline. Which rows come when is computed from (seed, epoch) alone, and how
many steps one call takes changes nothing in the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import UsageError
from zoo.training.augment import Augment
from zoo.training.objectives import Objective

SECONDS_A_CALL = 0.3  # long enough to hide the call, short enough for progress and Ctrl-C
MOST_STEPS_A_CALL = 512
EVALUATION_BATCH = 500

RunSteps = Callable[
    [np.ndarray, int, int, int], None
]  # rows of an epoch, start, stop, number of the epoch's first step


def epoch_rows(examples: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Row numbers of every batch of one epoch, shuffled by (seed, epoch): (steps, batch). The rest is left out."""
    order = np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(examples).astype("int32")
    steps = examples // batch_size
    return order[: steps * batch_size].reshape(steps, batch_size)


def make_run_steps(
    model: keras.Model,
    objective: Objective,
    x: np.ndarray,
    y: np.ndarray,
    batch_size: int,
    augment: Augment | None,
    jit: bool,
) -> RunSteps:
    """A function that trains on the batches from `start` up to `stop` of an epoch's rows (steps, batch)."""
    all_x, all_y = tf.constant(x), tf.constant(y)
    train_step = _make_train_step(model, objective)
    whole = jit and augment is None  # XLA has no image warp: beside one it compiles each step by itself
    if jit and not whole:
        train_step = tf.function(train_step, jit_compile=True)
    scalar = tf.TensorSpec((), "int32")

    # `rows` is the whole epoch's, so that its shape never changes and XLA compiles once
    @tf.function(
        input_signature=[tf.TensorSpec((None, batch_size), "int32"), scalar, scalar, scalar], jit_compile=whole
    )
    def run(rows: tf.Tensor, start: tf.Tensor, stop: tf.Tensor, first: tf.Tensor) -> None:
        i = start
        while i < stop:  # not tf.range: XLA would compile anew for each start and stop
            images, labels = tf.gather(all_x, rows[i]), tf.gather(all_y, rows[i])  # (batch, ...)
            if augment is not None:
                images = augment(images, first + i)
            train_step(images, labels)
            i += 1

    return lambda rows, *numbers: run(tf.constant(rows), *(tf.constant(n, "int32") for n in numbers))


def _make_train_step(model: keras.Model, objective: Objective) -> Callable[[tf.Tensor, tf.Tensor], None]:
    optimizer, weights = model.optimizer, model.trainable_variables

    def train_step(x: tf.Tensor, y: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = objective.loss(y, outputs) + sum(model.losses)
            scaled = optimizer.scale_loss(loss)
        optimizer.apply_gradients(zip(tape.gradient(scaled, weights), weights, strict=True))
        objective.mean_loss.update_state(loss)
        objective.metric.update_state(y, outputs)

    return train_step


class Pace:
    """How many steps one call takes: as many as fit SECONDS_A_CALL, going by the calls before."""

    def __init__(self, agreed: Callable[[float], float]) -> None:
        """`agreed` makes of one worker's seconds a step those that all workers go by."""
        self.agreed, self.size = agreed, 1

    def learn(self, seconds: float, steps: int) -> None:
        """A call of so many steps took so long."""
        fit = SECONDS_A_CALL / max(self.agreed(seconds / steps), 1e-9)
        self.size = int(min(max(fit, 1), MOST_STEPS_A_CALL, 8 * self.size))


def run_epoch(rows: np.ndarray, run_steps: RunSteps, first: int, done: int, pace: Pace) -> Iterator[int]:
    """Run an epoch's steps from the one after `done`, and yield how many are done after each call."""
    while done < len(rows):
        started = time.perf_counter()
        stop = min(done + pace.size, len(rows))
        run_steps(rows, done, stop, first)
        pace.learn(time.perf_counter() - started, stop - done)
        done = stop
        yield done


def make_predict(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function from raw examples (n, ...) to float32 outputs (n, ...), every example once, none dropped."""
    forward = tf.function(lambda x: model(x, training=False), reduce_retracing=True)

    def predict(x: np.ndarray) -> np.ndarray:
        parts = [forward(tf.constant(x[i : i + EVALUATION_BATCH])) for i in range(0, len(x), EVALUATION_BATCH)]
        return np.concatenate([part.numpy() for part in parts]).astype("float32")

    return predict


def score(model: keras.Model, objective: Objective, outputs: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Loss and metric over a whole split, from the outputs for all of it at once."""
    loss = objective.loss(y, outputs) + sum(model.losses)
    objective.metric.update_state(y, outputs)
    return {"loss": float(loss), objective.metric.name: float(objective.metric.result())}


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
