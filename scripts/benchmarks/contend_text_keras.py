"""(a) Plain Keras on texts, in the manner of keras.io's examples: padded NumPy arrays in, `compile`, `fit`."""

from __future__ import annotations

import sys
from typing import Any

import keras
from keras import layers, ops

from benchmarks.keras_turns import TakeTurns
from benchmarks.text_cases import (
    DIM,
    EPSILON,
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


class TokenAndPosition(layers.Layer):
    """Ids (batch, time) -> the sums of a word's vector and its place's, (batch, time, DIM)."""

    def __init__(self, vocab_size: int, length: int) -> None:
        super().__init__()
        self.tokens, self.places = layers.Embedding(vocab_size, DIM), layers.Embedding(length, DIM)

    def call(self, ids: Any) -> Any:
        return self.tokens(ids) + self.places(ops.arange(ops.shape(ids)[1]))


def build(case: TextCase, arrays: Arrays, masked: bool) -> keras.Model:
    """The case's network; unmasked it takes padding for a word."""
    if case.net == "translator":
        return translator(case, arrays)
    length = arrays["x"].shape[1]
    ids = keras.Input((None,), dtype="int32")
    if case.net == "lstm":
        x = layers.Embedding(case.vocab_size, DIM, mask_zero=masked)(ids)
        x = layers.LSTM(UNITS)(x)  # (batch, UNITS)
    else:
        real = ops.not_equal(ids, 0) if masked else None  # (batch, time)
        x = encoder(TokenAndPosition(case.vocab_size, length)(ids), real, case.layers, "gelu")
        x = layers.GlobalAveragePooling1D()(x, mask=real)  # (batch, DIM)
    return keras.Model(ids, layers.Dense(1, activation="sigmoid")(x))


def translator(case: TextCase, arrays: Arrays) -> keras.Model:
    """The transformer, its source masked."""
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    real = ops.not_equal(source, 0)
    memory = TokenAndPosition(case.vocab_size, arrays["source"].shape[1])(source)
    memory = encoder(memory, real, case.layers, "relu")
    x = TokenAndPosition(case.vocab_size, arrays["target"].shape[1])(target)
    for _ in range(case.layers):
        y = norm(x)
        x = x + attention()(y, y, use_causal_mask=True)
        x = x + attention()(norm(x), memory, attention_mask=real[:, None, :])
        x = feedforward(x, "relu")
    outputs = layers.Dense(case.vocab_size, activation="softmax")(norm(x))
    return keras.Model({"source": source, "target": target}, outputs)


def encoder(x: Any, real: Any, depth: int, activation: str) -> Any:
    """(batch, time, DIM), (batch, time) -> (batch, time, DIM)."""
    for _ in range(depth):
        y = norm(x)
        x = x + attention()(y, y, attention_mask=None if real is None else real[:, None, :])
        x = feedforward(x, activation)
    return norm(x)


def feedforward(x: Any, activation: str) -> Any:
    """Two dense layers behind a norm, beside a residual path."""
    return x + layers.Dense(DIM)(layers.Dense(FEEDFORWARD, activation=activation)(norm(x)))


def norm(x: Any) -> Any:
    """Layer normalisation."""
    return layers.LayerNormalization(epsilon=EPSILON)(x)


def attention() -> layers.Layer:
    """Attention of HEADS heads."""
    return layers.MultiHeadAttention(HEADS, DIM // HEADS)


def main(name: str, path: str, mask: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    case, arrays = TEXT_CASES[name], read(path)
    model = build(case, arrays, masked=mask == "masked")
    loss: Any = "binary_crossentropy"
    if case.net == "translator":
        loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)
    model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=loss, metrics=["accuracy"])
    turns.ready(f"Keras {keras.__version__} on {keras.backend.backend()}; {model.count_params():,} parameters")
    x = inputs(arrays) if case.net == "translator" else arrays["x"]
    model.fit(x, arrays["y"], batch_size=case.batch, epochs=100_000, verbose=2, callbacks=[TakeTurns(turns)])


if __name__ == "__main__":
    main(*sys.argv[1:])
