"""DenseNet: counts by arithmetic from the paper's tables, shapes, and what the knobs do."""

from functools import cache, partial

import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError


@cache
def built(name, **knobs):
    return skeleton(partial(registry.build, name, **knobs))


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def blocks_count(maps, blocks, k, bottleneck, compression):
    """Weights of dense blocks and transitions on so many maps, and the maps behind them."""
    count = 0
    for i, layers in enumerate(blocks):
        for _ in range(layers):
            count += 2 * maps + (maps * 4 * k + 2 * 4 * k + 9 * 4 * k * k if bottleneck else 9 * maps * k)
            maps += k
        if i < len(blocks) - 1:
            count += 2 * maps + maps * int(maps * compression)
            maps = int(maps * compression)
    return count + 2 * maps, maps


def test_40_12_has_the_million_of_the_papers_table():
    count, maps = blocks_count(16, (12, 12, 12), 12, False, 1)
    model = built("densenet.40_12")
    assert trainable(model) == 27 * 16 + count + (maps + 1) * 10 == 1_019_722
    assert maps == 16 + 3 * 12 * 12 == 448
    convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
    assert len(convolutions) + 1 == 40  # layers with weights: what the name counts


def test_bc_100_12_is_the_same_with_three_knobs():
    """0.8 million in the paper's table 2."""
    model = built("densenet.40_12", layers_a_block=16, bottleneck=True, compression=0.5)
    count, maps = blocks_count(24, (16, 16, 16), 12, True, 0.5)
    assert trainable(model) == 27 * 24 + count + (maps + 1) * 10 == 769_162


def test_121_has_the_parameters_of_torchvisions():
    count, maps = blocks_count(64, (6, 12, 24, 16), 32, True, 0.5)
    model = built("densenet.121")
    assert trainable(model) == 49 * 3 * 64 + 2 * 64 + count + (maps + 1) * 1000 == 7_978_856
    shapes = [tuple(model.get_layer(name).output.shape[1:]) for name in ("conv1_conv", "pool1", "pool2_pool",
              "pool3_pool", "pool4_pool", "relu")]  # fmt: skip
    assert shapes == [(112, 112, 64), (56, 56, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512), (7, 7, 1024)]


@pytest.mark.slow
def test_169_is_the_same_with_other_blocks():
    """Trainable parameters of torchvision's."""
    assert trainable(built("densenet.121", blocks=(6, 12, 32, 32))) == 14_149_480


def test_each_layer_sees_all_before_it():
    model = built("densenet.40_12")
    seen = [model.get_layer(f"conv2_block{i}_0_bn").input.shape[-1] for i in range(1, 13)]
    assert seen == [16 + 12 * i for i in range(12)]


def test_dropout_follows_each_convolution_of_a_block():
    model = built("densenet.40_12", dropout=0.2)
    rates = [layer.rate for layer in model.layers if layer.name.endswith("_dropout")]
    assert rates == [0.2] * (36 + 2)
    with pytest.raises(UsageError, match=r"above 0 and at most 1, not 1\.5"):
        registry.build("densenet.40_12", compression=1.5)
