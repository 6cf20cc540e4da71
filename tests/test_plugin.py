"""Other packages add models and recipes through entry points: a good plug-in, and several bad ones beside it."""

from __future__ import annotations

import json

import pytest
import throwaway

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "1.0"

[project.entry-points."zoo.models"]
{models}

[project.entry-points."zoo.recipes"]
{recipes}

[tool.setuptools]
packages = {packages}

[tool.setuptools.package-data]
"*" = ["*.toml"]
"""

MODEL = '''
from zoo import register


@register(
    "{name}", family="theirs", year=2020, paper="Nobody 2020, Nothing", idea="One hidden layer of somebody else's.",
    inputs=("tabular",), tasks=("binary", "classification"), params=17,
)
def network(input_shape=(2,), num_classes=1, classifier_activation="sigmoid", units=4):
    """Dense: (batch, features) -> (batch, units) -> (batch, num_classes)."""
    import keras

    inputs = keras.Input(input_shape)
    x = keras.layers.Dense(units, activation="tanh")(inputs)
    outputs = keras.layers.Dense(num_classes, activation=classifier_activation, dtype="float32")(x)
    return keras.Model(inputs, outputs, name="network")
'''

RECIPE = """
title = "Moons of theirs"

[data]
source = "generated:moons"
kind = "tabular"
task = "binary"
input_shape = [2]
train = 200
test = 90

[training]
epochs = 20
batch_size = 20

[models.theirs.knobs]
units = 8
"""


def write_package(folder, files, models="", recipes=""):
    """A package's sources: `files` by their path inside it; entry points to the modules `models` and `recipes`."""
    for path, text in {"__init__.py": "", **files}.items():
        place = folder / folder.name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    folders = sorted({place.parent for place in (folder / folder.name).rglob("*.*")})
    project = PROJECT.format(
        name=folder.name,
        models=f'models = "{folder.name}.{models}"' if models else "",
        recipes=f'recipes = "{folder.name}.{recipes}"' if recipes else "",
        packages=json.dumps([".".join(place.relative_to(folder).parts) for place in folders]),
    )
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    return str(folder)


def model(name):
    """A module that registers a small network under this name."""
    return MODEL.format(name=name)


THEIRS = {
    "models.py": model("theirs"),
    "recipes/theirdata.toml": RECIPE,
    "recipes/digits.toml": "title = 'not the digits of the zoo'",
}
FAULTY = {"models.py": model("half") + "\nimport a_package_that_nobody_has\n"}
TAKEN = {"models.py": model("lenet")}
MISTAKEN = {"recipes/mistaken.toml": RECIPE.replace("epochs", "epoch")}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The zoo's wheel with one good plug-in and three that are wrong in different ways."""
    sources = tmp_path_factory.mktemp("plugins")
    made = throwaway.create(tmp_path_factory.mktemp("with-plugins") / "venv")
    made.install(
        str(throwaway.build_wheel(tmp_path_factory.getbasetemp() / "throwaway")),
        write_package(sources / "zoo_theirs", THEIRS, models="models", recipes="recipes"),
        write_package(sources / "zoo_faulty", FAULTY, models="models", recipes="nowhere.recipes"),
        write_package(sources / "zoo_taken", TAKEN, models="models"),
        write_package(sources / "zoo_mistaken", MISTAKEN, recipes="recipes"),
    )
    return made


def rows(environment, cwd):
    """What `zoo ls` lists, by name."""
    listed = throwaway.run(environment.zoo, "ls", "--json", cwd=cwd).stdout
    return {row["name"]: row for row in json.loads(listed)}


def test_its_model_is_listed_with_where_it_comes_from(environment, tmp_path):
    listed = rows(environment, tmp_path)
    assert listed["theirs"]["origin"] == "zoo_theirs"
    assert listed["lenet"]["origin"] == "zoo"


def test_its_model_is_built_and_shown(environment, tmp_path):
    said = throwaway.run(environment.zoo, "show", "theirs", cwd=tmp_path).stdout
    assert "zoo_theirs" in said
    assert said.splitlines()[-1].split() == ["total", "17"]  # (2 + 1) * 4 + (4 + 1) * 1, built


def test_its_model_runs_on_its_own_recipe_by_name(environment, tmp_path):
    done = throwaway.run(environment.zoo, "run", "theirs", "theirdata", "--smoke", "--json", cwd=tmp_path)
    outcome = json.loads(done.stdout)
    assert (outcome["model"], outcome["dataset"]) == ("theirs", "theirdata")
    assert outcome["params"] == 33  # (2 + 1) * 8 + (8 + 1) * 1: the recipe's table for it says 8 units
    assert outcome["examples_scored"] == outcome["examples_in_split"] == 90


def test_its_recipe_stands_beside_the_zoos_own_which_win(environment, tmp_path):
    throwaway.run(environment.zoo, "run", "perceptron.sigmoid", "theirdata", "--dry-run", cwd=tmp_path)
    shown = throwaway.run(environment.zoo, "recipes", "show", "digits", cwd=tmp_path).stdout
    assert 'source = "sklearn:digits"' in shown


def test_broken_and_duplicate_models_are_reported_by_package_and_left_out(environment, tmp_path):
    notes = throwaway.run(environment.zoo, "ls", cwd=tmp_path).stderr.splitlines()
    assert len(notes) == 2
    (faulty,) = [note for note in notes if "'models of zoo_faulty' is broken" in note]
    assert "No module named 'a_package_that_nobody_has'" in faulty
    (taken,) = [note for note in notes if "'models of zoo_taken' is broken" in note]
    assert "model 'lenet' is already registered (by zoo)" in taken
    assert "half" not in rows(environment, tmp_path)  # what it registered before it broke


def test_a_broken_plugin_does_not_change_the_zoos_model_of_that_name(environment, tmp_path):
    assert "61,706" in throwaway.run(environment.zoo, "show", "lenet", cwd=tmp_path).stdout


def test_broken_recipes_are_reported_and_the_others_listed(environment, tmp_path):
    listed = throwaway.run(environment.zoo, "recipes", "ls", cwd=tmp_path)
    assert "theirdata" in listed.stdout
    assert "mnist" in listed.stdout
    assert "mistaken" not in listed.stdout
    assert "'recipes of zoo_faulty' is broken" in listed.stderr
    assert "training.epoch: unknown key; did you mean epochs?" in listed.stderr


def test_the_doctor_names_what_is_broken(environment, tmp_path):
    said = throwaway.run(environment.zoo, "doctor", "--json", cwd=tmp_path, code=None).stdout
    for name in ("models of zoo_faulty", "models of zoo_taken", "recipes of zoo_faulty"):
        assert name in said
