"""The wheel in a clean environment of each supported Python, with its dependencies from the package index.

Slow, and in need of a network: some 700 MB each, unless pip has them in its cache.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import interpreters
import pytest
import throwaway

from zoo import __version__
from zoo.errors import DISTRIBUTION

pytestmark = pytest.mark.slow
CONSTRAINTS = throwaway.ROOT / "constraints.txt"
INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(CONSTRAINTS))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tmp_path_factory.mktemp("pythons")


@pytest.fixture(scope="module")
def index(base):
    """Ends the test here where the package index cannot be reached."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir", "tomli-w"]
    done = subprocess.run([*command, "--dest", str(base / "probe")], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the package index cannot be reached: {(done.stderr.splitlines() or ['?'])[-1]}")


@pytest.fixture(scope="module", params=interpreters.SUPPORTED)
def environment(request, base, index):
    """The built wheel, installed as a user would, and removed at the end: it is large."""
    python = interpreters.find(request.param)
    if python is None:
        pytest.skip(f"no Python {request.param} on this machine")
    folder = base / request.param
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    made = throwaway.Environment(folder)
    throwaway.run(made.python, *INSTALL, str(throwaway.build_wheel(base)), cwd=base)
    yield made
    shutil.rmtree(folder)


def test_what_is_installed_is_complete_and_in_the_tested_versions(environment, tmp_path):
    throwaway.run(environment.python, "-m", "pip", "--disable-pip-version-check", "check", cwd=tmp_path)
    frozen = throwaway.run(environment.python, "-m", "pip", "list", "--format=json", cwd=tmp_path).stdout
    installed = {one["name"].lower().replace("_", "-").replace(".", "-"): one["version"] for one in json.loads(frozen)}
    assert installed.pop(DISTRIBUTION) == __version__
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    tested = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert {name: found for name, found in installed.items() if found != tested.get(name)}.keys() <= {"pip"}


def test_the_doctor_finds_nothing_wrong(environment, tmp_path):
    findings = json.loads(throwaway.run(environment.zoo, "doctor", "--json", cwd=tmp_path).stdout)
    assert [finding for finding in findings if finding["state"] == "wrong"] == []


def test_lenet_runs_and_is_scored_again_to_the_same_numbers(environment, tmp_path):
    done = throwaway.run(environment.zoo, "run", "lenet", "digits", "--smoke", "--json", "--quiet", cwd=tmp_path)
    outcome = json.loads(done.stdout)
    assert outcome["examples_scored"] == outcome["examples_in_split"] == 359
    again = json.loads(throwaway.run(environment.zoo, "eval", outcome["run"], "--json", cwd=tmp_path).stdout)
    assert again["metrics"]["accuracy"] == outcome["test"]["accuracy"]


def test_the_weights_are_there_and_load(environment, tmp_path):
    listed = throwaway.run(environment.zoo, "weights", "ls", "--json", cwd=tmp_path).stdout
    assert "lenet:mnist" in listed
    throwaway.run(environment.zoo, "weights", "verify", "lenet:mnist", cwd=tmp_path)
    code = "import zoo; print(zoo.build('lenet', weights='mnist').count_params())"
    assert throwaway.run(environment.python, "-c", code, cwd=tmp_path).stdout.split()[-1] == "61706"
