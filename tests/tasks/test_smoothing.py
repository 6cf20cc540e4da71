"""Label smoothing by hand: what is minimised has it, what is validated and scored has not."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from zoo import tasks
from zoo.errors import UsageError
from zoo.recipe import fingerprint, resolve
from zoo.tasks.objective import example_loss
from zoo.tasks.smoothing import SMOOTHED, smoothed_loss
from zoo.training.fit import Fit

ANSWERS = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]], "float32")


def test_of_three_classes_by_hand():
    """0.1 of 1 over three classes: 0.9 + 0.1 / 3 for the right one, 0.1 / 3 for each of the others."""
    high, low = 0.9 + 0.1 / 3, 0.1 / 3
    wanted = [
        -(high * np.log(0.7) + low * np.log(0.2) + low * np.log(0.1)),
        -(low * np.log(0.1) + low * np.log(0.6) + high * np.log(0.3)),
    ]
    found = smoothed_loss("sparse_categorical_crossentropy", 0.1)(np.array([0, 2]), keras.ops.array(ANSWERS))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    found = smoothed_loss("categorical_crossentropy", 0.1)(np.eye(3, dtype="float32")[[0, 2]], ANSWERS)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_of_one_probability_by_hand():
    y, p = np.array([[1.0], [0.0]], "float32"), np.array([[0.8], [0.4]], "float32")
    wanted = [-(0.9 * np.log(0.8) + 0.1 * np.log(0.2)), -(0.1 * np.log(0.4) + 0.9 * np.log(0.6))]
    np.testing.assert_allclose(smoothed_loss("binary_crossentropy", 0.2)(y, p), wanted, rtol=1e-5)


@pytest.mark.parametrize("name", SMOOTHED)
def test_a_share_of_nothing_is_the_loss_itself(name):
    y = {"sparse_categorical_crossentropy": np.array([0, 2]), "binary_crossentropy": ANSWERS.round()}
    targets, p = y.get(name, np.eye(3, dtype="float32")[[0, 2]]), keras.ops.array(ANSWERS)
    np.testing.assert_allclose(smoothed_loss(name, 0.0)(targets, p), example_loss(name)(targets, p), rtol=1e-5)


def test_it_is_minimised_and_not_scored():
    """Steps too small to move anything: the training loss is that of the first weights, smoothed, the others plain."""
    sets = ["knobs.hidden_units=[4]", "training.label_smoothing=0.3"]
    recipe = resolve("mlp", "iris", sets, {"epochs": 1, "learning_rate": 1e-12, "batch_size": 108})[0]
    fit = Fit(recipe, tasks.load(recipe.data, "iris"))
    history = fit().history
    train, validation, test = fit.splits
    smoothed = smoothed_loss(fit.loss, 0.3)(train.y, keras.ops.array(fit.predict(train.x)))
    assert history["loss"][0] == pytest.approx(float(np.mean(smoothed)), rel=1e-5)

    def plain(part):
        return -np.log(fit.predict(part.x)[np.arange(len(part)), part.y]).mean()

    assert history["val_loss"][0] == pytest.approx(plain(validation), rel=1e-5)
    assert fit.score(test).metrics["loss"] == pytest.approx(plain(test), rel=1e-5)


@pytest.mark.parametrize(
    ("model", "dataset", "sets"),
    [("mlp", "diabetes", []), ("mlp", "iris", ["training.loss=mse"]), ("perceptron.hinge", "xor", [])],
)
def test_it_is_for_cross_entropies_of_classes(model, dataset, sets):
    with pytest.raises(UsageError, match=r"training\.label_smoothing: is for a cross-entropy of classes"):
        resolve(model, dataset, [*sets, "training.label_smoothing=0.1"])


def test_keys_that_are_not_set_leave_older_numbers_valid():
    plain = fingerprint(resolve("lenet", "digits")[0])
    defaults = ["training.label_smoothing=0.0", "training.test_flips=false", "augmentation.flip=false"]
    assert fingerprint(resolve("lenet", "digits", defaults)[0]) == plain
    for said in ("training.label_smoothing=0.1", "training.averaging=0.9", "augmentation.flip=alternate"):
        assert fingerprint(resolve("lenet", "digits", [said])[0]) != plain
