"""`zoo eval RUN [DATASET]`, `zoo eval RUN --data PATH`."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.console import detail_lines, err, measured, out, print_json, table
from zoo.errors import UsageError


@click.command(
    epilog="""\b
Examples:
  zoo eval runs/lenet-mnist                  the newest run of a pair
  zoo eval runs/lenet-mnist fashion_mnist    on another dataset of the same shape and classes
  zoo eval runs/mlp-prices --data new.csv    on a labelled file, or a folder of files, of one's own
  zoo eval runs/mlp-prices --data new.csv --report new-prices     with pictures and a page of their own
  zoo eval lenet:mnist                       weights that the zoo brings along; see: zoo weights ls
Next: zoo predict RUN FILE"""
)
@click.argument("run")
@click.argument("dataset", required=False)
@click.option("--data", "path", metavar="PATH", help="Labelled files, read as the run's own data: all examples.")
@click.option("--report", type=click.Path(path_type=Path), metavar="FOLDER", help="With --data: draw a report there.")
@click.option("--split", type=click.Choice(["test", "validation", "train"]), default="test", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    run: str, dataset: str | None, path: str | None, report: Path | None, split: str, as_json: bool, debug: bool
) -> None:
    """Score a finished RUN again: on its own dataset, on another one that it fits, or on labelled files."""
    from zoo.pretrained.published import load
    from zoo.runs import scoring

    if path is not None and dataset is not None:
        raise UsageError(f"DATASET {dataset!r} and --data {path!r} are both given; say one of them")
    if report is not None and path is None:
        raise UsageError("--report goes with --data\na run's own report is drawn again by: zoo report RUN")
    finished = load(run)
    if path is not None:
        split, result = "data", scoring.score_files(finished, path, report)
    else:
        result = scoring.rescore(finished, dataset, split)
    if as_json:
        print_json(
            {"run": str(finished.folder), "dataset": path or dataset or finished.recipe.dataset, "split": split}
            | result
        )
        return
    grid = table("", "")
    where = "" if path else f"{split} "
    for name, value in result["metrics"].items():
        grid.add_row(f"{where}{name}", measured(value, name))
    for line in detail_lines(split, result["details"]):
        grid.add_row(*line)
    grid.add_row("examples scored", f"{result['examples_scored']:,} of {result['examples_in_split']:,}")
    grid.add_row("run", str(finished.folder))
    if report is not None:
        grid.add_row("report", str(report / "report.html"))
    out.print(grid)
    recorded = finished.metrics.get(split, {})
    if (
        dataset is None
        and path is None
        and any(
            abs(recorded[k] - v) > 1e-6 for k, v in result["metrics"].items() if isinstance(v, float) and k in recorded
        )
    ):
        err.print("note: these differ from the run's own metrics.json; other versions or another machine?")
