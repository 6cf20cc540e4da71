"""Attention, positions and one encoder block of the transformer (Vaswani et al. 2017), an example at a time."""

import numpy as np

from .activations import relu, softmax
from .dense import dense


def attention(Q, K, V, visible=None):
    """softmax(Q K' / sqrt(d)) V: queries (n, d), keys (m, d), values (m, v) -> (n, v), and the weights (n, m)."""
    S = Q @ K.T / np.sqrt(Q.shape[1])
    if visible is not None:
        S = np.where(visible, S, -1e9)
    W = softmax(S)
    return W @ V, W


def attention_backward(dO, Q, K, V, W):
    """O = W V and W = softmax(S), a row of which pulls all its entries: dS = W * (dW - sum of dW * W over the row)."""
    dV = W.T @ dO
    dW = dO @ V.T
    dS = W * (dW - (dW * W).sum(axis=1, keepdims=True))
    d = np.sqrt(Q.shape[1])
    return dS @ K / d, dS.T @ Q / d, dV


def multi_head(X, M, weights, visible=None):
    """Each head attends with queries of X and keys and values of M in a space of its own; the heads' sum is the output.

    Weights in the order in which Keras stores them: query, key, value (d, heads, size), output (heads, size, d), each
    with its bias.
    """
    Wq, bq, Wk, bk, Wv, bv, Wo, bo = weights
    total = bo
    for h in range(Wq.shape[1]):
        Q, K, V = dense(X, Wq[:, h], bq[h]), dense(M, Wk[:, h], bk[h]), dense(M, Wv[:, h], bv[h])
        total = total + attention(Q, K, V, visible)[0] @ Wo[h]
    return total  # (n, d)


def positions(length, dim):
    """PE(t, 2i) = sin(t / 10000^(2i / dim)), PE(t, 2i + 1) = cos of the same (section 3.5)."""
    E = np.zeros((length, dim))
    for t in range(length):
        for j in range(dim):
            angle = t / 10_000 ** (2 * (j // 2) / dim)
            E[t, j] = np.cos(angle) if j % 2 else np.sin(angle)
    return E


def layer_norm(X, gamma, beta, epsilon):
    """Each row to mean 0 and variance 1, then scaled and shifted feature by feature (Ba et al. 2016)."""
    centred = X - X.mean(axis=1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon) + beta


def encoder_block(X, heads, norm_1, inner, outer, norm_2, real, epsilon=1e-6):
    """Post-norm, as printed in 2017: the norm of x + attention(x), then the norm of that + two dense layers of it."""
    X = layer_norm(X + multi_head(X, X, heads, real), *norm_1, epsilon)
    return layer_norm(X + dense(relu(dense(X, *inner)), *outer), *norm_2, epsilon)
