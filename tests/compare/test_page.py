"""The page of a comparison, its pictures, and the examples on which two networks differ."""

import re
from html import unescape
from pathlib import Path

import made_runs as made
import numpy as np
import pytest

from zoo.compare import comparison, examples, page
from zoo.data.examples import Examples
from zoo.drawing import comparing
from zoo.runs import predictions

HISTORY = {"loss": [2.0, 1.5, 1.0], "val_loss": [2.5, 2.0, 1.5], "val_accuracy": [0.5, 0.7, 0.9]}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("runs")


def images(runs, **changed):
    """Two runs on ten small images: the first is wrong on 1, the other on 2, 5 and 8."""
    x = np.random.default_rng(0).integers(0, 255, (10, 8, 8, 1), "uint8")
    for name, model, wrong in (("a", "mlp", [1]), ("b", "lenet", [2, 5, 8])):
        outputs = made.said(wrong, classes=10)
        made.run(runs / name, model, "digits", x=x, outputs=outputs, history=HISTORY, **changed)
    return x


def held(*names):
    return comparison.compare(names).held.tested


def test_examples_of_each_side_come_with_what_was_said_the_surest_mistake_first(runs):
    x = images(runs)
    sides = examples.differing(held("runs/a", "runs/b")[0], 2)
    first, second = sides.examples
    assert sides.counts == (3, 1) and sides.seeds == (0, 0)
    assert [(one.row, one.wanted, one.said) for one in first] == [(8, "2", ("2", "3")), (5, "2", ("2", "3"))]
    assert [(one.row, one.wanted, one.said) for one in second] == [(1, "1", ("2", "1"))]
    assert first[0].sure[1] > first[1].sure[1] > 0.7
    np.testing.assert_array_equal(first[0].image, x[8])


def test_images_that_any_of_the_runs_kept_come_first(runs, monkeypatch):
    monkeypatch.setattr(predictions, "WHOLE", predictions.WHOLE | {"inputs": 10})
    monkeypatch.setattr(predictions, "FIRST", 0)
    images(runs, shown=[2])
    (first, second), counts, _ = examples.differing(held("runs/a", "runs/b")[0], 9)
    assert [(one.row, one.image is not None) for one in first] == [(2, True), (8, False), (5, False)]
    assert [one.image is not None for one in second] == [False] and counts == (3, 1)


def test_rows_of_a_table_and_texts_are_words(runs):
    made.run(runs / "a", "mlp", wrong=[1])
    made.run(runs / "b", "perceptron", wrong=[4])
    (first, _), *_ = examples.differing(held("runs/a", "runs/b")[0], 9)
    assert first[0].values == {"sepal length": "16", "sepal width": "17", "petal length": "18", "petal width": "19"}
    ids = np.ones((10, 3), "int32")
    raw = Examples(np.array([f"a film {i}" for i in range(10)], dtype=object), made.WANTED % 2)
    for name, model, off in (("c", "lstm", 0.0), ("d", "gru", 0.6)):
        shares = np.where(made.WANTED % 2, 0.9, 0.1 + off)[:, None].astype("float32")
        made.run(runs / name, model, "imdb", wanted=made.WANTED % 2, raw=raw, outputs=shares, x=ids)
    (first, second), *_ = examples.differing(held("runs/c", "runs/d")[0], 9)
    assert first[0].values == {"text": "a film 0"} and first[0].said == ("bad", "good") and second == []


def test_of_values_the_largest_difference_comes_first(runs):
    wanted, x = np.arange(4, dtype="float32"), np.zeros((4, 10), "float32")
    for name, model, off in (("a", "mlp", [0, 1, 2, 9]), ("b", "linear", [5, 0, 9, 9])):
        outputs = (wanted + off)[:, None].astype("float32")
        made.run(runs / name, model, "diabetes", wanted=wanted, x=x, outputs=outputs, test={"mae": 1.0})
    (first, second), *_ = examples.differing(held("runs/a", "runs/b")[0], 9)
    assert [(one.row, one.wanted, one.said) for one in first] == [(2, "2", ("4", "11")), (0, "0", ("0", "5"))]
    assert [one.row for one in second] == [1]


def test_curves_lie_over_each_other_with_the_mean_of_seeds():
    other = {"val_loss": [1.0, 2.0], "val_accuracy": [0.1, 0.3], "loss": [1.0, 1.0]}
    drawn = comparing.curves_together({"mlp": [HISTORY, other], "lenet": [other]}, ["accuracy", "loss"])
    accuracy, loss = drawn.axes
    assert accuracy.get_title(loc="left") == "validation accuracy" and loss.get_title(loc="left") == "validation loss"
    lines = {line.get_label(): line.get_ydata() for line in accuracy.lines if not line.get_label().startswith("_")}
    np.testing.assert_allclose(lines["mlp"], [0.3, 0.5])  # of the epochs that both seeds have
    np.testing.assert_allclose(lines["lenet"], [0.1, 0.3])
    assert len(accuracy.lines) == 4  # two seeds and their mean, and one
    colours = {line.get_label(): line.get_color() for line in loss.lines}
    assert colours["mlp"] != colours["lenet"]


def test_without_validation_the_training_curves_are_shown_and_of_very_many_the_first():
    drawn = comparing.curves_together({f"{i}": [{"loss": [2.0, 1.0]}] for i in range(30)}, ["loss", "accuracy"])
    assert [axes.get_title(loc="left") for axes in drawn.axes] == ["training loss", "training accuracy"]
    assert len(drawn.axes[0].lines) == comparing.MOST_CURVES and "the first 8 of 30" in drawn._suptitle.get_text()
    assert [text.get_text() for text in drawn.axes[1].texts] == ["not recorded"]


def test_a_side_without_images_takes_no_room():
    shown = [comparing.Shown(np.zeros((4, 4, 1)), f"{i}", "") for i in range(9)]
    drawn = comparing.differing_images({"a is right": shown, "b is right": []}, "title")
    assert len(drawn.subfigs) == 1
    assert [axes.get_title() for axes in drawn.subfigs[0].axes if axes.axison] == [f"{i}" for i in range(9)]


def test_the_page_holds_all_of_it_and_fetches_nothing(zoo_cli, runs):
    images(runs)
    said = zoo_cli("compare", "runs/a", "runs/b", "--html", "both.html")
    assert said.code == 0 and "wrote both.html" in said.err
    text = unescape(Path("both.html").read_text())
    for sentence in comparison.compare(["runs/a", "runs/b"]).sentences:
        assert sentence in text
    assert text.count("data:image/png;base64,") == 2 and "preprocessing.resize" in text
    assert "zoo compare runs/a runs/b --html both.html" in text and "runs/b" in text
    assert not re.search(r'(src|href)="(?!data:)', text) and "Not drawn" not in text


def test_a_page_of_rows_has_a_table_of_them_and_words_stay_words(zoo_cli, runs):
    sets = ['data.class_names=["<script>x</script>","b","c"]']
    made.run(runs / "a", "mlp", wrong=[3], sets=sets)
    made.run(runs / "b", "perceptron", wrong=[1, 4], sets=sets)
    assert zoo_cli("compare", "runs/a", "runs/b", "--html", "both.html", "--json").code == 0
    written = Path("both.html").read_text()
    assert "<script>" not in written and "&lt;script&gt;x&lt;/script&gt;" in written
    assert "mlp is right and perceptron is wrong: 2" in written and "sepal length" in written


def test_what_cannot_be_drawn_is_named_and_the_rest_written(runs, monkeypatch):
    images(runs)
    monkeypatch.setattr(page, "differing", lambda *arguments: 1 / 0)
    page.write(comparison.compare(["runs/a", "runs/b"]), Path("both.html"))
    text = unescape(Path("both.html").read_text())
    assert (
        "Not drawn" in text and "examples of mlp and lenet: ZeroDivisionError" in text and text.count("data:image") == 1
    )


def test_a_page_of_records_alone_has_no_pictures(zoo_cli, runs):
    assert zoo_cli("compare", "perceptron:iris", "perceptron:xor", "--html", "both.html").code == 0
    assert "data:image" not in Path("both.html").read_text()


@pytest.mark.parametrize(("name", "why"), [("both.txt", "ends in .html"), ("taken.html", "nothing is overwritten")])
def test_a_name_that_is_no_page_or_taken_is_refused_first(zoo_cli, runs, name, why):
    Path("taken.html").write_text("mine")
    said = zoo_cli("compare", "nowhere", "--html", name)
    assert said.code == 2 and why in said.err and Path("taken.html").read_text() == "mine"
