"""The learning-rate range test: rates that rise evenly, where it ends, and what it suggests."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo import tasks
from zoo.errors import ZooError
from zoo.recipe import resolve
from zoo.training import range_test

RATES = np.geomspace(1e-6, 10, 200)


def shaped(loss):
    return list(zip(RATES, [loss(rate) for rate in RATES], strict=True))


def valley(rate):
    """Flat, falls from 1e-4 on, lowest at 0.1, and runs away."""
    return 2.0 - min(1.8, max(0.0, 0.6 * (np.log10(rate) + 4))) + 400 * max(0.0, rate - 0.1)


def test_the_suggestion_lies_below_the_rate_where_the_loss_stops_to_fall():
    found = range_test.tested(shaped(valley))
    assert 0.1 / 3 / 3 < found.suggestion < 0.1
    assert found.rates[-1] < 1  # it ends where the loss runs away
    assert len(found.rates) == len(found.losses) == len(found.smooth)


def test_the_running_mean_by_hand():
    found = range_test.tested(shaped(lambda rate: 1.0 if rate < 1e-3 else 0.5))
    losses = found.losses
    weights = 0.9 ** np.arange(30)[::-1]
    assert found.smooth[29] == pytest.approx((weights * losses[:30]).sum() / weights.sum())


def test_a_loss_that_never_falls_suggests_nothing():
    assert range_test.tested(shaped(lambda rate: 1.0 + rate)).suggestion is None


def test_it_ends_before_a_loss_that_is_no_number():
    found = range_test.tested(shaped(lambda rate: valley(rate) if rate < 0.05 else float("nan")))
    assert found.rates[-1] < 0.05 and found.suggestion is not None
    with pytest.raises(ZooError, match="no number after 0 steps"):
        range_test.tested(shaped(lambda rate: float("nan")))


def test_each_step_is_taken_at_its_rate():
    """Plain SGD on a linear unit: the losses are those of gradient descent by hand at the same rates."""
    recipe = resolve("linear", "line", ["training.batch_size=4"], {"optimizer": "sgd", "jit": "off"})[0]
    splits = tasks.load(recipe.data, "line")
    count = 40
    found = list(range_test.steps(recipe, splits, 1e-3, 1e-2, count))
    np.testing.assert_allclose([rate for rate, _ in found], np.geomspace(1e-3, 1e-2, count), rtol=1e-6)
    from zoo.training.batches import plan_epoch
    from zoo.training.fit import Fit

    fit = Fit(recipe, splits)
    assert recipe.preprocessing.standardize == "none" and recipe.preprocessing.rescale is None
    w, b = (np.array(weight, "float64") for weight in fit.model.trainable_weights)
    lengths = np.zeros((len(splits.train), 0), "int32")
    steps = len(splits.train) // 4
    for number, (rate, loss) in enumerate(found):
        rows = plan_epoch(lengths, 4, recipe.training.seed, number // steps).rows[number % steps]
        x, y = splits.train.x[rows].astype("float64"), splits.train.y[rows].reshape(-1, 1).astype("float64")
        wrong = x @ w + b - y
        assert loss == pytest.approx(np.square(wrong).mean(), rel=1e-4)
        w, b = w - rate * 2 * x.T @ wrong / len(x), b - rate * 2 * wrong.mean(axis=0)


def test_the_command_says_a_rate_and_draws_the_curve(zoo_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("find-lr", "mlp", "iris", "--steps", "80")
    assert said.code == 0, said.err
    assert "zoo run mlp iris --learning-rate" in said and (tmp_path / "mlp-iris-rates.png").is_file()
    again = zoo_cli("find-lr", "mlp", "iris", "--steps", "80")
    assert again.code == 2 and "exists already" in again.err
    told = json.loads(zoo_cli("find-lr", "mlp", "iris", "--steps", "80", "--json", "--quiet"))
    assert told["suggestion"] == pytest.approx(float(said.split("--learning-rate ")[1].split()[0]), rel=0.05)
    assert len(told["rates"]) == len(told["losses"])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--lowest", "1", "--highest", "0.1"), "from a lower one above 0 to a higher one"),
        (("--steps", "5"), "5 steps are too few"),
    ],
)
def test_what_cannot_be_tested_is_refused(zoo_cli, tmp_path, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("find-lr", "mlp", "iris", *options)
    assert said.code == 2 and told in said.err
