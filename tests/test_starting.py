"""The four ways to start the zoo: from a wheel, from a wheel beside a checkout, editable, from the checkout alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import throwaway

from zoo.recipe import list_recipes

WAYS = ("wheel, empty folder", "wheel, checkout as current folder", "editable", "checkout, python -m zoo")


@dataclass(frozen=True)
class Way:
    """How one user starts: interpreter, installed command (if any), current folder, and whose package it has to be."""

    python: str
    zoo: str | None
    cwd: Path
    package: Path  # what `python -c 'import zoo'` finds
    command_package: Path | None  # what the `zoo` command finds


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    base = tmp_path_factory.getbasetemp() / "throwaway"
    wheel, empty = throwaway.installed_wheel(base), tmp_path_factory.mktemp("empty")
    inside = next((wheel.folder / "lib").glob("python*")) / "site-packages" / "zoo"
    source = throwaway.copy_checkout(tmp_path_factory.mktemp("editable") / "checkout")
    editable = throwaway.create(tmp_path_factory.mktemp("editable") / "venv")
    editable.install("--editable", str(source))
    bare = throwaway.create(tmp_path_factory.mktemp("bare") / "venv")
    own = throwaway.ROOT / "zoo"
    return dict(
        zip(
            WAYS,
            (
                Way(wheel.python, wheel.zoo, empty, inside, inside),
                Way(wheel.python, wheel.zoo, throwaway.ROOT, own, inside),  # -m puts the current folder first
                Way(editable.python, editable.zoo, empty, source / "zoo", source / "zoo"),
                Way(bare.python, None, throwaway.ROOT, own, None),
            ),
            strict=True,
        )
    )


@pytest.fixture(params=[pytest.param(way, marks=[pytest.mark.slow] * ("current folder" in way)) for way in WAYS])
def way(request, ways):
    return ways[request.param]


def test_the_package_is_the_one_that_is_meant(way):
    said = throwaway.run(way.python, "-c", "import zoo; print(zoo.__file__)", cwd=way.cwd).stdout
    assert Path(said.strip()).parent == way.package
    if way.zoo:
        doing = (
            "import sys; sys.path.pop(0); import zoo; print(zoo.__file__)"  # a script's path lacks the current folder
        )
        assert Path(throwaway.run(way.python, "-c", doing, cwd=way.cwd).stdout.strip()).parent == way.command_package


def test_recipes_are_found_and_resolved(way):
    for zoo in ([way.python, "-m", "zoo"], [way.zoo] if way.zoo else None):
        if zoo:
            listed = throwaway.run(*zoo, "recipes", "ls", cwd=way.cwd).stdout
            assert [name for name in list_recipes() if name not in listed] == []
            resolved = throwaway.run(*zoo, "run", "lenet", "digits", "--dry-run", cwd=way.cwd).stdout
            assert 'source = "sklearn:digits"' in resolved


def test_catalogue_and_results_are_found(way):
    shown = throwaway.run(way.python, "-m", "zoo", "show", "lenet", cwd=way.cwd)
    assert "48,120" in shown.stdout
    assert shown.stderr == ""  # it says so where it has to build the model for want of the catalogue
    throwaway.run(way.python, "-m", "zoo", "results", cwd=way.cwd)
