"""`zoo eval RUN [DATASET]`."""

from __future__ import annotations

import click

from zoo.cli.console import detail_lines, err, measured, out, print_json, table


@click.command(
    epilog="""\b
Examples:
  zoo eval runs/lenet-mnist                  the newest run of a pair
  zoo eval runs/lenet-mnist fashion_mnist    on another dataset of the same shape and classes
  zoo eval lenet:mnist                       weights that the zoo brings along; see: zoo weights ls
Next: zoo predict RUN FILE"""
)
@click.argument("run")
@click.argument("dataset", required=False)
@click.option("--split", type=click.Choice(["test", "validation", "train"]), default="test", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(run: str, dataset: str | None, split: str, as_json: bool, debug: bool) -> None:
    """Score a finished RUN again: on its own dataset, or on another one that it fits."""
    from zoo.pretrained.published import load
    from zoo.runs import scoring

    finished = load(run)
    result = scoring.rescore(finished, dataset, split)
    if as_json:
        print_json(
            {"run": str(finished.folder), "dataset": dataset or finished.recipe.dataset, "split": split} | result
        )
        return
    grid = table("", "")
    for name, value in result["metrics"].items():
        grid.add_row(f"{split} {name}", measured(value, name))
    for line in detail_lines(split, result["details"]):
        grid.add_row(*line)
    grid.add_row("examples scored", f"{result['examples_scored']:,} of {result['examples_in_split']:,}")
    grid.add_row("run", str(finished.folder))
    out.print(grid)
    recorded = finished.metrics.get(split, {})
    if dataset is None and any(
        abs(recorded[k] - v) > 1e-6 for k, v in result["metrics"].items() if isinstance(v, float) and k in recorded
    ):
        err.print("note: these differ from the run's own metrics.json; other versions or another machine?")
