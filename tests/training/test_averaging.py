"""Running means of the weights: by hand, bit for bit after a kill, and what is evaluated, kept as best and saved."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from zoo import tasks
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.runs import directory, job
from zoo.training import checkpoint, loop
from zoo.training.averaging import Averages
from zoo.training.fit import Fit

SETTINGS = [
    "knobs.hidden_units=[16]",
    "knobs.dropout=0.3",
    "knobs.batch_norm=before",
    "callbacks.checkpoint={monitor='val_accuracy'}",
    "training.averaging=0.7",
    "training.label_smoothing=0.1",
    "augmentation.flip=alternate",
    "data.validation_share=0.3",
]


class Die(Exception):
    pass


class Watch(keras.callbacks.Callback):
    """Keeps the weights of each epoch's end; ends a run after so many calls, as a kill would."""

    def __init__(self, calls=0):
        super().__init__()
        self.calls, self.fit, self.seen = calls, None, []

    def on_train_batch_end(self, batch, logs=None):
        self.calls -= 1
        if self.calls == 0:
            self.fit.save()
            raise Die

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(self.model.get_weights())


def make_fit(folder=None, calls=0, sets=SETTINGS):
    watch = Watch(calls)
    recipe = resolve("mlp", "digits", sets, {"epochs": 3})[0]
    watch.fit = Fit(recipe, tasks.load(recipe.data, "digits"), folder, [watch])
    return watch.fit


@pytest.fixture(scope="module")
def unbroken():
    fit = make_fit()
    fit()
    return fit


def final(fit):
    history = {name: values for name, values in fit.history.items() if name != "seconds"}
    return [np.array(v) for v in (*fit.model.variables, *fit.averages.variables)], history


def test_means_by_hand():
    """Of a weight that is 1, 2, 3 after three steps from 0: a share of 1/10, 2/11, 3/12 is kept, at most 0.15."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False), keras.layers.Dropout(0.5)])
    (weight,) = model.weights
    averages, wanted = Averages(model, 0.15), 0.0
    assert len(averages.variables) == 1  # not the dropout's seeds
    weight.assign([[0.0]])
    averages.begin()
    for step, kept in enumerate((1 / 10, 0.15, 0.15)):
        weight.assign([[step + 1.0]])
        averages.after_step(step)
        wanted = kept * wanted + (1 - kept) * (step + 1)
        assert float(averages.variables[0][0, 0]) == pytest.approx(wanted, rel=1e-6)
    with averages.shown():
        assert float(weight[0, 0]) == pytest.approx(wanted, rel=1e-6)
    assert float(weight[0, 0]) == 3.0
    averages.keep()
    assert float(weight[0, 0]) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("stops", [pytest.param([3], marks=pytest.mark.slow), [13, 9]])
def test_resumed_equals_unbroken_with_all_of_it(tmp_path, monkeypatch, unbroken, stops):
    monkeypatch.setattr(loop, "MOST_STEPS_A_CALL", 1)
    saved = None
    for calls in stops:
        with pytest.raises(Die):
            make_fit(tmp_path, calls)(saved)
        saved, _ = checkpoint.newest(tmp_path / "checkpoints")
    fit = make_fit(tmp_path)
    fit(saved)
    (arrays, history), (wanted, told) = final(fit), final(unbroken)
    assert history == told and all((a == b).all() for a, b in zip(arrays, wanted, strict=True))


def test_the_means_are_validated_and_the_best_of_them_are_kept(unbroken):
    (watch,) = (callback for callback in unbroken.callbacks if isinstance(callback, Watch))
    best = int(np.argmax(unbroken.history["val_accuracy"]))
    assert all((a == b).all() for a, b in zip(unbroken.model.get_weights(), watch.seen[best], strict=True))
    for epoch, weights in enumerate(watch.seen):
        unbroken.model.set_weights(weights)
        found = unbroken.evaluate(unbroken.splits.validation).metrics
        assert found["accuracy"] == pytest.approx(unbroken.history["val_accuracy"][epoch])
        assert found["loss"] == pytest.approx(unbroken.history["val_loss"][epoch], rel=1e-6)


def test_the_optimiser_goes_on_from_its_own_weights():
    """The training is the one that there is without means: its losses say so."""
    plain = make_fit(sets=[*SETTINGS[:4], *SETTINGS[5:]])
    with_means = make_fit()
    assert plain().history["loss"] == with_means().history["loss"]
    assert plain.history["val_loss"] != with_means.history["val_loss"]


def test_a_run_is_saved_and_scored_with_the_means_and_with_flips_beside(tmp_path):
    sets = [*SETTINGS[:3], "training.averaging=0.9", "training.test_flips=true"]
    outcome = job.run("mlp", "digits", epochs=2, sets=sets, out=tmp_path / "run")
    run, measured = directory.load(tmp_path / "run"), outcome.metrics["test"]
    test = tasks.load(run.recipe.data, "digits").test
    plain, mirrored = (np.array(run.model(x, training=False)) for x in (test.x, test.x[:, :, ::-1]))
    assert measured["accuracy"] == pytest.approx((plain.argmax(1) == test.y).mean())
    assert measured["accuracy_with_flips"] == pytest.approx(((plain + mirrored).argmax(1) == test.y).mean())
    assert measured["accuracy"] != measured["accuracy_with_flips"]  # half of a digit's mirror images are no digit
    saved = checkpoint.last(tmp_path / "run").arrays
    means = [saved[f"averages/{i}"] for i in range(len(run.model.get_weights()))]
    assert all((a == b).all() for a, b in zip(means, run.model.get_weights(), strict=True))
    assert not all((saved[f"model/{i}"] == mean).all() for i, mean in enumerate(means[:2]))


@pytest.mark.parametrize(
    ("dataset", "said", "told"),
    [
        ("iris", "training.test_flips=true", "training.test_flips: is for images of one class each, iris is tabular"),
        ("iris", "augmentation.flip=alternate", "augmentation: is for images"),
        ("digits", "augmentation.flip=half", "augmentation.flip: input should be True, False or 'alternate'"),
        ("digits", "training.averaging=1.0", "training.averaging: input should be less than 1"),
        ("digits", "training.averagin=0.9", "training.averagin: unknown key; did you mean averaging?"),
    ],
)
def test_what_means_nothing_is_refused(dataset, said, told):
    with pytest.raises(UsageError) as refused:
        resolve("mlp", dataset, [said])
    assert told in str(refused.value)


def test_scripts_do_not_know_these_keys(tmp_path, zoo_cli):
    for said in ("training.averaging=0.9", "augmentation.flip=alternate"):
        told = zoo_cli("eject", "mlp", "digits", tmp_path / "script", "--set", said)
        assert told.code == 2 and f"scripts do not know {said.partition('=')[0]}" in told.err
