"""One short hash that says whether a recorded number still belongs to what would run today."""

from __future__ import annotations

import hashlib
import inspect
import json

from zoo import tasks
from zoo.catalogue import registry
from zoo.recipe.schema import Resolved
from zoo.recipe.source import builder_source, entry_source, method_source

NUMBERS = ("losses", "encode", "steps", "objective", "scorer", "targets", "logged", "further")  # of a task
LOSSES = "LOSSES"  # a table: what else is in it changes no number


def fingerprint(resolved: Resolved) -> str:
    """Hash of the resolved recipe and the code of builder and task: equal means that the numbers still apply.

    Left out are the seed, places, and keys of the recipe that have the value they have when nobody sets them: so a key
    that is new leaves older numbers valid.
    """
    recipe = resolved.model_dump(mode="json", exclude_defaults=True)
    for key in ("seed", "strategy", "jit"):
        recipe["training"].pop(key, None)
    recipe["data"].pop("origin", None)
    builder = inspect.unwrap(registry.describe(resolved.model).builder)
    text = json.dumps(recipe, sort_keys=True)
    text += builder_source(builder.__module__, builder.__name__)
    text += method_source(type(tasks.of(resolved.data)), NUMBERS, without=[LOSSES])
    text += entry_source("zoo.tasks.objective", LOSSES, str(resolved.training.loss))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
