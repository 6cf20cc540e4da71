"""`zoo recipes ls | show | keys | cp | check`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from zoo.cli.console import out, print_json, table
from zoo.cli.words import echo
from zoo.errors import UsageError, VerificationError


@click.group(
    epilog="Example: zoo recipes cp mnist mine.toml, change it, zoo recipes check mine.toml, zoo run lenet mine.toml"
)
def command() -> None:
    """Recipes: one TOML file a dataset, with what differs for each model."""


@command.command()
@click.option("--json", "as_json", is_flag=True)
def ls(as_json: bool) -> None:
    """List the recipes and the models that have a table of their own in them."""
    from zoo import recipe

    rows: dict[str, recipe.Recipe] = {}
    for name in recipe.list_recipes():
        try:
            rows[name] = recipe.load_recipe(name)
        except UsageError as error:
            echo(f"note: left out: {error}", err=True)
    for name, reason in recipe.broken().items():
        echo(f"note: plug-in {name!r} is broken and left out: {reason}", err=True)
    if as_json:
        print_json({name: {"title": r.title, "models": list(r.models)} for name, r in rows.items()})
        return
    grid = table("recipe", "title", "tuned for")
    for name, one in rows.items():
        grid.add_row(name, one.title, " ".join(one.models) or "-")
    out.print(grid)


@command.command()
@click.argument("name")
@click.argument("model", required=False)
def show(name: str, model: str | None) -> None:
    """Print recipe NAME as it is written; with MODEL, what zoo run MODEL NAME would resolve it to."""
    from zoo import recipe
    from zoo.runs import directory

    text = directory.recipe_toml(recipe.resolve(model, name)[0]) if model else recipe.recipe_text(name)[1]
    echo(text, nl=False)


@command.command(epilog="Example: zoo recipes keys callbacks; then zoo run lenet mnist --set callbacks.checkpoint={}")
@click.argument("beginning", default="")
@click.option("--json", "as_json", is_flag=True)
def keys(beginning: str, as_json: bool) -> None:
    """List every key of a recipe, or those that start with BEGINNING: type, default, what it is.

    Each can be set in a recipe's file, or for one run by --set KEY=VALUE.
    """
    from zoo.recipe.keys import list_keys

    found = [key for key in list_keys() if key.name.startswith(beginning)]
    if not found:
        raise UsageError(f"no key starts with {beginning!r}\nsee them all with: zoo recipes keys")
    if as_json:
        print_json([asdict(key) for key in found])
        return
    grid = table("key", "type", "default", "")
    for key in found:
        grid.add_row(key.name, key.type, key.default, key.text)
    out.print(grid)


@command.command()
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path))
def cp(name: str, target: Path) -> None:
    """Copy recipe NAME to TARGET, to be changed and run by its path."""
    from zoo import recipe
    from zoo.files import write_text

    if target.suffix != ".toml":
        raise UsageError(f"{target}: a recipe's file name ends in .toml")
    if target.exists():
        raise UsageError(f"{target} exists already; choose another name")
    write_text(target, recipe.recipe_text(name)[1])
    echo(f"{target}\nrun it: zoo run lenet {target}")


@command.command()
@click.argument("names", nargs=-1)
def check(names: tuple[str, ...]) -> None:
    """Check recipes (all of them, or by name or path) for every kind of mistake, and say all that were found."""
    from zoo import recipe

    wrong = 0
    for name in names or recipe.list_recipes():
        try:
            models = recipe.load_recipe(name).models
            for model in models:
                recipe.resolve(model, name)
            echo(f"{name}: fine ({len(models)} models tuned)")
        except UsageError as error:
            wrong += 1
            echo(str(error), err=True)
    if wrong:
        raise VerificationError(f"{wrong} of {len(names) or len(recipe.list_recipes())} recipes have mistakes")
