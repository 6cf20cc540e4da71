"""Pooling over windows of p x p that do not overlap; rows and columns that fill no window are left out.

X is (n, height, width, channels), Z is (n, height // p, width // p, channels).
"""

import numpy as np


def in_windows(X, p):
    """A view of X as (n, rows, p, columns, p, channels): axes 2 and 4 run inside a window."""
    n, height, width, channels = X.shape
    rows, columns = height // p, width // p
    return X[:, : rows * p, : columns * p].reshape(n, rows, p, columns, p, channels)


def spread(Z, p):
    """Give each value of Z to all places of its window: the shape of `in_windows`."""
    return Z[:, :, None, :, None, :]


def put_back(inside, like, p):
    """From windows back to the shape of X; what fills no window gets 0."""
    X = np.zeros_like(like)
    n, rows, _, columns, _, channels = inside.shape
    X[:, : rows * p, : columns * p] = inside.reshape(n, rows * p, columns * p, channels)
    return X


def average(X, p=2):
    return in_windows(X, p).mean(axis=(2, 4))


def average_backward(dZ, X, p=2):
    """Z = (sum of p^2 values) / p^2: each of them gets dZ / p^2."""
    share = np.broadcast_to(spread(dZ, p) / p**2, in_windows(X, p).shape)
    return put_back(share, X, p)


def maximum(X, p=2):
    return in_windows(X, p).max(axis=(2, 4))


def maximum_backward(dZ, X, p=2):
    """Only the largest value of a window moves Z, so it gets all of dZ (no ties among random numbers)."""
    is_largest = in_windows(X, p) == spread(maximum(X, p), p)
    return put_back(is_largest * spread(dZ, p), X, p)
