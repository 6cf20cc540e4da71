"""LeNet-5 as usually built, whole: C1 S2 C3 S4 C5 F6 output, softmax and cross-entropy."""

from .activations import BACKWARD, FORWARD
from .convolution import convolution, convolution_backward
from .dense import dense, dense_backward
from .losses import softmax_cross_entropy
from .pooling import average, average_backward, maximum, maximum_backward

POOL = {"average": (average, average_backward), "max": (maximum, maximum_backward)}


def loss_and_gradients(X, Y, weights, activation="tanh", pooling="average"):
    """X (n, 32, 32, 1), one-hot Y (n, 10), weights {"C1": (W, b), ...}; returns L, logits, {"C1": (dW, db), ...}."""
    g, g_backward = FORWARD[activation], BACKWARD[activation]
    pool, pool_backward = POOL[pooling]

    Z1 = convolution(X, *weights["C1"])  # (n, 28, 28, 6)
    A1 = g(Z1)
    S2 = pool(A1)  # (n, 14, 14, 6)
    Z3 = convolution(S2, *weights["C3"])  # (n, 10, 10, 16)
    A3 = g(Z3)
    S4 = pool(A3)  # (n, 5, 5, 16)
    flat = S4.reshape(len(X), -1)  # (n, 400)
    Z5 = dense(flat, *weights["C5"])  # (n, 120)
    A5 = g(Z5)
    Z6 = dense(A5, *weights["F6"])  # (n, 84)
    A6 = g(Z6)
    Z7 = dense(A6, *weights["output"])  # (n, 10)
    L, dZ7 = softmax_cross_entropy(Z7, Y)

    gradients = {}
    dA6, *gradients["output"] = dense_backward(dZ7, A6, weights["output"][0])
    dZ6 = g_backward(dA6, Z6)
    dA5, *gradients["F6"] = dense_backward(dZ6, A5, weights["F6"][0])
    dZ5 = g_backward(dA5, Z5)
    dflat, *gradients["C5"] = dense_backward(dZ5, flat, weights["C5"][0])
    dS4 = dflat.reshape(S4.shape)
    dZ3 = g_backward(pool_backward(dS4, A3), Z3)
    dS2, *gradients["C3"] = convolution_backward(dZ3, S2, weights["C3"][0])
    dZ1 = g_backward(pool_backward(dS2, A1), Z1)
    _, *gradients["C1"] = convolution_backward(dZ1, X, weights["C1"][0])
    return L, Z7, gradients
