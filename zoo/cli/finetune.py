"""`zoo finetune BASE DATASET`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.cli.options import Grouped, data_of, freezing, own_data, set_option, training
from zoo.cli.words import echo
from zoo.data.reading import Reading


@click.command(
    cls=Grouped,
    epilog="""\b
Examples:
  zoo finetune lenet:mnist digits                      same classes: the head is kept, the last block learns too
  zoo finetune lenet:fashion_mnist mnist --freeze all  other classes: a new head on frozen features, nothing else
  zoo finetune runs/vgg.small-fashion_mnist --data photos/ --freeze 2-last-blocks
  zoo finetune runs/lstm-reviews --data mails.csv      texts: the vocabulary of the base; series: its window
  zoo finetune VGG16 --data photos/ --weights imagenet --set data.input_shape=[160,160,3]
Next: zoo eval RUN, zoo publish RUN""",
)
@click.argument("base")
@click.argument("dataset", required=False)
@own_data("Own data of the base's kind, in place of DATASET.")
@click.option(
    "--freeze", metavar="all|none|N-last-blocks",
    help="all: only the head learns; none: everything does; N-last-blocks: these of the base learn too. Default: "
    "1-last-block, where the base has one; none for texts and series.",
)  # fmt: skip
@click.option(
    "--head", type=click.Choice(["auto", "keep", "new"]), default="auto", show_default=True,
    help="The output layer: kept where the classes agree.",
)  # fmt: skip
@click.option("--weights", metavar="imagenet|none|FILE", help="For a base of keras.applications; default: imagenet.")
@click.option("--head-epochs", type=click.IntRange(0), help="Of the first phase, a new head alone; the recipe's.")
@click.option("--head-learning-rate", type=float, help="Of the first phase; the recipe's.")
@training(
    "epochs", "early_stopping", "best", "learning_rate", "batch_size", "seed",
    said={
        "epochs": "Of the last phase; the recipe's.",
        "learning_rate": "Of the last phase; a tenth of the recipe's, or all of it.",
    },
)  # fmt: skip
@set_option
@click.option("--smoke", is_flag=True, help="Two short epochs a phase, to see that everything works.")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
@click.option("--out", type=click.Path(path_type=Path), help="The run directory (default: runs/MODEL-DATASET/STAMP).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--quiet", is_flag=True, help="No progress, only the outcome.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    base: str,
    dataset: str | None,
    path: str | None,
    reading: Reading,
    freeze: str | None,
    head: str,
    weights: str | None,
    head_epochs: int | None,
    head_learning_rate: float | None,
    options: dict[str, Any],
    sets: tuple[str, ...],
    smoke: bool,
    dry_run: bool,
    out: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Go on from a trained network: a run, a published folder, weights of the zoo, or a net of keras.applications.

    Classes that agree keep the head. Others get a new one, which learns first and alone, on features of the frozen base
    that are computed once; then the base's last blocks learn too, at a tenth of the rate, batch normalisation excepted.
    With --freeze none everything learns on at the full rate, after one epoch of the head alone: best for small nets.
    The result is a run like any other: zoo run --resume goes on with it, its recipe.toml repeats it.
    """
    from zoo.cli.progress import watcher
    from zoo.cli.run import finish
    from zoo.pretrained import bases
    from zoo.runs import job
    from zoo.runs.directory import recipe_toml

    watch = watcher(quiet)
    options = job.smoke_options(options) if smoke else options
    found = bases.find(base, weights)
    name, own = data_of(dataset, path, reading, found)
    recipe, notes = bases.resolve_start(
        found, name, new_network=False, head=head, freeze=freeze and freezing(freeze), head_epochs=head_epochs,
        head_learning_rate=head_learning_rate, sets=sets, options=options, data=own,
    )  # fmt: skip
    if dry_run:
        echo(recipe_toml(recipe), nl=False)
        return
    finish(job.execute(recipe, job.place(out, recipe), smoke=smoke, watch=watch, notes=notes), as_json, smoke)
