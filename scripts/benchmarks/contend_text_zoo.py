"""The zoo on texts: its own resolution of a recipe and its own Fit, as `zoo run` uses them.

Unmasked it is the plain Keras script's network, which knows nothing of padding, in the zoo's loop.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contend_zoo import MANY, hold_clock
from benchmarks.text_cases import (
    DIM,
    FEEDFORWARD,
    HEADS,
    LEARNING_RATE,
    TEXT_CASES,
    UNITS,
    Arrays,
    TextCase,
    inputs,
    read,
)
from benchmarks.turns import Turns
from zoo.catalogue import registry
from zoo.data import Examples, Splits
from zoo.data.config import Data
from zoo.recipe import Resolved, resolve

if TYPE_CHECKING:
    import keras

    from zoo.training.fit import Fit

MODELS = {"lstm": "lstm", "encoder": "transformer.encoder", "translator": "transformer"}


def recipe_of(case: TextCase, arrays: Arrays, masked: bool) -> Resolved:
    """The case as a recipe, everything said here."""
    first, *others = inputs(arrays).values()
    pair = {"target_vocab_size": case.vocab_size, "target_length": others[0].shape[1]} if others else {}
    data = Data(
        source="generated:bench",
        kind="text-pair" if pair else "text",
        task="seq2seq" if pair else "binary",
        input_shape=first.shape[1:],
        input_dtype="int32",
        train=len(first),
        test=1,  # nothing is scored
        validation_share=0.0,
        text={"tokens": "word", "vocab_size": case.vocab_size, **pair},
    )
    knobs = {"units": [UNITS], "embedding_dim": DIM}
    if case.net != "lstm":
        knobs = {"num_layers": case.layers, "model_dim": DIM, "num_heads": HEADS, "feedforward_dim": FEEDFORWARD}
        knobs |= {"dropout": 0.0, "positions": '"learned"'}
    sets = [f"knobs.{name}={value}" for name, value in knobs.items()] if masked else []
    training = {"epochs": MANY, "batch_size": case.batch, "optimizer": "adam", "learning_rate": LEARNING_RATE}
    model = MODELS[case.net] if masked else _unmasked(case, arrays)
    return resolve(model, "bench", [*sets, 'training.schedule="constant"'], training, data)[0]


def _unmasked(case: TextCase, arrays: Arrays) -> str:
    from benchmarks.contend_text_keras import build

    @registry.register(
        "unmasked", family="bench", year=2026, paper="", idea="", inputs=("text",), tasks=("binary",), params=0
    )
    def unmasked() -> keras.Model:
        return build(case, arrays, masked=False)

    return "unmasked"


def input_seconds(fit: Fit) -> float:
    """Seconds in which an epoch's batches are planned and gathered, with nothing computed from them."""
    import tensorflow as tf

    from zoo.training.batches import make_feed, take
    from zoo.training.loop import plan_signature

    train = fit.splits.train
    y = fit.task.targets(train.y, fit.recipe.data, fit.loss)
    feed = make_feed(Examples(train.inputs, y), fit.fields)
    resident = feed._replace(arrays={name: tf.constant(array) for name, array in feed.arrays.items()})

    @tf.function(input_signature=plan_signature(feed, fit.recipe.training.batch_size))
    def gather(rows: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for i in tf.range(len(rows)):
            total += sum(
                tf.reduce_sum(tf.cast(a, "float32")) for a in tf.nest.flatten(take(resident, rows[i], lengths[i]))
            )
        return total

    gather(*fit._plan(0))
    started = time.perf_counter()
    float(gather(*fit._plan(1)))
    return time.perf_counter() - started


def main(name: str, path: str, mask: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    case, arrays = TEXT_CASES[name], read(path)
    from zoo.training.environment import prepare

    prepare()
    from benchmarks.keras_turns import TakeTurns
    from zoo.training.fit import Fit

    recipe = recipe_of(case, arrays, masked=mask == "masked")
    x = inputs(arrays) if len(arrays) > 2 else arrays["x"]
    train = Examples(x, arrays["y"])
    none = train.cut(slice(0))
    with tempfile.TemporaryDirectory() as folder:
        take_turns = TakeTurns(turns, lambda seconds: hold_clock(fit, seconds))
        fit = Fit(recipe, Splits(train, none, none), Path(folder), [take_turns])
        facts = {"padding": float(fit.padding), "input_seconds": input_seconds(fit)}
        turns.ready(f"{fit.strategy_text}; {fit.params:,} parameters", facts)
        fit()


if __name__ == "__main__":
    main(*sys.argv[1:])
