"""Dense layers, activations and losses: by hand, by finite differences, by Keras."""

from itertools import pairwise

import numpy as np
import pytest

from .activations import BACKWARD, FORWARD, sigmoid, softmax
from .dense import network, network_backward
from .differences import central_difference
from .losses import binary_cross_entropy, mean_squared_error, sigmoid_cross_entropy, softmax_cross_entropy

rng = np.random.default_rng(1)
ONE_HOT = np.eye(3)[[0, 2, 1, 1, 0]]
BITS = np.array([[1.0, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, 0]])


def random_layers(sizes, activation, last):
    """Weights of a network 4-6-3, say, with biases off zero."""
    layers = []
    for i, (m, n) in enumerate(pairwise(sizes)):
        g = last if i == len(sizes) - 2 else activation
        layers.append((rng.normal(size=(m, n)) / np.sqrt(m), rng.normal(size=n) / 10, g))
    return layers


def test_one_sigmoid_unit_by_hand():
    # z = 0.5*1 - 1*2 + 0.5 = -1, a = 1/(1 + e) = 0.268941; y = 1: L = ln(1 + e) = 1.313262, dz = a - 1 = -0.731059
    W, b, x, y = np.array([[0.5], [-1.0]]), np.array([0.5]), np.array([[1.0, 2.0]]), np.array([[1.0]])
    layers = [(W, b, "sigmoid")]
    A, kept = network(x, layers)
    L, dA = binary_cross_entropy(A, y)
    [(dW, db)] = network_backward(dA, layers, kept)
    assert A.item() == pytest.approx(0.268941, abs=1e-6)
    assert pytest.approx(1.313262, abs=1e-6) == L
    np.testing.assert_allclose(dW.ravel(), [-0.731059, -1.462117], atol=1e-6)  # dz * x
    np.testing.assert_allclose(db, [-0.731059], atol=1e-6)


def test_softmax_cross_entropy_by_hand():
    # equal logits: every class 1/3, L = ln 3, dZ = (1/3, 1/3, 1/3) - y
    L, dZ = softmax_cross_entropy(np.zeros((1, 3)), np.array([[0.0, 1, 0]]))
    assert pytest.approx(np.log(3)) == L
    np.testing.assert_allclose(dZ, [[1 / 3, -2 / 3, 1 / 3]])


def test_softmax_does_not_overflow_and_sums_to_one():
    A = softmax(np.array([[1000.0, 1001.0, 999.0]]))
    np.testing.assert_allclose(A.sum(), 1)
    np.testing.assert_allclose(A, softmax(np.array([[0.0, 1.0, -1.0]])))


@pytest.mark.parametrize("name", FORWARD)
def test_activation_slopes(name):
    Z = np.array([-2.0, -0.7, -0.1, 0.1, 0.9, 3.0])
    slopes = [central_difference(lambda z=z: FORWARD[name](z).sum(), z).item() for z in Z.reshape(-1, 1).copy()]
    np.testing.assert_allclose(BACKWARD[name](np.ones_like(Z), Z), slopes, atol=1e-8)


@pytest.mark.parametrize(
    ("loss", "given", "Y"),
    [
        (mean_squared_error, rng.normal(size=(5, 3)), BITS),
        (binary_cross_entropy, rng.uniform(0.1, 0.9, size=(5, 3)), BITS),
        (sigmoid_cross_entropy, rng.normal(size=(5, 3)), BITS),
        (softmax_cross_entropy, rng.normal(size=(5, 3)), ONE_HOT),
    ],
)
def test_loss_slopes(loss, given, Y):
    slopes = central_difference(lambda: loss(given, Y)[0], given)
    np.testing.assert_allclose(loss(given, Y)[1].ravel(), slopes, atol=1e-8)


def test_sigmoid_and_cross_entropy_merge():
    Z = rng.normal(size=(5, 3))
    through_both = BACKWARD["sigmoid"](binary_cross_entropy(sigmoid(Z), BITS)[1], Z)
    np.testing.assert_allclose(sigmoid_cross_entropy(Z, BITS)[1], through_both, atol=1e-12)


CASES = [("sigmoid", "sigmoid", "bce"), ("tanh", "linear", "mse"), ("relu", "linear", "softmax")]


def reference_loss(A, kind):
    if kind == "bce":
        return binary_cross_entropy(A, BITS)
    return mean_squared_error(A, BITS) if kind == "mse" else softmax_cross_entropy(A, ONE_HOT)


@pytest.mark.parametrize(("activation", "last", "kind"), CASES)
def test_network_by_finite_differences(activation, last, kind):
    X, layers = rng.normal(size=(5, 4)), random_layers((4, 6, 5, 3), activation, last)
    A, kept = network(X, layers)
    gradients = network_backward(reference_loss(A, kind)[1], layers, kept)
    for (W, b, _), (dW, db) in zip(layers, gradients, strict=True):
        for weight, gradient in ((W, dW), (b, db)):
            slopes = central_difference(lambda: reference_loss(network(X, layers)[0], kind)[0], weight)
            np.testing.assert_allclose(gradient.ravel(), slopes, atol=1e-8)


@pytest.mark.parametrize(("activation", "last", "kind"), CASES)
def test_network_agrees_with_keras(activation, last, kind):
    import keras
    import tensorflow as tf

    X, layers = rng.normal(size=(5, 4)), random_layers((4, 6, 5, 3), activation, last)
    model = keras.Sequential([keras.Input((4,), dtype="float64")])
    for W, b, g in layers:
        layer = keras.layers.Dense(W.shape[1], activation=g, dtype="float64")
        model.add(layer)
        layer.set_weights([W, b])
    losses = {
        "bce": lambda A: keras.losses.BinaryCrossentropy(dtype="float64")(BITS, A),
        "mse": lambda A: keras.losses.MeanSquaredError(dtype="float64")(BITS, A),
        "softmax": lambda A: keras.losses.CategoricalCrossentropy(from_logits=True, dtype="float64")(ONE_HOT, A),
    }
    with tf.GradientTape() as tape:
        outputs = model(tf.constant(X))
        loss = losses[kind](outputs)
    theirs = tape.gradient(loss, model.trainable_variables)

    A, kept = network(X, layers)
    L, dA = reference_loss(A, kind)
    ours = [gradient for pair in network_backward(dA, layers, kept) for gradient in pair]
    np.testing.assert_allclose(A, outputs, atol=1e-12)
    assert float(loss) == pytest.approx(L, abs=1e-6)  # Keras keeps probabilities 1e-7 away from 0 and 1
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-7)
