"""The list of a recipe's keys is whole, and what it says of a key is what the schema takes."""

import json

import pytest

from zoo.recipe import keys, resolve


def flat(table, prefix=""):
    for name, value in table.items():
        yield from flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]


def test_each_key_says_what_it_is():
    assert not [key.name for key in keys.list_keys() if not key.text.endswith(".") or not key.type or not key.default]


def test_every_key_of_a_resolved_recipe_is_listed():
    listed = {key.name for key in keys.list_keys()}
    own = ("data.options.", "data.categories.", "knobs.", "model", "dataset")
    for model, dataset in (("lenet", "mnist"), ("transformer", "multi30k_en_de"), ("lstm", "airline"), ("mlp", "iris")):
        found = flat(resolve(model, dataset)[0].model_dump(exclude_none=True))
        assert not [name for name in found if name not in listed and not name.startswith(own)]


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [
        ("training.learning_rate", "number above 0", "0.001"),
        ("training.optimizer", "sgd | momentum | nesterov | adagrad | rmsprop | adam | adamw", "adam"),
        ("callbacks.early_stopping.patience", "integer above 0", "5"),
        ("callbacks.csv_history", "true or false", "true"),
        ("preprocessing.resize", "2 x integer above 0", "-"),
        ("preprocessing.inputs.NAME.pad", "integer from 0", "0"),
        ("transfer.freeze", "all | none | integer above 0", "1"),
        ("data.train", "integer above 0", "required"),
    ],
)
def test_type_and_default_in_words(name, kind, default):
    (key,) = [key for key in keys.list_keys() if key.name == name]
    assert (key.type, key.default) == (kind, default)


def test_the_command_lists_what_begins_so(zoo_cli):
    said = zoo_cli("recipes", "keys", "callbacks.reduce", "--json")
    assert [key["name"].rpartition(".")[2] for key in json.loads(said)] == [
        "monitor", "factor", "patience", "min_learning_rate"
    ]  # fmt: skip
    assert "Multiply" not in zoo_cli("recipes", "keys", "training") and "clip_norm" in zoo_cli("recipes", "keys")
    refused = zoo_cli("recipes", "keys", "nonsense")
    assert refused.code == 2 and "zoo recipes keys" in refused.err
