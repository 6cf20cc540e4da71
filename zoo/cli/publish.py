"""`zoo publish RUN [FOLDER]`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from zoo.cli.console import out, print_json


@click.command(
    epilog="""\b
Examples:
  zoo publish runs/lenet-mnist
  zoo publish runs/lenet-mnist shared/lenet --half --license apache-2.0 --data-license cc-by-sa-3.0
Next: zoo eval FOLDER, zoo finetune FOLDER DATASET, zoo run MODEL DATASET --weights FOLDER"""
)
@click.argument("run")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--license", "licence", default="unknown", show_default=True, help="Of the weights, as SPDX names it.")
@click.option("--data-license", "data_licence", default="unknown", show_default=True, help="Of the training data.")
@click.option("--half", is_flag=True, help="Store float16, if accuracy on the test split stays within 0.1 points.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    run: str, folder: Path | None, licence: str, data_licence: str, half: bool, as_json: bool, debug: bool
) -> None:
    """Write a finished RUN as a FOLDER to hand on: weights without code, recipe, card and checksums.

    FOLDER is MODEL-DATASET in the current folder if it is not given. The card's head is as Hugging Face reads it.
    """
    from zoo.files.names import file_name
    from zoo.pretrained.published import load
    from zoo.runs import publishing

    finished = load(run)
    target = folder or Path(file_name(f"{finished.recipe.model}-{finished.recipe.dataset}"))
    written = publishing.publish(finished, target, licence, data_licence, half)
    files = sorted(path for path in written.iterdir())
    if as_json:
        print_json({"folder": str(written), "files": {path.name: path.stat().st_size for path in files}})
        return
    size = sum(path.stat().st_size for path in files)
    out.print(f"{written}: {', '.join(path.name for path in files)}; {size / 1024:,.0f} KiB")
    for one in publishing.following(finished.recipe, shlex.quote(str(written))):
        out.print(f"{one.does + ':':<10} {one.command}", markup=False)
        if one.file:
            out.print(f"{'':<10} FILE: {one.file}", markup=False)
