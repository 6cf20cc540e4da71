"""What the dense update of an embedding table costs: training steps with it and without it, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from benchmarks.text_cases import DIM, FEEDFORWARD, HEADS, LEARNING_RATE, UNITS

WORDS, BATCH, STEPS = 20_000, 32, 40
ENCODER = {"num_classes": 1, "classifier_activation": "sigmoid", "num_layers": 1, "model_dim": DIM,
           "num_heads": HEADS, "feedforward_dim": FEEDFORWARD, "max_length": 256}  # fmt: skip
LSTM = {"embedding_dim": DIM, "units": (UNITS,)}
CASES = {
    "LSTM, 200 words": ("lstm", LSTM, 200),
    "LSTM, 12 words": ("lstm", LSTM, 12),
    "attention block, 200 words": ("transformer.encoder", ENCODER, 200),
}


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Seconds of a step with the table's update, and the share of them that is gone without it."""
    from zoo.training.environment import prepare

    prepare()
    found = {}
    for name, (model, knobs, length) in CASES.items():
        print(f"embedding: {name}", flush=True)
        whole, rest = (_steps(model, knobs, length, table) for table in (True, False))
        pairs = [(whole(), rest()) for _ in range(rounds)]
        found[name] = {"step": median(a for a, _ in pairs), "share": median(1 - b / a for a, b in pairs)}
    return found


def _steps(name: str, knobs: dict[str, Any], length: int, table: bool) -> Callable[[], float]:
    """A function that trains on for STEPS steps and says how many seconds one took."""
    import keras
    import numpy as np
    import tensorflow as tf

    import zoo
    from zoo.training.stepping import dense

    model, optimizer = zoo.build(name, vocab_size=WORDS, **knobs), keras.optimizers.Adam(LEARNING_RATE)
    weights, loss = model.trainable_variables, keras.losses.BinaryCrossentropy()
    learning = [table or weight.shape[0] != WORDS for weight in weights]
    random = np.random.default_rng(0)
    x = tf.constant(random.integers(4, WORDS, (BATCH, length)), "int32")
    y = tf.constant(random.integers(0, 2, (BATCH, 1)), "float32")
    optimizer.build([weight for weight, learns in zip(weights, learning, strict=True) if learns])

    @tf.function
    def run(steps: tf.Tensor) -> None:
        for _ in tf.range(steps):
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            pairs = zip(dense(tape.gradient(value, weights)), weights, learning, strict=True)
            optimizer.apply_gradients([(gradient, weight) for gradient, weight, learns in pairs if learns])

    def timed() -> float:
        started = time.perf_counter()
        run(tf.constant(STEPS))
        return (time.perf_counter() - started) / STEPS

    timed()
    return timed


def show(found: dict[str, dict[str, float]]) -> None:
    """One line a network."""
    print(f"\nAdam's update of a table of {WORDS:,} words in vectors of {DIM}")
    for name, row in found.items():
        print(f"{name:28} {1000 * row['step']:6.1f} ms a step, {row['share']:.0%} of it for the table")
