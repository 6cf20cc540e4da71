"""One short hash that says whether a recorded number still belongs to what would run today."""

from __future__ import annotations

import hashlib
import inspect
import json

from zoo.catalogue import registry
from zoo.recipe.schema import Resolved
from zoo.recipe.source import builder_source

LATER = (  # keys that came after the first records: where they have their defaults, older numbers still apply
    ("training", "scale_learning_rate"),
    ("data", "validation"),
    ("data", "test_split"),
    ("data", "validation_split"),
    ("data", "classes"),
    ("data", "examples_a_class"),
    ("data", "text"),
    ("data", "series"),
    ("data", "stream"),
)


def fingerprint(resolved: Resolved) -> str:
    """Hash of (resolved recipe + builder source), seed and places left out: equal means the numbers still apply."""
    recipe = resolved.model_dump(mode="json")
    for key in ("seed", "strategy", "jit"):
        del recipe["training"][key]
    del recipe["data"]["origin"]
    if resolved.transfer is None:
        del recipe["transfer"]
    for section, key in LATER:
        if getattr(getattr(resolved, section), key) == type(getattr(resolved, section)).model_fields[key].default:
            del recipe[section][key]
    builder = inspect.unwrap(registry.describe(resolved.model).builder)
    text = json.dumps(recipe, sort_keys=True) + builder_source(builder.__module__, builder.__name__)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
