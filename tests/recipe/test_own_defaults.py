"""What data without a recipe is trained with: steps decide, the best epoch is kept, and how to say it otherwise."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo import tasks
from zoo.data.config import Boxes, Data, Series, Text
from zoo.data.text.counting import measured, unmeasured
from zoo.errors import UsageError
from zoo.recipe import resolve

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "own_defaults"


def rows(count, task="binary", **more):
    return Data(
        source="memory:arrays", kind="tabular", task=task, input_shape=(4,), train=count, test_share=0.2, **more
    )


def own(count=200, model="mlp", sets=(), task="binary", **options):
    return resolve(model, "own", sets, options, data=rows(count, task))


def test_few_rows_get_many_epochs_and_many_rows_few():
    few, many = own(200)[0].training, own(200_000)[0].training
    assert (few.batch_size, many.batch_size) == (32, 128)
    assert few.epochs == 300 and many.epochs == 20
    assert own(4_000)[0].training.epochs * (2880 // 32) >= 3000  # steps
    assert own(200, model="perceptron.1958")[0].training.batch_size == 1  # its own rule: an example at a time


def test_the_best_epoch_is_kept_and_training_stops_early():
    callbacks = own()[0].callbacks
    assert callbacks.checkpoint.monitor == callbacks.early_stopping.monitor == "val_loss"
    assert callbacks.early_stopping.patience == 30
    recipe, notes = own(epochs=5)
    assert recipe.callbacks.early_stopping is None and recipe.callbacks.checkpoint and notes == []
    nothing = own(sets=["data.validation_share=0"])[0].callbacks
    assert nothing.checkpoint is None and nothing.early_stopping is None


def test_a_linear_unit_with_rows_enough_goes_to_its_minimum():
    callbacks = own(model="linear", task="regression")[0].callbacks
    assert callbacks.checkpoint is None and callbacks.early_stopping is None
    assert own(20, model="linear", task="regression")[0].callbacks.checkpoint
    assert own(model="linear", task="regression", best=True)[0].callbacks.checkpoint


def test_what_is_said_wins():
    callbacks = own(early_stopping=7)[0].callbacks
    assert callbacks.early_stopping.patience == 7 and callbacks.checkpoint
    callbacks = own(best=False)[0].callbacks
    assert callbacks.checkpoint is None and callbacks.early_stopping.restore_best is False
    assert own(early_stopping=0)[0].callbacks.early_stopping is None
    assert own()[0].training.weight_decay == 3.0
    assert own(optimizer="sgd")[0].training.weight_decay == 0.0
    assert own(learning_rate=0.5)[0].training.learning_rate == 0.5


def test_a_recipe_takes_the_same_options_and_is_left_alone_without_them():
    assert resolve("mlp", "iris")[0].callbacks.checkpoint is None
    assert resolve("mlp", "iris", options={"best": True, "early_stopping": 9})[0].callbacks.checkpoint
    topics = resolve("mlp", "topics", options={"best": False})[0].callbacks  # stops early, with the best weights
    assert topics.early_stopping.restore_best is False and topics.early_stopping.patience == 10
    assert resolve("mlp", "topics")[0].callbacks.early_stopping.restore_best is True


def test_values_are_standardised_for_the_network_and_come_in_their_own_units():
    recipe = own(task="regression")[0]
    assert recipe.preprocessing.targets == "standardize"
    assert own(model="linear", task="regression")[0].preprocessing.targets == "none"
    from zoo.data import Examples
    from zoo.training.model import constants_in, make_model

    y = np.array([990.0, 1010.0] * 8, "float32")
    model = make_model(recipe, Examples(np.random.default_rng(0).normal(size=(16, 4)).astype("float32"), y))
    assert np.abs(np.asarray(model(np.zeros((3, 4), "float32"))) - 1000).max() < 30  # before it has learnt anything
    assert constants_in(model)["target_deviation"] == 10
    with pytest.raises(UsageError, match="targets: is for single values to predict"):
        own(sets=["preprocessing.targets=standardize"])


def test_a_vocabulary_has_the_words_that_are_seen_twice():
    from zoo.data.examples import Examples, Source

    texts = np.array(["good film good", "bad film", "good plot once", "bad end twice"] * 1, object)
    data = Data(source="csv:x", kind="text", task="label", input_shape=(1,), input_dtype="int32", num_classes=2,
                train=4, validation_share=0.0, text=unmeasured(texts))  # fmt: skip
    found = measured(data, Source(Examples(texts, np.array([1, 0, 1, 0]))), "x")
    assert found.text.vocab_size == 4 + len({"good", "film", "bad"})
    once = np.array(["one two", "three four"], object)
    found = measured(data.model_copy(update={"train": 2}), Source(Examples(once, np.array([1, 0]))), "x")
    assert found.text.vocab_size == 4 + 4  # nothing is seen twice: all there is


def test_texts_with_classes_are_read_both_ways_and_a_language_model_is_not():
    text = Text(tokens="word", vocab_size=9)
    told = Data(source="csv:x", kind="text", task="binary", input_shape=(9,), input_dtype="int32", train=90,
                test_share=0.2, text=text)  # fmt: skip
    assert resolve("lstm", "own", data=told)[0].knobs == {"bidirectional": True, "dropout": 0.5}
    assert resolve("lstm", "own", ["knobs.dropout=0"], data=told)[0].knobs["dropout"] == 0
    corpus = told.model_copy(update={"task": "language-model"})
    assert resolve("lstm", "own", data=corpus)[0].knobs == {}


@pytest.mark.slow
def test_tables_are_not_behind_linear_models():
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_task_says_which_values_may_be_scaled():
    assert tasks.of(rows(10, "regression")).can_scale_targets and not tasks.of(rows(10)).can_scale_targets


def images(side, channels=1):
    return Data(source="folder:/x", kind="image", task="classification", input_shape=(side, side, channels),
                input_dtype="uint8", num_classes=3, class_names=("a", "b", "c"), train=200, test_share=0.2)  # fmt: skip


def test_images_smaller_than_a_network_takes_are_enlarged_and_that_is_said():
    recipe, notes = resolve("lenet", "own", data=images(8))
    assert recipe.preprocessing.resize == (16, 16) and recipe.data.input_shape == (8, 8, 1)
    assert "images are read as 8x8, grey" in notes[0]
    assert "images of 8x8 are brought to 16x16 for lenet: 4 times the pixels" in notes[1]
    recipe, notes = resolve("mlp", "own", data=images(8))  # which takes any size
    assert recipe.preprocessing.resize is None and len(notes) == 1
    recipe, notes = resolve("lenet", "own", ["preprocessing.resize=[32,32]"], data=images(8))
    assert recipe.preprocessing.resize == (32, 32) and "brought to 32x32" in notes[1]


def test_what_is_said_of_images_and_series_is_what_is_in_force():
    note = resolve("lenet", "own", ["data.input_shape=[32,48,3]"], data=images(64))[1][0]
    assert "images are read as 32x48, in colour" in note
    series = Data(source="csv:x.csv", kind="series", task="regression", input_shape=(24, 1), train=300, label="wind",
                  feature_names=("wind",), test_share=0.2, series=Series())  # fmt: skip
    assert (
        "'wind' is forecast 1 step ahead from windows of 24 steps of wind" in resolve("gru", "own", data=series)[1][0]
    )
    said = ["data.input_shape=[48,1]", "data.series.horizon=3"]
    assert "'wind' is forecast 3 steps ahead from windows of 48" in resolve("gru", "own", said, data=series)[1][0]


def test_images_with_boxes_get_small_batches_many_epochs_and_are_moved():
    boxes = Data(source="folder:cells", kind="image", task="detection", input_shape=(96, 128, 3), input_dtype="uint8",
                 num_classes=2, train=300, test_share=0.2, boxes=Boxes())  # fmt: skip
    recipe = resolve("yolo.small", "own", data=boxes)[0]
    assert recipe.training.batch_size == 8 and recipe.training.epochs == 112  # 216 to train on: 27 steps, 3,000 in all
    assert recipe.callbacks.early_stopping.patience == 30 and recipe.callbacks.checkpoint
    moved = recipe.augmentation
    assert (moved.mosaic, moved.zoom, moved.shift, moved.flip) == (0.5, 0.2, 5, False)
    assert resolve("yolo.small", "own", options={"batch_size": 16}, data=boxes)[0].training.batch_size == 16
    assert not resolve("lenet", "own", data=images(32))[0].augmentation.active
