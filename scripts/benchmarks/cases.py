"""The networks and data on which the contenders meet. Only NumPy here: every contender's interpreter reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CLASSES = 10
LEARNING_RATE = 1e-3  # Adam, in every contender


@dataclass(frozen=True)
class Case:
    """One network on one shape of data; `aims` are seconds of a contender over seconds of the zoo, at least."""

    name: str
    title: str
    input_shape: tuple[int, ...]
    batch: int
    aims: Mapping[str, float]
    units: tuple[int, ...] = ()  # hidden layers; LeNet-5 when empty
    dropout: float = 0.0
    floor_with_xla: bool = False  # what makes the hand-written graph faster, tried both ways on two CPU cores
    examples: int = 60_000

    @property
    def image(self) -> bool:
        """Whether an example is a grey image of bytes, rather than a row of float32."""
        return len(self.input_shape) == 3

    @property
    def features(self) -> int:
        """Numbers in an example."""
        return int(np.prod(self.input_shape))


OVERHEAD_RULES = {"keras": 4.0, "torch": 1.7, "floor": 1 / 1.8}
ARITHMETIC_RULES = {"keras": 1.0, "torch": 1.5, "floor": 1 / 1.1}
CASES = {
    case.name: case
    for case in (
        Case("lenet", "LeNet-5, 32x32x1, batch 128", (32, 32, 1), 128, ARITHMETIC_RULES),
        Case("mlp", "MLP 784-512-512-10, dropout 0.2, batch 128", (28, 28, 1), 128, ARITHMETIC_RULES, (512, 512), 0.2),
        Case("dense", "dense 64-64-10, batch 32", (64,), 32, OVERHEAD_RULES, (64,), floor_with_xla=True),
    )
}


def make(case: Case, examples: int, mnist: tuple[np.ndarray, np.ndarray] | None) -> tuple[np.ndarray, np.ndarray]:
    """Whole batches of examples x (n, ...) and labels y (n,): MNIST's where it is given, random ones otherwise."""
    count = min(examples, case.examples) // case.batch * case.batch
    if case.image and mnist is not None:
        x, y = mnist
        margin = (case.input_shape[0] - x.shape[1]) // 2
        x = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)))  # (60000, 32, 32, 1) for LeNet
        return x[:count], y[:count].astype("int32")
    random = np.random.default_rng(0)
    rows = random.normal(size=(count, case.features)).astype("float32")
    y = (rows @ random.normal(size=(case.features, CLASSES))).argmax(axis=1).astype("int32")  # something to learn
    if case.image:
        rows = np.clip(rows * 64 + 128, 0, 255).astype("uint8")
    return rows.reshape(count, *case.input_shape), y


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    """The examples and labels that scripts/bench wrote for its contenders."""
    with np.load(Path(path)) as arrays:
        return arrays["x"], arrays["y"]
