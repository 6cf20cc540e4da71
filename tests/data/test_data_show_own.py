"""`zoo data show --data PATH`: everything about own data before anything is trained on it."""

import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


ROWS = "".join(f"n{i % 5},{i % 7},{'' if i % 9 == 4 else i},{'ab'[i % 2]}\n" for i in range(60))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("who,size,age,kind\n" + ROWS)
    return path


def test_a_table_with_missing_cells_is_shown_before_it_is_refused(table, zoo_cli):
    said = zoo_cli("data", "show", "--data", table)
    rows = {line.split()[0]: line.split() for line in said.splitlines() if line.split()}
    assert said.code == 2 and "--missing drop" in said.err
    assert rows["age"] == ["age", "number", "7", "0", "to", "59"] and rows["who"][1:3] == ["text", "-"]


def test_a_table_s_columns_parts_and_copies_are_told(table, tmp_path, zoo_cli):
    (tmp_path / "test.csv").write_text("who,size,age,kind\nn1,1,1,b\nn2,2,99,a\n")
    wanted = ("--data", table, "--test", tmp_path / "test.csv", "--missing", "median", "--drop", "size")
    said = zoo_cli("data", "show", *wanted)
    assert said.code == 0 and "samples drawn in a-samples.png" in said
    roles = {line.split()[0]: " ".join(line.split()[1:5]) for line in said.splitlines() if line.split()}
    assert roles["who"].startswith("category of 5 values") and roles["age"].startswith("number 7")
    assert roles["size"].startswith("left out") and roles["kind"].startswith("to predict")
    assert f"test: {tmp_path / 'test.csv'}" in said and "validation: held out of the rest" in said
    assert "1 of 2 test examples are exact copies" in said
    found = json.loads(zoo_cli("data", "show", *wanted, "--json"))
    assert (found["train"], found["test"]) == (54, 2) and found["parts"]["test"] == str(tmp_path / "test.csv")
    assert found["columns"][2] == {"name": "age", "use": "number", "missing": 7, "values": "0 to 59"}
    assert any("exact copies" in line for line in found["findings"])
    assert "without a network: logistic regression" in said
    assert [row["name"] for row in found["baselines"]] == ["logistic regression", "gradient boosting"]


def test_a_folder_of_parts_and_copies_among_its_images(tmp_path, zoo_cli):
    for part, count in (("train", 20), ("test", 4)):
        for i in range(count):
            place = tmp_path / "shots" / part / ("cat", "dog")[i % 2]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8), i * 9, "uint8")).save(place / f"{i}.png")
    said = zoo_cli("data", "show", "--data", tmp_path / "shots")
    assert said.code == 0 and f"test: {tmp_path / 'shots' / 'test'}" in said
    assert "4 of 4 test examples are exact copies" in said and "4 examples are exact copies of another one" in said


def test_texts_are_shown_without_tensorflow(tmp_path, zoo_cli):
    rows = [f"{i % 2},it was film number {i % 15} and {'good' if i % 2 else 'bad'}" for i in range(60)]
    (tmp_path / "films.csv").write_text("stars,review\n" + "\n".join(rows) + "\n")
    said = zoo_cli("data", "show", "--data", tmp_path / "films.csv")
    assert said.code == 0 and "exact copies of training examples" in said and "to predict" in said
    said = zoo_cli("data", "show", "--data", tmp_path / "films.csv", "--as", "text", "--label", "stars")
    assert "without a network: TF-IDF with logistic regression 100.00%" in said
    (tmp_path / "book.txt").write_text("It was late, and it rained; nobody came.\n" * 50)
    book = zoo_cli("data", "show", "--data", tmp_path / "book.txt")
    assert book.code == 0 and "language-model" in book and "It was late" in book
    assert zoo_cli("data", "show").code == zoo_cli("data", "show", "digits", "--data", "x").code == 2


def test_a_series_is_shown_with_the_forecasts_that_need_no_network(tmp_path, zoo_cli):
    rows = [f"{1990 + i // 12}-{i % 12 + 1:02d},{100 + 10 * (i % 12) + i // 12}\n" for i in range(240)]
    (tmp_path / "sales.csv").write_text("month,sold\n" + "".join(rows))
    said = zoo_cli("data", "show", "--data", "sales.csv")
    assert "copies" not in said and "'sold' is forecast 1 step ahead from windows of 24 steps" in said
    assert "without a network: the last value again mae " in said and "the value a season ago mae 1" in said
    last, season = json.loads(zoo_cli("data", "show", "--data", "sales.csv", "--json"))["baselines"]
    assert last["name"] == "the last value again" and last["value"] > 10 and season["value"] == 1.0
