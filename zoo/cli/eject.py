"""`zoo eject MODEL DATASET DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.console import err, out, print_json, table
from zoo.cli.options import Grouped, own_data, set_option, training
from zoo.data.reading import Reading, flag
from zoo.errors import UsageError


@click.command(
    cls=Grouped,
    epilog="""\b
Examples:
  zoo eject lenet mnist lenet-mnist
  zoo eject mlp digits mine --epochs 10 --set knobs.dropout=0.5
  zoo eject transformer dates my-dates
  zoo eject mlp my-wines --data wines.csv --label quality    own data; the script reads the file where it lies
  zoo eject runs/mlp-wines my-wines          a run that was made, with its own recipe
  zoo eject vgg_transfer cifar10 my-photos --base MobileNetV2 --freeze 2-last-blocks
Next: cd DIR; python train.py""",
)
@click.argument("names", nargs=-1, metavar="MODEL DATASET DIR | MODEL DIR --data PATH | RUN DIR")
@training("epochs", "batch_size", "learning_rate", "optimizer", "seed", "precision", "jit")
@own_data("A table, a folder of classes, texts, a series, in place of DATASET.")
@set_option
@click.option("--base", metavar="BASE", help="For vgg_transfer: VGG16 or another net of keras.applications.")
@click.option("--weights", metavar="imagenet|none|FILE", help="Of the base; default: imagenet.")
@click.option("--freeze", metavar="all|none|N-last-blocks", help="What of the base does not learn.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    names: tuple[str, ...],
    path: str | None,
    reading: Reading,
    options: dict[str, Any],
    sets: tuple[str, ...],
    base: str | None,
    weights: str | None,
    freeze: str | None,
    as_json: bool,
    debug: bool,
) -> None:
    """Write `zoo run MODEL DATASET`, or a RUN that was made, as one plain script that needs no zoo; same numbers."""
    from zoo import tasks
    from zoo.catalogue.registry import describe
    from zoo.cli.options import freezing
    from zoo.eject.ejecting import eject, eject_run

    start = {"base": base, "weights": weights, "freeze": freeze and freezing(freeze)}
    if len(names) == 2 and path is not None:
        model, folder = names[0], Path(names[1])
        own = tasks.from_path(path, wanted=describe(model).tasks, reading=reading)
        ejected = eject(model, Path(path).stem, folder, sets, options, start, reading, own)
    elif len(names) == 3 and path is None:
        ejected = eject(names[0], names[1], Path(names[2]), sets, options, start, reading)
    elif len(names) == 2:
        if given := [*reading.said, *(name for name, value in start.items() if value is not None)]:
            raise UsageError(f"{flag(given[0])} does not go with a run, whose recipe says what it is")
        ejected = eject_run(Path(names[0]), Path(names[1]), sets, options)
    else:
        raise UsageError(
            "say a model, a dataset and a new folder; or a model, --data PATH and a folder; or a run and a folder\n"
            "such as: zoo eject lenet mnist my-lenet   zoo eject runs/mlp-wines my-wines"
        )
    for note in ejected.notes:
        err.print(f"note: {note}")
    if as_json:
        print_json({"script": str(ejected.script), "recipe": str(ejected.recipe), "packages": ejected.packages})
        return
    grid = table("", "")
    grid.add_row("wrote", f"{ejected.script}, {ejected.recipe}")
    grid.add_row("needs", f"pip install {ejected.packages}")
    grid.add_row("run it", f"cd {ejected.script.parent}; python train.py")
    out.print(grid)
