"""A network of the zoo on the first examples of a dataset, by its recipe but in one precision; an epoch a turn."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.turns import Turns
from zoo import tasks
from zoo.data import Splits
from zoo.recipe import resolve

VALIDATED = 1_000  # examples that each epoch is scored on, within its time


def main(model: str, dataset: str, precision: str, examples: str, epochs: str) -> None:
    """Train, an epoch a turn, at a steady learning rate."""
    turns = Turns()
    from zoo.training.environment import prepare

    prepare()
    from benchmarks.contend_zoo import hold_clock
    from benchmarks.keras_turns import TakeTurns
    from zoo.training.fit import Fit

    sets = ["training.schedule=constant", "training.warmup_epochs=0"]
    recipe = resolve(model, dataset, sets, {"precision": precision, "epochs": int(epochs)})[0]
    train, validation, test = tasks.load(recipe.data, dataset)
    splits = Splits(train.cut(slice(int(examples))), validation.cut(slice(VALIDATED)), test)
    with tempfile.TemporaryDirectory() as folder:
        take_turns = TakeTurns(turns, lambda seconds: hold_clock(fit, seconds))
        fit = Fit(recipe, splits, Path(folder), [take_turns])
        turns.ready(f"{fit.params:,} parameters, batch {recipe.training.batch_size}")
        fit()


if __name__ == "__main__":
    main(*sys.argv[1:])
