"""The zoo: its own resolution of a recipe and its own Fit, as `zoo run` uses them, without a validation split."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cases import CASES, CLASSES, LEARNING_RATE, Case, read
from benchmarks.turns import Turns
from zoo.data import Examples, Splits
from zoo.data.config import Data
from zoo.recipe import Resolved, resolve

if TYPE_CHECKING:
    from zoo.training.fit import Fit

MANY = 100_000  # epochs: more than are ever asked for


def recipe_of(case: Case, examples: int) -> Resolved:
    """The case as a recipe: bytes rescaled inside the model, everything else said here."""
    data = Data(
        source="generated:bench",
        kind="image" if case.image else "tabular",
        task="classification",
        input_shape=case.input_shape,
        input_dtype="uint8" if case.image else "float32",
        num_classes=CLASSES,
        train=examples,
        test=1,  # nothing is scored
        validation_share=0.0,
    )
    knobs = [f"knobs.hidden_units={list(case.units)}", f"knobs.dropout={case.dropout}"] if case.units else []
    sets = [*knobs, 'training.schedule="constant"', 'preprocessing.standardize="none"']
    training = {"epochs": MANY, "batch_size": case.batch, "optimizer": "adam", "learning_rate": LEARNING_RATE}
    return resolve("mlp" if case.units else "lenet", "bench", sets, training, data)[0]


def main(name: str, path: str) -> None:
    """Train, an epoch a turn."""
    turns = Turns()
    x, y = read(path)
    recipe = recipe_of(CASES[name], len(y))
    from zoo.training.environment import prepare

    prepare()
    from benchmarks.keras_turns import TakeTurns
    from zoo.training.fit import Fit

    none = Examples(x[:0], y[:0])
    with tempfile.TemporaryDirectory() as folder:
        take_turns = TakeTurns(turns, lambda seconds: hold_clock(fit, seconds))
        fit = Fit(recipe, Splits(Examples(x, y), none, none), Path(folder), [take_turns])
        turns.ready(f"{fit.strategy_text}{', XLA' if fit.jit else ''}; {fit.params:,} parameters")
        fit()


def hold_clock(fit: Fit, seconds: float) -> None:
    """A wait for the other contenders does not bring the next checkpoint nearer; checkpoints themselves are timed."""
    fit._saved += seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
