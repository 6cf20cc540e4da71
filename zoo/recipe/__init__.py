"""Recipes: what to train on what, and how. TOML in, one frozen object out.

A recipe file describes one dataset and how networks are trained on it; `resolve` adds one model and everything
said on the command line. What is weaker is overridden: model's own defaults < recipe < its `[models.NAME]` table
< command line.
"""

from zoo.recipe.fingerprint import fingerprint
from zoo.recipe.resolve import changed, described, model_spec, offers, recorded, rerun, resolve
from zoo.recipe.schema import Callbacks, Checkpoint, Recipe, Resolved, Training, Transfer
from zoo.recipe.store import broken, list_datasets, list_recipes, load_recipe, parse, recipe_text

__all__ = [
    "Callbacks",
    "Checkpoint",
    "Recipe",
    "Resolved",
    "Training",
    "Transfer",
    "broken",
    "changed",
    "described",
    "fingerprint",
    "list_datasets",
    "list_recipes",
    "load_recipe",
    "model_spec",
    "offers",
    "parse",
    "recipe_text",
    "recorded",
    "rerun",
    "resolve",
]
