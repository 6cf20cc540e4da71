"""Convolution and pooling: by hand, by finite differences, by Keras."""

import numpy as np
import pytest

from .convolution import convolution, convolution_backward
from .differences import central_difference
from .pooling import average, average_backward, maximum, maximum_backward

rng = np.random.default_rng(2)
POOLS = {"average": (average, average_backward), "max": (maximum, maximum_backward)}


def image(*rows):
    """One image of one channel."""
    return np.array(rows, dtype=float)[None, :, :, None]


def test_convolution_by_hand():
    X = image([1, 2, 3], [4, 5, 6], [7, 8, 9])
    W = np.array([[1.0, 0], [0, -1]])[:, :, None, None]
    # each 2x2 window: upper left - lower right = -4, plus the bias 10
    np.testing.assert_allclose(convolution(X, W, np.array([10.0]))[0, :, :, 0], [[6, 6], [6, 6]])
    dX, dW, db = convolution_backward(np.ones((1, 2, 2, 1)), X, W)
    np.testing.assert_allclose(dW[:, :, 0, 0], [[12, 16], [24, 28]])  # sums of the 2x2 corners of X
    np.testing.assert_allclose(dX[0, :, :, 0], [[1, 1, 0], [1, 0, -1], [0, -1, -1]])
    np.testing.assert_allclose(db, [4])


def test_pooling_by_hand():
    X = image([1, 2, 5], [4, 3, 6], [7, 8, 9])  # the third row and column fill no window
    np.testing.assert_allclose(average(X).ravel(), [2.5])
    np.testing.assert_allclose(maximum(X).ravel(), [4])
    dZ = np.full((1, 1, 1, 1), 8.0)
    np.testing.assert_allclose(average_backward(dZ, X)[0, :, :, 0], [[2, 2, 0], [2, 2, 0], [0, 0, 0]])
    np.testing.assert_allclose(maximum_backward(dZ, X)[0, :, :, 0], [[0, 0, 0], [8, 0, 0], [0, 0, 0]])


def test_convolution_by_finite_differences():
    X, W, b = rng.normal(size=(2, 5, 6, 3)), rng.normal(size=(3, 3, 3, 2)), rng.normal(size=2)
    weighing = rng.normal(size=(2, 3, 4, 2))  # L = sum of weighing * Z, so dZ = weighing
    for given, gradient in zip((X, W, b), convolution_backward(weighing, X, W), strict=True):
        slopes = central_difference(lambda: np.sum(weighing * convolution(X, W, b)), given)
        np.testing.assert_allclose(gradient.ravel(), slopes, atol=1e-7)


@pytest.mark.parametrize("kind", POOLS)
def test_pooling_by_finite_differences(kind):
    pool, backward = POOLS[kind]
    X, weighing = rng.normal(size=(2, 5, 4, 3)), rng.normal(size=(2, 2, 2, 3))
    slopes = central_difference(lambda: np.sum(weighing * pool(X)), X)
    np.testing.assert_allclose(backward(weighing, X).ravel(), slopes, atol=1e-8)


def test_convolution_agrees_with_keras():
    import keras
    import tensorflow as tf

    X, W, b = rng.normal(size=(3, 9, 7, 4)), rng.normal(size=(3, 3, 4, 5)), rng.normal(size=5)
    layer = keras.layers.Conv2D(5, 3, dtype="float64")
    layer.build(X.shape)
    layer.set_weights([W, b])
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        Z = layer(x)
        loss = tf.reduce_sum(Z**2) / 2  # dZ = Z
    theirs = tape.gradient(loss, [x, *layer.trainable_variables])
    np.testing.assert_allclose(convolution(X, W, b), Z, atol=1e-10)
    for mine, other in zip(convolution_backward(convolution(X, W, b), X, W), theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", POOLS)
def test_pooling_agrees_with_keras(kind):
    import keras
    import tensorflow as tf

    pool, backward = POOLS[kind]
    X = rng.normal(size=(2, 7, 6, 3))
    kinds = {"average": keras.layers.AveragePooling2D, "max": keras.layers.MaxPooling2D}
    x = tf.Variable(X)
    with tf.GradientTape() as tape:
        Z = kinds[kind](2, dtype="float64")(x)
        loss = tf.reduce_sum(Z**2) / 2
    np.testing.assert_allclose(pool(X), Z, atol=1e-12)
    np.testing.assert_allclose(backward(pool(X), X), tape.gradient(loss, x), atol=1e-12)
