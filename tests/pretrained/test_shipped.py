"""The weights that come along: whole, small, current, and as good as their index says."""

import json
from functools import partial

import numpy as np
import pytest

import zoo
from zoo import data
from zoo.catalogue.inspect import skeleton
from zoo.pretrained import arrays, index
from zoo.pretrained.names import weight_names
from zoo.pretrained.published import differences
from zoo.recipe import fingerprint, resolve
from zoo.runs.publishing import index_of
from zoo.training.model import build_core

NAMES = sorted(index.entries())
MOST_LOSS = {"lstm:tiny_shakespeare": 1.9}  # nats a character, on the whole test split
FLOORS = {  # the accuracy that each has to reach there
    "perceptron:mnist": 0.923, "mlp:mnist": 0.983, "lenet:mnist": 0.990,
    "perceptron:fashion_mnist": 0.840, "mlp:fashion_mnist": 0.890, "lenet:fashion_mnist": 0.900,
}  # fmt: skip


def test_what_was_promised_is_there_and_small():
    assert {*FLOORS, *MOST_LOSS} == set(NAMES)
    for name, most in MOST_LOSS.items():
        assert index.entry(name)["metrics"]["test"]["loss"] <= most
    for name, least in FLOORS.items():
        assert index.entry(name)["metrics"]["test"]["accuracy"] >= least
    assert sum(path.stat().st_size for path in index.FOLDER.rglob("*") if path.is_file()) <= 4_000_000


@pytest.mark.parametrize("name", NAMES)
def test_the_index_says_what_the_files_are(name):
    folder = index.folder(name)
    assert differences(folder) == []
    assert json.loads(json.dumps(index_of([folder]))) == {name: index.entry(name)}
    assert index.entry(name)["metrics"]["examples_scored"] == index.entry(name)["metrics"]["examples_in_split"]


@pytest.mark.parametrize("name", NAMES)
def test_they_are_of_todays_recipe(name):
    entry = index.entry(name)
    assert entry["fingerprint"] == fingerprint(resolve(entry["model"], entry["dataset"])[0]), (
        "train and ship them again"
    )


@pytest.mark.parametrize("name", NAMES)
def test_they_are_all_the_weights_of_the_network_in_half_precision(name):
    recipe = zoo.load(name).recipe
    found = arrays.read(index.folder(name) / "weights.npz")
    assert {array.dtype.name for array in found.values()} == {index.entry(name)["dtype"]} == {"float16"}
    assert sum(array.size for array in found.values()) == index.entry(name)["params"]
    network = skeleton(partial(build_core, recipe))
    assert set(weight_names(network)) == set(found)
    assert network.count_params() == index.entry(name)["params"]


def test_a_network_with_trained_weights_in_one_line():
    model, other = zoo.build("perceptron", weights="mnist"), zoo.load("perceptron:mnist").model
    x = np.random.default_rng(0).integers(0, 255, (4, 28, 28, 1)).astype("uint8")
    np.testing.assert_allclose(np.array(model(x / np.float32(255))), np.array(other(x)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "names", [["lenet:fashion_mnist", "perceptron:mnist"], pytest.param(NAMES, marks=pytest.mark.slow)], ids=len
)
def test_they_score_what_is_recorded(zoo_cli, names):
    said = zoo_cli("weights", "verify", *names, "--json")
    assert said.code == 0, said.err
    for verdict in json.loads(said):
        entry = index.entry(verdict["name"])
        at_hand = data.status(zoo.load(verdict["name"]).recipe.data).ready
        assert verdict["wrong"] == []
        told = f"on {entry['metrics']['examples_in_split']:,} examples" if at_hand else "not scored"
        assert told in verdict["notes"][-1]


def test_a_recorded_metric_that_is_not_reached_is_named(zoo_cli, monkeypatch):
    low = {"metrics": {"loss": 1.0, "accuracy": 0.5}, "examples_scored": 10_000, "examples_in_split": 10_000}
    monkeypatch.setattr("zoo.runs.publishing.rescore", lambda *_: low)
    monkeypatch.setattr("zoo.data.status", lambda _: data.Status(True, "", 0.0, 0.0))
    said = zoo_cli("weights", "verify", "lenet:mnist")
    assert said.code == 4 and "test accuracy is 0.5000, recorded is 0.99" in said.err


def test_the_command_line_lists_and_shows(zoo_cli):
    said = zoo_cli("weights", "ls")
    assert said.code == 0 and [line.split()[0] for line in said.splitlines()[1:]] == NAMES
    assert json.loads(zoo_cli("weights", "ls", "--json"))[0]["name"] == NAMES[0]
    said = zoo_cli("weights", "show", "lenet:fashion_mnist")
    for words in (
        "activation = 'relu'",
        "32x32x1: 2 pixels of zeros on each side, divided by 255",
        "ankle boot",
        "mit",
    ):
        assert words in said
    said = zoo_cli("weights", "show", "lenet:minst")
    assert said.code == 2 and "did you mean lenet:mnist" in said.err
    assert zoo_cli("weights", "verify", "lenet:minst").code == 2


def test_predict_takes_a_name(zoo_cli, tmp_path):
    from PIL import Image

    Image.fromarray(np.zeros((28, 28), "uint8")).save(tmp_path / "black.png")
    rows = json.loads(zoo_cli("predict", "lenet:mnist", tmp_path / "black.png", "--json"))
    assert set(rows[0]["probabilities"]) == set("0123456789")


def test_the_character_model_writes_by_its_name(zoo_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("generate", "lstm:tiny_shakespeare", "--prompt", "ROMEO:", "--length", "40", "--temperature", "0.5")
    assert said.code == 0 and said.startswith("ROMEO:") and len(said.strip()) > 30
    said = zoo_cli("generate", "lenet:mnist", "--prompt", "x")
    assert said.code == 2 and "try: zoo predict lenet:mnist FILE" in said.err
    said = zoo_cli("predict", "lstm:tiny_shakespeare", "--text", "x")
    assert said.code == 2 and "try: zoo generate lstm:tiny_shakespeare --prompt x" in said.err
