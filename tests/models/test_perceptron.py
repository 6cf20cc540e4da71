import keras
import numpy as np
import pytest

from zoo.layers import PerceptronLoss
from zoo.models import perceptron, perceptron_1958, perceptron_hinge, perceptron_sigmoid

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
FORMS = {  # builder, loss, threshold of class 1
    "rule": (perceptron_1958, PerceptronLoss(), 0.0),
    "hinge": (perceptron_hinge, "hinge", 0.0),
    "sigmoid": (perceptron_sigmoid, "binary_crossentropy", 0.5),
}


def rosenblatt(x, y, passes, eta):
    """The rule as printed: w += eta (y - y_hat) x for each example in turn; the weights after every step."""
    w, b = np.zeros(x.shape[1], "float32"), np.float32(0)
    for _ in range(passes):
        for xi, yi in zip(x, y, strict=True):
            error = np.float32(yi) - np.float32(xi @ w + b > 0)
            w, b = w + eta * error * xi, b + eta * error
            yield w, b


@pytest.mark.parametrize("eta", [1.0, 0.25])
def test_training_is_rosenblatts_rule_weight_by_weight(eta):
    random = np.random.default_rng(0)
    x = random.standard_normal((12, 3)).astype("float32")
    y = (x @ [1.0, -2.0, 0.5] + 0.3 + random.normal(size=12) > 0).astype("float32")  # not separable: errors go on
    model = perceptron_1958(input_shape=(3,))
    model.compile(keras.optimizers.SGD(eta), PerceptronLoss())
    moved = 0
    for step, (w, b) in enumerate(rosenblatt(x, y, passes=3, eta=np.float32(eta))):
        i = step % 12
        before = model.layers[-1].kernel.numpy()
        model.train_on_batch(x[i : i + 1], y[i : i + 1, None])
        kernel, bias = (weight.numpy() for weight in model.layers[-1].weights)
        np.testing.assert_allclose(kernel[:, 0], w, rtol=0, atol=1e-6)
        np.testing.assert_allclose(bias[0], b, rtol=0, atol=1e-6)
        moved += (before != kernel).any()
    assert 3 < moved < 36  # it did learn, and left right answers alone


@pytest.mark.parametrize("form", FORMS)
def test_learns_or_but_never_more_than_three_of_four_of_xor(form, train):
    builder, loss, threshold = FORMS[form]
    for y, right in (([0, 1, 1, 1], (4,)), ([0, 1, 1, 0], (0, 1, 2, 3))):
        y = np.array(y, "float32")[:, None]
        keras.utils.set_random_seed(0)
        scores = train(builder(), XOR, y, loss, keras.optimizers.SGD(0.5), steps=1000, batch_size=1)
        assert ((scores > threshold) == (y > 0)).sum() in right


def test_no_line_whatever_gets_xor_right():
    lines = np.random.default_rng(0).standard_normal((100_000, 3))
    says = XOR @ lines[:, :2].T + lines[:, 2] > 0  # (4, lines)
    right = (says == np.array([0, 1, 1, 0])[:, None]).sum(0)
    assert right.max() == 3


def test_images_are_flattened_and_the_count_follows():
    assert perceptron().count_params() == 784 * 10 + 10
    assert perceptron_sigmoid(input_shape=(8, 8, 1)).count_params() == 64 + 1
    assert [layer.name for layer in perceptron().layers] == ["input", "flatten", "output"]
    assert [layer.name for layer in perceptron(input_shape=(4,), num_classes=3).layers] == ["input", "output"]
