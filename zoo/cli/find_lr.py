"""`zoo find-lr MODEL DATASET`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.console import out as screen
from zoo.cli.console import print_json, table
from zoo.cli.options import Grouped, own_data, set_option, training
from zoo.data.reading import Reading

SHOWN = 8  # rates of the curve


@click.command(
    cls=Grouped,
    epilog="""\b
Examples:
  zoo find-lr lenet digits
  zoo find-lr mlp --data wines.csv --label quality
  zoo find-lr lenet mnist --optimizer momentum --highest 100
  zoo find-lr lstm imdb --steps 400 --out curve.png
Smith 2017: the loss of each step at a higher rate than the one before. Begin well below the rate where it stops
falling. Training alone is looked at, neither validation nor test split.
Next: zoo run MODEL DATASET --learning-rate RATE""",
)
@click.argument("model")
@click.argument("dataset", required=False)
@own_data("A table, a folder of classes, a series, pairs of texts, or plain text.")
@training("batch_size", "optimizer", "class_weights", "seed", "precision")
@set_option
@click.option("--lowest", type=float, default=1e-6, show_default=True, help="Rate of the first step.")
@click.option("--highest", type=float, default=10.0, show_default=True, help="Rate of the last.")
@click.option("--steps", type=int, default=200, show_default=True, help="How many; fewer where the loss diverges.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="A new PNG for the curve (default: MODEL-DATASET-rates.png)."
)
@click.option("--json", "as_json", is_flag=True, help="Print rates and losses as JSON; a picture only with --out.")
@click.option("--quiet", is_flag=True, help="No progress, only the outcome.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    model: str,
    dataset: str | None,
    path: str | None,
    reading: Reading,
    options: dict[str, Any],
    sets: tuple[str, ...],
    lowest: float,
    highest: float,
    steps: int,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Find a learning rate for MODEL on DATASET: some hundred steps at rising rates, a curve and a suggestion."""
    from zoo.cli.progress import watcher
    from zoo.cli.run import resolved
    from zoo.runs import rates

    recipe, _ = resolved(model, dataset, path, reading, sets, options)
    picture = out or (None if as_json else Path(f"{recipe.model}-{recipe.dataset}-rates.png"))
    found = rates.find(recipe, watcher(quiet), lowest=lowest, highest=highest, count=steps, picture=picture)
    if as_json:
        print_json({
            "model": recipe.model, "dataset": recipe.dataset, "optimizer": recipe.training.optimizer,
            "recipe_rate": recipe.training.learning_rate, "suggestion": found.suggestion,
            "rates": found.rates.tolist(), "losses": found.losses.tolist(), "running_mean": found.smooth.tolist(),
        })  # fmt: skip
        return
    grid = table(">rate", ">loss")
    for i in range(0, len(found.rates), max(1, len(found.rates) // SHOWN)):
        grid.add_row(f"{found.rates[i]:.2g}", f"{found.smooth[i]:.4g}")
    screen.print(grid)
    screen.print(f"curve: {picture}", markup=False)
    where = f"--data {path}" if path else str(dataset)
    if found.suggestion is None:
        screen.print(
            "no suggestion: the loss falls at none of these rates; are the inputs scaled?\n"
            f"look at the data: zoo data show {where}",
            markup=False,
        )
        return
    screen.print(f"begin with {found.suggestion:.2g}; the recipe says {recipe.training.learning_rate:g}", markup=False)
    screen.print(f"\ntrain: zoo run {model} {where} --learning-rate {found.suggestion:.2g}", markup=False)
