"""MobileNet v1 and v2: counts by arithmetic from the papers' tables, shapes, and what the knobs do."""

from functools import cache, partial

import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError

# Table 1 of Howard et al. 2017: maps behind each of the thirteen 1x1 convolutions
V1 = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
# Table 2 of Sandler et al. 2018: expansion t, channels c, repetitions n, stride s
V2 = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


@cache
def built(name, **knobs):
    return skeleton(partial(registry.build, name, **knobs))


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def shape(model, layer):
    return tuple(model.get_layer(layer).output.shape[1:])


def convolution(size, before, after):
    """Weights of a convolution without bias, and scale and shift of its normalisation."""
    return size * size * before * after + 2 * after


def depthwise(channels):
    return 9 * channels + 2 * channels


def test_v1_has_the_published_parameters():
    count, before = convolution(3, 3, 32), 32
    for maps in V1:
        count += depthwise(before) + convolution(1, before, maps)
        before = maps
    count += (1024 + 1) * 1000
    model = built("mobilenet.v1")
    assert trainable(model) == count == 4_231_976
    moments = 2 * (32 + 32 + sum(V1[:-1]) + sum(V1))  # a mean and a variance for each map of each normalisation
    assert model.count_params() == count + moments == registry.describe("mobilenet.v1").params


def v2_count(filters, blocks, last, classes):
    count, before = convolution(3, 3, filters), filters
    for expansion, channels, repetitions, _ in blocks:
        for _ in range(repetitions):
            wide = expansion * before
            count += (convolution(1, before, wide) if expansion > 1 else 0) + depthwise(wide)
            count += convolution(1, wide, channels)
            before = channels
    return count + convolution(1, before, last) + (last + 1) * classes


def test_v2_has_the_published_parameters():
    assert trainable(built("mobilenet.v2")) == v2_count(32, V2, 1280, 1000) == 3_504_872


def test_the_small_one_by_hand():
    halved = tuple((t, c, n, s) for (t, _, n, s), c in zip(V2, (8, 16, 16, 32, 48, 80, 160), strict=True))
    model = built("mobilenet.v2_small")
    assert trainable(model) == v2_count(16, halved, 640, 10) == 590_410
    ends = ("Conv1", "expanded_conv_project", "block_1_project", "block_3_project", "block_6_project",
            "block_10_project", "block_13_project", "block_16_project", "Conv_1")  # fmt: skip
    assert [shape(model, layer) for layer in ends] == [
        (32, 32, 16), (32, 32, 8), (32, 32, 16), (16, 16, 16), (8, 8, 32), (8, 8, 48), (4, 4, 80), (4, 4, 160),
        (4, 4, 640),
    ]  # fmt: skip


def test_v1_halves_five_times_or_fewer():
    whole, fewer = built("mobilenet.v1"), built("mobilenet.v1", input_shape=(32, 32, 3), halvings=3)
    layers = ("conv1", "conv_pw_1", "conv_pw_2", "conv_pw_4", "conv_pw_6", "conv_pw_12", "conv_pw_13")
    assert [shape(whole, layer)[0] for layer in layers] == [112, 112, 56, 28, 14, 7, 7]
    assert [shape(fewer, layer)[0] for layer in layers] == [32, 32, 32, 16, 8, 4, 4]


def test_v2_bends_nothing_thin_and_adds_where_shapes_allow():
    model = built("mobilenet.v2")
    names = [layer.name for layer in model.layers]
    added = [name for name in names if name.endswith("_add")]
    assert added == [f"block_{i}_add" for i in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15)]
    for project in (name for name in names if name.endswith("_project_BN")):
        after = [node.operation.name for node in model.get_layer(project)._outbound_nodes]
        assert not any("relu" in name for name in after), "the thin layers are linear (section 3.2)"


def test_alpha_scales_filters_to_multiples_of_eight():
    model = built("mobilenet.v2", alpha=0.75, include_top=False)
    assert [model.get_layer(f"block_{i}_project").filters for i in (1, 3, 6, 10, 13, 16)] == [24, 24, 48, 72, 120, 240]
    assert model.output.shape == (None, 7, 7, 1280)  # which alpha below 1 leaves alone
    assert built("mobilenet.v2", alpha=1.4, include_top=False).output.shape == (None, 7, 7, 1792)
    assert built("mobilenet.v1", alpha=0.25, include_top=False).output.shape == (None, 7, 7, 256)


@pytest.mark.parametrize("name", ["mobilenet.v1", "mobilenet.v2"])
def test_what_leaves_nothing_is_refused(name):
    with pytest.raises(UsageError, match="alpha is a factor above 0, not 0"):
        registry.build(name, alpha=0)
    with pytest.raises(UsageError, match="halvings is from 0 to 5, not 6"):
        registry.build(name, halvings=6)
