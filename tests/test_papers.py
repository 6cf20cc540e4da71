"""The project's own papers: name, licence, versions, and what a newcomer is told agree with the code."""

from __future__ import annotations

import ast
import configparser
import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from zoo import __version__
from zoo.errors import DISTRIBUTION, pip_install

ROOT = Path(__file__).resolve().parent.parent
LINE = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*")


def script(name: str, *arguments: str) -> str:
    """What a script in scripts/ prints."""
    command = [sys.executable, "-B", str(ROOT / "scripts" / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def setup_cfg() -> configparser.ConfigParser:
    """setup.cfg, read."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_the_distribution_has_one_name():
    assert setup_cfg()["metadata"]["name"] == DISTRIBUTION != "zoo"  # another project holds `zoo` on the package index


def test_every_install_hint_names_the_distribution_and_an_extra_that_exists():
    extras = setup_cfg()["options.extras_require"]
    wrong = [path for path in ROOT.glob("zoo/**/*.py") if "'zoo[" in path.read_text(encoding="utf-8")]
    used = [
        line.split("pip_install('")[1].split("'")[0]
        for path in ROOT.glob("zoo/**/*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "pip_install('" in line
    ]
    assert wrong == []
    assert set(used) == {"gpu", "tensorboard", "translate", "export", "detect"} <= set(extras)
    assert pip_install("export") == "pip install 'classic-networks-zoo[export]'"


def constraints() -> dict[str, str]:
    """Versions by name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def imported() -> set[str]:
    """Packages that modules of zoo import, the standard library and zoo itself left out."""
    nodes = [node for path in ROOT.glob("zoo/**/*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"zoo"}


def test_every_package_that_zoo_imports_is_required_by_name():
    settings = setup_cfg()
    lines = [settings["options"]["install_requires"], *settings["options.extras_require"].values()]
    required = {canonicalize_name(Requirement(line).name) for text in lines for line in text.split("\n") if line}
    brought_by = packages_distributions()
    undeclared = [n for n in imported() if not {canonicalize_name(d) for d in brought_by.get(n, [n])} & required]
    assert undeclared == []


def test_the_constraints_are_the_versions_that_these_tests_run_with():
    code = (
        "from dependencies import needed; print(*(f'{n}=={o.installed.version}' for n, o in needed(['dev']).items()))"
    )
    used = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True
    )
    here = dict(entry.split("==") for entry in used.stdout.split())
    pinned = constraints()
    assert {name: (version, pinned.get(name)) for name, version in here.items() if pinned.get(name) != version} == {}, (
        "if the newer versions pass the tests: .venv/bin/python scripts/constraints"
    )


def test_the_constraints_name_versions_and_nothing_of_a_machine():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("# ") and not LINE.fullmatch(line)] == []
    assert list(constraints()) == sorted(constraints())
    assert {"tensorflow", "keras", "numpy", "pytest", "ruff"} <= set(constraints())


@pytest.fixture
def checkout(tmp_path):
    """A folder that scripts/environment takes for a checkout; its interpreter writes down how it is called."""
    root = tmp_path / "a checkout"
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in ("setup.cfg", "constraints.txt"):
        (root / name).write_text(f"{name}\n", encoding="utf-8")
    python = root / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\nprintf "%s|" "$@" >> "$(dirname "$0")/calls"\necho >> "$(dirname "$0")/calls"\n')
    python.chmod(0o755)
    return root


def calls_of_ensure(root: Path, extra: str) -> list[str]:
    """How the checkout's interpreter has been called after one more `ensure_environment`."""
    code = f'. "{ROOT}/scripts/environment"; ensure_environment "$1" "$2"'
    environment = os.environ | {"PYTHON": sys.executable}
    subprocess.run(["sh", "-euc", code, "sh", str(root), extra], env=environment, check=True, capture_output=True)
    calls = root / ".venv" / "bin" / "calls"
    return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


def test_the_environment_is_made_with_the_constraints_once_and_again_when_they_change(checkout):
    (call,) = calls_of_ensure(checkout, "dev")
    assert f"|--constraint|{checkout}/constraints.txt|-e|{checkout}[dev]|" in call
    assert len(calls_of_ensure(checkout, "dev")) == 1
    assert len(calls_of_ensure(checkout, "")) == 1  # the developers' environment runs zoo as well
    for changed, name in enumerate(("constraints.txt", "setup.cfg"), start=2):
        (checkout / name).write_text("newer\n", encoding="utf-8")
        assert len(calls_of_ensure(checkout, "dev")) == changed


def test_the_bill_of_materials_names_what_is_installed_and_repeats():
    said = script("sbom")
    found = json.loads(said)
    assert said == script("sbom")
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert found["metadata"]["component"]["name"] == DISTRIBUTION
    held = {component["name"]: component for component in found["components"]}
    assert {"tensorflow", "keras", "h5py"} <= set(held)  # h5py comes through keras
    assert not {"pytest", "ruff", "onnx"} & set(held)
    assert {name: one["version"] for name, one in held.items()}.items() <= constraints().items()
    assert held["keras"]["purl"] == f"pkg:pypi/keras@{held['keras']['version']}"
    known = {component["bom-ref"] for component in [*held.values(), found["metadata"]["component"]]}
    assert {edge["ref"] for edge in found["dependencies"]} == known
    assert {end for edge in found["dependencies"] for end in edge["dependsOn"]} < known
    assert "onnx" in {component["name"] for component in json.loads(script("sbom", "--extras", "export"))["components"]}


PAPERS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


@pytest.mark.parametrize("name", PAPERS)
def test_what_a_paper_points_to_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("http")]
    named = re.findall(r"\b(?:scripts|zoo|recipes|tests)/[\w./]+", text)
    paths = [*links, *(path.rstrip(".") for path in named if "NAME" not in path)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_citation_is_of_this_version_and_licence():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    metadata = setup_cfg()["metadata"]
    assert (cited["cff-version"], cited["version"]) == ("1.2.0", __version__)
    assert cited["license"] == metadata["license_expression"]
    assert cited["authors"] == [{"name": metadata["author"]}]


def test_the_changelog_has_the_version_or_says_that_it_is_to_come():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in text and __version__ in text


def test_the_hooks_run_scripts_that_are_there_before_each_commit_and_push():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert {hook["stages"][0]: hook["entry"] for hook in hooks} == {
        "pre-commit": "./scripts/checks",
        "pre-push": "./scripts/test",
    }
    assert all(os.access(ROOT / hook["entry"], os.X_OK) for hook in hooks)


def test_litter_is_ignored_and_nothing_tracked_is():
    litter = [
        ".venv/x",
        "zoo/__pycache__/a.pyc",
        "a.swp",
        "zoo/files.py~",
        ".idea/a",
        ".vscode/a",
        ".DS_Store",
        "runs/a",
    ]
    command = ["git", "check-ignore", "--no-index", *litter]
    ignored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    assert ignored.split() == litter
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
