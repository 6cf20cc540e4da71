"""Weight decay makes kernels smaller, by the rate times the decay a step, and leaves biases and normalisation alone."""

import keras
import numpy as np
import pytest

from zoo.recipe.schema import DECAYING, Training
from zoo.training.optimizers import make_optimizer, rule


@pytest.mark.parametrize("name", DECAYING)
def test_a_step_without_gradient_shrinks_kernels_alone(name):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, bias_initializer="ones")])
    model.add(keras.layers.BatchNormalization())
    optimizer = make_optimizer(Training(optimizer=name, learning_rate=0.1, weight_decay=0.5), steps_per_epoch=10)
    before = [np.array(weight) for weight in model.trainable_weights]
    optimizer.build(model.trainable_weights)
    for _ in range(2):
        optimizer.apply([keras.ops.zeros_like(weight) for weight in model.trainable_weights])
    for weight, old in zip(model.trainable_weights, before, strict=True):
        factor = (1 - 0.1 * 0.5) ** 2 if weight.name == "kernel" else 1.0
        np.testing.assert_allclose(np.array(weight), factor * old, rtol=1e-6)


def test_without_a_decay_the_optimiser_is_what_it_was():
    assert rule(Training(optimizer="momentum"))[1] == {"momentum": 0.9}
    assert rule(Training(optimizer="adamw"))[1] == {"weight_decay": 0.0}
