"""The convolution of the networks (a cross-correlation), stride 1, no padding.

X is (n, height, width, channels), W (f, f, channels, filters), b (filters,);
Z is (n, height - f + 1, width - f + 1, filters).
"""

import numpy as np


def windows(X, f):
    """For each place (i, j) in the filter, the part of X that this weight gets to see: it is as large as Z."""
    height, width = X.shape[1] - f + 1, X.shape[2] - f + 1
    for i in range(f):
        for j in range(f):
            yield i, j, (slice(None), slice(i, i + height), slice(j, j + width))


def convolution(X, W, b):
    """Z_nyxm = sum_ijc X_n,y+i,x+j,c W_ijcm + b_m: for each (i, j) a dense layer over the channels."""
    return sum(X[part] @ W[i, j] for i, j, part in windows(X, len(W))) + b


def convolution_backward(dZ, X, W):
    """Each weight sees a shifted copy of X, so the dense layer's derivatives hold copy by copy.

    dW_ijcm = sum_nyx X_n,y+i,x+j,c dZ_nyxm      db_m = sum_nyx dZ_nyxm
    dX_n,y+i,x+j,c gets, from every (i, j), sum_m dZ_nyxm W_ijcm
    """
    dX, dW = np.zeros_like(X), np.zeros_like(W)
    for i, j, part in windows(X, len(W)):
        dW[i, j] = np.einsum("nyxc,nyxm->cm", X[part], dZ)
        dX[part] += dZ @ W[i, j].T
    return dX, dW, dZ.sum(axis=(0, 1, 2))
