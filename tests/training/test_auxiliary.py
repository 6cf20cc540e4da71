"""Classifiers in the middle of a network: they learn the same target, and are gone when training is over."""

import keras
import numpy as np
import pytest

import zoo
from zoo import tasks
from zoo.catalogue import registry
from zoo.eject.ejecting import refuse
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.runs.directory import Run
from zoo.training import checkpoint
from zoo.training.fit import Fit

WEIGHT = 0.3


def twofold(input_shape=(8, 8, 1), num_classes=10, classifier_activation="softmax", name="twofold"):
    inputs = x = keras.Input(input_shape, name="input")
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(12, "relu", name="first")(x)
    early = keras.layers.Dense(num_classes, classifier_activation, dtype="float32", name="early")(x)
    x = keras.layers.Dense(12, "relu", name="second")(x)
    late = keras.layers.Dense(num_classes, classifier_activation, dtype="float32", name="late")(x)
    return keras.Model(inputs, {"late": late, "early": early}, name=name)


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    registry.list_models()
    monkeypatch.setattr(registry, "_records", dict(registry._records))
    registry.register("twofold", family="twofold", year=2015, paper="none", idea="For a test.", inputs=("image",),
                      tasks=("classification",), params=1186, auxiliary={"early": WEIGHT})(twofold)  # fmt: skip


def recipe(*sets, epochs=2):
    return resolve("twofold", "digits", ["training.optimizer=sgd", "training.learning_rate=0.1", *sets],
                   {"epochs": epochs})[0]  # fmt: skip


def test_a_step_goes_down_the_sum_of_both_losses():
    wanted = recipe(epochs=1)
    fit = Fit(wanted, tasks.load(wanted.data, "digits"))
    (step,) = fit.learning
    part = fit.splits.train
    x, y = part.x[:16], part.y[:16]
    outputs = fit.model(x, training=True)
    each = keras.losses.SparseCategoricalCrossentropy(reduction="none")
    by_hand = np.array(each(y, outputs["late"])) + WEIGHT * np.array(each(y, outputs["early"]))
    found = step.loss(x, y)
    np.testing.assert_allclose(np.array(found.values), by_hand, rtol=1e-6)
    np.testing.assert_array_equal(np.array(found.outputs), np.array(outputs["late"]))
    assert {variable.path.split("/")[-2] for variable in step.variables} == {"first", "second", "early", "late"}


def test_after_training_the_main_output_is_alone(tmp_path):
    outcome = zoo.run(recipe(), out=tmp_path / "run")
    run = Run(outcome.folder)
    assert outcome.params == 1024 * 12 + 12 + 2 * (12 + 1) * 10 + (12 + 1) * 12, "what was trained counts"
    assert run.model.output.shape == (None, 10)
    assert not [layer for layer in run.model.get_layer("twofold").layers if layer.name == "early"]
    assert set(run.metrics["test"]) == {"loss", "accuracy"}
    assert zoo.build("twofold", weights=outcome.folder).output.shape == (None, 10)
    log = run.history
    assert log["loss"][0] > log["val_loss"][0], "the loss of training has both"


def test_a_run_goes_on_with_what_only_training_knows(tmp_path):
    wanted = recipe(epochs=2)
    splits = tasks.load(wanted.data, "digits")
    (tmp_path / "whole").mkdir()
    whole = Fit(wanted, splits, tmp_path / "whole")
    whole()

    class Stop(Exception):
        pass

    class InTheMiddle(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                half.save()
                raise Stop

    (tmp_path / "half").mkdir()
    half = Fit(wanted, splits, tmp_path / "half", [InTheMiddle()])
    with pytest.raises(Stop):
        half()
    saved, _ = checkpoint.newest(tmp_path / "half" / "checkpoints")
    again = Fit(wanted, splits, tmp_path / "half")
    again(saved)
    for one, other in zip(again.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_it_is_not_written_as_a_script():
    with pytest.raises(UsageError, match="has auxiliary outputs of its own"):
        refuse(recipe())
