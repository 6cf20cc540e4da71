"""Losses, each with its gradient; the mean is over the n examples (and, for MSE and BCE, over the units)."""

import numpy as np

from .activations import sigmoid, softmax


def mean_squared_error(A, Y):
    """L = mean (A - Y)^2; dA = 2 (A - Y) / (number of values)."""
    return np.mean((A - Y) ** 2), 2 * (A - Y) / Y.size


def binary_cross_entropy(A, Y):
    """L = -mean (Y log A + (1 - Y) log(1 - A)); dA = (A - Y) / (A (1 - A)) / (number of values)."""
    L = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return L, (A - Y) / (A * (1 - A)) / Y.size


def sigmoid_cross_entropy(Z, Y):
    """Binary cross-entropy behind a sigmoid: A (1 - A) cancels, and dZ = (A - Y) / (number of values)."""
    A = sigmoid(Z)
    return binary_cross_entropy(A, Y)[0], (A - Y) / Y.size


def softmax_cross_entropy(Z, Y):
    """L = -mean over examples of sum_k Y_k log A_k with A = softmax(Z) and one-hot Y; dZ = (A - Y) / n.

    From dA_j/dZ_k = A_j ((j = k) - A_k): dL/dZ_k = -sum_j Y_j ((j = k) - A_k) = A_k - Y_k, since sum_j Y_j = 1.
    """
    n = len(Y)
    A = softmax(Z)
    return -np.sum(Y * np.log(A)) / n, (A - Y) / n
