"""A run of one epoch or a smoke run is a run: all that reads runs reads it, whatever its recipe says of more epochs."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")

sys.path.insert(0, str(Path(__file__).parent))
import raw_input

from zoo import data
from zoo.catalogue.registry import describe, list_models
from zoo.errors import MissingError, UsageError
from zoo.recipe import list_recipes, load_recipe, resolve
from zoo.runs import job, results
from zoo.runs.directory import Run

QUICK = {("iris", "one epoch"), ("digits", "smoke")}  # a table, pictures
SHORT = {"one epoch": {"epochs": 1}, "smoke": {"smoke": True}}
# What is made on the spot is made smaller, and fewer sentences are translated: what an epoch does to a run is the same.
SMALLER = {
    "generated:addition": ["data.train=2000", "data.test=50"],
    "generated:blocks": ["data.train=500", "data.test=100"],
    "generated:dates": ["data.train=2000", "data.test=50"],
    "generated:parity": ["data.train=2000", "data.test=200"],
    "generated:reverse": ["data.train=2000", "data.test=50"],
    "pairs:tatoeba/fra-eng.zip": ["data.test_share=0.002", "data.validation_share=0.002"],
    "stdlib:source": ["data.train=50000", "data.text.vocab_size=70"],
}
# An epoch takes many minutes, and no part of the file can be asked for; the smoke run is read.
LONG = {"tatoeba_eng_fra": "an epoch of 1,037 batches takes 20 minutes; multi30k_en_de has the same network and task"}


def network(dataset):
    """The fastest one on record, else the first one that the recipe names, else the smallest that fits."""
    if rows := [row for row in results.rows() if row["dataset"] == dataset]:
        return min(rows, key=lambda row: row["seconds"] / row["epochs"])["model"]
    named = tuple(load_recipe(dataset).models)
    return named[0] if named else next(filter(lambda model: fits(model, dataset), by_size()))


def by_size():
    return sorted(list_models(), key=lambda model: describe(model).params)


def fits(model, dataset):
    try:
        return bool(resolve(model, dataset))
    except UsageError:
        return False


def cases():
    for dataset in list_recipes():
        for short in SHORT:
            if not (short == "one epoch" and dataset in LONG):
                yield pytest.param(dataset, short, marks=[pytest.mark.slow] * ((dataset, short) not in QUICK))


def test_long_ones_are_recipes():
    assert set(LONG) < set(list_recipes())
    assert set(SMALLER) <= {load_recipe(dataset).data.source for dataset in list_recipes()}


@pytest.mark.parametrize(("dataset", "short"), cases())
def test_everything_that_reads_runs_reads_a_short_one(dataset, short, tmp_path, zoo_cli):
    source = load_recipe(dataset).data
    if not data.status(source).ready:
        pytest.skip(f"{dataset} is not at hand")
    try:
        sets = SMALLER.get(source.source, ())
        folder = job.run(network(dataset), dataset, sets=sets, out=tmp_path / "run", **SHORT[short]).folder
    except MissingError as error:
        pytest.skip(str(error).splitlines()[0])
    for command in (
        ("eval", folder),
        ("report", folder),
        ("publish", folder, tmp_path / "published"),
        ("eval", tmp_path / "published"),
        ("export", folder, "--format", "keras", "--out", tmp_path / "exported.keras"),
    ):
        said = zoo_cli(*command)
        assert said.code == 0, (command[0], said.err)
    for network_of in (folder, tmp_path / "published"):
        (command, *given), answers = raw_input.commands(Run(folder), tmp_path)
        said = zoo_cli(command, network_of, *given)
        assert said.code == 0, (command, network_of.name, said.err)
        assert len(json.loads(said)) == answers
    (folder / "report.html").unlink()
    assert zoo_cli("run", "--resume", folder).code == 0
    assert (folder / "report.html").exists()
