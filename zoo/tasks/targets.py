"""Targets in the forms that losses take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def indicators(y: np.ndarray, classes: int) -> np.ndarray:
    """Class ids (n,) as a one at the class among zeros, float32 (n, classes)."""
    import numpy as np

    return np.eye(classes, dtype="float32")[y]


def columns(y: np.ndarray) -> np.ndarray:
    """Numbers, labels of two classes or values, one row an example, float32 (n, 1)."""
    return y.astype("float32").reshape(len(y), *(y.shape[1:] or (1,)))
