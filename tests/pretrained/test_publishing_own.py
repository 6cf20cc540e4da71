"""What zoo publish says of a run on own data: each command that it prints, and that stands in the card, works."""

import re
import shlex

import pytest
from own_files import DRAW, arrays, book, pairs, photos, series, texts

import zoo
from zoo.recipe import resolve
from zoo.runs import publishing


def table(path, rows=80):
    lines = [
        f"{a:.3f},{'ab'[i % 2]},{i // 4},{'red' if a > 0 else 'blue'}" for i, a in enumerate(DRAW.normal(size=rows))
    ]
    path.write_text("\n".join(["size,kind,patient,colour", *lines]) + "\n")
    return path


SLOW = pytest.mark.slow
KINDS = [
    pytest.param("mlp", table, "own.csv", ["--test", "test.csv", "--drop", "patient"],
                 "a table with the columns size, kind, colour", id="table in parts"),
    pytest.param("mlp", photos, "photos", [],
                 "a folder with a sub-folder of images for each class: dark, light", id="folder"),
    pytest.param("mlp", table, "own.csv", ["--group", "patient"],
                 "a table with the columns size, kind, colour", id="groups", marks=SLOW),
    pytest.param("lstm", texts, "own.csv", ["--set", "knobs.units=[4]"],
                 "a table with the columns text, stars", id="texts", marks=SLOW),
    pytest.param("lstm", series, "own.csv", ["--set", "knobs.units=[4]"],
                 "a table with the columns dates, sales, rain", id="series", marks=SLOW),
    pytest.param("lstm", book, "own.txt", ["--as", "corpus", "--set", "knobs.units=[4]"],
                 "a text file, or a folder of them", id="corpus", marks=SLOW),
    pytest.param("mlp", arrays, "own", [], "a folder with x.npy and y.npy", id="arrays", marks=SLOW),
    pytest.param("encoder_decoder", pairs, "own.tsv", ["--set", "knobs.units=8"],
                 "a file of pairs, a line each with a tab", id="pairs", marks=SLOW),
]  # fmt: skip


@pytest.mark.parametrize(("model", "make", "name", "more", "told"), KINDS)
def test_every_command_that_is_printed_works(tmp_path, monkeypatch, zoo_cli, model, make, name, more, told):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    make(here / name)
    if "--test" in more:
        table(here / "test.csv", 30)
    said = zoo_cli("run", model, "--data", name, *more, "--smoke", "--quiet", "--out", "run")
    assert said.code == 0, said.err
    said = zoo_cli("publish", "run", there / "my folder")
    assert said.code == 0 and told in said, said.err
    card = (there / "my folder" / "README.md").read_text()
    assert told in card and str(here) not in card
    other = make(there / f"other{'.' * ('.' in name)}{name.rpartition('.')[2] if '.' in name else ''}")
    monkeypatch.chdir(there)
    printed = re.findall(r"(zoo (?:eval|finetune) .*--data FILE)$", said, re.MULTILINE)
    written = re.findall(r"^(zoo (?:eval|finetune) .*--data FILE)", card, re.MULTILINE)
    assert len(printed) == len(written) == 2
    for command in (printed[0], written[0].replace("PATH/OF/THIS/FOLDER", "'my folder'"), printed[1]):
        words = [str(other) if word == "FILE" else word for word in shlex.split(command)[1:]]
        short = ["--smoke", "--quiet", "--out", "again"] if words[0] == "finetune" else []
        said = zoo_cli(*words, *short)
        assert said.code == 0, (command, said.err)
    said = zoo_cli("eval", "my folder")
    assert said.code == 3 and "--data FILE" in said.err and told in said.err and len(said.err.splitlines()) <= 3


def test_half_precision_is_scored_where_the_data_is(tmp_path, zoo_cli):
    zoo.run("mlp", table(tmp_path / "own.csv"), smoke=True, out=tmp_path / "run")
    said = zoo_cli("publish", tmp_path / "run", tmp_path / "half", "--half")
    assert said.code == 0 or "in half precision the accuracy goes" in said.err, said.err
    assert said.code != 2 and "is not here" not in said.err


def test_no_place_of_this_machine_is_told(monkeypatch):
    recipe = resolve("mlp", "iris", ["data.source=pairs:/home/me/a.en,/home/me/b.de"])[0]
    assert publishing._without_places(recipe).data.source == "pairs:a.en,b.de"
    start = {"weights": "/home/me/runs/secret", "freeze": "none"}
    said = [f"transfer.{key}={value!r}" for key, value in start.items()]
    assert publishing._without_places(resolve("mlp", "iris", said)[0]).transfer.weights == "secret"
