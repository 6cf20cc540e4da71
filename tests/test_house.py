"""The house: floors import only from below, light paths stay light, importing zoo does nothing one can see."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "zoo"

# ground floor first; a part may import from parts named before it
FLOORS = [
    {"errors", "metrics", "spec", "files", "forms", "places", "quiet", "arithmetic", "safety", "cluster"},
    {"registry", "catalogue", "inspect"},
    {"layers", "models"},
    {"data"},
    {"drawing", "decoding"},
    {"tasks"},
    {"checks", "recipe"},
    {"runs", "results"},
    {"training", "pretrained"},
    {"report"},
    {"provenance", "scoring", "speaking", "doctor", "eject", "export"},
    {"job", "launching", "publishing"},
    {"cli", "__main__"},
]
LEVEL = {part: level for level, parts in enumerate(FLOORS) for part in parts}
ALLOWED_UP = {
    ("registry", "models"),  # the catalogue reads its entries, when first asked
    ("catalogue", "models"),
    ("data", "recipe"),  # a dataset by the name of its recipe
    ("runs", "layers"),
    ("checks", "training"),  # starts TensorFlow quietly where the command line runs it
}


def imports(path):
    """Parts of zoo that a module imports anywhere in it, `if TYPE_CHECKING` left out."""
    tree = ast.parse(path.read_text())
    skipped = {id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) for n in ast.walk(node)}  # fmt: skip  # noqa: E501
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "zoo":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("zoo."):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_floors_import_only_from_below(path):
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part == "__init__":
        return
    for other in imports(path):
        below = LEVEL[other] <= LEVEL[part]
        assert below or (part, other) in ALLOWED_UP, f"{part} (floor {LEVEL[part]}) imports {other} ({LEVEL[other]})"


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
