"""Where recipe files are and how they are read: shipped beside the package, in the checkout, in plug-ins, by path."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.catalogue.folders import recipes_folder
from zoo.catalogue.plugins import called
from zoo.catalogue.registry import describe
from zoo.errors import UsageError, unknown
from zoo.files import RECIPE, read_text
from zoo.recipe.problems import refusal, validate
from zoo.recipe.schema import Recipe

SECTIONS = tuple(Recipe.model_fields)


@cache
def _files() -> dict[str, Path]:
    """Every recipe by name; the zoo's own win over a plug-in's of the same name."""
    folders = [recipes_folder(), *_plugins()[0]]
    return {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.toml"))}


@cache
def _plugins() -> tuple[list[Path], dict[str, str]]:
    """Folders of recipes that other packages bring, and what went wrong where one could not be found."""
    folders: list[Path] = []
    wrong: dict[str, str] = {}
    for point in entry_points(group="zoo.recipes"):
        top, *rest = point.value.split(".")
        spec = find_spec(top)  # and no deeper: for a dotted name the plug-in's own code would be imported
        places = [Path(place, *rest) for place in (spec.submodule_search_locations or [])] if spec else []
        found = [place for place in places if place.is_dir()]
        folders += found
        if not found:
            wrong[called(point)] = f"there is no package {point.value}"
    return folders, wrong


def broken() -> dict[str, str]:
    """Plug-ins whose recipes cannot be found: `entry point of package` -> what went wrong."""
    return dict(_plugins()[1])


def list_recipes() -> list[str]:
    """Names of all recipes."""
    return sorted(_files())


def list_datasets(pattern: str = "*") -> list[str]:
    """Names of the datasets that have a recipe and match a glob, sorted: `zoo.run(MODEL, NAME)` takes them."""
    return [name for name in list_recipes() if fnmatchcase(name, pattern)]


def recipe_text(name: str) -> tuple[str, str]:
    """Where a recipe comes from and its text, by name or by path to a .toml file.

    Raises:
        UsageError: no such recipe; the nearest names are given.
    """
    if not isinstance(name, str | Path):
        raise UsageError(
            f"a dataset is given by its name or its recipe's path, not by a {type(name).__name__}\n"
            "own arrays: a folder with x.npy and y.npy, as the data of a recipe or with --data"
        )
    path = Path(name)
    if path.suffix != ".toml":
        if name not in _files():
            raise unknown(
                "dataset", name, _files(), "see them with: zoo data ls   (an own CSV or image folder: --data PATH)"
            )
        path = _files()[name]
    try:
        return str(path), read_text(path, RECIPE)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise UsageError(f"cannot read recipe {path}: {error.strerror}") from error


def read_tables(name: str) -> tuple[str, dict[str, Any]]:
    """A recipe's tables as TOML gives them, with the file they come from.

    Raises:
        UsageError: not TOML; the line is given.
    """
    where, text = recipe_text(name)
    try:
        return where, tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number too long, tables too deep
        raise UsageError(f"{where}: not valid TOML: {error}") from error


def load_recipe(name: str | Path | Recipe) -> Recipe:
    """The recipe of a dataset, by name or by the path of a .toml file, checked against the schema.

    It is frozen: `recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 3})})` makes a
    changed one, which `zoo.run(MODEL, recipe)` takes. A recipe object is given back as it is.

    Raises:
        UsageError: no such recipe, not TOML, or mistakes in it (all of them at once).
    """
    if isinstance(name, Recipe):
        return name
    where, tables = read_tables(str(name))
    recipe = parse(tables, where)
    recipe._name = Path(name).stem
    return recipe


def parse(tables: dict[str, Any], where: str) -> Recipe:
    """A recipe from its tables: strict keys, sections in their fixed order."""
    recipe = validate(Recipe, tables, where)
    for name in recipe.models:
        try:
            describe(name)
        except UsageError as error:
            raise refusal(where, [f"models.{name}: {str(error).splitlines()[0]}"]) from None
    given = [section for section in tables if section in SECTIONS]
    wanted = [section for section in SECTIONS if section in tables]
    if given != wanted:
        raise refusal(where, [f"sections out of order: {', '.join(given)}; they go {', '.join(wanted)}"])
    return recipe
