"""`zoo weights ls | show | verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from zoo.cli.console import err, measured, out, print_json, table
from zoo.errors import VerificationError

if TYPE_CHECKING:
    from zoo.data.config import Preprocessing, Text


@click.group(epilog='Example: zoo weights ls   In Python: zoo.build("lenet", weights="mnist")')
def command() -> None:
    """Trained weights that the zoo brings along: small networks, in half precision where the accuracy holds."""


@command.command(epilog="Next: zoo weights show NAME, zoo eval NAME, zoo predict NAME FILE, zoo finetune NAME DATASET")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def ls(as_json: bool) -> None:
    """List them: on what data, how well they do, how large they are."""
    from zoo.catalogue.metrics import headline
    from zoo.pretrained.index import entries

    if as_json:
        print_json([{"name": name} | entry for name, entry in entries().items()])
        return
    grid = table("name", ">parameters", "numbers", ">KiB", "metric", ">test", ">scored", "trained")
    for name, entry in entries().items():
        test = entry["metrics"]["test"]
        metric = headline(test)
        scored = f"{entry['metrics']['examples_scored']:,} of {entry['metrics']['examples_in_split']:,}"
        size = f"{entry['bytes'] / 1024:,.0f}"
        what, value = f"{entry['params']:,}", measured(test[metric], metric)
        grid.add_row(name, what, entry["dtype"], size, metric, value, scored, entry["date"][:10])
    out.print(grid)


@command.command(epilog="Example: zoo weights show lenet:mnist   Next: zoo weights verify NAME")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as JSON.")
def show(name: str, as_json: bool) -> None:
    """Show where weights come from, what input they were trained on, and how to use them."""
    from zoo import tasks
    from zoo.pretrained.bases import no_base
    from zoo.pretrained.index import entry, folder
    from zoo.pretrained.published import Published
    from zoo.recipe import model_spec

    facts, recipe = entry(name), Published(folder(name)).recipe
    if as_json:
        print_json({"name": name} | facts | {"knobs": recipe.knobs, "class_names": list(recipe.data.class_names)})
        return
    steps = recipe.preprocessing
    grid = table("", "")
    grid.add_row(
        "weights", f"{name}: {facts['params']:,} parameters, {facts['dtype']}, {facts['bytes'] / 1024:,.0f} KiB"
    )
    grid.add_row("knobs", ", ".join(f"{key} = {value!r}" for key, value in recipe.knobs.items()) or "the defaults")
    for key, value in facts["metrics"]["test"].items():
        grid.add_row(f"test {key}", measured(value, key))
    grid.add_row("scored", f"{facts['metrics']['examples_scored']:,} of {facts['metrics']['examples_in_split']:,}")
    grid.add_row("trained", f"{facts['epochs']} epochs, seed {facts['seed']}, {facts['date'][:10]}")
    grid.add_row("recipe", f"{facts['dataset']} ({facts['fingerprint']}), {facts['source']}")
    shape = model_spec(recipe).input_shape
    grid.add_row("network's input", _tokens(shape, recipe.data.text) if recipe.data.text else _input(shape, steps))
    if recipe.data.class_names:
        grid.add_row("classes", ", ".join(recipe.data.class_names))
    grid.add_row("licences", f"weights {facts['licence']}, data {facts['data_licence']}")
    grid.add_row("SHA-256", facts["sha256"])
    out.print(grid)
    model, _, dataset = name.partition(":")
    task = tasks.of(recipe.data)
    more = task.next_command(name, recipe.data.kind)
    if not no_base(recipe.data):
        more += f"\nfine-tune:  zoo finetune {name} DATASET"
    out.print(
        f'\nin Python:  zoo.build("{model}", weights="{dataset}")   the network alone, input as above\n'
        f'            zoo.load("{name}").model   raw examples in, preprocessing inside\n{more}'
    )


def _tokens(shape: tuple[int, ...], text: Text) -> str:
    return f"ids of {text.vocab_size} {text.tokens}s, up to {shape[0]}, 0 is padding on the right"


def _input(shape: tuple[int, ...], steps: Preprocessing) -> str:
    said = [f"{steps.pad} pixels of zeros on each side"] if steps.pad else []
    said += [f"enlarged to {'x'.join(map(str, steps.resize))}"] if steps.resize else []
    said += [f"divided by {steps.rescale:g}"] if steps.rescale else []
    return "x".join(map(str, shape)) + (f": {', '.join(said)}" if said else "")


@command.command(epilog="Example: zoo weights verify   Exit code 4 if anything does not hold.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def verify(names: tuple[str, ...], as_json: bool, debug: bool) -> None:
    """Check files against their SHA-256, and score whole test splits again where they are at hand.

    NAME is one of `zoo weights ls`, or the path of a published folder; without one, all that the zoo brings along.
    """
    from zoo.pretrained.index import entries
    from zoo.runs import publishing

    found = []
    for verdict in publishing.verify(list(names or entries())):
        found.append(verdict)
        if not as_json:
            err.print(f"{verdict.name}: {'; '.join(['WRONG: ' + w for w in verdict.wrong] + verdict.notes) or 'whole'}")
    if as_json:
        print_json([verdict._asdict() for verdict in found])
    if wrong := [verdict.name for verdict in found if verdict.wrong]:
        raise VerificationError(f"{len(wrong)} of {len(found)} do not hold: {', '.join(wrong)}")
    if not as_json:
        out.print(f"{len(found)} of {len(found)} hold")
