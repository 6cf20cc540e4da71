"""Recurrent nets: simple RNN, LSTM and GRU step by step, back-propagation through time, attention.

X is (n, time, m), states are (n, units), H holds the states after every step, (n, time, units). Kernels are laid out
as in Keras: W (m, gates * units), U (units, gates * units), b (gates * units,), the LSTM's gates in the order i f g o,
the GRU's z r g. `real` (n, time) says which steps are not padding; at the others the state stays as it was.
"""

import numpy as np

from .activations import sigmoid, softmax


def unroll(step, X, state, real=None):
    """A step at a time: H and the last state. `state` is a tuple whose first member is what the net puts out."""
    H = []
    for t in range(X.shape[1]):
        after = step(X[:, t], *state)
        if real is not None:
            after = tuple(np.where(real[:, t, None], new, old) for new, old in zip(after, state, strict=True))
        state = after
        H.append(state[0])
    return np.stack(H, axis=1), state


def simple_rnn_step(x, h, W, U, b):
    """h' = tanh(x W + h U + b)."""
    return (np.tanh(x @ W + h @ U + b),)


def simple_rnn(X, W, U, b, h0=None, real=None):
    h0 = np.zeros((len(X), len(U))) if h0 is None else h0
    return unroll(lambda x, h: simple_rnn_step(x, h, W, U, b), X, (h0,), real)


def simple_rnn_backward(dH, H, X, W, U, h0):
    """Back through time in one sweep; dH_t is what the loss says of the output at step t alone.

    With A_t = x_t W + h_(t-1) U + b and h_t = tanh A_t, step t hears from its own output and from step t + 1:
    dA_t = (dH_t + dA_(t+1) U^T) (1 - h_t^2). The weights are shared, so their gradients add up over the steps:
    dW = sum_t x_t^T dA_t, dU = sum_t h_(t-1)^T dA_t, db = sum_t dA_t. Returns dX, dW, dU, db, dh0.
    """
    before = np.concatenate([h0[:, None], H[:, :-1]], axis=1)
    dX, dW, dU, db, dh = np.zeros_like(X), np.zeros_like(W), np.zeros_like(U), 0, np.zeros_like(h0)
    for t in reversed(range(X.shape[1])):
        dA = (dH[:, t] + dh) * (1 - H[:, t] ** 2)
        dW += X[:, t].T @ dA
        dU += before[:, t].T @ dA
        db = db + dA.sum(axis=0)
        dX[:, t] = dA @ W.T
        dh = dA @ U.T
    return dX, dW, dU, db, dh


def path(dH, H, U, h0, t, k):
    """What one path adds to dU: from the loss at step t back along h_t, h_(t-1) ... to the use of U in step k <= t.

    The chain rule, factor by factor: dL_t/dh_t, tanh' at t, then (U^T, tanh') for each of t-1 ... k, and h_(k-1), which
    U multiplies there. Steps count from 1.
    """
    before = [h0, *np.moveaxis(H, 1, 0)]  # h_0, h_1, ...
    dA = dH[:, t - 1] * (1 - before[t] ** 2)
    for j in range(t - 1, k - 1, -1):
        dA = (dA @ U.T) * (1 - before[j] ** 2)
    return before[k - 1].T @ dA


def sum_over_paths(dH, H, U, h0):
    """dU = sum_t sum_(k <= t) path(t, k): for three steps six paths, (1,1) (2,2) (2,1) (3,3) (3,2) (3,1)."""
    steps = range(1, H.shape[1] + 1)
    return sum(path(dH, H, U, h0, t, k) for t in steps for k in range(t, 0, -1))


def lstm_step(x, h, c, W, U, b):
    """c' = f c + i g, h' = o tanh c': gates i f o of the input and the last output, g what may be written."""
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def lstm(X, W, U, b, state=None, real=None):
    nothing = np.zeros((len(X), len(U)))
    return unroll(lambda x, h, c: lstm_step(x, h, c, W, U, b), X, state or (nothing, nothing), real)


def gru_step_2014(x, h, W, U, b):
    """As printed: h' = z h + (1 - z) tanh(x W_g + (r h) U_g + b_g), the reset gate r on what U sees."""
    (W_z, W_r, W_g), (U_z, U_r, U_g), (b_z, b_r, b_g) = (np.split(part, 3, axis=-1) for part in (W, U, b))
    z = sigmoid(x @ W_z + h @ U_z + b_z)
    r = sigmoid(x @ W_r + h @ U_r + b_r)
    return (z * h + (1 - z) * np.tanh(x @ W_g + (r * h) @ U_g + b_g),)


def gru_step(x, h, W, U, b):
    """As GPUs do it: the reset gate on what U gives, r (h U_g + b'_g); b is (2, 3 units), of W and of U."""
    x_z, x_r, x_g = np.split(x @ W + b[0], 3, axis=1)
    h_z, h_r, h_g = np.split(h @ U + b[1], 3, axis=1)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return (z * h + (1 - z) * np.tanh(x_g + r * h_g),)


def gru(X, W, U, b, h0=None, real=None):
    h0 = np.zeros((len(X), len(U))) if h0 is None else h0
    step = gru_step if b.ndim == 2 else gru_step_2014
    return unroll(lambda x, h: step(x, h, W, U, b), X, (h0,), real)


def masked_softmax(scores, real):
    """Weights that add up to 1 over the real positions, (n, time), and are 0 at the others."""
    return softmax(np.where(real, scores, -np.inf))


def additive_attention(s, M, W, U, v, real):
    """Bahdanau's: weights softmax_j v tanh(s W + m_j U), context sum_j a_j m_j; s is (n, units), M (n, time, m)."""
    a = masked_softmax(np.tanh((s @ W)[:, None] + M @ U) @ v[:, 0], real)
    return a, np.einsum("nj,njm->nm", a, M)


def dot_attention(s, M, real, keys=None):
    """Luong's: weights softmax_j s . m_j, or s . key_j."""
    a = masked_softmax(np.einsum("nu,nju->nj", s, M if keys is None else keys), real)
    return a, np.einsum("nj,njm->nm", a, M)
