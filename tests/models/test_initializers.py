"""How weights start is a knob of the classic nets, by Keras' names."""

import numpy as np
import pytest

from zoo.catalogue.registry import build, describe, list_models
from zoo.errors import UsageError

SMALL = {
    "vgg.11": {"input_shape": (32, 32, 3), "width": 1 / 16, "num_classes": 3},
    "mlp": {"input_shape": (4,), "hidden_units": (5,)},
    "vgg_transfer": {},
}
SMALL |= dict.fromkeys(("vgg.13", "vgg.16", "vgg.19"), SMALL["vgg.11"])
SMALL |= {name: {"vocab_size": 30, "units": (3,), "embedding_dim": 4} for name in ("simple_rnn", "lstm", "gru")}
NAMED = [name for name in list_models() if "kernel_initializer" in describe(name).knobs]
NEAR_ZERO = ("alexnet", "nin", "vgg", "zfnet")  # families whose output layer has a start of its own


def kernels(model, name):
    weighted = [layer for layer in model.layers if layer.weights]
    told = weighted[:-1] if describe(name).family in NEAR_ZERO else weighted
    return {weight.path: np.asarray(weight) for layer in told for weight in layer.weights
            if weight.path.endswith("/kernel")}  # fmt: skip


def test_the_classic_nets_have_the_knob():
    wanted = {"perceptron", "perceptron.sigmoid", "perceptron.hinge", "mlp", "lenet", "simple_rnn", "lstm", "gru",
              "vgg.11", "vgg.13", "vgg.16", "vgg.19", "vgg.small"}  # fmt: skip
    assert wanted <= set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_weights_start_as_they_are_told(name):
    knobs = {**(SMALL.get(name) or describe(name).trial)}
    knobs.pop("kernel_initializer", None)
    zeros = kernels(build(name, kernel_initializer="zeros", **knobs), name)
    assert zeros and all((kernel == 0).all() for kernel in zeros.values())
    drawn = kernels(build(name, kernel_initializer="random_normal", **knobs), name)  # deviation 0.05, in any layer
    values = np.concatenate([kernel.ravel() for kernel in drawn.values()])
    if len(values) >= 200:
        assert values.std() == pytest.approx(0.05, rel=0.2) and abs(values.mean()) < 0.01
    with pytest.raises(UsageError, match="no_such_start"):
        build(name, kernel_initializer="no_such_start", **knobs)
