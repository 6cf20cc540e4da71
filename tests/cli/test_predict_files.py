"""`zoo predict` on files of every form: tables with more columns, texts in a CSV, folders, broken files, a pipe."""

import csv
import io
import json
import sys

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import zoo


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A run of mlp on a table of numbers with two classes."""
    folder, rng = tmp_path_factory.mktemp("table"), np.random.default_rng(0)
    rows = [f"{w:.2f},{h:.2f},{'wide' if w > h else 'long'}\n" for w, h in rng.uniform(1, 9, (120, 2))]
    (folder / "shapes.csv").write_text("width,length,kind\n" + "".join(rows))
    return zoo.run("mlp", folder / "shapes.csv", smoke=True, out=folder / "run").folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A run of lstm on a table of texts."""
    folder, rng = tmp_path_factory.mktemp("texts"), np.random.default_rng(0)
    words = ["good", "fine", "bad", "dull", "film", "story", "actor"]
    rows = [f'"{" ".join(rng.choice(words, 6))}, number {i}",{i % 2}\n' for i in range(80)]
    (folder / "films.csv").write_text("review,stars\n" + "".join(rows))
    return zoo.run("lstm", folder / "films.csv", smoke=True, sets=("knobs.units=[4]",), out=folder / "run").folder


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_other_columns_stay_and_known_labels_are_counted(table, zoo_cli, tmp_path):
    (tmp_path / "new.csv").write_text("id,length,width,kind\na7,2,5,wide\nb8,5,2,wide\n")
    said = zoo_cli("predict", table, tmp_path / "new.csv", "--out", tmp_path / "answers.csv")
    rows = read((tmp_path / "answers.csv").read_text())
    assert [row["id"] for row in rows] == ["a7", "b8"] and [row["truth"] for row in rows] == ["wide", "wide"]
    right = sum(row["prediction"] == "wide" for row in rows)
    assert said.code == 0 and f"right: {right} of 2" in said.err
    x = np.array([[5, 2], [2, 5]], "float32")  # by their names, in the order of training
    assert [row["prediction"] for row in rows] == [row["prediction"] for row in zoo.load(table).predict(x)]
    again = zoo_cli("predict", table, tmp_path / "new.csv", "--out", tmp_path / "answers.csv")
    assert again.code == 2 and "nothing is overwritten" in again.err


def test_the_text_of_a_labelled_table_is_its_column_not_its_line(texts, zoo_cli, tmp_path):
    (tmp_path / "new.csv").write_text('id,stars,review\n1,0,"a good, fine film"\n2,1,a dull story\n')
    rows = json.loads(zoo_cli("predict", texts, tmp_path / "new.csv", "--json"))
    assert [row["text"] for row in rows] == ["a good, fine film", "a dull story"]
    assert [row["columns"] for row in rows] == [{"id": "1"}, {"id": "2"}] and [r["truth"] for r in rows] == ["0", "1"]
    alone = zoo.load(texts).predict(["a good, fine film", "a dull story"])
    assert [row["probabilities"] for row in rows] == [pytest.approx(row["probabilities"], abs=1e-6) for row in alone]


def test_a_table_without_texts_is_refused(texts, zoo_cli, tmp_path):
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n3,4\n")
    said = zoo_cli("predict", texts, tmp_path / "numbers.csv")
    assert said.code == 2 and "has no column of texts\nit has: a, b" in said.err


def test_each_file_of_a_folder_is_a_text(texts, zoo_cli, tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.txt").write_text(f"a good film\nand {name} dull story\n")
    rows = json.loads(zoo_cli("predict", texts, tmp_path, "--json"))
    assert [row["file"] for row in rows] == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]
    assert rows[0]["text"] == "a good film\nand a dull story"


def test_images_of_a_folder_are_named_and_broken_ones_may_be_left_out(zoo_cli, tmp_path):
    from PIL import Image

    for name in ("two", "one"):
        Image.fromarray(np.zeros((28, 28), "uint8")).save(tmp_path / f"{name}.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "one.png").read_bytes()[:40])
    stopped = zoo_cli("predict", "lenet:mnist", tmp_path)
    assert stopped.code == 2 and "torn.png" in stopped.err
    said = zoo_cli("predict", "lenet:mnist", tmp_path, "--skip-broken", "--json")
    assert [row["file"] for row in json.loads(said)] == [str(tmp_path / "one.png"), str(tmp_path / "two.png")]
    with pytest.raises(zoo.ZooError, match="none of 1 files"):
        zoo.load("lenet:mnist").predict(tmp_path / "torn.png", skip_broken=True)


def test_standard_input_is_read(table, texts, zoo_cli, monkeypatch):
    def piped(run, text):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return json.loads(zoo_cli("predict", run, "-", "--json"))

    rows = piped(texts, "a good film\na dull story\n")
    assert [(row["file"], row["text"]) for row in rows] == [("-, line 1", "a good film"), ("-, line 2", "a dull story")]
    assert [row["file"] for row in piped(table, "width,length\n1,2\n2,1\n")] == ["-", "-"]


def test_values_tell_how_far_off_they_are(zoo_cli, tmp_path):
    from zoo.cli import answers

    rows = [{"prediction": 1.5, "truth": "2"}, {"prediction": 4.0, "truth": "3"}, {"prediction": 0.0}]
    assert answers.right(rows) == "mean absolute error: 0.75 over 2 rows" and answers.right(rows[2:]) == ""


def test_several_labels_in_one_cell_are_not_held_against_the_answer(tmp_path):
    """They may stand in any order."""
    from zoo import tasks
    from zoo.data.beside import of_features

    rows = "".join(f"{i},{'red|round' if i % 2 else 'round'}\n" for i in range(40))
    (tmp_path / "fruit.csv").write_text(f"size,kind\n{rows}")
    data = tasks.from_path(tmp_path / "fruit.csv")
    assert data.several_labels and of_features(tmp_path / "fruit.csv", data).truths == []


def test_forecasts_have_their_dates_and_all_digits(tmp_path, zoo_cli):
    months = [f"{1990 + i // 12}-{i % 12 + 1:02d}" for i in range(119)]  # the last is November 1999
    rows = [f"{month},{123456 + 1000 * (i % 12) + i}\n" for i, month in enumerate(months)]
    (tmp_path / "sales.csv").write_text("month,sold\n" + "".join(rows))
    sets = ("data.series.horizon=3", "knobs.units=[4]")
    run = zoo.run("simple_rnn", tmp_path / "sales.csv", smoke=True, sets=sets, out=tmp_path / "run").folder
    said = zoo_cli("predict", run, tmp_path / "sales.csv")
    lines = [line.split() for line in said.splitlines()]
    assert lines[0] == ["file", "row", "date", "prediction"]
    assert [line[-2] for line in lines[1:]] == ["1999-12", "2000-01", "2000-02"]
    assert zoo_cli("predict", run, tmp_path / "sales.csv", "--out", tmp_path / "next.csv").code == 0
    written = read((tmp_path / "next.csv").read_text())
    assert [row["date"] for row in written] == ["1999-12", "2000-01", "2000-02"]
    sold = np.array([[[float(row.split(",")[1])] for row in rows]], "float32")  # (1, 119, 1)
    exact = zoo.load(run).predict(sold[:, -zoo.load(run).recipe.data.input_shape[0] :])
    assert [float(row["prediction"]) for row in written] == [row["prediction"] for row in exact]
    assert [line[-1] for line in lines[1:]] == [f"{row['prediction']:.7g}" for row in exact]
    (tmp_path / "bare.csv").write_text("sold\n" + "".join(row.split(",")[1] for row in rows))
    assert "date" not in json.loads(zoo_cli("predict", run, tmp_path / "bare.csv", "--json"))[0]
