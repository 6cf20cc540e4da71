"""A plain Keras LeNet-5 on MNIST with Adam at 1e-3 and batches of 128, until a test accuracy is first reached."""

from __future__ import annotations

import json
import sys
import time

import keras
import numpy as np

from benchmarks.cases import CASES, LEARNING_RATE
from benchmarks.contend_keras import build


class Until(keras.callbacks.Callback):
    """Scores the test digits after each epoch and stops at the target, with a clock on the scoring."""

    def __init__(self, x: np.ndarray, y: np.ndarray, target: float) -> None:
        super().__init__()
        self.x, self.y, self.target = x, y, target
        self.outcome = {"accuracy": 0.0, "epochs": 0, "evaluation_seconds": 0.0}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Whether it is enough."""
        started = time.perf_counter()
        accuracy = self.model.evaluate(self.x, self.y, batch_size=500, verbose=0)[1]
        self.outcome |= {"accuracy": round(float(accuracy), 4), "epochs": epoch + 1}
        self.outcome["evaluation_seconds"] += time.perf_counter() - started
        self.model.stop_training = accuracy >= self.target


def pixels(images: np.ndarray) -> np.ndarray:
    """Bytes (n, 28, 28) as LeNet-5 takes them: float32 (n, 32, 32, 1) in [0, 1]."""
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))[..., None].astype("float32") / 255


def main(path: str, seed: str, target: str, cap: str) -> None:
    """Train until the target or the cap and print a line of JSON."""
    keras.utils.set_random_seed(int(seed))
    with np.load(path) as arrays:
        x, y, x_test, y_test = (arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    model = build(CASES["lenet"])
    model.compile(
        optimizer=keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    until = Until(pixels(x_test), y_test, float(target))
    model.fit(pixels(x), y, batch_size=CASES["lenet"].batch, epochs=int(cap), verbose=2, callbacks=[until])
    print(json.dumps(until.outcome))


if __name__ == "__main__":
    main(*sys.argv[1:])
