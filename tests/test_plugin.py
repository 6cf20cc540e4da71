"""Other packages add models, tasks, sources and recipes: a good plug-in, and several bad ones beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path

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

[project.entry-points."zoo.tasks"]
{tasks}

[project.entry-points."zoo.sources"]
{sources}

[tool.setuptools]
packages = {packages}

[tool.setuptools.package-data]
"*" = ["*.toml"]
"""

MODEL = '''
from zoo import register


@register(
    "{name}", family="theirs", year=2020, paper="Nobody 2020, Nothing", idea="One hidden layer of somebody else's.",
    inputs=("tabular",), tasks=("binary", "classification", "quantile"), params=17,
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


TASK = '''
from zoo.tasks.regression import Regression


class Quantile(Regression):
    """The value that nine in ten stay below, by a loss that counts what is missed nine times."""

    name = "{name}"
    kinds = ("tabular",)
    losses = ("pinball",)

    def suits(self, data, role):
        return False

    def objective(self, data, loss):
        import keras

        from zoo.tasks.objective import Objective

        def values(y, outputs):
            missed = y - outputs
            return keras.ops.mean(keras.ops.maximum(0.9 * missed, -0.1 * missed), axis=-1)

        return Objective(values, [keras.metrics.MeanAbsoluteError(name="mae")])


TASK = Quantile()
'''

SOURCE = '''
from zoo.data.sources.source import DataSource


class Delays(DataSource):
    """Delays that grow with the way, and some of them very much."""

    scheme = "{scheme}"
    form = "{scheme}:SEED"
    kinds = ("tabular",)
    streams = True

    def read(self, address, data, target):
        import numpy as np

        from zoo.data.cache import on_disk
        from zoo.data.examples import Examples, Source, streams

        random = np.random.default_rng(int(address))

        def draw(count):
            x = random.random((count, 2), "float32")
            y = x.sum(axis=1) + random.exponential(1.0, count).astype("float32")
            key = f"delays-{address}-{count}"
            whole = Examples(x, y)
            return on_disk(key, x.shape, "float32", lambda: [whole]) if streams(count, data) else whole

        return Source(draw(data.train), draw(data.test))

    def infer(self, address, reading=None):
        from zoo.data.config import Data

        return Data(source="{scheme}:" + address, kind="tabular", task="value", input_shape=(2,), train=80, test=40)


SOURCE = Delays()
'''

DELAYS = """
title = "Delays of theirs"

[data]
source = "delays:7"
kind = "tabular"
task = "quantile"
input_shape = [2]
train = 200
test = 90

[training]
epochs = 20
batch_size = 20
"""


def write_package(folder, files, models="", recipes="", tasks="", sources=""):
    """A package's sources: `files` by their path inside it; entry points to its modules and to objects in them."""
    for path, text in {"__init__.py": "", **files}.items():
        place = folder / folder.name / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    folders = sorted({place.parent for place in (folder / folder.name).rglob("*.*")})
    project = PROJECT.format(
        name=folder.name,
        models=f'models = "{folder.name}.{models}"' if models else "",
        recipes=f'recipes = "{folder.name}.{recipes}"' if recipes else "",
        tasks=f'tasks = "{folder.name}.{tasks}"' if tasks else "",
        sources=f'sources = "{folder.name}.{sources}"' if sources else "",
        packages=json.dumps([".".join(place.relative_to(folder).parts) for place in folders]),
    )
    (folder / "pyproject.toml").write_text(project, encoding="utf-8")
    return str(folder)


def model(name):
    """A module that registers a small network under this name."""
    return MODEL.format(name=name)


THEIRS = {
    "models.py": model("theirs"),
    "tasks.py": TASK.format(name="quantile"),
    "sources.py": SOURCE.replace("{scheme}", "delays"),
    "recipes/theirdata.toml": RECIPE,
    "recipes/delays.toml": DELAYS,
    "recipes/digits.toml": "title = 'not the digits of the zoo'",
}
FAULTY = {
    "models.py": model("half") + "\nimport a_package_that_nobody_has\n",
    "tasks.py": "TASK = 'no task'",
    "sources.py": "import sys; sys.exit(3)",
}
TAKEN = {
    "models.py": model("lenet"),
    "tasks.py": TASK.format(name="regression"),
    "sources.py": SOURCE.replace("{scheme}", "csv"),
}
MISTAKEN = {"recipes/mistaken.toml": RECIPE.replace("epochs", "epoch")}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The zoo's wheel with one good plug-in and three that are wrong in different ways."""
    sources = tmp_path_factory.mktemp("plugins")
    made = throwaway.create(tmp_path_factory.mktemp("with-plugins") / "venv")
    made.install(
        str(throwaway.build_wheel(tmp_path_factory.getbasetemp() / "throwaway")),
        write_package(
            sources / "zoo_theirs", THEIRS, "models", "recipes", tasks="tasks:TASK", sources="sources:SOURCE"
        ),
        write_package(
            sources / "zoo_faulty", FAULTY, "models", "nowhere.recipes", tasks="tasks:TASK", sources="sources:SOURCE"
        ),
        write_package(sources / "zoo_taken", TAKEN, "models", tasks="tasks:TASK", sources="sources:SOURCE"),
        write_package(sources / "zoo_mistaken", MISTAKEN, recipes="recipes"),
    )
    return made


COMMANDS = {
    "show": ["show", "theirs"],
    "run": ["run", "theirs", "theirdata", "--smoke", "--json"],
    "run delays": ["run", "theirs", "delays", "--json", "--out", "run"],
    "eval": ["eval", "run", "--json"],
    "predict": ["predict", "run", "rows.csv", "--json"],
    "stream": ["run", "theirs", "delays", "--json", "--set", "data.stream=on", "--out", "streamed"],
    "eject": ["eject", "theirs", "delays", "script"],
    "doctor": ["doctor", "--json"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "rows.csv").write_text("a,b\n0.1,0.1\n0.9,0.9\n")
    return folder


@pytest.fixture(scope="module")
def said(environment, folder):
    """What each of the commands that need TensorFlow says, all of them in one process."""
    done = dict(zip(COMMANDS, throwaway.talk(environment, *COMMANDS.values(), cwd=folder), strict=True))
    codes = {name: one.returncode for name, one in done.items() if name != "doctor"}
    assert codes == {name: 2 if name == "eject" else 0 for name in codes}, [one.stderr for one in done.values()]
    return done


def rows(environment, cwd, *options):
    """What `zoo ls` lists, by name."""
    listed = throwaway.run(environment.zoo, "ls", "--json", *options, cwd=cwd).stdout
    return {row["name"]: row for row in json.loads(listed)}


def test_its_model_is_listed_with_where_it_comes_from(environment, tmp_path):
    listed = rows(environment, tmp_path)
    assert listed["theirs"]["origin"] == "zoo_theirs"
    assert listed["lenet"]["origin"] == "zoo"


def test_its_model_is_built_and_shown(said):
    shown = said["show"].stdout
    assert "zoo_theirs" in shown
    assert shown.splitlines()[-1].split() == ["total", "17"]  # (2 + 1) * 4 + (4 + 1) * 1, built


def test_its_model_runs_on_its_own_recipe_by_name(said):
    outcome = json.loads(said["run"].stdout)
    assert (outcome["model"], outcome["dataset"]) == ("theirs", "theirdata")
    assert outcome["params"] == 33  # (2 + 1) * 8 + (8 + 1) * 1: the recipe's table for it says 8 units
    assert outcome["examples_scored"] == outcome["examples_in_split"] == 90


def test_its_recipe_stands_beside_the_zoos_own_which_win(environment, tmp_path):
    throwaway.run(environment.zoo, "run", "perceptron.sigmoid", "theirdata", "--dry-run", cwd=tmp_path)
    shown = throwaway.run(environment.zoo, "recipes", "show", "digits", cwd=tmp_path).stdout
    assert 'source = "sklearn:digits"' in shown


def test_broken_and_duplicate_models_are_reported_by_package_and_left_out(environment, tmp_path):
    notes = throwaway.run(environment.zoo, "ls", cwd=tmp_path).stderr.splitlines()
    assert len(notes) == 6
    (faulty,) = [note for note in notes if "'models of zoo_faulty' is broken" in note]
    assert "No module named 'a_package_that_nobody_has'" in faulty
    (taken,) = [note for note in notes if "'models of zoo_taken' is broken" in note]
    assert "model 'lenet' is already registered (by zoo)" in taken
    assert "half" not in rows(environment, tmp_path)  # what it registered before it broke


def test_its_task_and_source_run_by_name_from_end_to_end(environment, said, folder):
    assert list(rows(environment, folder, "--task", "quantile")) == ["theirs"]
    outcome = json.loads(said["run delays"].stdout)
    assert outcome["examples_scored"] == outcome["examples_in_split"] == 90
    measured = json.loads((folder / "run" / "metrics.json").read_text())["test"]
    assert json.loads(said["eval"].stdout)["metrics"] == pytest.approx(measured, rel=1e-5)
    assert set(measured) == {"loss", "mae"}
    near, far = (row["prediction"] for row in json.loads(said["predict"].stdout))
    assert near < far  # longer ways are longer late
    assert json.loads((folder / "streamed" / "metrics.json").read_text())["test"] == measured
    assert (Path(os.environ["ZOO_HOME"]) / "data" / "delays-7-200.x.npy").exists()
    told = said["eject"].stderr
    assert "delays:7: scripts read" in told and "not other packages' sources" in told


def test_its_source_is_described_without_a_recipe(environment, tmp_path):
    shown = throwaway.run(environment.zoo, "run", "mlp", "delays:7", "--dry-run", cwd=tmp_path).stdout
    assert 'source = "delays:7"' in shown and 'task = "regression"' in shown
    said = throwaway.run(environment.zoo, "data", "prepare", "delays:7", cwd=tmp_path).stdout
    assert said == "delays:7: ready (made on the spot)\n"


def test_broken_and_duplicate_tasks_and_sources_are_reported_by_package_and_left_out(environment, tmp_path):
    notes = throwaway.run(environment.zoo, "ls", cwd=tmp_path).stderr
    for what, why in (
        ("tasks of zoo_faulty", "UsageError: 'no task' is no zoo.tasks.task.Task"),
        ("tasks of zoo_taken", "the task 'regression' is there already"),
        ("sources of zoo_faulty", "SystemExit: 3"),
        ("sources of zoo_taken", "the source 'csv' is there already"),
    ):
        assert f"plug-in '{what}' is broken and left out: " in notes and why in notes


def test_a_broken_plugin_does_not_change_the_zoos_model_of_that_name(environment, tmp_path):
    assert "61,706" in throwaway.run(environment.zoo, "show", "lenet", cwd=tmp_path).stdout


def test_broken_recipes_are_reported_and_the_others_listed(environment, tmp_path):
    listed = throwaway.run(environment.zoo, "recipes", "ls", cwd=tmp_path)
    assert "theirdata" in listed.stdout
    assert "mnist" in listed.stdout
    assert "mistaken" not in listed.stdout
    assert "'recipes of zoo_faulty' is broken" in listed.stderr
    assert "training.epoch: unknown key; did you mean epochs?" in listed.stderr


def test_the_doctor_names_what_is_broken(said):
    for name in ("models of zoo_faulty", "tasks of zoo_taken", "sources of zoo_taken", "recipes of zoo_faulty"):
        assert name in said["doctor"].stdout
