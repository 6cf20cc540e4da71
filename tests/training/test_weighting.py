"""What each example counts in the loss: by its class, by a column, in training as in validation."""

import keras
import numpy as np
import pytest

from zoo import tasks
from zoo.data import Examples, Splits
from zoo.data.config import Data
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.tasks.steps import ordinary
from zoo.training.fit import Fit
from zoo.training.stepping import make_train_step
from zoo.training.weighting import example_weights, weighted


def part(y, **beside):
    return Examples(np.zeros((len(y), 1), "float32"), np.asarray(y), {n: np.asarray(v) for n, v in beside.items()})


def test_balanced_weights_by_hand():
    train = part([0, 0, 0, 1])
    assert example_weights(train, train, "balanced").tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    assert example_weights(part([1, 0]), train, "balanced").tolist() == pytest.approx([2.0, 2 / 3])
    assert example_weights(train, train, "none") is None
    own = part([0, 1], weight=[3.0, 0.5])
    assert example_weights(own, train, "none").tolist() == [3.0, 0.5]
    assert example_weights(own, train, "balanced").tolist() == pytest.approx([2.0, 1.0])


def test_a_weighted_step_is_the_step_on_examples_that_stand_there_so_often():
    data = Data(source="x:y", kind="tabular", task="regression", input_shape=(1,), train=3)

    def after(x, y, size):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        [step] = ordinary(model, keras.optimizers.SGD(0.1), tasks.of(data).objective(data, "mse"))
        step = weighted(step) if isinstance(y, dict) else step
        make_train_step(step, size, None)(keras.ops.convert_to_tensor(x), y, y, size)
        return [float(w.sum()) for w in model.get_weights()], step.objective.results()["loss"]

    x, y = np.array([[1.0], [2.0], [2.0]], "float32"), np.array([[3.0], [1.0], [1.0]], "float32")
    twice = after(x, keras.ops.convert_to_tensor(y), 3)
    counted = {
        "y": keras.ops.convert_to_tensor(y[:2]),
        "weight": keras.ops.convert_to_tensor(np.array([1.0, 2.0], "float32")),
    }
    found = after(x[:2], counted, 2)
    assert found[0] == pytest.approx(twice[0]) and found[1] == pytest.approx(twice[1])


def unbalanced(count=400):
    random = np.random.default_rng(0)
    y = (np.arange(count) % 10 == 0).astype("int32")
    x = (random.normal(size=(count, 2)) + y[:, None]).astype("float32")  # the classes overlap
    cuts = (slice(0, count // 2), slice(count // 2, 3 * count // 4), slice(3 * count // 4, None))
    return Splits(*(Examples(x[cut], y[cut]) for cut in cuts))


def test_balanced_weights_make_a_network_find_the_rare_class():
    data = Data(source="memory:arrays", kind="tabular", task="binary", input_shape=(2,), train=400, test_share=0.25)
    splits = unbalanced()

    def recall(how):
        recipe = resolve(
            "perceptron", "own", ["data.validation_share=0.3"], {"class_weights": how, "epochs": 40}, data
        )[0]
        fit = Fit(recipe, splits)
        fit()
        said = fit.predict(splits.test.x).ravel() > 0.5
        return float(said[splits.test.y == 1].mean()), fit

    plain, _ = recall("none")
    balanced, fit = recall("balanced")
    assert balanced > plain + 0.3
    y, p = splits.validation.y, fit.predict(splits.validation.x).ravel().astype("float64")
    losses = -np.log(np.where(y == 1, p, 1 - p))
    each = [losses[y == label].mean() for label in (0, 1)]
    assert fit._validated()["loss"] == pytest.approx(np.mean(each), rel=1e-5)  # both classes count the same


def test_weights_are_for_what_can_take_them():
    with pytest.raises(UsageError, match=r"training\.class_weights: is for one of several classes"):
        resolve("mlp", "diabetes", options={"class_weights": "balanced"})
    with pytest.raises(UsageError, match="class_weights"):
        resolve("mlp", "topics", options={"class_weights": "balanced"})
    assert resolve("mlp", "iris", options={"class_weights": "balanced"})[0].training.class_weights == "balanced"
