"""The source code that a number hangs on, as text that is the same under every version of Python.

Standard library alone, and nothing is imported: files are read and their syntax trees compared.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def builder_source(module: str, name: str) -> str:
    """A builder's code and all that it uses of its module and of the zoo's models and layers, name by name.

    Without decorators, comments and docstrings: what is said about a network does not change its numbers. Nothing is
    imported.
    """
    found: dict[tuple[str, str], str] = {}
    _collect(module, name, found)
    return "\n".join(found[key] for key in sorted(found))


def _collect(module: str, name: str, found: dict[tuple[str, str], str]) -> None:
    path = _file(module)
    if path is None or (module, name) in found:
        return
    defined, imported = _module(path, path.stat().st_mtime_ns)
    if name not in defined:
        if name in imported:  # a package hands on what its modules define
            _collect(*imported[name], found)
        return
    found[module, name], names = defined[name]
    for used in names:
        _collect(*imported.get(used, (module, used)), found)


@cache
def _module(path: Path, changed: int) -> tuple[dict[str, tuple[str, list[str]]], dict[str, tuple[str, str]]]:
    """Of a file as it was changed last: what it defines, with the names that this uses, and what it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {alias.asname or alias.name: (place, alias.name) for place, alias in _imports(tree)}
    defined: dict[str, tuple[str, list[str]]] = {}
    for node in tree.body:
        if names := _defines(node):
            bare = _bare(node)
            used = sorted({inner.id for inner in ast.walk(bare) if isinstance(inner, ast.Name)})
            defined = {name: (_tree(bare), used) for name in names} | defined  # the first one counts
    return defined, imported


def _tree(node: Any) -> str:
    """A syntax tree without places, and without what is empty: versions of Python differ in the fields that may be.

    Python 3.12 ends the format of a value in an f-string with an empty text.
    """
    if isinstance(node, ast.JoinedStr):
        node.values = [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({', '.join(f'{name}={_tree(value)}' for name, value in fields)})"
    if isinstance(node, list):
        return f"[{', '.join(map(_tree, node))}]"
    return repr(node)


def _defines(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _imports(tree: ast.Module) -> list[tuple[str, ast.alias]]:
    """What is imported of the zoo's models and layers anywhere in a module, with the module it comes from."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in nodes if str(node.module).startswith(("zoo.layers", "zoo.models"))]
    return [(str(node.module), alias) for node in ours for alias in node.names]


def _bare(node: ast.stmt) -> ast.stmt:
    """A definition without decorators and docstrings."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef):
            inner.decorator_list = []
            if ast.get_docstring(inner) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
    return node


def _file(module: str) -> Path | None:
    """Where a module's source is; its parents are found by path, since importing zoo.layers imports Keras."""
    top, *rest = module.split(".")
    found = find_spec(top)
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    places = [folder.joinpath(*rest, "__init__.py"), folder.joinpath(*rest).with_suffix(".py"), Path(found.origin)]
    return next((place for place in (places if rest else places[2:]) if place.is_file()), None)
