"""What `pip install classic-networks-zoo` brings: the built wheel, looked into, installed and used elsewhere."""

from __future__ import annotations

import json
import sys
import tarfile
from email.parser import Parser
from zipfile import ZipFile

import pytest
import throwaway

from zoo import __version__, list_models
from zoo.errors import DISTRIBUTION
from zoo.recipe import list_recipes

INFO = f"{DISTRIBUTION.replace('-', '_')}-{__version__}.dist-info"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "throwaway"


@pytest.fixture(scope="module")
def wheel(base):
    with ZipFile(throwaway.build_wheel(base)) as opened:
        yield opened


@pytest.fixture(scope="module")
def environment(base):
    return throwaway.installed_wheel(base)


def test_the_wheel_holds_every_module_and_every_data_file(wheel):
    held = set(wheel.namelist())
    package = throwaway.ROOT / "zoo"
    wanted = {str(path.relative_to(throwaway.ROOT)) for path in package.rglob("*.py")}
    wanted |= {"zoo/catalogue/layer_tables.json", "zoo/py.typed"}
    wanted |= {str(path.relative_to(throwaway.ROOT)) for path in package.rglob("*.html")}
    pretrained = package / "pretrained"
    shipped = [*pretrained.glob("*.json"), *pretrained.glob("files/*/*")]
    wanted |= {str(path.relative_to(throwaway.ROOT)) for path in shipped}
    assert wanted - held == set()


def test_the_wheel_holds_the_recipes_and_results_below_the_package(wheel):
    held = {name.removeprefix("zoo/") for name in wheel.namelist() if name.startswith("zoo/recipes/")}
    folder = throwaway.ROOT / "recipes"
    shipped = [*folder.glob("*.toml"), *folder.glob("results/*.json")]
    assert {str(path.relative_to(throwaway.ROOT)) for path in shipped} == held


def test_the_wheel_installs_no_other_top_level_name(wheel):
    assert {name.split("/")[0] for name in wheel.namelist()} == {"zoo", INFO}
    assert not [name for name in wheel.namelist() if any(part.startswith("test") for part in name.split("/"))]


def test_the_metadata_names_extras_python_and_command(wheel):
    metadata = Parser().parsestr(wheel.read(f"{INFO}/METADATA").decode())
    assert {"gpu", "tensorboard", "dev"} <= set(metadata.get_all("Provides-Extra"))
    assert set(metadata["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    always = {line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line}
    assert (metadata["Name"], metadata["License-Expression"]) == (DISTRIBUTION, "Apache-2.0")
    assert {"LICENSE", "NOTICE"} == set(metadata.get_all("License-File"))
    assert {f"{INFO}/licenses/LICENSE", f"{INFO}/licenses/NOTICE"} <= set(wheel.namelist())
    assert "importlib_resources" in always  # tensorflow-datasets needs it and does not say so
    assert not any(line.startswith(("tensorboard", "torch", "jax")) for line in always)
    assert "zoo = zoo.cli:main" in wheel.read(f"{INFO}/entry_points.txt").decode()


def test_the_source_archive_holds_papers_recipes_and_constraints(base, tmp_path):
    sources = throwaway.copy_checkout(tmp_path / "sources")
    build = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(sources)]
    throwaway.run(*build, cwd=tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    recipes = {f"recipes/{name}.toml" for name in list_recipes()}
    assert {*throwaway.PAPERS, "constraints.txt", "zoo/catalogue/layer_tables.json"} | recipes <= held


def test_help_says_what_there_is(environment, tmp_path):
    assert "zoo run lenet digits" in throwaway.run(environment.zoo, "--help", cwd=tmp_path).stdout


def test_ls_lists_the_same_models_as_the_checkout(environment, tmp_path):
    rows = json.loads(throwaway.run(environment.zoo, "ls", "--json", cwd=tmp_path).stdout)
    assert [row["name"] for row in rows] == list_models()


def test_show_has_its_layer_table_without_building(environment, tmp_path):
    done = throwaway.run(environment.zoo, "show", "lenet", cwd=tmp_path)
    assert "61,706" in done.stdout
    assert "48,120" in done.stdout  # the row of C5
    assert done.stderr == ""


def test_python_m_zoo_finds_the_shipped_recipes(environment, tmp_path):
    said = throwaway.run(environment.python, "-m", "zoo", "recipes", "ls", cwd=tmp_path).stdout
    assert [name for name in list_recipes() if name not in said] == []


def test_a_smoke_run_trains_scores_and_draws_in_an_empty_folder(environment, tmp_path):
    done = throwaway.run(environment.zoo, "run", "lenet", "digits", "--smoke", "--json", "--quiet", cwd=tmp_path)
    outcome = json.loads(done.stdout)
    assert outcome["examples_scored"] == outcome["examples_in_split"] == 359
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    written = {path.name for path in (tmp_path / outcome["run"]).iterdir()}
    assert {"recipe.toml", "run.json", "metrics.json", "history.csv", "model.keras", "report.html"} <= written
