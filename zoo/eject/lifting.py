"""A function or class of the zoo with everything of the zoo that it leans on, as source that stands alone.

The text is taken from the source files as it is, comments included; nothing is imported for it. Registration is left
out, imports move to the top, and the zoo's errors become plain ValueErrors.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo.errors import UsageError

ERRORS = {
    "unknown": '''def unknown(what, name, known, remedy=""):
    """The error for a name that is not among the known ones."""
    return ValueError(f"unknown {what} {name!r}; known: {', '.join(known)}")''',
}
Imports = dict[str, set[str]]  # module -> names imported from it; "" stands for the module itself


@dataclass
class Lifted:
    """Source code: what it imports, and its parts by module and name, each after those that it leans on."""

    imports: Imports = field(default_factory=dict)
    parts: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """All parts; two blank lines around functions and classes."""
        text, last = "", ""
        for part in self.parts.values():
            gap = "\n" if _is_value(part) and _is_value(last) else "\n\n\n"
            text, last = f"{text}{gap if text else ''}{part}", part
        return text


def _is_value(part: str) -> bool:
    return not part.startswith(("def ", "class ", "@"))


def import_lines(imports: Imports) -> str:
    """Import statements: the standard library's, then the others'."""
    lines: dict[bool, list[str]] = {True: [], False: []}
    for module, names in sorted(imports.items()):
        group = lines[module.split(".")[0].split(" ")[0] in sys.stdlib_module_names]
        group += [f"import {module}"] if "" in names else []
        listed = ", ".join(sorted(names - {""}))
        group += [f"from {module} import {listed}"] if listed else []
    blocks = [sorted(group, key=lambda line: (line.startswith("from"), line.lower())) for group in lines.values()]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def lift(target: Callable[..., Any], into: Lifted | None = None) -> Lifted:
    """The source of a function or class and of all that it uses of zoo and of its own package.

    Raises:
        UsageError: it is not written in a file, two things in it have one name, or it uses a module as a whole.
    """
    return lift_name(target.__module__, target.__name__, into)


def lift_name(module: str, name: str, into: Lifted | None = None) -> Lifted:
    """The same for a name at the top of a module."""
    lifted = into or Lifted()
    _Lifter(lifted, {"zoo", module.split(".")[0]}).lift(module, name)
    return lifted


@dataclass(frozen=True)
class _Module:
    """A source file: its lines, and what each name at its top stands for."""

    lines: list[str]
    names: dict[str, ast.stmt]

    def text(self, statement: ast.stmt) -> tuple[int, list[str]]:
        """Lines of a statement with the comments right above it, its decorators left out; number of the first."""
        first = statement.lineno
        while first > 1 and self.lines[first - 2].startswith("#"):
            first -= 1
        return first, self.lines[first - 1 : statement.end_lineno]


@cache
def _read(module: str) -> _Module:
    path = _file(module)
    if path is None:
        raise UsageError(f"the source of {module} is not at hand, so nothing can be taken out of it")
    source = path.read_text(encoding="utf-8")
    names: dict[str, ast.stmt] = {}
    for statement in _top(ast.parse(source).body):
        names |= dict.fromkeys(_defined(statement), statement)
    return _Module(source.splitlines(), names)


def _file(module: str) -> Path | None:
    """Where a module is written. Only its outermost package is looked for, so that nothing is imported."""
    root, *rest = module.split(".")
    spec = find_spec(root)
    places = spec.submodule_search_locations if spec else None
    if not places:
        return Path(spec.origin) if spec and spec.origin and not rest else None
    stem = Path(next(iter(places)), *rest)
    return next((path for path in (stem / "__init__.py", stem.with_suffix(".py")) if path.is_file()), None)


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module, of an `if TYPE_CHECKING` those in it."""
    for statement in body:
        if isinstance(statement, ast.If):
            yield from statement.body
        else:
            yield statement


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in statement.names]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    parts = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [part.id for part in parts if isinstance(part, ast.Name)]


class _Lifter:
    """Goes from name to name, depth first."""

    def __init__(self, lifted: Lifted, roots: set[str]) -> None:
        self.lifted, self.roots = lifted, roots
        self.seen = set(lifted.parts)

    def lift(self, module: str, name: str) -> None:
        """Add what `name` stands for in a module, after what it leans on."""
        statement = _read(module).names.get(name)
        if statement is None or (module, name) in self.seen:  # a builtin, an argument, a local name; or there already
            return
        self.seen.add((module, name))
        if isinstance(statement, ast.Assign):  # of several names at once, perhaps
            self.seen |= {(module, other) for other in _defined(statement)}
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self._follow(statement, name)
            return
        for used in _used(statement):
            self.lift(module, used)
        for inner in _imports_in(statement):
            for alias in inner.names:
                self._follow(inner, alias.asname or alias.name)
        self._add(module, name, _source(_read(module), statement))

    def _follow(self, statement: ast.Import | ast.ImportFrom, name: str) -> None:
        """Go after an import into our own packages, or take it along."""
        alias = next(alias for alias in statement.names if name == (alias.asname or alias.name))
        origin = (statement.module or "") if isinstance(statement, ast.ImportFrom) else alias.name
        if origin == "zoo.errors":
            if name in ERRORS:
                self._add(origin, name, ERRORS[name])
        elif origin.split(".")[0] in self.roots:
            if alias.name not in _read(origin).names:
                raise UsageError(
                    f"not written as a script: its code leans on all of {origin}.{alias.name}\n"
                    "use it by its builder instead: from zoo.models import ..."
                )
            self.lift(origin, alias.name)
        elif isinstance(statement, ast.ImportFrom):
            self.lifted.imports.setdefault(origin, set()).add(ast.unparse(alias))
        else:
            self.lifted.imports.setdefault(ast.unparse(alias), set()).add("")

    def _add(self, module: str, name: str, source: str) -> None:
        if any(other == name and place != module for place, other in self.lifted.parts):
            raise UsageError(f"two things are called {name} in what this is made of, so it does not go into one script")
        self.lifted.parts[module, name] = source


def _used(statement: ast.stmt) -> list[str]:
    """Names that a statement reads, in their order; those of decorators that register a model do not count."""
    kept = [node for node in ast.iter_child_nodes(statement) if not _registers(node)]
    names = [node for child in kept for node in ast.walk(child) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(node.id for node in sorted(names, key=lambda node: (node.lineno, node.col_offset))))


def _source(module: _Module, statement: ast.stmt) -> str:
    """The text of a statement without imports in it, without registration and without what is said to linters."""
    first, lines = module.text(statement)
    decorators = [d for d in getattr(statement, "decorator_list", []) if not _registers(d)]
    above = [line for d in decorators for line in module.lines[d.lineno - 1 : d.end_lineno]]
    dropped = {line for i in _imports_in(statement) for line in range(i.lineno, (i.end_lineno or i.lineno) + 1)}
    dropped |= {line + 1 for line in dropped if _is_gap(module.lines[line : line + 2])}
    kept = [_unmarked(line) for number, line in enumerate(lines, start=first) if number not in dropped]
    tight = [line for i, line in enumerate(kept) if line or (i and kept[i - 1] and not kept[i - 1].endswith(":"))]
    return "\n".join(above + tight)


def _is_gap(lines: list[str]) -> bool:
    """Whether the first line is blank and the next one begins no function or class, which keep it."""
    return not lines[0].strip() and _is_value(lines[1].lstrip())


def _registers(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "register"


def _imports_in(statement: ast.stmt) -> list[ast.Import | ast.ImportFrom]:
    return [node for node in ast.walk(statement) if isinstance(node, ast.Import | ast.ImportFrom)]


def _unmarked(line: str) -> str:
    line = line.replace("UsageError", "ValueError")
    for mark in ("  # noqa", "  # type:"):
        line = line.partition(mark)[0]
    return line
