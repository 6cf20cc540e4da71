"""What a library's user has at hand goes into `zoo.run`: recipe objects, arrays, a `tf.data.Dataset`."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits, load_iris

import zoo
import zoo.tasks
from zoo.data.config import Data
from zoo.data.sources import memory as given
from zoo.errors import UsageError, ZooError
from zoo.runs.directory import Run
from zoo.runs.job import resume
from zoo.runs.publishing import publish as zoo_publish
from zoo.runs.scoring import rescore
from zoo.training.objects import Given

X, Y = load_iris(return_X_y=True)
IMAGES, DIGITS = load_digits().images / 16, load_digits().target


def trained(dataset, tmp_path, model="mlp", **more):
    return zoo.run(model, dataset, **{"epochs": 2, "out": tmp_path / "run", **more})


def test_a_dataset_in_one_call():
    splits = zoo.data.load("digits")
    assert [len(part.y) for part in splits] == [1294, 144, 359]
    x, y = next(iter(splits.test.as_dataset()))
    np.testing.assert_array_equal(x, splits.test.x[0])
    assert int(y) == splits.test.y[0] and int(splits.train.as_dataset().cardinality()) == 1294
    assert len(zoo.data.load("sklearn:iris").train.y) == len(zoo.data.load("iris").train.y)


def test_examples_on_disk_as_a_dataset(tmp_path):
    np.save(tmp_path / "x.npy", X.astype("float32"))
    np.save(tmp_path / "y.npy", Y)
    stored = zoo.tasks.infer(f"arrays:{tmp_path}").model_copy(update={"stream": "on"})
    train = zoo.data.load(stored).train
    found = train.as_dataset()
    assert int(found.cardinality()) == len(train.y) and hasattr(train.x, "blocks")
    np.testing.assert_array_equal(np.stack([x for x, _ in found.as_numpy_iterator()]), train.x[:])
    np.testing.assert_array_equal([y for _, y in found.as_numpy_iterator()], train.y)


def test_lists():
    assert {"digits", "mnist"} <= set(zoo.list_datasets()) and zoo.list_datasets("dig*") == ["digits", "digits_images"]
    assert "lenet:mnist" in zoo.list_weights() and all(n.startswith("lenet:") for n in zoo.list_weights("lenet:*"))


def test_recipe_objects_run_as_their_names_do(tmp_path):
    recipe = zoo.load_recipe("iris")
    assert zoo.load_recipe(recipe) is recipe
    named, object_ = trained("iris", tmp_path / "a"), trained(recipe, tmp_path / "b")
    again = zoo.run(zoo.load(named.folder).recipe, out=tmp_path / "c")
    assert named.metrics == object_.metrics == again.metrics
    assert named.recipe == object_.recipe == again.recipe
    shorter = zoo.run(named.recipe, epochs=1, out=tmp_path / "d")
    assert shorter.recipe.training.epochs == 1
    with pytest.raises(UsageError, match="names its dataset, iris"):
        zoo.run(named.recipe, "digits")


NEVER = "note: callbacks.early_stopping.patience: 5 never runs out within 2 epochs"


def test_notes_of_the_command_are_warnings_in_python(tmp_path, caplog):
    named = trained("iris", tmp_path / "a", sets=["callbacks.early_stopping.patience=5"])
    assert [record.getMessage() for record in caplog.records if record.name == "zoo"] == [NEVER]
    caplog.clear()
    zoo.run(named.recipe, epochs=3, sets=["training.seed=1"], out=tmp_path / "b")
    assert NEVER.replace("within 2", "within 3") in caplog.text


@pytest.mark.parametrize("quietly", [["--quiet"], []])
def test_the_command_says_a_note_once(tmp_path, quietly, zoo_cli):
    sets = ["--set", "callbacks.early_stopping.patience=5", "--epochs", "2"]
    said = zoo_cli("run", "mlp", "iris", *sets, "--out", tmp_path / "run", *quietly)
    assert said.code == 0 and said.err.count(NEVER) == 1
    assert quietly or (tmp_path / "run" / "log.txt").read_text().count(NEVER) == 1


def test_arrays_and_datasets_give_one_and_the_same_run(tmp_path):
    pairs = tf.data.Dataset.from_tensor_slices((X.astype("float32"), Y))
    told = {"arrays": (X, Y), "single": pairs, "batched": pairs.batch(32), "generator": pairs.filter(lambda x, y: True)}
    runs = {name: trained(dataset, tmp_path / name, epochs=1) for name, dataset in told.items()}
    assert all(run.metrics == runs["arrays"].metrics for run in runs.values())
    assert runs["arrays"].metrics["examples_scored"] == 30
    assert runs["arrays"].recipe.data.source == "memory:arrays"
    assert runs["batched"].recipe.data.source == "memory:dataset"


def test_own_test_and_validation_parts_are_taken(tmp_path):
    parts = {"train": (IMAGES[:900], DIGITS[:900]), "test": (IMAGES[900:1500], DIGITS[900:1500])}
    outcome = trained(parts | {"validation": (IMAGES[1500:], DIGITS[1500:])}, tmp_path, epochs=6)
    assert zoo.tasks.sizes(outcome.recipe.data) == {"train": 900, "validation": 297, "test": 600}
    assert outcome.metrics["test"]["accuracy"] > 0.8  # images from 0 to 1: nothing divides them by 255


def test_a_run_predicts_from_files_and_from_arrays_alike(tmp_path, zoo_cli):
    run = zoo.load(trained((X, Y), tmp_path).folder)
    np.save(tmp_path / "rows.npy", X[:3])
    rows = run.predict(X[:3])
    assert [row["row"] for row in rows] == [1, 2, 3] and set(rows[0]["probabilities"]) == {"0", "1", "2"}
    file = {"file": str(tmp_path / "rows.npy")}
    assert run.predict(tmp_path / "rows.npy") == [file | row for row in rows]
    assert json.loads(zoo_cli("predict", run.folder, tmp_path / "rows.npy", "--json")) == [file | row for row in rows]
    again = zoo.load(zoo_publish(run, tmp_path / "published"))
    assert [row["prediction"] for row in again.predict(X[:3])] == [row["prediction"] for row in rows]
    assert 'run.predict(pathlib.Path("FILE"))' in (tmp_path / "published" / "README.md").read_text()


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (X[:2, :3], r"x has shape \(2, 3\), the model takes \(n, \*\(4,\)\)"),
        (X[:2].astype(str), "an array of <U32, the model takes float32"),
        (X[:2] * np.nan, "x: row 0, feature sepal length is nan"),
        ({"a": X[:2]}, "the model takes an array, not a"),
        ("a fine film", "it takes files"),
    ],
)
def test_what_a_run_does_not_predict_from_is_refused(given, what, iris):
    with pytest.raises(ZooError, match=what):
        iris.predict(given)


@pytest.fixture(scope="module")
def iris(tmp_path_factory):
    return zoo.load(trained("iris", tmp_path_factory.mktemp("iris"), epochs=1).folder)


def test_a_run_on_arrays_says_that_it_has_them_no_more(tmp_path, zoo_cli):
    outcome = trained((X, Y), tmp_path)
    words = "memory:arrays: the data was given as arrays in Python, which a run does not keep\npass them again"
    with pytest.raises(UsageError, match=words):
        rescore(Run(outcome.folder), None, "test")
    for command in (["eval", outcome.folder], ["run", outcome.folder / "recipe.toml"]):
        said = zoo_cli(*command)
        assert said.code == 2 and "given as arrays in Python" in said.err and "pass them again" in said.err
    again = zoo.run(zoo.load(outcome.folder).recipe, (X, Y), out=tmp_path / "again")
    assert again.metrics == outcome.metrics
    (tmp_path / "rows.csv").write_text("5.1,3.5,1.4,0.2\n", encoding="utf-8")
    assert json.loads(zoo_cli("predict", outcome.folder, tmp_path / "rows.csv", "--json"))


WRONG = {
    "lengths": ((X, Y[:-1]), "x of shape (150, 4) and y of shape (149,)"),
    "indicators": ((X, np.eye(3)[Y]), "y of the train part has shape (150, 3): one number an example"),
    "words": ((X.astype(str), Y), "x of the train part is an array of <U32, not of numbers"),
    "axes": ((X[:, 0], Y), "x of the train part has shape (150,); images are"),
    "one class": ((X, Y * 0), "y of the train part knows one class only"),
    "below 0": ((X, Y - 1), "y of the train part holds -1"),
    "no pair": (X, "the train data is a ndarray\ngive a pair of arrays (x, y)"),
    "no train": ({"test": (X, Y)}, "the keys train, test and validation, the first of them always, not test"),
    "endless": (tf.data.Dataset.from_tensors((X, Y)).repeat(), "has no end (repeat() without a count?)"),
    "empty": (tf.data.Dataset.from_tensor_slices((X, Y)).take(0), "the train dataset is empty"),
    "no labels": (tf.data.Dataset.from_tensor_slices(X), "not pairs (x, y) of tensors"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_data_is_refused_by_name(name, tmp_path):
    dataset, words = WRONG[name]
    with pytest.raises(UsageError) as error:
        trained(dataset, tmp_path)
    assert words in str(error.value) and len(str(error.value).splitlines()) <= 3
    assert not (tmp_path / "run").exists()


def test_a_value_that_is_no_number_is_named(tmp_path):
    x = X.copy()
    x[7, 2] = np.nan
    with pytest.raises(ZooError, match=r"row 7, feature .*2.* is nan"):
        trained((x, Y), tmp_path)


def test_a_dataset_larger_than_memory_is_stopped_while_it_is_read(monkeypatch):
    monkeypatch.setattr(given, "memory", lambda: 100_000)
    read = []
    endless = tf.data.Dataset.range(10**9).map(lambda i: (tf.fill([100], tf.cast(i, tf.float32)), i % 2))
    counted = endless.map(lambda x, y: (tf.py_function(lambda v: read.append(1) or v, [x], tf.float32), y))
    with pytest.raises(UsageError, match="does not fit the memory"):
        given.read(counted.map(lambda x, y: (tf.ensure_shape(x, [100]), y)))
    assert len(read) < 5_000


def test_what_was_given_has_no_source_to_read_again():
    data = Data(source="memory:arrays", kind="tabular", task="binary", input_shape=(4,), num_classes=2, train=9)
    assert not zoo.data.status(data).ready
    for call in (zoo.data.load, zoo.data.prepare):
        with pytest.raises(UsageError, match="given as arrays in Python"):
            call(data)


def test_callbacks_are_told_and_named_in_the_run(tmp_path, caplog):
    seen = []
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    outcome = trained("iris", tmp_path, callbacks=[stop])
    assert seen == Run(outcome.folder).history["loss"]
    assert Run(outcome.folder).info["callbacks"] == ["LambdaCallback"]
    assert "callbacks were given as objects" in caplog.text


def test_a_resumed_run_still_says_that_it_began_with_callbacks(tmp_path, caplog):
    def end(epoch, logs):
        raise ZooError("ended on purpose")

    with pytest.raises(ZooError, match="on purpose"):
        trained("iris", tmp_path, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=end)])
    caplog.clear()
    outcome = resume(tmp_path / "run")
    assert Run(outcome.folder).info["exit"] == "done"
    assert Run(outcome.folder).info["callbacks"] == ["LambdaCallback"]
    assert "began with callbacks that are not kept (LambdaCallback)" in caplog.text


def test_an_optimizer_and_a_loss_are_taken_as_objects_and_told_of_in_the_run(tmp_path, caplog):
    """Those that say what the names say train the same; other ones do not."""
    by_name = trained("iris", tmp_path, optimizer="sgd", learning_rate=0.1, sets=["training.schedule=constant"])
    objects = {"optimizer": keras.optimizers.SGD(0.1), "loss": keras.losses.SparseCategoricalCrossentropy()}
    given = trained("iris", tmp_path, out=tmp_path / "given", **objects)
    np.testing.assert_array_equal(*(Run(run.folder).history["loss"] for run in (by_name, given)))
    assert objects["optimizer"].iterations.numpy() == 0 and "given as objects" in caplog.text
    told = Run(given.folder).info["given"]
    assert told["optimizer"]["class"] == "SGD" and told["optimizer"]["config"]["learning_rate"] == pytest.approx(0.1)
    assert told["loss"]["class"] == "SparseCategoricalCrossentropy"
    halved = trained("iris", tmp_path, out=tmp_path / "half", **objects | {"loss": Half()})
    assert Run(halved.folder).history["loss"][0] < 0.7 * Run(given.folder).history["loss"][0]
    assert halved.metrics["test"]["loss"] > Run(halved.folder).history["loss"][-1]  # scored by the recipe's loss
    assert "given" not in Run(by_name.folder).info


class Half(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred) / 2


def test_objects_are_refused_where_they_cannot_work(tmp_path):
    sgd = keras.optimizers.SGD(0.1)
    with pytest.raises(UsageError, match="leave learning_rate away"):
        trained("iris", tmp_path, optimizer=sgd, learning_rate=0.1)
    scheduled = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9))
    with pytest.raises(UsageError, match="has a schedule of its own"):
        trained("iris", tmp_path, optimizer=scheduled, sets=["callbacks.reduce_on_plateau={patience=1}",
                "training.schedule=constant", "training.warmup_epochs=0"])  # fmt: skip
    with pytest.raises(UsageError, match="takes one device"):
        Given(sgd).refuse_beside(zoo.load_recipe("iris"), replicas=2)
    assert not (tmp_path / "run").exists()

    def end(epoch, logs):
        raise ZooError("ended on purpose")

    with pytest.raises(ZooError, match="on purpose"):
        trained("iris", tmp_path, optimizer=sgd, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=end)])
    with pytest.raises(UsageError, match=r"began with objects that are not kept \(optimizer\)"):
        resume(tmp_path / "run")
