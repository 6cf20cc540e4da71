"""(a) A plain Keras script in the manner of keras.io's examples: NumPy arrays in, `compile`, `fit`."""

from __future__ import annotations

import sys

import keras
from keras import layers

from benchmarks.cases import CASES, CLASSES, LEARNING_RATE, Case, read
from benchmarks.keras_turns import TakeTurns
from benchmarks.turns import Turns


def build(case: Case) -> keras.Model:
    """The case's network as a Sequential model."""
    if not case.units:
        return keras.Sequential(
            [
                keras.Input(case.input_shape),
                layers.Conv2D(6, 5, activation="tanh"),
                layers.AveragePooling2D(2),
                layers.Conv2D(16, 5, activation="tanh"),
                layers.AveragePooling2D(2),
                layers.Flatten(),
                layers.Dense(120, activation="tanh"),
                layers.Dense(84, activation="tanh"),
                layers.Dense(CLASSES, activation="softmax"),
            ]
        )
    hidden: list[layers.Layer] = []
    for units in case.units:
        hidden.append(layers.Dense(units, activation="relu"))
        hidden += [layers.Dropout(case.dropout)] if case.dropout else []
    return keras.Sequential([keras.Input((case.features,)), *hidden, layers.Dense(CLASSES, activation="softmax")])


def main(name: str, path: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    case = CASES[name]
    x, y = read(path)
    if case.image:
        x = x.astype("float32") / 255
    if case.units:
        x = x.reshape(len(x), case.features)
    model = build(case)
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    turns.ready(f"Keras {keras.__version__} on {keras.backend.backend()}; {model.count_params():,} parameters")
    model.fit(x, y, batch_size=case.batch, epochs=100_000, verbose=2, callbacks=[TakeTurns(turns)])


if __name__ == "__main__":
    main(*sys.argv[1:])
