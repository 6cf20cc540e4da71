"""What is said of a whole split beside its metrics: values worked out by hand, and where they are shown."""

import numpy as np
import pytest

from zoo import tasks
from zoo.cli.console import detail_lines
from zoo.data import Examples, Splits
from zoo.data.config import Data, Target, Text
from zoo.report.page import class_rows, fact_rows
from zoo.tasks.details import calibration_error, of_classes, of_values, reliability


def splits(train, test):
    nothing = np.zeros((0, 1), "float32")
    part = [Examples(np.zeros((len(y), 1), "float32"), np.asarray(y)) for y in (train, test)]
    return Splits(part[0], Examples(nothing, np.zeros(0)), part[1])


def test_classes_by_hand():
    """Ten of class 0, of which eight are found, and two of class 1, of which one is."""
    y, said = np.array([0] * 10 + [1] * 2), np.array([0] * 8 + [1] * 2 + [0, 1])
    scores = np.eye(2)[said] * 0.6 + 0.2  # 0.8 for what is said
    found = of_classes(y, scores, ("no", "yes"), train=np.array([1, 1, 0]))
    no, yes = found["by_class"]
    assert (no["name"], no["examples"]) == ("no", 10) and (yes["name"], yes["examples"]) == ("yes", 2)
    assert (no["precision"], no["recall"]) == pytest.approx((8 / 9, 0.8))
    assert (yes["precision"], yes["recall"], yes["f1"]) == pytest.approx((1 / 3, 0.5, 0.4))
    numbers = found["numbers"]
    assert numbers["balanced_accuracy"] == pytest.approx(0.65)
    assert numbers["macro_f1"] == pytest.approx((no["f1"] + 0.4) / 2)
    assert numbers["majority_accuracy"] == pytest.approx(2 / 12)  # the training part's most frequent class
    assert numbers["roc_auc"] == pytest.approx(0.65)  # one threshold: (0.8 + 0.5) / 2
    assert numbers["calibration_error"] == pytest.approx(0.8 - 9 / 12)


def test_a_class_that_is_nowhere_counts_in_no_mean():
    found = of_classes(np.array([0, 1]), np.eye(3)[[0, 1]], ("a", "b", "c"), np.array([0]))
    assert found["numbers"]["macro_f1"] == found["numbers"]["balanced_accuracy"] == 1.0
    assert "roc_auc" not in found["numbers"] and found["by_class"][2]["examples"] == 0


def test_scores_that_are_no_probabilities_have_no_calibration():
    found = of_classes(np.array([0, 1]), np.array([[3.0, -3.0], [-1.0, 1.0]]), ("a", "b"), np.array([0]), False)
    assert "reliability" not in found and "calibration_error" not in found["numbers"]
    assert found["numbers"]["roc_auc"] == 1.0
    assert of_classes(np.array([0, 1]), np.full((2, 2), np.nan), ("a", "b"), np.array([0])) == {}


def test_reliability_by_hand():
    rows = reliability(np.array([True, False, True, True]), np.array([0.55, 0.6, 0.95, 1.0]))
    assert [row["examples"] for row in rows] == [2, 2]
    assert [row["confidence"] for row in rows] == pytest.approx([0.575, 0.975])
    assert [row["accuracy"] for row in rows] == [0.5, 1.0]
    assert calibration_error(rows) == pytest.approx(0.5 * 0.075 + 0.5 * 0.025)


def test_values_by_hand():
    found = of_values(np.array([1.0, 3.0]), np.array([[1.0], [1.0]]), train=np.array([4.0]))["numbers"]
    assert found == pytest.approx({"rmse": 2**0.5, "mean_mae": 2.0, "mean_rmse": 5**0.5, "r2": -1.0})
    assert "r2" not in of_values(np.array([2.0]), np.array([[1.0]]), np.array([4.0]))["numbers"]


def test_each_head_says_its_own():
    targets = {"sort": Target(task="binary"), "mass": Target(task="regression")}
    data = Data(source="x:y", kind="tabular", input_shape=(1,), targets=targets, train=4)
    y = {"sort": np.array([0, 1]), "mass": np.array([1.0, 2.0])}
    part = Examples(np.zeros((2, 1)), y)
    outputs = {"sort": np.array([[0.1], [0.9]]), "mass": np.array([[1.0], [2.0]])}
    found = tasks.of(data).details(data, "sum", Splits(part, part, part), "test", outputs)
    assert found["numbers"]["sort_macro_f1"] == found["numbers"]["mass_r2"] == 1.0
    assert [row["name"] for row in found["by_class"]] == ["sort: 0", "sort: 1"]


def test_sentences_get_bleu_and_chrf_by_themselves_and_words_do_not():
    text = Text(tokens="word", vocab_size=9, target_vocab_size=9, target_length=9)
    data = Data(
        source="x:y", kind="text-pair", task="seq2seq", input_shape=(9,), input_dtype="int32", train=1, text=text
    )
    said = ["the cat sat on the mat"]
    raw = splits(said, said)
    told = tasks.of(data).details(data, "", Splits(*raw, raw=raw), "test", said)["numbers"]
    assert told == pytest.approx({"bleu": 100.0, "chrf": 100.0})
    one = splits(["cat"], ["cat"])
    assert tasks.of(data).details(data, "", Splits(*one, raw=one), "test", ["cat"]) == {}


def test_the_command_line_says_it_in_two_lines_and_the_page_in_full():
    found = of_classes(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]], ("a", "<b>"), np.array([1]))
    further, without = detail_lines("test", found)
    assert further == (
        "test, further",
        "balanced accuracy 75.00%, macro f1 66.67%, roc auc 75.00%, calibration error 0.3333",
    )
    assert without == ("without a network", "accuracy 66.67% (always the most frequent class)")
    facts = dict(fact_rows({"metrics": {"test": {}, "details": found}}))
    assert facts["test macro precision"] == "75.00 %" and facts["test average precision"] == "83.33 %"
    assert [row["name"] for row in class_rows(found)] == ["a", "<b>"]
    assert detail_lines("test", {}) == [] and class_rows({}) == []
