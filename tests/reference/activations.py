"""Activations A = g(Z), element by element, and dZ = dA * g'(Z)."""

import numpy as np


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def sigmoid_backward(dA, Z):
    A = sigmoid(Z)
    return dA * A * (1 - A)  # g' = g (1 - g)


def tanh(Z):
    return np.tanh(Z)


def tanh_backward(dA, Z):
    return dA * (1 - np.tanh(Z) ** 2)  # g' = 1 - g^2


def relu(Z):
    return np.maximum(Z, 0)


def relu_backward(dA, Z):
    return dA * (Z > 0)  # g' = 1 where the unit is on, 0 where it is off


def linear(Z):
    return Z


def linear_backward(dA, Z):
    return dA


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))  # subtracting the largest changes nothing but the overflow
    return E / E.sum(axis=1, keepdims=True)


FORWARD = {"sigmoid": sigmoid, "tanh": tanh, "relu": relu, "linear": linear}
BACKWARD = {"sigmoid": sigmoid_backward, "tanh": tanh_backward, "relu": relu_backward, "linear": linear_backward}
