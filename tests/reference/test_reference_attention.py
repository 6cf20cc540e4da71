"""Attention, positions and the encoder block: by hand, by finite differences, by Keras and the zoo's layers."""

import keras
import numpy as np
import pytest
from keras import layers

from zoo.layers import CausalSelfAttention, CrossAttention, SelfAttention, SinusoidalPositions
from zoo.models.transformer_blocks import Stack

from .attention import attention, attention_backward, encoder_block, layer_norm, multi_head, positions
from .differences import central_difference

rng = np.random.default_rng(4)
X, M = rng.normal(size=(2, 5, 8)), rng.normal(size=(2, 4, 8))
SOFTMAX = 1e-6  # Keras takes it in float32 whatever the layer's type
REAL = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], bool)


def set_random(layer):
    """Weights off zero, biases too, and returned."""
    weights = [rng.normal(size=weight.shape) * 0.5 for weight in layer.weights]
    layer.set_weights(weights)
    return weights


def test_attention_by_hand():
    # q = (2, 0), d = 4 after padding with zeros: scores 2 ln 3 / 2 = ln 3 and 0, weights 3/4 and 1/4
    Q, K = np.array([[2.0, 0, 0, 0]]), np.array([[np.log(3), 0, 0, 0], [0, 5.0, 0, 0]])
    V = np.array([[8.0, 0], [0, 4.0]])
    output, weights = attention(Q, K, V)
    np.testing.assert_allclose(weights, [[0.75, 0.25]])
    np.testing.assert_allclose(output, [[6.0, 1.0]])
    np.testing.assert_allclose(attention(Q, K, V, visible=np.array([False, True]))[0], [[0.0, 4.0]])


def test_equal_scores_give_the_mean():
    V = rng.normal(size=(6, 3))
    np.testing.assert_allclose(attention(np.zeros((1, 2)), rng.normal(size=(6, 2)), V)[0], V.mean(0, keepdims=True))


def test_attention_slopes():
    Q, K, V, pull = (rng.normal(size=shape) for shape in ((3, 2), (4, 2), (4, 5), (3, 5)))

    def loss():
        return (attention(Q, K, V)[0] * pull).sum()

    gradients = attention_backward(pull, Q, K, V, attention(Q, K, V)[1])
    for given, gradient in zip((Q, K, V), gradients, strict=True):
        np.testing.assert_allclose(gradient.ravel(), central_difference(loss, given), atol=1e-8)


def test_attention_agrees_with_keras():
    Q, K, V = (rng.normal(size=(2, time, 1, 6)) for time in (3, 4, 4))
    theirs = keras.ops.dot_product_attention(Q, K, V, mask=REAL[:, None, None, :])
    for i in range(2):
        ours = attention(Q[i, :, 0], K[i, :, 0], V[i, :, 0], REAL[i])[0]
        np.testing.assert_allclose(theirs[i, :, 0], ours, atol=SOFTMAX)


def test_multi_head_agrees_with_keras():
    layer = layers.MultiHeadAttention(2, 3, dtype="float64")
    layer(X, M)
    weights = set_random(layer)
    theirs = layer(X, M, attention_mask=REAL[:, None, :])
    for i in range(2):
        np.testing.assert_allclose(theirs[i], multi_head(X[i], M[i], weights, REAL[i]), atol=SOFTMAX)


@pytest.mark.parametrize("kind", [SelfAttention, CausalSelfAttention, CrossAttention])
def test_the_zoos_attention_agrees(kind):
    layer, real = kind(2, 3, dtype="float64"), np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], bool)
    given = {SelfAttention: (X, real), CausalSelfAttention: (X,), CrossAttention: (X, M, REAL)}[kind]
    layer(*given)
    weights = set_random(layer)
    theirs = layer(*given)
    for i in range(2):
        memory = M[i] if kind is CrossAttention else X[i]
        visible = {SelfAttention: real[i], CausalSelfAttention: np.tri(5, dtype=bool), CrossAttention: REAL[i]}[kind]
        np.testing.assert_allclose(theirs[i], multi_head(X[i], memory, weights, visible), atol=SOFTMAX)


@pytest.mark.parametrize("dim", [6, 7, 128])
def test_positions_agree(dim):
    x = rng.normal(size=(2, 300, dim)).astype("float32")
    theirs = keras.ops.convert_to_numpy(SinusoidalPositions()(x)) - x
    np.testing.assert_allclose(theirs[0], positions(300, dim), atol=5e-5)  # float32 angles of up to 300


def test_positions_begin_with_zeros_and_ones_and_shift_by_rotation():
    E = positions(50, 8)
    np.testing.assert_allclose(E[0], [0, 1] * 4)
    for t in (3, 20):  # the waves at t + 4 are those at t, turned by an angle that does not hang on t
        turn = 4 / 10_000 ** (2 / 8)
        rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        np.testing.assert_allclose(E[t + 4, 2:4], rotation @ E[t, 2:4])


def test_layer_norm_agrees_with_keras():
    layer = layers.LayerNormalization(epsilon=1e-6, dtype="float64")
    layer(X)
    np.testing.assert_allclose(layer(X)[0], layer_norm(X[0], 1, 0, 1e-6), atol=1e-12)
    weights = set_random(layer)
    np.testing.assert_allclose(layer(X)[1], layer_norm(X[1], *weights, 1e-6), atol=1e-12)


def test_a_whole_post_norm_encoder_block_agrees():
    keras.config.set_dtype_policy("float64")
    try:
        x, real = keras.Input((None, 8)), keras.Input((None,), dtype="bool")
        stack = Stack(1, 8, num_heads=2, feedforward_dim=16, dropout=0.1, norm="post", activation="relu")
        model = keras.Model([x, real], stack.encoder(x, real))
    finally:
        keras.config.set_dtype_policy("float32")
    weights = set_random(model)
    parts = weights[:8], weights[8:10], weights[10:12], weights[12:14], weights[14:]
    theirs = model([M, REAL])
    for i in range(2):
        np.testing.assert_allclose(theirs[i], encoder_block(M[i], *parts, REAL[i]), atol=SOFTMAX)
