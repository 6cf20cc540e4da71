"""All pictures of a run and its page: what is written for which task, and that a failure costs one picture only."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from zoo import report, tasks
from zoo.catalogue.registry import build
from zoo.data import Examples
from zoo.data.config import Data
from zoo.report.page import fact_rows, headline
from zoo.tasks.classification import class_scores
from zoo.tasks.task import Look, outputs

HISTORY = {"loss": [1.0, 0.5], "val_loss": [1.1, 0.7]}
FACTS = {
    "model": "lenet",
    "dataset": "toy",
    "metrics": {"test": {"loss": 0.25, "accuracy": 0.75}, "examples_scored": 8, "examples_in_split": 8},
    "params": 61_706,
    "seed": 3,
    "command": "zoo run lenet toy --set 'a=<b>'",
    "versions": {"keras": "3.15.1"},
}
ALWAYS = {"learning_curves.png", "architecture.svg", "report.html"}


def toy(kind, task, shape, classes=None, names=()):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(8, *shape)).astype("float32")
    y = rng.normal(size=8) if task == "regression" else rng.integers(0, classes or 2, 8)
    described = Data(
        source="x:y", kind=kind, task=task, input_shape=shape, num_classes=classes, class_names=names, train=8
    )
    return described, x, y


def drawn(folder, model, described, x, y, scores=None, **facts):
    examples = Examples(x, y)
    scores = outputs(model, x) if scores is None else scores
    loss = tasks.of(described).losses[0]
    look = Look(model, described, loss, examples, scores, FACTS["metrics"]["test"])
    return report.draw(folder, look, HISTORY, FACTS | facts)


CASES = {
    "images": (
        ("lenet", {"input_shape": (16, 16, 1), "num_classes": 3}),
        ("image", "classification", (16, 16, 1), 3, ("a", "b", "<script>alert(1)</script>")),
        {"confusion_matrix.png", "mistakes.png", "filters.png", "feature_maps.png", "class_maps.png"},
    ),
    "plane": (
        ("perceptron.sigmoid", {}),
        ("tabular", "binary", (2,)),
        {"confusion_matrix.png", "decision_boundary.png"},
    ),
    "table": (
        ("mlp", {"input_shape": (4,), "num_classes": 3, "hidden_units": (3,)}),
        ("tabular", "classification", (4,), 3, ("a", "b", "c")),
        {"confusion_matrix.png"},
    ),
    "line": (("linear", {}), ("tabular", "regression", (1,)), {"predicted_actual.png", "fitted_curve.png"}),
}


@pytest.mark.parametrize("case", CASES)
def test_each_task_gets_its_pictures(case, tmp_path, caplog):
    (name, knobs), what, expected = CASES[case]
    spec, x, y = toy(*what)
    written = drawn(tmp_path, build(name, **knobs), spec, x, y)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()} == ALWAYS | expected
    assert written[-1].name == "report.html"
    assert not caplog.records
    page = (tmp_path / "report.html").read_text()
    assert page.count("<img ") == len(written) - 1
    assert "Not drawn" not in page
    assert_self_contained(page)


def assert_self_contained(page):
    fetched = []

    class Looker(HTMLParser):
        def handle_starttag(self, tag, attributes):
            fetched.extend(v for k, v in attributes if k in ("src", "href") and not v.startswith("data:image/"))
            if tag in ("script", "link", "iframe"):
                fetched.append(tag)

    Looker().feed(page)
    assert fetched == []
    assert not re.search(r"url\(|@import", page)


def test_foreign_words_cannot_become_markup(tmp_path):
    spec, x, y = toy("tabular", "classification", (4,), 3, ("<b>a</b>", "b", "c"))
    model = build("mlp", input_shape=(4,), num_classes=3, hidden_units=(3,))
    answers = np.eye(3)[(y + 1) % 3]  # every one wrong, so that all names come up
    drawn(tmp_path, model, spec, x, y, answers, dataset="<i>x</i>")
    page = (tmp_path / "report.html").read_text()
    assert "<b>a" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;a&lt;/b&gt;" in page  # in the table of mistakes
    assert "a=&lt;b&gt;" in page


def test_a_picture_that_fails_is_named_and_the_rest_is_kept(tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("no ink")

    monkeypatch.setattr("zoo.drawing.outcome.confusion_matrix", fail)
    spec, x, y = toy("tabular", "binary", (2,))
    written = drawn(tmp_path, build("perceptron.sigmoid"), spec, x, y)
    assert {path.name for path in written} == ALWAYS | {"decision_boundary.png"}
    assert "confusion_matrix.png: RuntimeError: no ink" in caplog.text
    assert "confusion_matrix.png: RuntimeError: no ink" in (tmp_path / "report.html").read_text()


def test_outputs_that_make_no_sense_cost_their_pictures_only(tmp_path, caplog):
    spec, x, y = toy("tabular", "binary", (2,))
    written = drawn(tmp_path, build("perceptron.sigmoid"), spec, x, y, np.array(["what", "is", "this"]))
    assert {path.name for path in written} == ALWAYS
    assert "pictures: ValueError" in caplog.text


def test_nothing_can_be_written_and_nothing_is_raised(tmp_path, caplog):
    spec, x, y = toy("tabular", "regression", (1,))
    assert drawn(tmp_path / "not there", build("linear"), spec, x, y) == []
    assert "report.html" in caplog.text


def test_without_a_test_split_the_rest_is_drawn(tmp_path):
    spec, x, y = toy("tabular", "binary", (2,))
    written = drawn(tmp_path, build("perceptron.sigmoid"), spec, x[:0], y[:0])
    assert {path.name for path in written} == ALWAYS


def test_the_table_of_facts():
    rows = dict(fact_rows(FACTS))
    assert rows["test accuracy"] == "6 of 8 (75.0 %)"
    assert rows["test loss"] == "0.25"
    assert rows["test examples scored"] == "8 of 8"
    assert rows["parameters"] == "61,706"
    assert "devices" not in rows  # unknown facts are left out
    assert headline(FACTS) == "accuracy 6 of 8 (75.0 %)"
    assert headline({}) == ""


def test_class_scores():
    np.testing.assert_allclose(class_scores(np.array([[0.2], [0.9]]), "binary_crossentropy"), [[0.8, 0.2], [0.1, 0.9]])
    margins = class_scores(np.array([[-3.0], [0.5]]), "hinge")
    np.testing.assert_allclose(margins, [[3, -3], [-0.5, 0.5]])
    assert margins.argmax(axis=1).tolist() == [0, 1]  # cut at 0, not at 0.5
    three = np.array([[0.1, 0.2, 0.7]])
    np.testing.assert_array_equal(class_scores(three, ""), three)
