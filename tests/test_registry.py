"""The catalogue: names, filters, refusals, plug-ins, and how light it is."""

import json
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

import zoo
from zoo.catalogue import plugins, registry
from zoo.catalogue.registry import broken, build, describe, fitting, list_models, misfit, register
from zoo.catalogue.spec import DataSpec
from zoo.errors import UsageError
from zoo.recipe import resolve

FACTS = {
    "family": "mlp",
    "year": 1986,
    "paper": "nobody 1986",
    "idea": "none",
    "inputs": ("tabular",),
    "tasks": ("binary",),
    "params": 3,
}
MNIST = DataSpec("mnist", "image", "classification", (28, 28, 1), num_classes=10)
XOR = DataSpec("xor", "tabular", "binary", (2,))


def empty_builder(units=1):
    raise AssertionError("listing must not build")


@pytest.fixture
def catalogue(monkeypatch):
    """The real catalogue in a copy that a test may write to."""
    list_models()
    monkeypatch.setattr(registry, "_records", dict(registry._records))
    monkeypatch.setattr(registry, "_broken", {})


@dataclass
class EntryPoint:
    """Stands for an installed plug-in's entry point."""

    name: str
    action: object
    module = "zoo"  # imported by now: no other process looks at it first (tests/faults/test_misbehaving_plugins.py)

    @property
    def dist(self):
        return SimpleNamespace(name=f"dist-of-{self.name}")

    def load(self):
        self.action()


def test_names_sort_naturally(catalogue):
    for depth in (100, 11, 2):
        register(f"deep.{depth}", **FACTS)(empty_builder)
    assert list_models("deep.*") == ["deep.2", "deep.11", "deep.100"]


def test_filters_each_narrow_the_list(catalogue):
    assert list_models("lenet*") == ["lenet", "lenet.1998"]
    assert list_models(family="lenet") == ["lenet", "lenet.1998"]
    assert list_models(task="regression", inputs="tabular") == ["linear", "mlp"]
    assert list_models("p*", year=1958) == list_models(family="perceptron")
    assert list_models(year=(1950, 1990), inputs="image", task="classification") == ["mlp", "perceptron"]
    assert list_models("none*") == []


def test_a_duplicate_name_is_refused_and_says_whose_it_is(catalogue):
    with pytest.raises(UsageError, match=r"'lenet' is already registered \(by zoo\)"):
        register("lenet", **FACTS)(empty_builder)
    assert describe("lenet").params == 61_706


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="unknown model 'LeNett'; did you mean lenet"):
        describe("LeNett")
    with pytest.raises(UsageError, match="unknown model 'zzz'\nsee them all with: zoo ls"):
        describe("zzz")


def test_an_unknown_knob_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="unknown knob of mlp 'hiden_units'; did you mean hidden_units"):
        build("mlp", hiden_units=(3,))


@pytest.mark.parametrize("name", ["Net", "1net", "net..b", "net-a", "net.", ""])
def test_malformed_names_are_refused(catalogue, name):
    with pytest.raises(UsageError, match="not of the form"):
        register(name, **FACTS)(empty_builder)


def test_unknown_kinds_are_refused(catalogue):
    with pytest.raises(UsageError, match="unknown kind of input 'images'; did you mean image"):
        register("net", **{**FACTS, "inputs": ("images",)})(empty_builder)


def test_a_builder_argument_without_a_default_is_refused(catalogue):
    def builder(units): ...

    with pytest.raises(UsageError, match="argument 'units' needs a default"):
        register("net", **FACTS)(builder)
    assert "net" not in list_models()


def load_with(monkeypatch, *points):
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "zoo.models" else ())
    monkeypatch.setattr(registry, "_loaded", False)
    return list_models()


def test_a_plugin_adds_its_entries_under_its_own_origin(catalogue, monkeypatch):
    good = EntryPoint("good", lambda: register("good", **FACTS)(empty_builder))
    assert "good" in load_with(monkeypatch, good)
    assert describe("good").origin == "dist-of-good"
    assert describe("lenet").origin == "zoo"
    assert broken() == {}


def test_a_broken_plugin_is_named_and_harms_nothing_else(catalogue, monkeypatch):
    def half():
        register("half", **FACTS)(empty_builder)
        raise ValueError("no such file")

    def taken():
        register("mlp", **FACTS)(empty_builder)

    before = list_models()
    good = EntryPoint("good", lambda: register("good", **FACTS)(empty_builder))
    names = load_with(monkeypatch, EntryPoint("half", half), EntryPoint("taken", taken), good)
    assert [name for name in names if name != "good"] == before and "good" in names
    assert broken()["half of dist-of-half"] == "ValueError: no such file"
    assert "'mlp' is already registered (by zoo)" in broken()["taken of dist-of-taken"]


def test_fit_is_decided_from_record_and_spec():
    assert fitting(XOR) == ["mlp", "perceptron", "perceptron.1958", "perceptron.hinge", "perceptron.sigmoid"]
    assert misfit(describe("lenet"), MNIST) is None
    small = DataSpec("digits", "image", "classification", (8, 8, 1), num_classes=10)
    assert misfit(describe("lenet"), small) == "lenet needs images of at least 16x16, got 8x8x1"
    assert "linear does regression, xor is binary" in misfit(describe("linear"), XOR)
    for name in ("perceptron.1958", "perceptron.hinge", "perceptron.sigmoid"):
        assert "is classification" in misfit(describe(name), MNIST)
        with pytest.raises(UsageError, match="unknown knob"):
            build(name, num_classes=10)


def test_two_networks_of_one_builder_go_into_one_model():
    import keras

    left, right = zoo.build("lenet", name="left"), zoo.build("lenet", weights="mnist", name="right")
    image = keras.Input((32, 32, 1))
    both = keras.Model(image, keras.layers.Average()([left(image), right(image)]))
    assert [layer.name for layer in both.layers if isinstance(layer, keras.Model)] == ["left", "right"]
    with pytest.raises(UsageError, match="lenet cannot be built with name='a/b'"):
        zoo.build("lenet", name="a/b")


def test_a_name_is_no_knob(catalogue):
    assert all("name" not in describe(model).knobs for model in list_models())
    with pytest.raises(UsageError, match=r"knobs\.name: unknown key"):
        resolve("lenet", "mnist", ["knobs.name=x"])
    register("nameless", **FACTS)(lambda: None)
    with pytest.raises(UsageError, match=r"nameless .* cannot be given a name: its builder has no argument `name`"):
        build("nameless", name="x")


LIGHT = """
import json, sys, zoo, zoo.models
from zoo.catalogue import plugins, registry
names = zoo.list_models()
knobs = registry.describe("mlp").knobs
heavy = [m for m in ("tensorflow", "keras", "numpy", "zoo.layers") if m in sys.modules]
print(json.dumps([names, heavy]))
"""


def test_listing_imports_neither_tensorflow_nor_keras():
    run = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    names, heavy = json.loads(run.stdout)
    assert names == list_models()
    assert heavy == []


def test_importing_a_builder_first_does_not_load_plugins_half_way():
    code = (
        "from importlib import metadata\n"
        "def points(**which): raise AssertionError('plug-ins before the zoo itself')\n"
        "metadata.entry_points = points\n"
        "from zoo.models import lenet, lenet_1998, linear, mlp, perceptron\n"
        "print(lenet.__name__, linear.__name__, mlp.__name__, perceptron.__name__)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["lenet", "linear", "mlp", "perceptron"]
