"""(c) The floor: a hand-written tf.function that holds the data and runs a whole epoch in the graph.

No Keras, no Python between steps: variables, the network as a few operations, the fused cross-entropy and the fused
Adam of TensorFlow, the order shuffled in the graph. Loss and accuracy are counted, as in the others. With XLA over the
whole epoch where that is faster on a CPU (small dense layers), without it elsewhere.
"""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import numpy as np
import tensorflow as tf

from benchmarks.cases import CASES, CLASSES, LEARNING_RATE, Case, read
from benchmarks.turns import Turns

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7


def glorot(*shape: int) -> tf.Variable:
    """A kernel, uniform in +-sqrt(6 / (fan-in + fan-out))."""
    window = math.prod(shape[:-2])
    limit = math.sqrt(6 / (window * (shape[-2] + shape[-1])))
    return tf.Variable(tf.random.uniform(shape, -limit, limit))


def make_weights(case: Case) -> list[tf.Variable]:
    """Kernels and biases in turn."""
    widths = (case.features, *case.units, CLASSES) if case.units else (400, 120, 84, CLASSES)
    kernels = [] if case.units else [glorot(5, 5, 1, 6), glorot(5, 5, 6, 16)]
    kernels += [glorot(fan_in, units) for fan_in, units in pairwise(widths)]
    return [variable for kernel in kernels for variable in (kernel, tf.Variable(tf.zeros(kernel.shape[-1])))]


def forward(case: Case, weights: list[tf.Variable], x: tf.Tensor) -> tf.Tensor:
    """Logits (batch, 10) of images (batch, height, width, 1) or rows (batch, features)."""
    pairs = list(zip(weights[::2], weights[1::2], strict=True))
    if case.image:
        x = tf.cast(x, tf.float32) / 255
    if not case.units:
        for kernel, bias in pairs[:2]:
            x = tf.tanh(tf.nn.bias_add(tf.nn.conv2d(x, kernel, 1, "VALID"), bias))
            x = tf.nn.avg_pool2d(x, 2, 2, "VALID")  # (batch, 14, 14, 6), then (batch, 5, 5, 16)
        pairs = pairs[2:]
    x = tf.reshape(x, (case.batch, -1))  # (batch, features)
    for kernel, bias in pairs[:-1]:
        x = tf.nn.bias_add(x @ kernel, bias)
        x = tf.nn.relu(x) if case.units else tf.tanh(x)
        if case.dropout:
            x = tf.nn.dropout(x, case.dropout)
    kernel, bias = pairs[-1]
    return tf.nn.bias_add(x @ kernel, bias)


def make_epoch(case: Case, x: np.ndarray, y: np.ndarray, xla: bool):  # type: ignore[no-untyped-def]
    """A function of the number of steps done before -> (mean loss, accuracy) of one epoch."""
    all_x, all_y = tf.constant(x), tf.constant(y)
    steps = len(y) // case.batch
    weights = make_weights(case)
    slots = [(tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))) for w in weights]

    def step(rows: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, labels = tf.gather(all_x, rows), tf.gather(all_y, rows)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            logits = forward(case, weights, images)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        powers = BETA_1 ** tf.cast(number + 1, tf.float32), BETA_2 ** tf.cast(number + 1, tf.float32)
        for weight, (m, v), gradient in zip(weights, slots, tape.gradient(loss, weights), strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle, m=m.handle, v=v.handle, beta1_power=powers[0], beta2_power=powers[1],
                lr=LEARNING_RATE, beta1=BETA_1, beta2=BETA_2, epsilon=EPSILON, grad=gradient,
            )  # fmt: skip
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        return loss, tf.reduce_sum(tf.cast(right, tf.int32))

    @tf.function(jit_compile=xla)
    def run(order: tf.Tensor, first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        total, right = tf.constant(0.0), tf.constant(0)
        for i in tf.range(steps):
            loss, hits = step(order[i], first + i)
            total, right = total + loss, right + hits
        return total / steps, right / len(y)

    @tf.function
    def epoch(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        order = tf.random.shuffle(tf.range(len(y)))
        return run(tf.reshape(order, (steps, case.batch)), first)

    return epoch


def main(name: str, path: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    case = CASES[name]
    x, y = read(path)
    epoch = make_epoch(case, x, y, case.floor_with_xla)
    turns.ready(f"TensorFlow {tf.__version__}{', XLA' if case.floor_with_xla else ''}")
    done = 0
    while True:
        turns.wait()
        loss, _ = epoch(tf.constant(done))
        loss = float(loss)
        done += len(y) // case.batch
        turns.done(loss)


if __name__ == "__main__":
    main(*sys.argv[1:])
