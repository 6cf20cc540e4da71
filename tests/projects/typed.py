"""Somebody's project that is checked by `mypy --strict`: what the zoo promises of its public names. It is never run."""

import logging
from pathlib import Path
from typing import Any

import zoo

log = logging.getLogger(__name__)


def trained(folder: Path) -> dict[str, Any]:
    """Metrics of a run from here, of one from there, and what the catalogue says."""
    names: list[str] = zoo.list_models("lenet*")
    record: zoo.ModelRecord = zoo.describe(names[0])
    recipe: zoo.Recipe = zoo.load_recipe("digits")
    outcome: zoo.Outcome | None = zoo.run(record.name, "digits", epochs=2, seed=1, out=folder)
    if outcome is None:
        return {}
    run: zoo.Run = zoo.load(outcome.folder)
    log.info("%s, %d epochs, %.1f s", recipe.title, run.recipe.training.epochs, outcome.seconds)
    rows: list[dict[str, Any]] = run.predict(folder / "rows.csv")
    log.info("%d rows", len(rows))
    return outcome.metrics


@zoo.register(
    "tiny", family="tiny", year=2026, paper="ours", idea="Small.", inputs=("tabular",), tasks=("binary",), params=5
)
def tiny(input_shape: tuple[int, ...] = (4,), name: str = "tiny") -> Any:
    """A builder keeps its own type behind the decorator."""
    return zoo.build("perceptron", input_shape=input_shape, name=name)


shape: tuple[int, ...] = tiny.__defaults__[0] if tiny.__defaults__ else ()
