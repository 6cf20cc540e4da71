"""The wheel brings its types: a project of somebody else's is checked by `mypy --strict` against what it installs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import throwaway

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("mypy"), reason="mypy is not installed")

PROJECT = Path(__file__).with_name("projects") / "typed.py"
# what a user can get wrong -> what mypy says of it
MISTAKES = {
    "zoo.nothing": 'Module has no attribute "nothing"',
    "zoo.build(3)": 'Argument 1 to "build" has incompatible type "int"',
    'zoo.run("mlp", "iris", epochs="many")': 'Argument "epochs" to "run" has incompatible type "str"',
    'zoo.load("runs/one").metric': '"Run" has no attribute "metric"',
    'zoo.run("mlp", "iris").metrics': 'Item "None" of "Outcome | None" has no attribute "metrics"',
}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """mypy --strict in a folder of its own, of a project whose environment has the wheel."""
    base = tmp_path_factory.getbasetemp() / "throwaway"
    python, folder = throwaway.installed_wheel(base).python, tmp_path_factory.mktemp("project")

    def run(path):
        command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, str(path)]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    return run


def test_a_project_passes_mypy_strict(check):
    done = check(PROJECT)
    assert done.returncode == 0, done.stdout


def test_mistakes_are_found(check, tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text("import zoo\n" + "\n".join(MISTAKES) + "\n", encoding="utf-8")
    said = check(path).stdout.splitlines()
    for line, (code, words) in enumerate(MISTAKES.items(), start=2):
        assert [text for text in said if f"wrong.py:{line}:" in text and words in text], (code, said)
