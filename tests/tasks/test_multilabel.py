"""Several labels an example: read from tables, arrays and texts, measured as scikit-learn does, trained and applied."""

import json

import numpy as np
import pytest
from sklearn import metrics as reference

import zoo
from zoo import tasks
from zoo.cli import main
from zoo.data.examples import conform_targets
from zoo.data.sources.memory import read
from zoo.errors import UsageError, ZooError

RENDERED = True
ROWS = 60


def flags(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 4)).astype("float32")
    return x, (x[:, :3] > 0).astype("int32")


def write_columns(path, **change):
    x, y = flags()
    cells = [[*(f"{value:.4f}" for value in row), *map(str, label)] for row, label in zip(x, y, strict=True)]
    for row, column, cell in change.get("cells", ()):
        cells[row][column] = cell
    path.write_text("\n".join(map(",".join, [["a", "b", "c", "d", "red", "round", "ripe"], *cells])))
    return path


def write_parted(path):
    x, y = flags()
    names = np.array(["red", "round", "ripe"])
    y[:, 0] |= y.sum(axis=1) == 0  # no example without any
    rows = [",".join([*(f"{value:.4f}" for value in row), "|".join(names[label == 1])])
            for row, label in zip(x, y, strict=True)]  # fmt: skip
    path.write_text("\n".join(["a,b,c,d,kinds", *rows]))
    return path, y


def test_columns_of_0_and_1_are_labels(tmp_path):
    data = tasks.from_path(write_columns(tmp_path / "fruit.csv"), "red, round,ripe")
    assert (data.task, data.class_names, data.input_shape) == ("multilabel", ("red", "round", "ripe"), (4,))
    splits = tasks.load(data, "fruit")
    assert [part.y.shape for part in splits] == [(43, 3), (5, 3), (12, 3)]
    assert {tuple((x[:3] > 0).astype(int)) == tuple(y) for part in splits for x, y in zip(part.x, part.y, strict=True)} == {True}  # fmt: skip  # noqa: E501


def test_names_parted_in_one_column_are_labels(tmp_path):
    path, y = write_parted(tmp_path / "fruit.csv")
    data = tasks.from_path(path)
    assert (data.task, data.class_names, data.label) == ("multilabel", ("red", "ripe", "round"), "kinds")
    read = np.concatenate([part.y for part in tasks.load(data, "fruit")])
    assert sorted(map(tuple, read)) == sorted(map(tuple, y[:, [0, 2, 1]]))


def test_a_text_has_several_labels_too(tmp_path):
    rows = [f"the film number {i} is quite long and good,{'long|good' if i % 2 else 'good'}" for i in range(30)]
    (tmp_path / "films.csv").write_text("\n".join(["text,tags", *rows]))
    data = tasks.from_path(tmp_path / "films.csv")
    assert (data.kind, data.task, data.class_names) == ("text", "multilabel", ("good", "long"))
    assert tasks.load(data, "films").train.y.max() == 1


@pytest.mark.parametrize(
    ("label", "cells", "told"),
    [
        ("red,rond", (), "rond"),
        ("red,round", [(3, 5, "2")], "line 5, column 'round': '2' stands in one of several label columns"),
        ("red,round", [(3, 5, "")], "missing cells: line 5, column 'round'"),
    ],
)
def test_what_is_no_label_is_named(tmp_path, label, cells, told):
    with pytest.raises(UsageError, match=told):
        tasks.from_path(write_columns(tmp_path / "fruit.csv", cells=cells), label)


def test_arrays_have_several_labels(tmp_path):
    x, y = flags()
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    data = tasks.from_path(tmp_path)
    assert (data.task, data.num_classes) == ("multilabel", 3)
    np.save(tmp_path / "y.npy", y * 2)
    with pytest.raises(UsageError, match="each 0 or 1"):
        tasks.from_path(tmp_path)


def test_a_recipe_that_says_otherwise_than_the_data_is_refused(tmp_path):
    data = tasks.from_path(write_columns(tmp_path / "fruit.csv"), "red,round,ripe")
    with pytest.raises(UsageError, match="labels of shape"):
        tasks.load(data.model_copy(update={"num_classes": 2}), "fruit")
    assert tasks.mistakes(data.model_copy(update={"task": "classification"}))
    assert tasks.mistakes(data.model_copy(update={"several_labels": False}))
    with pytest.raises(ZooError, match="row 1 has labels"):
        conform_targets(np.array([[0, 1, 0], [0, 3, 0]]), data, "here")


def test_metrics_are_scikit_learns():
    x, y = flags(200)
    data = tasks.decided(_described(x, y))
    outputs = np.random.default_rng(1).uniform(size=y.shape).astype("float32")
    objective = tasks.of(data).objective(data, "binary_crossentropy")
    for rows in (slice(0, 70), slice(70, 200)):
        objective.count(y[rows].astype("float32"), outputs[rows])
    found, said = objective.results(), outputs > 0.5
    assert found["subset_accuracy"] == pytest.approx(reference.accuracy_score(y, said))
    for average in ("micro", "macro"):
        assert found[f"{average}_f1"] == pytest.approx(reference.f1_score(y, said, average=average), abs=1e-6)


def _described(x, y):
    return read((x, y))[0]


def test_it_trains_is_scored_and_names_what_it_finds(tmp_path, capsys):
    path = write_columns(tmp_path / "fruit.csv")
    options = ["--data", str(path), "--label", "red,round,ripe", "--epochs", "60", "--batch-size", "8",
               "--set", "training.learning_rate=0.05", "--out", str(tmp_path / "run")]  # fmt: skip
    with pytest.raises(SystemExit) as stop:
        main(["run", "perceptron", *options])
    assert not stop.value.code, capsys.readouterr().err
    measured = json.loads((tmp_path / "run" / "metrics.json").read_text())["test"]
    assert measured["micro_f1"] > 0.85 and 0 <= measured["subset_accuracy"] <= 1
    kept = np.load(tmp_path / "run" / "predictions.npz", allow_pickle=False)
    assert measured["mean_average_precision"] == pytest.approx(_mean_average_precision(kept), abs=1e-6)
    assert (tmp_path / "run" / "labels.png").stat().st_size > 1000
    capsys.readouterr()
    (tmp_path / "new.csv").write_text("a,b,c,d\n3,3,-3,0\n-3,-3,-3,0\n")
    with pytest.raises(SystemExit) as stop:
        main(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv"), "--json"])
    shown = capsys.readouterr()
    assert not stop.value.code, shown.err
    assert [row["prediction"] for row in json.loads(shown.out)] == ["red|round", ""]


def _mean_average_precision(kept):
    """By its definition: at each hit, in order of probability, the share of hits so far."""
    found = []
    for truth, share in zip(kept["targets/y"].T, kept["outputs/y"].T, strict=True):
        hits = truth[np.argsort(-share, kind="stable")].astype(bool)
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        found += [precision[hits].mean()] if hits.any() else []
    return np.mean(found)


def test_arrays_in_python_train(tmp_path):
    x, y = flags()
    outcome = zoo.run("perceptron", (x, y), epochs=2, out=tmp_path / "run")
    assert {"micro_f1", "macro_f1", "subset_accuracy"} <= set(outcome.metrics["test"])
