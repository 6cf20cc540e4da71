"""Losses by their names in recipes, against values worked out by hand."""

import math

import numpy as np
import pytest

from zoo.tasks.objective import LOSSES, example_loss

LN2 = math.log(2)
CASES = {
    # -(1 - p)^2 ln p of the true side, and 1 - p where the truth is 0
    "binary_focal_crossentropy": ([[1.0], [0.0]], [[0.5], [0.75]], [0.25 * LN2, 0.5625 * 2 * LN2]),
    # 0.25 (1 - p)^2 -ln p of the true class
    "categorical_focal_crossentropy": ([[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.75, 0.25]],
                                       [0.25 * 0.25 * LN2, 0.25 * 0.5625 * 2 * LN2]),
    # sum of q ln(q / p)
    "kl_divergence": ([[0.5, 0.5], [1.0, 0.0]], [[0.25, 0.75], [0.25, 0.75]],
                      [0.5 * math.log(2) + 0.5 * math.log(2 / 3), 2 * LN2]),
    "mse": ([[1.0, 3.0]], [[0.0, 1.0]], [2.5]),
    "mae": ([[1.0, 3.0]], [[0.0, 1.0]], [1.5]),
    "huber": ([[0.0], [0.0]], [[0.5], [3.0]], [0.125, 2.5]),
    "binary_crossentropy": ([[1.0, 0.0]], [[0.5, 0.75]], [1.5 * LN2]),
    "categorical_crossentropy": ([[0.0, 1.0]], [[0.75, 0.25]], [2 * LN2]),
    "sparse_categorical_crossentropy": ([1], [[0.75, 0.25]], [2 * LN2]),
    "hinge": ([[1.0], [0.0]], [[0.25], [-3.0]], [0.75, 0.0]),
    "perceptron": ([[1.0], [0.0]], [[-0.5], [-3.0]], [0.5, 0.0]),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_the_value_that_its_formula_gives(name):
    y, outputs, wanted = CASES[name]
    assert np.asarray(example_loss(name)(np.array(y), np.array(outputs, "float32"))) == pytest.approx(wanted, rel=1e-4)
