"""One short hash that says whether a recorded number still belongs to what would run today."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from importlib.util import find_spec
from pathlib import Path

from zoo import registry
from zoo.recipe.schema import Resolved


def fingerprint(resolved: Resolved) -> str:
    """Hash of (resolved recipe + builder source), seed and places left out: equal means the numbers still apply."""
    recipe = resolved.model_dump(mode="json")
    for key in ("seed", "strategy", "jit"):
        del recipe["training"][key]
    if not recipe["training"]["scale_learning_rate"]:
        del recipe["training"]["scale_learning_rate"]
    source = _source(inspect.unwrap(registry.describe(resolved.model).builder).__module__)
    text = json.dumps(recipe, sort_keys=True) + source
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _source(module: str) -> str:
    """A module's code and that of the zoo's layers it uses, without comments and docstrings; nothing is imported."""
    path = _file(module)
    if path is None:
        return ""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    used = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.unparse(tree) + "".join(_source(name) for name in sorted(used) if name.startswith("zoo.layers"))


def _file(module: str) -> Path | None:
    """Where a module's source is; its parents are found by path, since importing zoo.layers imports Keras."""
    top, *rest = module.split(".")
    found = find_spec(top)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    places = [folder.joinpath(*rest, "__init__.py"), folder.joinpath(*rest).with_suffix(".py"), Path(found.origin)]
    return next((place for place in (places if rest else places[2:]) if place.is_file()), None)
