"""A whole LeNet: hand-derived gradients of all 61,706 parameters against Keras, and some against finite differences."""

import numpy as np
import pytest

from .differences import central_difference
from .lenet import loss_and_gradients

LAYERS = ("C1", "C3", "C5", "F6", "output")
KINDS = [("tanh", "average"), ("relu", "max")]


def batch(examples):
    rng = np.random.default_rng(3)
    return rng.uniform(size=(examples, 32, 32, 1)), np.eye(10)[rng.integers(0, 10, examples)]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: "-".join(kind))
def built(request):
    """A LeNet of the zoo with biases off zero, its knobs, and its weights in float64 by layer."""
    import keras

    from zoo.models import lenet

    keras.utils.set_random_seed(4)
    activation, pooling = request.param
    model = lenet(activation=activation, pooling=pooling)
    rng = np.random.default_rng(5)
    for name in LAYERS:
        W, b = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([W, rng.normal(scale=0.1, size=b.shape)])
    weights = {name: tuple(w.astype("float64") for w in model.get_layer(name).get_weights()) for name in LAYERS}
    return model, request.param, weights


def test_gradients_agree_with_keras(built):
    import keras
    import tensorflow as tf

    model, knobs, weights = built
    X, Y = batch(4)
    with tf.GradientTape() as tape:
        A = model(tf.constant(X, "float32"))
        loss = keras.losses.CategoricalCrossentropy()(Y, A)
    theirs = dict(
        zip((v.path for v in model.trainable_variables), tape.gradient(loss, model.trainable_variables), strict=True)
    )
    L, _, gradients = loss_and_gradients(X, Y, weights, *knobs)
    assert float(loss) == pytest.approx(L, rel=1e-5)
    assert sum(g.size for pair in gradients.values() for g in pair) == model.count_params() == 61_706
    for name in LAYERS:
        for kind, mine in zip(("kernel", "bias"), gradients[name], strict=True):
            other = theirs[f"{name}/{kind}"]
            assert np.abs(mine).max() > 0, f"{name}/{kind} gets no gradient"
            np.testing.assert_allclose(
                mine, other, rtol=1e-3, atol=1e-6 + 1e-4 * np.abs(mine).max(), err_msg=f"{name}/{kind}"
            )


def test_outputs_agree_with_keras(built):
    model, knobs, weights = built
    X, Y = batch(4)
    Z = loss_and_gradients(X, Y, weights, *knobs)[1]
    A = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(A, model(X.astype("float32")), atol=1e-6)


def test_gradients_by_finite_differences(built):
    _, knobs, weights = built
    X, Y = batch(2)
    gradients = loss_and_gradients(X, Y, weights, *knobs)[2]
    rng = np.random.default_rng(6)
    for name in LAYERS:
        for weight, gradient in zip(weights[name], gradients[name], strict=True):
            places = rng.choice(weight.size, min(6, weight.size), replace=False)
            slopes = central_difference(lambda: loss_and_gradients(X, Y, weights, *knobs)[0], weight, places, h=1e-6)
            np.testing.assert_allclose(gradient.ravel()[places], slopes, rtol=1e-5, atol=1e-8)
