"""`zoo predict RUN FILE...`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.console import err, out, print_json, table


@click.command(
    epilog="""\b
Examples:
  zoo predict runs/lenet-mnist seven.png eight.png
  zoo predict runs/mlp-iris flowers.csv --json
Files are raw: images as they are, CSV rows with the columns of the training data."""
)
@click.argument("run")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--invert", is_flag=True, help="Turn light into dark first: for dark ink on paper.")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Classes shown for each example.")
@click.option("--json", "as_json", is_flag=True, help="Print every class's probability as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(run: str, files: tuple[Path, ...], invert: bool, top: int, as_json: bool, debug: bool) -> None:
    """Apply a finished RUN to image files or to the rows of CSV files."""
    from zoo import runs, scoring

    rows = scoring.predict(runs.load(run), files, invert)
    for file in dict.fromkeys(row["file"] for row in rows if row["unlike"]):
        err.print(f"note: {file} is light where the training images are dark, or the reverse; try --invert")
    if as_json:
        print_json(rows)
        return
    grid = table("file", ">row", "prediction", "how sure")
    for row in rows:
        prediction = row["prediction"]
        shown = f"{prediction:.4g}" if isinstance(prediction, float) else prediction
        grid.add_row(row["file"], str(row["row"]), shown, _sureness(row, top))
    out.print(grid)


def _sureness(row: dict[str, Any], top: int) -> str:
    if "score" in row:
        return f"score {row['score']:+.3f}"
    best = sorted(row.get("probabilities", {}).items(), key=lambda item: -item[1])[:top]
    return "  ".join(f"{name} {share:.1%}" for name, share in best)
