"""Small means that the tests of the architectures share."""

import keras
import numpy as np
import pytest


@pytest.fixture
def train():
    """Full-batch training: `steps` of an optimiser on all of (x, y) at once; returns the final output."""

    def run(model, x, y, loss, optimizer, steps, batch_size=None):
        batch_size = batch_size or len(x)
        model.compile(optimizer, loss, steps_per_execution=50)
        passes = steps * batch_size // len(x)
        model.fit(np.concatenate([x] * passes), np.concatenate([y] * passes), batch_size, shuffle=False, verbose=0)
        return keras.ops.convert_to_numpy(model(x))

    return run
