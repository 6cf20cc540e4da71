"""The networks and texts on which the contenders meet. Only NumPy here: every contender's interpreter reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LEARNING_RATE = 1e-3  # Adam, in every contender
DIM, UNITS, HEADS, FEEDFORWARD, EPSILON = 128, 64, 4, 512, 1e-6  # of all networks; nothing is dropped out
START, END, FIRST_WORD = 2, 3, 4
Arrays = dict[str, np.ndarray]  # x (n, time), or source and target; y (n,) or (n, target time)


@dataclass(frozen=True)
class TextCase:
    """One network on texts of one kind; `aims` are seconds of a contender over seconds of the zoo, at least."""

    name: str
    title: str
    net: str  # lstm, encoder, translator
    contenders: tuple[str, ...]
    aims: Mapping[str, float]
    vocab_size: int = 20_000
    length: int = 200  # most words
    mean: float | None = None  # words a text where lengths vary and have to be drawn
    recipe: str | None = None  # whose texts are taken where they are at hand
    layers: int = 1
    batch: int = 32
    examples: int = 3_200


FIXED = ("zoo", "zoo_unmasked", "keras", "keras_masked", "torch")
VARYING = ("zoo", "keras", "keras_masked", "torch_masked")
LSTM_AIMS = {"zoo_unmasked": 1 / 1.1, "keras": 1.0, "keras_masked": 1.0, "torch": 1.0}
ENCODER_AIMS = LSTM_AIMS | {"torch": 2.0}
VARYING_AIMS = {"keras": 1.5, "keras_masked": 1.5}
SST2 = {"vocab_size": 10_000, "length": 64, "mean": 9.0, "recipe": "sst2", "examples": 6_400}
MULTI30K = {"vocab_size": 4_000, "length": 48, "mean": 15.0, "recipe": "multi30k_en_de", "layers": 2}
TEXT_CASES = {
    case.name: case
    for case in (
        TextCase("lstm", "LSTM-64, 200 words a text", "lstm", FIXED, LSTM_AIMS),
        TextCase("encoder", "encoder block of 128, 4 heads, 200 words a text", "encoder", FIXED, ENCODER_AIMS),
        TextCase("sst2-lstm", "LSTM-64, SST-2", "lstm", VARYING, VARYING_AIMS, **SST2),
        TextCase("sst2-encoder", "encoder block of 128, 4 heads, SST-2", "encoder", VARYING, VARYING_AIMS, **SST2),
        TextCase(
            "multi30k", "transformer, 2 + 2 layers of 128, Multi30k", "translator",
            ("zoo", "keras_masked", "torch_masked"), VARYING_AIMS, **MULTI30K,
        ),
    )
}  # fmt: skip


def draw(case: TextCase, count: int) -> Arrays:
    """Random words, each as likely as any other; a class that follows from them, or the words to be said again."""
    random = np.random.default_rng(0)
    lengths = np.full(count, case.length)
    if case.mean:
        lengths = random.gamma(4.0, case.mean / 4, count).round().clip(1, case.length - 1).astype(int)
    ids = random.integers(FIRST_WORD, case.vocab_size, (count, case.length), dtype="int32")
    ids *= np.arange(case.length) < lengths[:, None]  # (count, length), padded with 0
    if case.net != "translator":
        scores = random.normal(size=case.vocab_size) * (np.arange(case.vocab_size) > 0)
        return {"x": ids, "y": (scores[ids].sum(axis=1) > 0).astype("int32")}
    target, y = np.roll(ids, 1, axis=1), ids.copy()  # start, words ...; words ..., end
    target[:, 0], y[np.arange(count), lengths] = START, END
    return {"source": ids, "target": target, "y": y}


def trim(arrays: Arrays) -> Arrays:
    """Token ids cut to the longest text of all: what a script that knows its data pads to."""
    cut = {name: array[:, : np.count_nonzero(array, axis=1).max()] for name, array in inputs(arrays).items()}
    y = arrays["y"]
    return cut | {"y": y if y.ndim == 1 else y[:, : cut["target"].shape[1]]}


def inputs(arrays: Arrays) -> Arrays:
    """What goes into the network, by name."""
    return {name: array for name, array in arrays.items() if name != "y"}


def read(path: str) -> Arrays:
    """The arrays that scripts/bench wrote for its contenders."""
    with np.load(path) as arrays:
        return dict(arrays)
