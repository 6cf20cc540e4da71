from itertools import pairwise

import keras
import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.layers.activations import ACTIVATIONS
from zoo.models import mlp, perceptron_sigmoid


def binary_mlp(*hidden_units, **knobs):
    return mlp((2,), 1, "sigmoid", hidden_units, **{"activation": "tanh", "dropout": 0.0, **knobs})


@pytest.mark.parametrize(("sizes", "params"), [((4, 3, 2, 1), 26), ((5, 6, 3, 1), 61)])
def test_parameters_by_the_textbook(sizes, params):
    model = mlp(sizes[:1], sizes[-1], "sigmoid", sizes[1:-1])
    assert model.count_params() == params
    assert params == sum((a + 1) * b for a, b in pairwise(sizes))


def test_any_depth_down_to_none():
    names = [layer.name for layer in mlp((4,), 3, hidden_units=()).layers]
    assert names == ["input", "output"]
    assert mlp((4,), 3, hidden_units=[5] * 7).count_params() == 25 + 6 * 30 + 18


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_each_activation_is_the_function_of_that_name(activation):
    model = mlp((3,), 2, hidden_units=(4,), activation=activation, dropout=0.0)
    layer = model.get_layer(f"{activation}_1")
    z = np.array([[-2.0, -0.5, 0.5, 2.0]], "float32")
    negative = {
        "sigmoid": 1 / (1 + np.exp(-z)),
        "tanh": np.tanh(z),
        "relu": np.zeros_like(z),
        "leaky_relu": 0.01 * z,
        "prelu": 0.25 * z,
        "elu": np.exp(z) - 1,
        "selu": 1.05070098 * 1.67326324 * (np.exp(z) - 1),
    }[activation]
    positive = {"selu": 1.05070098 * z}.get(activation, z)
    bounded = activation in ("sigmoid", "tanh")
    expected = negative if bounded else np.where(z > 0, positive, negative)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(z)), expected, rtol=1e-5)


def test_prelu_learns_one_slope_a_unit():
    assert mlp((3,), 2, hidden_units=(4,), activation="prelu").count_params() == (3 + 1) * 4 + 4 + (4 + 1) * 2


def test_normalisation_stands_where_it_is_said():
    def kinds(place):
        return [layer.name for layer in mlp((3,), 2, hidden_units=(4,), batch_norm=place).layers[1:-1]]

    assert kinds(None) == ["hidden_1", "relu_1", "dropout_1"]
    assert kinds("before") == ["hidden_1", "norm_1", "relu_1", "dropout_1"]
    assert kinds("after") == ["hidden_1", "relu_1", "norm_1", "dropout_1"]
    assert not mlp((3,), 2, hidden_units=(4,), batch_norm="before").get_layer("hidden_1").use_bias


def test_penalties_are_on_every_kernel_and_no_bias():
    model = mlp((3,), 2, hidden_units=(4,), l1=0.1, l2=0.01)
    kernels = [weight.numpy() for weight in model.weights if weight.name == "kernel"]
    expected = sum(0.1 * np.abs(w).sum() + 0.01 * (w**2).sum() for w in kernels)
    assert len(kernels) == 2
    np.testing.assert_allclose(float(sum(model.losses)), expected, rtol=1e-5)
    assert mlp((3,), 2).losses == []


def test_wrong_words_are_answered():
    with pytest.raises(UsageError, match="unknown activation 'rellu'; did you mean relu"):
        mlp(activation="rellu")
    with pytest.raises(UsageError, match="batch_norm is 'before' or 'after'"):
        mlp(batch_norm="middle")


def test_equal_weights_stay_equal_so_zeros_never_part(train):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    y = np.array([[0], [1], [1], [1]], "float32")
    model = binary_mlp(5, activation="sigmoid", kernel_initializer="zeros")
    train(model, x, y, "binary_crossentropy", keras.optimizers.SGD(1.0), steps=200)
    kernel = model.get_layer("hidden_1").kernel.numpy()  # (2, 5)
    assert np.abs(kernel).max() > 0.1  # it moved
    np.testing.assert_allclose(kernel, np.repeat(kernel[:, :1], 5, axis=1), rtol=1e-5)


def circles(n, random):
    """Class 1 on a circle of radius 1 around class 0 on one of radius 0.4, with a little noise."""
    y = np.arange(n) % 2
    angle = random.uniform(0, 2 * np.pi, n)
    x = np.where(y, 1.0, 0.4)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return x + random.normal(0, 0.03, x.shape), y


def spirals(n, random):
    """Two arms of one turn each, half a turn apart."""
    y = np.arange(n) % 2
    along = np.sqrt(random.uniform(0.05, 1, n))
    angle = 2 * np.pi * along + np.pi * y
    x = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return 2 * (x + random.normal(0, 0.01, x.shape)), y


def xor(n, random):
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


@pytest.mark.parametrize(("shape", "hidden", "alone"), [(xor, 4, 0.75), (circles, 8, 0.7), (spirals, 48, 0.85)])
def test_one_hidden_layer_parts_what_no_line_can(shape, hidden, alone, train):
    x, y = shape(200, np.random.default_rng(0))
    x, y = x.astype("float32"), y.astype("float32")[:, None]
    keras.utils.set_random_seed(0)
    accuracy = []
    for model in (perceptron_sigmoid(), binary_mlp(hidden)):
        output = train(model, x, y, "binary_crossentropy", keras.optimizers.Adam(0.05), steps=1000)
        accuracy.append(((output > 0.5) == (y > 0.5)).mean())
    assert accuracy[0] <= alone
    assert accuracy[1] >= 0.99
