"""Recipes of texts and series, and `zoo data` on them: sizes and vocabularies are exact, examples are printed."""

import json
import subprocess
import sys

import pytest

from zoo import tasks
from zoo.data import status
from zoo.data.sources import read
from zoo.data.splitting import split
from zoo.recipe import load_recipe

MADE = ["addition", "reverse", "dates", "parity", "sine", "stdlib"]  # need nothing
FETCHED = {"airline": "airline-passengers.csv", "sunspots": "monthly-sunspots.csv", "tatoeba_eng_fra": "fra-eng.zip",
           "multi30k_en_de": "train.en.gz, train.de.gz, test_2016_flickr.en.gz"}  # fmt: skip


@pytest.fixture
def nothing_there(monkeypatch, home):
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    return home / "raw"


@pytest.mark.parametrize("name", ["addition", "reverse", "dates", "parity"])
def test_vocabularies_and_lengths_of_made_tasks_are_exact(name):
    data = load_recipe(name).data
    parts = split(read(data), data, name)
    assert {key: len(getattr(parts, key).y) for key in tasks.sizes(data)} == tasks.sizes(data)
    ended = data.kind == "text-pair"
    assert len(set("".join(parts.train.x))) + 4 == data.text.vocab_size
    assert max(len(text) for part in parts for text in part.x) + ended == data.input_shape[0]
    if ended:
        assert len(set("".join(parts.train.y))) + 4 == data.text.target_vocab_size
        assert max(len(text) for part in parts for text in part.y) + 1 == data.text.target_length
    held = {*parts.test.x, *parts.validation.x}
    assert not held & set(parts.train.x) and len(held) == len(parts.test.x) + len(parts.validation.x)


@pytest.mark.parametrize("name", MADE)
def test_show_prints_examples(zoo_cli, name):
    said = zoo_cli("data", "show", name)
    assert said.code == 0 and "samples drawn" not in said
    found = json.loads(zoo_cli("data", "show", name, "--json"))
    assert found["examples"][0].splitlines()[0] in said
    assert found["classes"] == (2 if name == "parity" else None)
    if name == "addition":
        question, answer = found["examples"][0].split(" -> ")
        a, b = question[::-1].split("+")
        assert int(a) + int(b) == int(answer)
    if name == "parity":
        assert found["class_counts"]["test"].keys() == {"even", "odd"} and "even" in said


def test_showing_what_is_made_needs_no_tensorflow():
    code = (
        "import sys\nfrom zoo.cli import main\nfor name in sys.argv[1:]:\n"
        "    try: main(['data', 'show', name])\n    except SystemExit as ended: assert not ended.code\n"
        "assert not {'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "addition", "stdlib", "sine"], check=True, capture_output=True)


@pytest.mark.parametrize("name", FETCHED)
def test_what_is_not_there_says_where_to_get_it(zoo_cli, nothing_there, name):
    data = load_recipe(name).data
    assert not status(data).ready
    for command in ("show", "prepare"):
        said = zoo_cli("data", command, name)
        assert said.code == 3 and said == "" and len(said.err.splitlines()) <= 3
        assert FETCHED[name] in said.err and data.origin in said.err and str(nothing_there) in said.err


def test_ls_tells_what_is_to_be_fetched_by_hand(zoo_cli, nothing_there, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in zoo_cli("data", "ls").splitlines()}
    assert lines["airline"] == "series regression 24x1 - 79 12 29 to fetch by hand"
    assert lines["addition"] == "text-pair seq2seq 8 - 44,100 900 5,000 ready, no download"
    assert lines["parity"].startswith("text binary 20 2 ")
    (nothing_there / "time_series").mkdir(parents=True)
    (nothing_there / "time_series" / "airline-passengers.csv").write_text("Month,Passengers\n1949-01,112\n")
    assert "ready, no download" in zoo_cli("data", "ls")
    rows = {row["name"]: row["ready"] for row in json.loads(zoo_cli("data", "ls", "--json"))}
    assert rows["airline"] and not rows["sunspots"]


def test_no_sheet_is_drawn_of_texts(zoo_cli, tmp_path):
    said = zoo_cli("data", "show", "addition", "--out", tmp_path / "x.png")
    assert said.code == 2 and "leave out --out" in said.err


@pytest.fixture
def dated(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("day,x\n" + "".join(f"2020-{i // 28 + 1:02}-{i % 28 + 1:02},{i}\n" for i in range(100)))
    return path


def test_an_own_series_is_shown_and_said_to_be_something_else(zoo_cli, dated, monkeypatch):
    monkeypatch.chdir(dated.parent)
    said = zoo_cli("data", "show", "own.csv")
    assert said.code == 0 and "... 0 1 2 3 4 5 6 7 8 9 -> 10" in said and "10 steps of 1; to forecast: 1" in said
    assert "tabular" in zoo_cli("data", "show", "own.csv", "--as", "table")
    said = zoo_cli("data", "show", "own.csv", "--as", "serie")
    assert said.code == 2 and "did you mean series" in said.err
    said = zoo_cli("data", "show", "iris", "--as", "text")
    assert said.code == 2 and "--as goes with --data PATH or tfds:NAME" in said.err


def test_an_own_series_is_resolved_as_one(dated):
    from zoo import recipe
    from zoo.catalogue.registry import describe, list_models
    from zoo.tasks import from_path

    fitting = [name for name in list_models(task="regression", inputs="series") if describe(name)]
    if not fitting:
        pytest.skip("no model takes a series yet")
    sets = ["data.input_shape=[20,1]", "data.series.horizon=2"]
    resolved, _ = recipe.resolve(fitting[0], "own", sets, {}, data=from_path(dated))
    assert resolved.preprocessing.standardize == "window" and resolved.data.series.horizon == 2
    assert tasks.sizes(resolved.data) == {"train": 51, "validation": 7, "test": 19}


def test_as_goes_with_own_data_only(zoo_cli):
    said = zoo_cli("run", "mlp", "iris", "--as", "table")
    assert said.code == 2 and "--as goes with --data PATH" in said.err
