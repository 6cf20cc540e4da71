"""The dense layer, Z = X W + b, and a network of them."""

from .activations import BACKWARD, FORWARD


def dense(X, W, b):
    return X @ W + b  # (n, units)


def dense_backward(dZ, X, W):
    """Z_nu = sum_f X_nf W_fu + b_u, so each derivative is one sum over the index that Z does not share.

    dW_fu = sum_n X_nf dZ_nu      db_u = sum_n dZ_nu      dX_nf = sum_u dZ_nu W_fu
    """
    dW = X.T @ dZ
    db = dZ.sum(axis=0)
    dX = dZ @ W.T
    return dX, dW, db


def network(X, layers):
    """Forward through [(W, b, activation), ...]; returns the output and what the way back needs."""
    A, kept = X, []
    for W, b, activation in layers:
        Z = dense(A, W, b)
        kept.append((A, Z))
        A = FORWARD[activation](Z)
    return A, kept


def network_backward(dA, layers, kept):
    """Back from dL/d(output): [(dW, db), ...] in the order of the layers."""
    gradients = []
    for (W, _, activation), (A_before, Z) in zip(reversed(layers), reversed(kept), strict=True):
        dZ = BACKWARD[activation](dA, Z)
        dA, dW, db = dense_backward(dZ, A_before, W)
        gradients.append((dW, db))
    return gradients[::-1]
