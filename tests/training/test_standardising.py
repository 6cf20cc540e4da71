"""What standardising takes from the training split, of columns that never change too."""

import numpy as np
import pytest

from zoo.training.model import moments


@pytest.mark.parametrize("value", [0.0, 0.1, -3e7, 1e-9])
def test_a_column_that_never_changes_comes_out_as_nought_and_a_hair_beside_it_as_a_hair(value):
    random = np.random.default_rng(0)
    x = random.normal(5.0, 2.0, (1001, 2)).astype("float32")
    x[:, 1] = value
    mean, variance = moments(x)
    assert mean[0] == pytest.approx(x[:, 0].mean(), rel=1e-6)
    assert variance[0] == pytest.approx(x[:, 0].var(), rel=1e-5)
    assert (mean[1], variance[1]) == (np.float32(value), 1.0)
    other = np.float32(value) + np.float32(0.001)
    assert abs((other - mean[1]) / np.sqrt(variance[1])) <= 0.0011


def test_a_column_that_changes_a_little_is_told_from_one_that_never_does():
    x = np.array([[1000.0], [1000.5]], "float32")
    assert moments(x)[1] == pytest.approx([0.0625])
    assert moments(np.full((4, 3), 7.0, "float32"), per_feature=False) == (7.0, 1.0)
    assert moments(np.full((4, 3), 51, "uint8"), 255.0) == (pytest.approx([0.2] * 3), pytest.approx([1.0] * 3))
