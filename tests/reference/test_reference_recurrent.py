"""Recurrent nets and attention: by hand, by finite differences, by Keras and by the zoo's layers."""

import numpy as np
import pytest

from . import recurrent as reference
from .differences import central_difference

n, T, m, units = 3, 5, 4, 6
REAL = np.arange(T) < np.array([[5], [2], [1]])  # lengths 5, 2 and 1


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def weights(gates, biases=1):
    b = normal(gates * units) if biases == 1 else normal(biases, gates * units)
    return normal(m, gates * units) / 2, normal(units, gates * units) / 2, b


X, H0, C0 = normal(n, T, m), normal(n, units, seed=1), normal(n, units, seed=2)


def keras_layer(kind, given, **knobs):
    """A float64 layer of Keras with these weights that returns all outputs and the last state."""
    from keras import layers

    layer = getattr(layers, kind)(units, return_sequences=True, return_state=True, dtype="float64", **knobs)
    layer.build((n, T, m))
    layer.set_weights(given)
    return layer


def close(ours, theirs):
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-6)


def test_one_step_of_a_simple_rnn_by_hand():
    # 0.5*1 - 0.25*2 + 0.1 = 0.1
    (h,) = reference.simple_rnn_step(np.array([[1.0]]), np.array([[2.0]]), *map(np.array, ([[0.5]], [[-0.25]], [0.1])))
    assert h.item() == pytest.approx(np.tanh(0.1))


def test_one_step_of_an_lstm_by_hand():
    # every gate sees 0, so it is half open: c' = 0.5*2 + 0.5*tanh(1) and h' = 0.5 tanh c'
    W, U, b = np.array([[0.0, 0, 1, 0]]), np.zeros((1, 4)), np.zeros(4)
    h, c = reference.lstm_step(np.array([[1.0]]), np.array([[3.0]]), np.array([[2.0]]), W, U, b)
    assert c.item() == pytest.approx(1 + 0.5 * 0.761594, abs=1e-6)
    assert h.item() == pytest.approx(0.5 * np.tanh(1.380797), abs=1e-6)


def test_one_step_of_both_grus_by_hand():
    # z = r = 1/2. Printed: g = tanh(1/2 * 2 * 1) = tanh 1; on a GPU with b' = 4: g = tanh(1/2 (2 * 1 + 4)) = tanh 3
    x, h, W, U = np.zeros((1, 1)), np.array([[2.0]]), np.zeros((1, 3)), np.array([[0.0, 0, 1]])
    (printed,) = reference.gru_step_2014(x, h, W, U, np.zeros(3))
    (on_gpu,) = reference.gru_step(x, h, W, U, np.array([[0.0, 0, 0], [0, 0, 4]]))
    assert printed.item() == pytest.approx(0.5 * 2 + 0.5 * np.tanh(1))
    assert on_gpu.item() == pytest.approx(0.5 * 2 + 0.5 * np.tanh(3))


def test_an_lstm_with_its_gates_open_remembers_for_ever():
    # forget gate at sigmoid(50) = 1, input gate at sigmoid(-50) = 0: whatever comes, c stays
    W, U, b = weights(4)
    b = np.concatenate([np.full(units, -50.0), np.full(units, 50.0), b[2 * units :]])
    _, (_, c) = reference.lstm(normal(n, 300, m), W * 0.1, U * 0.1, b, (H0, C0))
    np.testing.assert_allclose(c, C0, atol=1e-9)


@pytest.mark.parametrize("real", [None, REAL], ids=["whole", "padded"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "GRU 2014"])
def test_sequences_agree_with_keras(kind, real):
    name, knobs, gates = {
        "SimpleRNN": ("SimpleRNN", {}, 1),
        "LSTM": ("LSTM", {}, 4),
        "GRU": ("GRU", {}, 3),
        "GRU 2014": ("GRU", {"reset_after": False}, 3),
    }[kind]
    given = weights(gates, biases=2 if kind == "GRU" else 1)
    ours = {"SimpleRNN": reference.simple_rnn, "LSTM": reference.lstm, "GRU": reference.gru}[name]
    first = (H0, C0) if name == "LSTM" else H0
    H, last = ours(X, *given, first, real)
    outputs, *states = keras_layer(name, given, **knobs)(
        X, initial_state=[H0, C0] if name == "LSTM" else [H0], mask=real
    )
    close(H, outputs)
    for mine, other in zip(last, states, strict=True):
        close(mine, other)


@pytest.mark.parametrize("kind", ["MaskedLSTM", "MaskedGRU"])
def test_masked_layers_pause_at_padding_and_attach_no_mask(kind):
    import zoo.layers

    given = weights(4) if kind == "MaskedLSTM" else weights(3, biases=2)
    layer = getattr(zoo.layers, kind)(units, return_sequences=True, return_state=True)
    layer.build(X.shape, REAL.shape)
    layer.set_weights(given)
    outputs, *states = layer(X.astype("float32"), REAL)
    H, last = (reference.lstm if kind == "MaskedLSTM" else reference.gru)(X, *given, real=REAL)
    np.testing.assert_allclose(H, outputs, atol=1e-5)
    for mine, other in zip(last, states, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)
    assert not [part for part in (outputs, *states) if getattr(part, "_keras_mask", None) is not None]


# Back-propagation through time: three steps, an output at each, a first state that is not zero
X3, D3 = normal(n, 3, m), normal(n, 3, units, seed=3)
W3, U3, b3 = weights(1)
start = H0.copy()


def loss3():
    """L = sum over steps of h_t . D3_t, so the loss says D3_t of h_t alone."""
    return float((reference.simple_rnn(X3, W3, U3, b3, start)[0] * D3).sum())


def gradients3():
    return reference.simple_rnn_backward(D3, reference.simple_rnn(X3, W3, U3, b3, start)[0], X3, W3, U3, start)


def test_the_sweep_through_time_is_the_sum_over_the_paths():
    H, _ = reference.simple_rnn(X3, W3, U3, b3, start)
    six = {(t, k): reference.path(D3, H, U3, start, t, k) for t in (1, 2, 3) for k in range(1, t + 1)}
    assert len(six) == 6 and all(np.abs(part).max() > 1e-3 for part in six.values())
    # the longest written out: dL_3/dh_3, back through steps 3 and 2, to h_0 which U multiplied in step 1
    slopes = 1 - H**2
    longest = start.T @ (((D3[:, 2] * slopes[:, 2]) @ U3.T * slopes[:, 1]) @ U3.T * slopes[:, 0])
    np.testing.assert_allclose(six[3, 1], longest, atol=1e-12)
    np.testing.assert_allclose(reference.sum_over_paths(D3, H, U3, start), sum(six.values()), atol=1e-12)
    np.testing.assert_allclose(gradients3()[2], sum(six.values()), atol=1e-12)


def test_back_propagation_through_time_by_finite_differences():
    for weight, gradient in zip((X3, W3, U3, b3, start), gradients3(), strict=True):
        np.testing.assert_allclose(gradient.ravel(), central_difference(loss3, weight), atol=1e-7)


def test_back_propagation_through_time_agrees_with_keras():
    import tensorflow as tf

    layer = keras_layer("SimpleRNN", (W3, U3, b3))
    x, h0 = tf.constant(X3), tf.constant(start)
    with tf.GradientTape() as tape:
        tape.watch([x, h0])
        loss = tf.reduce_sum(layer(x, initial_state=h0)[0] * D3)
    theirs = tape.gradient(loss, [x, *layer.trainable_variables, h0])
    for mine, other in zip(gradients3(), theirs, strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-9)


def test_gradients_of_a_simple_rnn_vanish_with_distance_by_the_largest_singular_value():
    U = U3 * (0.5 / np.linalg.svd(U3)[1].max())  # |dA U^T| <= 0.5 |dA|, and tanh' <= 1
    X = normal(1, 30, m)
    H, _ = reference.simple_rnn(X, W3, U, b3)
    last = np.zeros_like(H)
    last[:, -1] = 1.0
    dX, *_ = reference.simple_rnn_backward(last, H, X, W3, U, np.zeros((1, units)))
    reach = np.linalg.norm(dX[0], axis=1)  # by step
    bound = np.linalg.norm(last[0, -1]) * np.linalg.svd(W3)[1].max() * 0.5 ** np.arange(29, -1, -1)
    assert (reach <= bound).all() and reach[0] > 0


# Attention
M, REAL_M = normal(n, 7, 5), np.arange(7) < np.array([[7], [3], [1]])


def test_attention_by_hand():
    # scores 0 and ln 3 over two real positions: weights 1/4 and 3/4, whatever stands in the padding
    M = np.array([[[0.0, 1.0], [np.log(3), 5.0], [99.0, 99.0]]])
    a, context = reference.dot_attention(np.array([[1.0, 0.0]]), M, np.array([[True, True, False]]))
    np.testing.assert_allclose(a, [[0.25, 0.75, 0]])
    np.testing.assert_allclose(context, [[0.75 * np.log(3), 0.25 + 3.75]])


def test_one_real_position_is_all_that_is_seen():
    a, context = reference.additive_attention(H0, M, normal(units, 4), normal(5, 4), normal(4, 1), REAL_M)
    np.testing.assert_allclose(a[2], [1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(context[2], M[2, 0])
    np.testing.assert_allclose(a.sum(axis=1), 1)


@pytest.mark.parametrize("keys", [None, normal(n, 7, 5, seed=4)], ids=["dot", "general"])
def test_dot_attention_agrees_with_the_layer(keys):
    from zoo.layers import DotAttention

    queries = normal(n, T, 5)
    inputs = [queries, M] if keys is None else [queries, M, keys]
    layer = DotAttention(dtype="float64")
    outputs = layer(inputs, mask=[None, REAL_M])
    scores = layer.attention_scores(inputs, mask=[None, REAL_M])
    for t in range(T):
        a, context = reference.dot_attention(queries[:, t], M, REAL_M, keys)
        close(a, scores[:, t])
        close(context, outputs[:, t])


def test_additive_attention_gru_agrees_with_the_layer():
    from zoo.layers import AdditiveAttentionGRU

    layer = AdditiveAttentionGRU(units, 4)
    given = [value.astype("float32") for value in (X, M)] + [REAL_M]
    layer.build(X.shape, M.shape, REAL_M.shape)
    W, U, v = normal(units, 4), normal(5, 4), normal(4, 1)
    kernel, recurrent, b = normal(m + 5, 3 * units) / 2, normal(units, 3 * units) / 2, normal(2, 3 * units)
    layer.set_weights([W, U, v, kernel, recurrent, b])
    outputs = np.asarray(layer(*given, initial_state=[H0.astype("float32")]))
    scores = np.asarray(layer.attention_scores(*given, initial_state=[H0.astype("float32")]))
    s = H0
    for t in range(T):
        a, context = reference.additive_attention(s, M, W, U, v, REAL_M)  # from the state before the step
        (s,) = reference.gru_step(np.concatenate([X[:, t], context], axis=1), s, kernel, recurrent, b)
        np.testing.assert_allclose(scores[:, t], a, atol=1e-5)
        np.testing.assert_allclose(outputs[:, t], np.concatenate([s, context], axis=1), atol=1e-5)
