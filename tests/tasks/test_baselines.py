"""Learners without a network: what they score, when they are tried, and what is said of the network beside them."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from zoo import tasks
from zoo.catalogue import baselines
from zoo.cli.console import baseline_lines
from zoo.data import Examples, Splits
from zoo.data.config import Data, Text
from zoo.recipe import resolve
from zoo.report.page import fact_rows
from zoo.runs import finishing
from zoo.tasks.baselines import of_classes
from zoo.training.evaluation import Evaluation


def parted(x, y, raw=None):
    """The first three quarters to train on, the rest to test."""
    cut = 3 * len(y) // 4
    rows = (slice(cut), slice(0), slice(cut, None))
    parts = None if raw is None else Splits(*(Examples(raw[part], y[part]) for part in rows))
    return Splits(*(Examples(x[part], y[part]) for part in rows), raw=parts)


def data(kind, task, shape, count, **more):
    return Data(source="memory:arrays", kind=kind, task=task, input_shape=shape, train=count, **more)


def names(found):
    return [row["name"] for row in found]


def test_tables_meet_a_linear_model_and_boosting():
    x, y = load_breast_cancer(return_X_y=True)
    splits, told = parted(x.astype("float32"), y), data("tabular", "binary", (30,), len(y))
    found = tasks.of(told).baselines(told, splits, {"accuracy": 0.9}, asked=False)
    assert names(found) == ["logistic regression", "gradient boosting"]
    assert all(row["metric"] == "accuracy" and row["value"] > 0.95 for row in found)
    x, y = load_diabetes(return_X_y=True)
    splits, told = parted(x.astype("float32"), y.astype("float32")), data("tabular", "regression", (10,), len(y))
    found = tasks.of(told).baselines(told, splits, {}, asked=False)
    assert names(found) == ["ridge regression", "gradient boosting"] and all(row["metric"] == "mae" for row in found)
    mean = np.abs(splits.test.y - splits.train.y.mean()).mean()
    assert found[0]["value"] < 0.9 * mean


def test_texts_meet_tf_idf_on_the_words_themselves():
    words = np.array([f"{'good' if i % 2 else 'bad'} film number {i}" for i in range(80)], object)
    text = Text(tokens="word", vocab_size=9)
    told = data("text", "binary", (4,), 80, input_dtype="int32", text=text)
    splits = parted(np.zeros((80, 4), "int32"), np.arange(80) % 2, raw=words)
    assert tasks.of(told).baselines(told, splits, {}, asked=False) == [
        {"name": "TF-IDF with logistic regression", "metric": "accuracy", "value": 1.0}
    ]


def test_images_meet_the_nearest_class_mean_and_several_labels_nothing():
    x, y = load_digits(return_X_y=True)
    told = data("image", "classification", (8, 8, 1), len(y), input_dtype="uint8", num_classes=10)
    found = tasks.of(told).baselines(told, parted(x.astype("uint8").reshape(-1, 8, 8, 1), y), {}, asked=False)
    assert names(found) == ["nearest class mean"] and 0.8 < found[0]["value"] < 0.95
    told = data("tabular", "multilabel", (2,), 4, num_classes=2, several_labels=True)
    assert tasks.of(told).baselines(told, parted(np.zeros((4, 2)), np.zeros((4, 2))), {}, asked=True) == []


def test_series_meet_the_forecasts_that_are_measured_anyway():
    recipe = resolve("lstm", "sine")[0].data
    measured = {"mae": 0.1, "naive_mae": 0.3, "seasonal_naive_mae": 0.2}
    found = tasks.of(recipe).baselines(recipe, None, measured, asked=False)
    assert names(found) == ["the last value again", "the value a season ago"]
    assert baselines.verdict(found, measured) == (
        "the network is ahead: the value a season ago has mae 0.2, the network 0.1"
    )
    assert baselines.verdict(found, measured | {"mae": 0.2 - 1e-9}) == (
        "the network is not worth it here: the value a season ago has mae 0.2, the network 0.2"
    )


def test_what_would_take_long_is_tried_only_if_asked_for():
    told = data("tabular", "binary", (100,), 400_000)
    splits = Splits(*(Examples(np.zeros((count, 100), "float32"), np.zeros(count, int)) for count in (400_000, 0, 2)))
    assert all(baseline.seconds > 10 for baseline in of_classes(told, splits))
    assert tasks.of(told).baselines(told, splits, {}, asked=False) == []


def test_it_is_said_plainly_when_the_network_is_not_worth_it():
    rows = [
        {"name": "boosting", "metric": "accuracy", "value": 0.9},
        {"name": "linear", "metric": "accuracy", "value": 0.8},
    ]
    found = {"baselines": rows}
    [scores, worth] = baseline_lines(found, {"accuracy": 0.9})
    assert scores == ("baselines", "boosting 90.00%, linear 80.00%")
    assert worth == ("", "the network is not worth it here: boosting has 90.00%, the network 90.00%")
    facts = dict(fact_rows({"metrics": {"test": {"accuracy": 0.95}, "details": found, "examples_scored": 20}}))
    assert facts["worth it?"] == "the network is ahead: boosting has 90.00%, the network 95.00%"
    assert baseline_lines({}, {}) == []


@pytest.mark.parametrize(("asked", "smoke", "source", "tried"), [
    (None, False, "memory:arrays", True), (None, True, "memory:arrays", False), (False, False, "memory:arrays", False),
    (None, False, "sklearn:iris", False), (True, False, "sklearn:iris", True),
])  # fmt: skip
def test_by_default_own_data_alone(asked, smoke, source, tried):
    recipe = resolve("mlp", "iris")[0]
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"source": source})})
    splits = parted(np.random.default_rng(0).normal(size=(90, 4)).astype("float32"), np.arange(90) % 3)
    facts = {"smoke": smoke} | ({} if asked is None else {"baseline": asked})
    found = finishing.baselines(recipe, splits, Evaluation({"accuracy": 0.5}, None), facts)
    assert bool(found) is tried


def test_a_run_on_an_own_table_says_it(zoo_cli, tmp_path):
    x, y = load_breast_cancer(return_X_y=True)
    rows = [",".join(f"{v:g}" for v in row[:3]) + f",{label}" for row, label in zip(x[:120], y, strict=False)]
    (tmp_path / "rows.csv").write_text("a,b,c,label\n" + "\n".join(rows))
    said = zoo_cli("run", "perceptron", "--data", tmp_path / "rows.csv", "--epochs", "1", "--out", tmp_path / "run")
    assert said.code == 0, said.err
    assert "logistic regression" in said and "gradient boosting" in said and "the network is" in said
    assert "worth it?" in (tmp_path / "run" / "report.html").read_text()
