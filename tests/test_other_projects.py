"""Projects that build on the zoo, as their authors would write them (tests/projects), each in processes of its own.

A third way, a package that adds a model and a recipe and runs them by name, is in test_plugin.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

PROJECTS = Path(__file__).with_name("projects")


def run(script, *arguments):
    """What a project says, run away from the checkout and with no help of the tests."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("KERAS", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, str(PROJECTS / script), *map(str, arguments)],
        capture_output=True, text=True, env=environment, cwd=arguments[0],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(line.split() for line in done.stdout.splitlines())


def big_digits(size):
    return np.kron(load_digits().images[1200:], np.ones((1, size, size)))[..., None] / 16


def reloaded(folder, *names, **inputs):
    """What each of these networks says, loaded in a process of its own."""
    np.savez(folder / "inputs.npz", **inputs)
    run("loading.py", folder, *names)
    return [np.load(folder / f"{name}.again.npy") for name in names]


def test_builders_and_a_layer_train_save_and_load(tmp_path):
    accuracies = run("borrowing.py", tmp_path)
    assert set(accuracies) == {"lenet", "own"} and min(map(float, accuracies.values())) > 0.8
    x = np.pad(big_digits(3), [(0, 0), (4, 4), (4, 4), (0, 0)])
    for name, found in zip(accuracies, reloaded(tmp_path, *accuracies, x=x), strict=True):
        np.testing.assert_allclose(found, np.load(tmp_path / f"{name}.npy"), atol=1e-5)


@pytest.mark.slow
def test_builders_inside_a_functional_network(tmp_path):
    assert float(run("combining.py", tmp_path)["combined"]) > 0.8
    columns = load_digits().images[1200:].sum(axis=1) / 64
    (found,) = reloaded(tmp_path, "combined", image=big_digits(4), columns=columns)
    np.testing.assert_allclose(found, np.load(tmp_path / "combined.npy"), atol=1e-5)


@pytest.mark.parametrize("path", sorted(PROJECTS.glob("*.py")), ids=lambda path: path.name)
def test_they_import_only_what_is_public(path):
    lines = [line for line in path.read_text().splitlines() if line.startswith(("import zoo", "from zoo"))]
    assert lines and all(line.split()[1] in ("zoo", "zoo.layers", "zoo.models") for line in lines)
