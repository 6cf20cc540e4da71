"""The house: floors import only from below, light paths stay light, importing zoo does nothing one can see."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo import tasks

PACKAGE = Path(__file__).resolve().parent.parent / "zoo"

# ground floor first; a part may import from its own floor and from those named before it
FLOORS = [
    {"errors", "files", "native_output"},
    {"layers"},
    {"safety"},
    {"catalogue"},
    {"models"},
    {"data"},
    {"drawing"},
    {"tasks"},
    {"checks", "recipe"},
    {"runs.directory", "runs.forms", "runs.results", "runs.saving"},
    {"training"},
    {"explain", "pretrained", "runs.predictions"},
    {"report"},
    {"export", "eject"},
    {"runs"},
    {"compare"},
    {"cli", "__main__"},
]
LEVEL = {part: level for level, parts in enumerate(FLOORS) for part in parts}
ALLOWED_UP = {
    ("catalogue", "models"),  # the catalogue reads its entries, when first asked
    ("data", "recipe"),  # a dataset by the name of its recipe
    ("runs.directory", "runs"),  # a run predicts
}
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def imports(module: str) -> Iterator[str]:
    """Modules of zoo that a module imports anywhere in it, in any form, `if TYPE_CHECKING` left out."""
    tree = ast.parse(MODULES[module].read_text())
    typing = {id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and _for_types(node) for n in ast.walk(node)}
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and id(node) not in typing:
            yield from (found for alias in node.names for found in _modules(alias.name))
        elif isinstance(node, ast.ImportFrom) and id(node) not in typing:
            above = package.rsplit(".", node.level - 1)[0] + "." if node.level else ""
            base = (above + (node.module or "")).rstrip(".")
            yield from (found for alias in node.names for found in _modules(f"{base}.{alias.name}"))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("import_module", "_import_module", "__import__"):
            yield from (found for word in node.args if isinstance(word, ast.Constant) for found in _modules(word.value))


def _for_types(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.unparse(node.test) and not isinstance(node.test, ast.UnaryOp)


def _modules(name: str) -> list[str]:
    """The module that `name` is, or in which it is defined; none where it is not of zoo."""
    name = name if name in MODULES else name.rpartition(".")[0]
    return [name] if name in MODULES and name != "zoo" else []


def part_of(module: str) -> str:
    """`runs.directory` for zoo.runs.directory, `data` for zoo.data.text: the longest name that stands on a floor."""
    names = module.split(".")[1:]
    return next(part for length in (2, 1) if (part := ".".join(names[:length])) in LEVEL)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"zoo"}))
def test_floors_import_only_from_below(module):
    part = part_of(module)
    for other in map(part_of, imports(module)):
        below = LEVEL[other] <= LEVEL[part]
        assert below or (part, other) in ALLOWED_UP, f"{part} (floor {LEVEL[part]}) imports {other} ({LEVEL[other]})"


def test_no_exception_is_dead():
    used = {(part_of(module), part_of(other)) for module in set(MODULES) - {"zoo"} for other in imports(module)}
    assert used >= ALLOWED_UP


def test_no_modules_import_each_other_in_a_circle():
    """But for what `ALLOWED_UP` lists."""
    graph = {
        module: {other for other in imports(module) if (part_of(module), part_of(other)) not in ALLOWED_UP} - {module}
        for module in set(MODULES) - {"zoo"}
    }
    while free := {module for module, others in graph.items() if not others}:
        graph = {module: others - free for module, others in graph.items() if module not in free}
    assert not graph, f"in or above a circle: {sorted(graph)}"


def _said(tree: ast.AST) -> Iterator[ast.Constant]:
    """Words in code: no docstrings, and of a model's record not the tasks that it is for."""
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "tasks":
            left_out |= {id(inner) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node


@pytest.mark.parametrize("module", sorted(name for name in MODULES if not name.startswith("zoo.tasks")))
def test_none_but_tasks_know_the_name_of_a_task(module):
    named = set(tasks.names())
    found = [f"line {node.lineno}: {node.value}" for node in _said(ast.parse(MODULES[module].read_text()))
             if node.value in named]  # fmt: skip
    assert not found


@pytest.mark.parametrize(
    "module", sorted(name for name in MODULES if name != "zoo" and part_of(name) not in ("tasks", "data"))
)
def test_none_but_data_and_tasks_ask_for_a_role(module):
    tree = ast.parse(MODULES[module].read_text())
    asked = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "role"]
    assert not asked, f"lines {asked}: ask a property of the field instead"


def test_few_modules_stand_directly_in_the_package():
    assert len(list(PACKAGE.glob("*.py"))) <= 6


def test_every_form_of_import_is_seen(monkeypatch, tmp_path):
    forms = {
        "import zoo.files": "zoo.files",
        "import zoo.files as f": "zoo.files",
        "from zoo import files": "zoo.files",
        "from zoo.files import read_json": "zoo.files",
        "from . import search": "zoo.tasks.search",
        "from ..files import read_json": "zoo.files",
        "from .. import files": "zoo.files",
        "def f():\n    import zoo.files": "zoo.files",
        "import_module('zoo.files')": "zoo.files",
    }
    written = tmp_path / "module.py"
    known = {"zoo.files": PACKAGE / "files.py", "zoo.tasks.module": written, "zoo.tasks.search": written}
    monkeypatch.setattr(sys.modules[__name__], "MODULES", known)
    for line, wanted in forms.items():
        written.write_text(line)
        assert list(imports("zoo.tasks.module")) == [wanted], line
    written.write_text("if TYPE_CHECKING:\n    import zoo.files")
    assert list(imports("zoo.tasks.module")) == []


@pytest.mark.parametrize("part", ["models", "layers", "drawing", "report"])
def test_models_layers_and_pictures_know_no_tensorflow(part):
    for path in (PACKAGE / part).rglob("*.py"):
        names = {a.name for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Import) for a in n.names}
        names |= {n.module for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)}
        assert not [name for name in names if name and name.split(".")[0] == "tensorflow"], path


def test_importing_zoo_is_silent_and_leaves_nothing_running():
    code = (
        "import sys, threading, os\nbefore = dict(os.environ)\nimport zoo\nfrom zoo.models import lenet\n"
        "zoo.list_models(); zoo.describe('lenet')\n"
        "assert threading.active_count() == 1 and dict(os.environ) == before\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'pydantic'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


LIGHT = [["--help"], ["ls"], ["show", "lenet"], ["weights", "ls"],
         ["weights", "show", "lenet:mnist"], ["recipes", "ls"], ["recipes", "check"], ["results"], ["data", "ls"],
         ["run", "--help"], ["run", "lenet", "mnist", "--dry-run"]]  # fmt: skip


@pytest.mark.parametrize("arguments", LIGHT, ids=" ".join)
def test_listing_describing_and_validating_import_no_framework(arguments):
    code = (
        "import sys\nfrom zoo.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as e:\n"
        "    assert not e.code\nassert not {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
