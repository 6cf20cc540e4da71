"""`zoo export RUN --format FORMAT`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.console import out as console
from zoo.cli.console import print_json, table
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.export.exporting import Exported


@click.command(
    epilog="""\b
Examples:
  zoo export runs/lenet-mnist --format onnx
  zoo export runs/mlp-iris --format litert --out iris.tflite
  zoo export --formats                       which architecture goes into which format
What is written is loaded in its own runtime and compared with the run's model; exit 4 if it does not agree.
keras: where a network has layers of the zoo's own, as recurrent and attention networks do, their code is written beside
the file, MODEL_DATASET_layers.py: import that module, then Keras loads the file, and zoo is not needed. The file
itself holds no code, and loading it runs none."""
)
@click.argument("run", required=False)
@click.option("--format", "format_name", metavar="FORMAT", help="keras, savedmodel, onnx or litert.")
@click.option("--out", type=click.Path(path_type=Path), help="The file (default: RUN/export/MODEL-DATASET.SUFFIX).")
@click.option("--formats", "list_formats", is_flag=True, help="Show which architecture goes into which format.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome, or the table, as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    run: str | None, format_name: str | None, out: Path | None, list_formats: bool, as_json: bool, debug: bool
) -> None:
    """Write a finished RUN's model for another runtime: preprocessing inside, raw examples in."""
    if list_formats:
        _print_formats(as_json)
        return
    if run is None or format_name is None:
        raise UsageError("which run in which format? such as: zoo export runs/lenet-mnist --format onnx")
    from zoo.export.exporting import export
    from zoo.pretrained.published import load

    outcome = export(load(run), format_name, out)
    if as_json:
        print_json(_as_json(outcome))
    else:
        _print(outcome)


def _print_formats(as_json: bool) -> None:
    from zoo.catalogue.registry import list_models
    from zoo.export.table import FORMATS, TABLE

    rows = {pattern: dict(zip(FORMATS, map(str, forms), strict=True)) for pattern, forms in TABLE.items()}
    if as_json:
        print_json(rows)
        return
    grid = table("model", *FORMATS)
    for pattern, row in rows.items():
        grid.add_row(" ".join(list_models(pattern)), *row.values())
    console.print(grid)


def _as_json(outcome: Exported) -> dict[str, object]:
    comparison = outcome.comparison
    return {
        "path": str(outcome.path),
        "bytes": outcome.bytes,
        "precision": outcome.precision,
        "runtime": outcome.runtime,
        "compared_on": outcome.compared_on,
        "difference": comparison.difference,
        "tolerance": comparison.tolerance,
        "vocabulary": str(outcome.vocabulary) if outcome.vocabulary else None,
        "layers": str(outcome.layers) if outcome.layers else None,
        "takes": outcome.takes,
        "usage": outcome.usage,
    }


def _print(outcome: Exported) -> None:
    comparison = outcome.comparison
    grid = table("", "")
    grid.add_row("wrote", str(outcome.path))
    grid.add_row("size", f"{outcome.bytes / 1024:,.1f} KiB")
    if outcome.vocabulary:
        grid.add_row("words", f"{outcome.vocabulary} (ids of tokens; 0 is padding, on the right)")
    if outcome.layers:
        grid.add_row("layers", f"{outcome.layers} (import it first; zoo is not needed)")
    grid.add_row("takes", "; ".join(outcome.takes))
    if outcome.precision:
        grid.add_row("computes", outcome.precision)
    grid.add_row("compared", f"in {outcome.runtime} on {outcome.compared_on}")
    grid.add_row("differs by", f"{comparison.difference:.1e} at most ({comparison.tolerance:.0e} is let pass)")
    console.print(grid)
    console.print("\nload it:\n" + "\n".join(f"  {line}" for line in outcome.usage))
