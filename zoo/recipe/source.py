"""The source code that a number hangs on, as text that is the same under every version of Python.

Standard library alone, and nothing is imported: files are read and their syntax trees compared.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def builder_source(module: str, name: str) -> str:
    """A builder's code and all that it uses of its module and of the zoo's models and layers, name by name.

    Without decorators, annotations, comments and docstrings: what is said about a network does not change its numbers.
    Nothing is imported.
    """
    found: dict[tuple[str, str], str] = {}
    _collect(module, name, found)
    return "\n".join(found[key] for key in sorted(found))


def method_source(kind: type, methods: Collection[str], without: Collection[str] = ()) -> str:
    """The code of a class's methods and attributes, and all that they use of the class, its bases and the zoo.

    Of the zoo that is models, layers and tasks. Names in `without` are not followed.
    """
    found: dict[tuple[str, str], str] = {("", name): "" for name in without}
    ours = [base for base in kind.__mro__ if base.__module__ != "builtins"]
    wanted, seen = list(methods), set(methods)
    while wanted:
        name = wanted.pop()
        for base in (base for base in ours if name in vars(base)):
            tree, names, own = _member(base, name)
            found[base.__module__, f"{base.__name__}.{name}"] = tree
            for used in names:
                _collect(base.__module__, used, found)
            wanted += [other for other in own if other not in seen]
            seen |= set(own)
    return "\n".join(found[key] for key in sorted(found))


def _member(kind: type, name: str) -> tuple[str, list[str], list[str]]:
    """Of a method or attribute as a class defines it: its tree, the names it uses, and what it uses of `self`."""
    path = Path(str(sys.modules[kind.__module__].__file__))
    tree = _parsed(path, path.stat().st_mtime_ns)
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
    bare = _bare(next(node for node in body if name in _defines(node)))
    used = sorted({inner.id for inner in ast.walk(bare) if isinstance(inner, ast.Name)})
    own = sorted({inner.attr for inner in ast.walk(bare) if isinstance(inner, ast.Attribute)})
    return _tree(bare), used, own


def entry_source(module: str, table: str, key: str) -> str:
    """The entry of a table of the zoo, a dict written out in a module, and the zoo's code that it names."""
    path = _file(module)
    assert path is not None
    tree = _parsed(path, path.stat().st_mtime_ns)
    node = next(node for node in tree.body if table in _defines(node))
    literal = next(inner for inner in ast.walk(node) if isinstance(inner, ast.Dict))
    entries = {name.value: value for name, value in zip(literal.keys, literal.values, strict=True)
               if isinstance(name, ast.Constant)}  # fmt: skip
    if key not in entries:
        return ""
    found: dict[tuple[str, str], str] = {}
    for inner in ast.walk(entries[key]):
        if isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "zoo.layers":
            _collect("zoo.layers", inner.attr, found)
    return _tree(entries[key]) + "\n".join(found[name] for name in sorted(found))


def _collect(module: str, name: str, found: dict[tuple[str, str], str]) -> None:
    path = _file(module)
    if path is None or (module, name) in found or ("", name) in found:
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
    tree = _parsed(path, changed)
    imported = {alias.asname or alias.name: (place, alias.name) for place, alias in _imports(tree)}
    defined: dict[str, tuple[str, list[str]]] = {}
    for node in tree.body:
        if names := _defines(node):
            bare = _bare(node)
            used = sorted({inner.id for inner in ast.walk(bare) if isinstance(inner, ast.Name)})
            defined = {name: (_tree(bare), used) for name in names} | defined  # the first one counts
    return defined, imported


@cache
def _parsed(path: Path, changed: int) -> ast.Module:
    """The syntax tree of a file as it was changed last."""
    return ast.parse(path.read_text(encoding="utf-8"))


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
    """What is imported of the zoo's models, layers and tasks anywhere in a module, with the module it comes from."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    ours = [node for node in nodes if str(node.module).startswith(("zoo.layers", "zoo.models", "zoo.tasks"))]
    return [(str(node.module), alias) for node in ours for alias in node.names]


def _bare(node: ast.stmt) -> ast.stmt:
    """A definition without decorators, annotations and docstrings."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.arg):
            inner.annotation = None
        if isinstance(inner, ast.AnnAssign):
            inner.annotation = ast.Constant("")
        if isinstance(inner, ast.FunctionDef):
            inner.returns = None
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
