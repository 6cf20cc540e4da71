"""Wide residual networks: counts by arithmetic from table 1 of the paper, shortcuts, and what the knobs do."""

from functools import cache, partial

import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError


@cache
def built(**knobs):
    return skeleton(partial(registry.build, "wide_resnet.16_4", **knobs))


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def by_hand(depth, k):
    count, before = 27 * 16, 16
    for maps in (16 * k, 32 * k, 64 * k):
        for i in range((depth - 4) // 6):
            count += 2 * before + 9 * before * maps + 2 * maps + 9 * maps * maps
            count += before * maps if i == 0 else 0
            before = maps
    return count + 2 * before + (before + 1) * 10


@pytest.mark.parametrize(
    ("depth", "width", "million"), [(16, 4, 2.7), (16, 8, 11.0), pytest.param(28, 10, 36.5, marks=pytest.mark.slow)]
)
def test_parameters_are_those_of_the_papers_tables(depth, width, million):
    count = trainable(built(depth=depth, width=width))
    assert count == by_hand(depth, width) and round(count / 1e6, 1) == million
    if (depth, width) == (16, 4):
        assert count == 2_748_890


def test_only_the_first_block_of_a_group_has_a_convolution_in_its_shortcut():
    model = built()
    assert [layer.name for layer in model.layers if layer.name.endswith("_shortcut")] == [
        f"conv{group}_block1_shortcut" for group in (2, 3, 4)
    ]
    ends = [tuple(model.get_layer(f"conv{group}_block2_add").output.shape[1:]) for group in (2, 3, 4)]
    assert ends == [(32, 32, 64), (16, 16, 128), (8, 8, 256)]


def test_dropout_lies_between_the_two_convolutions():
    model = built(dropout=0.3)
    drop = model.get_layer("conv3_block1_dropout")
    assert drop.rate == 0.3
    assert [node.operation.name for node in drop._outbound_nodes] == ["conv3_block1_conv2"]


def test_a_depth_that_is_none_is_refused():
    with pytest.raises(UsageError, match=r"depth is 6 n \+ 4 .* not 18"):
        registry.build("wide_resnet.16_4", depth=18)
    with pytest.raises(UsageError, match="width is a factor above 0, not -1"):
        registry.build("wide_resnet.16_4", width=-1)
