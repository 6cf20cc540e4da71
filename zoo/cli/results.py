"""`zoo results [--check]`."""

from __future__ import annotations

from typing import Any

import click

from zoo.cli.console import out, print_json, table
from zoo.cli.words import echo
from zoo.errors import VerificationError


@click.command(
    epilog="""\b
Examples:
  zoo results lenet
  zoo results --check     exit 4 if a recipe or builder changed after its number was recorded
Each row is made by the command it names; record it anew with: scripts/record MODEL DATASET"""
)
@click.argument("model", required=False)
@click.option("--check", is_flag=True, help="Name the rows that have gone stale; exit 4 if there are any.")
@click.option("--markdown", is_flag=True, help="Print the table of the README.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON, with versions and commands.")
def command(model: str | None, check: bool, markdown: bool, as_json: bool) -> None:
    """Recorded results: mean and range over seeds on whole test splits."""
    from zoo.catalogue.registry import describe
    from zoo.runs import results

    if model:
        describe(model)
    if markdown:
        echo(results.markdown())
        return
    rows = [row | {"stale": results.staleness(row)} for row in results.rows(model)]
    if as_json:
        print_json(rows)
    else:
        _print(rows)
    stale = [row for row in rows if row["stale"]]
    if check and stale:
        names = "\n".join(f"  {row['model']} {row['dataset']}: {row['stale']}" for row in stale)
        raise VerificationError(f"{len(stale)} of {len(rows)} rows are stale\n{names}")
    if check:
        echo(f"{len(rows)} rows, none stale", err=True)


def _print(rows: list[dict[str, Any]]) -> None:
    from zoo.runs.results import shown

    grid = table(
        "model", "dataset", "metric", ">mean", ">range", ">seeds", ">scored", ">params", ">epochs", ">time", ""
    )
    for row in rows:
        mean, low, high = shown(row, "mean", "low", "high")
        grid.add_row(
            row["model"], row["dataset"], row["metric"], mean, f"{low} to {high}", str(len(row["seeds"])),
            f"{row['examples_scored']:,} of {row['examples_in_split']:,}", f"{row['params']:,}",
            str(row["epochs"]), f"{row['seconds']:.0f} s", "stale" if row["stale"] else "",
        )  # fmt: skip
    out.print(grid)
