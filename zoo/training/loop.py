"""The training loop: data is on the device, the host only says which rows make the next batches.

One call of the compiled function runs many steps on rows gathered from arrays there, so a small network is
not slowed down by Python or by an input pipeline. Which rows come when is computed from (seed, epoch) alone, and how
many steps one call takes changes nothing in the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from zoo.errors import UsageError
from zoo.layers import MissingCells
from zoo.tasks.steps import Step
from zoo.training.augment import Augment
from zoo.training.batches import Feed, Plan, take
from zoo.training.feeding import RunSteps, fed, signature
from zoo.training.stepping import make_train_step

SECONDS_A_CALL = 0.3  # long enough to hide the call, short enough for progress and Ctrl-C
MOST_STEPS_A_CALL = 512


def make_run_steps(
    steps: Sequence[Step],
    feed: Feed,
    batch_size: int,
    augment: Augment | None,
    jit: bool,
    after_step: Callable[[tf.Tensor], None] | None = None,
) -> RunSteps:
    """A function that trains on the batches from `start` up to `stop` of an epoch's plan.

    `after_step` is called with a step's number, counted through all epochs, behind it.
    """
    train_steps = [make_train_step(step, batch_size, None) for step in steps]
    planned = plan_signature(feed, batch_size)
    if jit:  # XLA knows one length: it would compile for hours where each batch has its own
        feed = feed._replace(cuts={})
    whole = jit and augment is None  # XLA has no image warp: beside one it compiles each step by itself

    def learn(x: Any, y: Any) -> None:
        for train_step in train_steps:
            train_step(x, y, y, batch_size)

    learn_batch = tf.function(learn, jit_compile=True) if jit and not whole else learn
    scalar = tf.TensorSpec((), "int32")

    # the plan is the whole epoch's, so that its shape never changes and XLA compiles once
    signatures = [signature(feed), *planned, scalar, scalar, scalar]

    @tf.function(input_signature=signatures, jit_compile=whole)
    def run(arrays: Any, rows: tf.Tensor, lengths: tf.Tensor, start: Any, stop: Any, first: Any) -> None:
        i = start
        while i < stop:  # not tf.range: XLA would compile anew for each start and stop
            x, y = take(feed._replace(arrays=arrays), rows[i], lengths[i])  # (batch, ...)
            if augment is not None:
                x, y = augment(x, y, first + i, batch_size, 0)
            learn_batch(x, y)
            if after_step is not None:
                after_step(first + i)
            i += 1

    def run_on(arrays: Mapping[str, Any], plan: Plan, *numbers: int) -> None:
        run(arrays, *map(tf.constant, plan), *(tf.constant(n, "int32") for n in numbers))

    return fed(run_on, feed, batch_size, tf.constant)


def plan_signature(feed: Feed, batch_size: int) -> list[tf.TensorSpec]:
    """What TensorFlow is told of a plan: (steps, batch) and (steps, lengths)."""
    kinds = len(set(feed.cuts.values()))
    return [tf.TensorSpec((None, batch_size), "int32"), tf.TensorSpec((None, kinds), "int32")]


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


def use_jit(setting: str, model: keras.Model, strategy: tf.distribute.Strategy) -> bool:
    """Whether XLA compiles the steps: as said, or for `auto` by what was measured.

    On two CPU cores a loop compiled as a whole takes a fifth to two thirds off the time of dense networks, and small
    convolutions take twice as long in XLA (scripts/bench): `auto` means dense networks only on a CPU, and Keras' own
    choice on a GPU. Where the inputs are ragged, XLA computes each batch at the longest length of all, and takes a
    minute to compile: only if asked to. Gradients that several replicas exchange cannot be compiled with the step.

    Raises:
        UsageError: `on` under a mirrored strategy or several workers.
    """
    if isinstance(strategy, tf.distribute.MirroredStrategy | tf.distribute.MultiWorkerMirroredStrategy):
        if setting == "on":
            raise UsageError("--jit on does not go with --strategy mirrored or multi-worker; leave --jit away")
        return False
    if setting != "auto":
        return setting == "on"
    if any(None in tensor.shape[1:] for tensor in model.inputs):
        return False
    if tf.config.list_logical_devices("GPU"):
        return bool(model.jit_compile)
    layers = keras.layers
    plain = (layers.InputLayer, layers.Dense, layers.Activation, layers.Dropout, layers.Flatten, layers.Rescaling)
    return all(isinstance(layer, (*plain, layers.Normalization, MissingCells)) for layer in leaves(model))


def leaves(model: keras.Model) -> list[keras.layers.Layer]:
    """All layers, those of nested models in place of the models."""
    found: list[keras.layers.Layer] = []
    for layer in model.layers:
        found += leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found
