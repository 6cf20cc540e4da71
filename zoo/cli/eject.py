"""`zoo eject MODEL DATASET DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.console import err, out, print_json, table
from zoo.cli.options import set_option, training


@click.command(
    epilog="""\b
Examples:
  zoo eject lenet mnist lenet-mnist
  zoo eject mlp digits mine --epochs 10 --set knobs.dropout=0.5
  zoo eject transformer dates my-dates
  zoo eject vgg_transfer cifar10 my-photos --base MobileNetV2 --freeze 2-last-blocks
Next: cd DIR; python train.py"""
)
@click.argument("model")
@click.argument("dataset")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@training("epochs", "batch_size", "learning_rate", "optimizer", "seed", "precision", "jit")
@set_option
@click.option("--label", metavar="COLUMN", help="With tfds:NAME: what to predict.")
@click.option("--base", metavar="BASE", help="For vgg_transfer: VGG16 or another net of keras.applications.")
@click.option("--weights", metavar="imagenet|none|FILE", help="Of the base; default: imagenet.")
@click.option("--freeze", metavar="all|none|N-last-blocks", help="What of the base does not learn.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    model: str,
    dataset: str,
    folder: Path,
    options: dict[str, Any],
    sets: tuple[str, ...],
    label: str | None,
    base: str | None,
    weights: str | None,
    freeze: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Write `zoo run MODEL DATASET` as one plain script that needs no zoo, with the same numbers."""
    from zoo.cli.options import freezing
    from zoo.eject.ejecting import eject

    start = {"base": base, "weights": weights, "freeze": freeze and freezing(freeze)}
    ejected = eject(model, dataset, folder, sets, options, start, label)
    for note in ejected.notes:
        err.print(f"note: {note}")
    if as_json:
        print_json({"script": str(ejected.script), "recipe": str(ejected.recipe), "packages": ejected.packages})
        return
    grid = table("", "")
    grid.add_row("wrote", f"{ejected.script}, {ejected.recipe}")
    grid.add_row("needs", f"pip install {ejected.packages}")
    grid.add_row("run it", f"cd {folder}; python train.py")
    out.print(grid)
