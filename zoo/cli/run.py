"""`zoo run MODEL DATASET`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo import tasks
from zoo.cli.console import baseline_lines, detail_lines, measured, out, print_json, table
from zoo.cli.options import Grouped, own_data, refuse_of_recipe, set_option, training
from zoo.cli.seeds import parsed, refuse_beside, train_seeds
from zoo.cli.words import echo
from zoo.data.reading import Reading, flag
from zoo.errors import UsageError


@click.command(
    cls=Grouped,
    epilog="""\b
Examples:
  zoo run lenet digits                       embedded data, under a minute
  zoo run lenet mnist --epochs 3 --seed 1
  zoo run mlp iris --set knobs.hidden_units=[16,16] --set training.weight_decay=0.01 --optimizer adamw
  zoo run mlp --data wines.csv --label quality
  zoo run lenet --data photos/               a folder of one sub-folder a class
  zoo run lstm --data reviews.csv --label stars    texts with classes; a CSV with dates is taken as a series
  zoo run transformer.decoder --data book.txt      plain text, a file or a folder of files: a language model
  zoo run vgg_transfer --data photos/ --base VGG16 --weights imagenet    a trained base, a new head
  zoo run lenet digits --seeds 0-4           five seeds, mean and range; the same command goes on where it was stopped
  zoo run runs/lenet-digits/STAMP/recipe.toml    the same run again
  zoo run --resume runs/lenet-photos --epochs 60    train a finished run for longer: 60 epochs in all
  zoo run --resume runs/mlp-wines --early-stopping 60    the same where early stopping ended it: more patience
Next: zoo eval RUN, zoo predict RUN FILE, zoo explain RUN IMAGE, open RUN/report.html""",
)
@click.argument("model", required=False)
@click.argument("dataset", required=False)
@own_data("A table, a folder of classes, a series, pairs of texts, or plain text.")
@click.option("--base", metavar="BASE", help="For vgg_transfer: VGG16 or another net of Keras, a run, or lenet:mnist.")
@click.option("--weights", metavar="SOURCE", help="To start from: a run, a published folder, MODEL:DATASET; imagenet.")
@click.option("--freeze", metavar="all|none|N-last-blocks", help="For vgg_transfer: what of the base does not learn.")
@training(
    "epochs",
    "early_stopping",
    "best",
    "batch_size",
    "learning_rate",
    "optimizer",
    "class_weights",
    "seed",
    "strategy",
    "scale_learning_rate",
    "precision",
    "jit",
)
@click.option(
    "--seeds", metavar="0-4|0,3,7", help="Several seeds, a run each; those that are done are not trained again."
)
@click.option("--require-gpu", is_flag=True, help="End with code 3 where there is no GPU; never use the CPU instead.")
@set_option
@click.option(
    "--baseline/--no-baseline", default=None,
    help="Test learners without a network on the same rows; of own data by default, where it takes under ten seconds.",
)  # fmt: skip
@click.option("--smoke", is_flag=True, help="Two short epochs, to see that everything works.")
@click.option("--dry-run", is_flag=True, help="Print the resolved recipe and stop.")
@click.option("--out", type=click.Path(path_type=Path), help="The run directory (default: runs/MODEL-DATASET/STAMP).")
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was stopped; or, with more --epochs, with one that is finished.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option("--quiet", is_flag=True, help="No progress, only the outcome.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(
    model: str | None,
    dataset: str | None,
    path: str | None,
    reading: Reading,
    base: str | None,
    weights: str | None,
    freeze: str | None,
    options: dict[str, Any],
    seeds: str | None,
    require_gpu: bool,
    sets: tuple[str, ...],
    baseline: bool | None,
    smoke: bool,
    dry_run: bool,
    out: Path | None,
    resume: Path | None,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Train MODEL on DATASET by its recipe, score the whole test split, save and draw."""
    from zoo.cli.progress import watcher
    from zoo.runs import directory, job
    from zoo.runs.seeds import Ways
    from zoo.runs.watching import Watcher

    refuse_beside(seeds, {"--seed": options.get("seed"), "--resume": resume})
    several = parsed(seeds) if seeds is not None else []
    watch = watcher(quiet)
    if resume is not None:
        said = {"MODEL": model, "DATASET": dataset, "smoke": smoke or None, **options}
        longer = _for_longer(resume, said)
        alone = {"--set": sets, "--data": path, "--base": base, "--weights": weights, "--freeze": freeze,
                 "--dry-run": dry_run, "--baseline": baseline is not None, "--out": out and not longer,
                 **{flag(name): True for name in reading.said}}  # fmt: skip
        _refuse_beside_resume(resume, said, [name for name, given in alone.items() if given])
        smoke = bool(directory.Run(directory.newest(resume)).info.get("smoke"))
        finish(job.resume(resume, watch, require_gpu=require_gpu, out=out, **longer), as_json, smoke)
        return
    if model is None:
        raise UsageError("which model on which dataset? such as: zoo run lenet digits   (see: zoo ls, zoo data ls)")
    options = job.smoke_options(options) if smoke else options
    options |= {"seed": several[0]} if several else {}
    if base or weights or freeze or model == "vgg_transfer":
        recipe, notes = _from_weights(model, (dataset, path, reading), (base, weights, freeze), sets, options)
    else:
        recipe, notes = resolved(model, dataset, path, reading, sets, options)
    if dry_run:
        echo(directory.recipe_toml(recipe), nl=False)
        return
    if several:
        ways = Ways(smoke, watch or Watcher(), require_gpu, baseline)
        train_seeds(recipe, several, out, ways, notes, as_json)
        return
    folder, told = job.place(out, recipe), {"watch": watch, "notes": notes}
    outcome = job.execute(recipe, folder, smoke=smoke, require_gpu=require_gpu, baseline=baseline, **told)
    finish(outcome, as_json, smoke)


def _for_longer(run: Path, said: dict[str, Any]) -> dict[str, int]:
    """What a finished run is to be trained for longer with, taken out of what is said; {}: it is just resumed.

    Raises:
        UsageError: the run was stopped, and has its own epochs to go.
    """
    from zoo.runs.directory import Run, newest

    begun = Run(newest(run))
    names = {"epochs": "epochs", "early_stopping": "patience"}
    asked = {names[key]: said[key] for key in names if said.get(key) is not None}
    if begun.is_done:
        for key in names:
            said.pop(key, None)
        return asked
    if asked.get("epochs", begun.recipe.training.epochs) != begun.recipe.training.epochs:
        raise UsageError(
            f"the run in {begun.folder} has not come to the end of its {begun.recipe.training.epochs} epochs\n"
            f"go on with it first: zoo run --resume {begun.folder}   and then say --epochs {asked['epochs']}"
        )
    return {}


def _refuse_beside_resume(run: Path, said: dict[str, Any], alone: list[str]) -> None:
    """A resumed run goes on as it began: names may be repeated if they agree, and options `alone` do not go with it."""
    from zoo.runs.directory import Run, newest

    begun = Run(newest(run))
    began = begun.recipe.training.model_dump() | {"MODEL": begun.recipe.model, "DATASET": begun.recipe.dataset}
    began["smoke"] = bool(begun.info.get("smoke"))
    said = {key: value for key, value in said.items() if value is not None}
    differs = [f"{k} was {began[k]}, now {v}" for k, v in said.items() if k in began and began[k] != v]
    alone = [*alone, *(f"--{name.replace('_', '-')}" for name in said if name not in began)]
    if alone:
        differs.append(f"{', '.join(alone)}: not for a run that goes on")
    if differs:
        raise UsageError(f"--resume {run} goes on with the run as it began: {'; '.join(differs)}\nleave them away")


def finish(outcome: Any, as_json: bool, smoke: bool) -> None:
    """Say what a run came to."""
    if outcome is None:  # one of several workers, and not the one that keeps the run
        return
    if as_json:
        print_json(_as_json(outcome))
    else:
        _report(outcome, smoke)


def resolved(
    model: str,
    dataset: str | None,
    path: str | None,
    reading: Reading,
    sets: tuple[str, ...],
    options: dict[str, Any],
) -> Any:
    """The recipe of what is said on the command line, and notes on it.

    Raises:
        UsageError: a wrong name or option, or no data, or two.
    """
    from zoo import recipe, tasks
    from zoo.catalogue.registry import describe
    from zoo.data import sources
    from zoo.runs import directory

    if model.endswith(".toml") and dataset is None and path is None:
        refuse_of_recipe(reading, model)
        again, notes = recipe.rerun(Path(model), sets, options)
        return again, [*directory.note_of_change(Path(model)), *notes]
    wanted = describe(model).tasks
    if dataset is None and path is None:
        raise UsageError(
            f"on which dataset? such as: zoo run {model} digits   (see: zoo data ls; own files: --data PATH)"
        )
    if dataset is not None and path is not None:
        raise UsageError(f"DATASET {dataset!r} and --data {path!r} are both given; say one of them")
    if path is not None:
        own = tasks.from_path(path, wanted=wanted, reading=reading)
        return recipe.resolve(model, Path(path).stem, sets, options, data=own)
    assert dataset is not None
    if sources.is_address(dataset):
        own = tasks.infer(dataset, wanted=wanted, reading=reading)
        return recipe.resolve(model, sources.title(dataset), sets, options, data=own)
    refuse_of_recipe(reading, dataset)
    return recipe.resolve(model, dataset, sets, options)


def _from_weights(
    model: str,
    where: tuple[str | None, str | None, Reading],
    start: tuple[str | None, str | None, str | None],
    sets: tuple[str, ...],
    options: dict[str, Any],
) -> Any:
    """The recipe of a run that does not start from new weights: of a new head on a base, or of a model's own."""
    from zoo.cli.options import data_of, freezing
    from zoo.pretrained import bases
    from zoo.pretrained.from_weights import weights_of

    base, weights, freeze = start
    if str(model).endswith(".toml") and where[:2] == (None, None) and weights and not base and not freeze:
        refuse_of_recipe(where[2], str(model))
        return bases.same_run(Path(str(model)), bases.find(weights), sets, options)
    if model == bases.TRANSFER:
        found, frozen = bases.find(base or "VGG16", weights), freeze and freezing(freeze)
        name, own = data_of(*where, found)
        return bases.resolve_start(found, name, new_network=True, freeze=frozen, sets=sets, options=options, data=own)
    if base or freeze:
        raise UsageError(f"--base and --freeze go with vgg_transfer\nfor a trained {model}: zoo finetune RUN DATASET")
    weights_of(model, str(weights))  # or else another model's
    named = Path(str(weights)).exists() or ":" in str(weights)
    found = bases.find(str(weights) if named else f"{model}:{weights}")
    name, own = data_of(*where, found)
    return bases.resolve_start(
        found, name, new_network=False, freeze="none", head_epochs=0, sets=sets, options=options, data=own
    )


def _as_json(outcome: Any) -> dict[str, Any]:
    return {
        "run": str(outcome.folder),
        "model": outcome.recipe.model,
        "dataset": outcome.recipe.dataset,
        "seed": outcome.recipe.training.seed,
        "params": outcome.params,
        "seconds": outcome.seconds,
        **outcome.metrics,
    }


def _report(outcome: Any, smoke: bool) -> None:
    scored, total = outcome.metrics["examples_scored"], outcome.metrics["examples_in_split"]
    grid = table("", "")
    for name, value in outcome.metrics["test"].items():
        grid.add_row(f"test {name}", measured(value, name))
    details = outcome.metrics.get("details", {})
    for line in [*detail_lines("test", details), *baseline_lines(details, outcome.metrics["test"])]:
        grid.add_row(*line)
    grid.add_row("examples scored", f"{scored:,} of {total:,}")
    grid.add_row("parameters", f"{outcome.params:,}")
    grid.add_row("time", f"{outcome.seconds:.1f} s")
    grid.add_row("run", str(outcome.folder))
    out.print(grid)
    data = outcome.recipe.data
    command = tasks.of(data).next_command(str(outcome.folder), data.kind)
    if smoke:
        out.print("a smoke run: the numbers mean nothing")
    out.print(
        f"\nlook:    {outcome.folder}/report.html\nscore:   zoo eval {outcome.folder}\n{command}",
        markup=False,
    )
