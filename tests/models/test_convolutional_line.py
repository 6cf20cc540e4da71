"""AlexNet to ResNet: counts by arithmetic from the papers' tables, shapes through the nets, and what the knobs do."""

from functools import cache, partial
from itertools import pairwise

import keras
import numpy as np
import pytest
from keras import layers

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError


@cache
def built(name, **knobs):
    return skeleton(partial(registry.build, name, **knobs))


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def shapes(name, *chosen):
    model = built(name)
    return [tuple(model.get_layer(layer).output.shape[1:]) for layer in chosen]


def conv(kernel, maps, filters, bias=True):
    return kernel * kernel * maps * filters + bias * filters


def dense(*units):
    return sum((before + 1) * after for before, after in pairwise(units))


def test_alexnet_by_hand():
    halves = conv(5, 48, 256), conv(3, 192, 384), conv(3, 192, 256)  # conv2, conv4, conv5 see one half
    by_hand = conv(11, 3, 96) + conv(3, 256, 384) + sum(halves) + dense(9216, 4096, 4096, 1000)
    assert built("alexnet.2012").count_params() == by_hand == 60_965_224
    tower = (3, 64, 192, 384, 256, 256)
    by_hand = sum(conv(k, a, b) for k, a, b in zip((11, 5, 3, 3, 3), tower, tower[1:], strict=False))
    assert built("alexnet").count_params() == by_hand + dense(9216, 4096, 4096, 1000) == 61_100_840


def test_alexnet_shapes_are_those_of_figure_2():
    maps = ["conv1a", "pool1b", "conv2a", "pool2b", "conv3a", "conv4b", "conv5a", "pool5b", "both5"]
    assert shapes("alexnet.2012", *maps) == [
        (55, 55, 48), (27, 27, 48), (27, 27, 128), (13, 13, 128), (13, 13, 192), (13, 13, 192), (13, 13, 128),
        (6, 6, 128), (6, 6, 256),
    ]  # fmt: skip
    for size in (224, 227):
        assert built("alexnet", input_shape=(size, size, 3), include_top=False).output.shape[1:] == (6, 6, 256)


def test_alexnet_as_printed_starts_as_printed():
    model = registry.build("alexnet.2012", input_shape=(67, 67, 3), width=1 / 8)
    weighted = [layer for layer in model.layers if layer.weights]
    biases = {layer.name: float(np.mean(layer.bias)) for layer in weighted}
    halves = [f"conv{i}{half}" for i in range(1, 6) for half in "ab"]
    assert biases == {name: float(name[:5] in ("conv2", "conv4", "conv5", "fc6", "fc7")) for name in
                      [*halves, "fc6", "fc7", "fc8"]}  # fmt: skip
    assert 0.009 < float(np.std(model.get_layer("fc6").kernel)) < 0.011


def test_the_halves_of_alexnet_see_each_other_in_conv3_alone():
    layers_seen = {layer.name: [t._keras_history[0].name for t in keras.tree.flatten(layer.input)]
                   for layer in built("alexnet.2012").layers[1:]}  # fmt: skip
    assert layers_seen["conv2a"] == ["pool1a"] and layers_seen["conv4b"] == ["relu3b"]
    assert layers_seen["conv3a"] == layers_seen["conv3b"] == ["both2"] and layers_seen["both2"] == ["pool2a", "pool2b"]


def test_zfnet_by_hand_and_shapes():
    maps = (3, 96, 256, 384, 384, 256)
    by_hand = sum(conv(k, a, b) for k, a, b in zip((7, 5, 3, 3, 3), maps, maps[1:], strict=False))
    assert built("zfnet").count_params() == by_hand + dense(9216, 4096, 4096, 1000) == 62_357_608
    assert shapes("zfnet", "conv1", "pool1", "conv2", "pool2", "conv5", "pool5") == [
        (110, 110, 96), (55, 55, 96), (26, 26, 256), (13, 13, 256), (13, 13, 256), (6, 6, 256)
    ]  # fmt: skip


def test_nin_by_hand_and_shapes():
    blocks = ((11, 3, 96, 96, 96), (5, 96, 256, 256, 256), (3, 256, 384, 384, 384), (3, 384, 1024, 1024, 1000))
    by_hand = sum(conv(k, a, b) + conv(1, b, c) + conv(1, c, d) for k, a, b, c, d in blocks)
    assert built("nin").count_params() == by_hand == 7_595_176
    blocks = ((5, 3, 192, 160, 96), (5, 96, 192, 192, 192), (3, 192, 192, 192, 10))
    by_hand = sum(conv(k, a, b) + conv(1, b, c) + conv(1, c, d) for k, a, b, c, d in blocks)
    assert built("nin.cifar").count_params() == by_hand == 966_986
    assert shapes("nin", "pool1", "pool2", "pool3", "cccp8") == [
        (27, 27, 96), (13, 13, 256), (6, 6, 384), (6, 6, 1000)
    ]  # fmt: skip
    assert shapes("nin.cifar", "pool1", "pool2", "cccp6") == [(16, 16, 96), (8, 8, 192), (8, 8, 10)]


# Table 1 of the paper: maps that go in, then its columns in its order
INCEPTION = {
    "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


def module(maps, one, reduce3, three, reduce5, five, behind, size=5, bias=True):
    pointwise = sum(conv(1, maps, filters, bias) for filters in (one, reduce3, reduce5, behind))
    return pointwise + conv(3, reduce3, three, bias) + conv(size, reduce5, five, bias)


def test_googlenet_by_hand():
    stem = conv(7, 3, 64) + conv(1, 64, 64) + conv(3, 64, 192)
    modules = sum(module(*row) for row in INCEPTION.values())
    assert built("googlenet").count_params() == stem + modules + dense(1024, 1000) == 6_998_552


def test_the_auxiliary_classifiers_by_hand():
    further = sum(conv(1, maps, 128) + dense(4 * 4 * 128, 1024, 1000) for maps in (512, 528))
    model = built("googlenet.auxiliary")
    assert model.count_params() == 6_998_552 + further == 13_378_280
    assert list(model.output) == ["predictions", "auxiliary1", "auxiliary2"]
    assert registry.describe("googlenet.auxiliary").auxiliary == {"auxiliary1": 0.3, "auxiliary2": 0.3}


def test_torchvision_has_3x3_for_5x5_and_normalises():
    stem = conv(7, 3, 64, bias=False) + conv(1, 64, 64, bias=False) + conv(3, 64, 192, bias=False)
    modules = sum(module(*row, size=3, bias=False) for row in INCEPTION.values())
    scales_and_shifts = 2 * (64 + 64 + 192 + sum(sum(row[1:]) for row in INCEPTION.values()))
    assert stem + modules + scales_and_shifts + dense(1024, 1000) == 6_624_904


def test_googlenet_shapes_are_those_of_table_1():
    names = ["conv1", "pool1", "pool2", "inception_3b", "inception_4a", "inception_4e", "inception_5b"]
    assert shapes("googlenet", *names) == [
        (112, 112, 64), (56, 56, 64), (28, 28, 192), (28, 28, 480), (14, 14, 512), (14, 14, 832), (7, 7, 1024)
    ]  # fmt: skip


def test_inception_v3_has_the_counts_of_keras():
    model = built("inception.v3")
    assert (model.count_params(), trainable(model)) == (23_851_784, 23_817_352)
    assert shapes("inception.v3", "pool2", "mixed0", "mixed2", "mixed3", "mixed7", "mixed8", "mixed10") == [
        (35, 35, 192), (35, 35, 256), (35, 35, 288), (17, 17, 768), (17, 17, 768), (8, 8, 1280), (8, 8, 2048)
    ]  # fmt: skip


def test_small_inception_has_the_count_of_the_paper():
    """Zhang et al. 2017, table 1: 1,649,402."""
    pairs = ((96, 32, 32), (64, 32, 48), (80, 0, 80), (160, 112, 48), (160, 96, 64), (160, 80, 80), (160, 48, 96),
             (144, 0, 96), (240, 176, 160), (336, 176, 160))  # fmt: skip
    modules = sum(conv(1, maps, one, bias=False) + conv(3, maps, three, bias=False) for maps, one, three in pairs)
    shifts = 96 + sum(one + three for _, one, three in pairs)
    by_hand = conv(3, 3, 96, bias=False) + modules + shifts + dense(336, 10)
    assert trainable(built("inception.small")) == by_hand == 1_649_402


PUBLISHED = {  # weights that learn: torchvision's, and those of the paper's CIFAR part (0.27 to 1.7 million)
    "resnet.18": 11_689_512, "resnet.34": 21_797_672, "resnet.50": 25_557_032, "resnet.101": 44_549_160,
    "resnet.152": 60_192_808, "resnet.20": 269_722, "resnet.32": 464_154, "resnet.44": 658_586, "resnet.56": 853_018,
    "resnet.110": 1_727_962,
}  # fmt: skip
KERAS = {"resnet.v2.50": 25_613_800, "resnet.v2.101": 44_675_560, "resnet.v2.152": 60_380_648}  # all parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_resnets_have_the_published_counts(name):
    model = built(name)
    assert trainable(model) == PUBLISHED[name]
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv2D) and "_0_conv" not in layer.name]
    assert len(convolutions) + 1 == int(name.split(".")[-1])  # layers with weights but for projections: the name


@pytest.mark.parametrize("name", KERAS)
def test_resnets_v2_have_the_counts_of_keras(name):
    assert built(name).count_params() == KERAS[name]


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_a_plain_twin_has_the_same_weights_and_no_shortcut(depth):
    residual, plain = built(f"resnet.{depth}"), built(f"resnet.plain.{depth}")
    assert [(w.path, w.shape) for w in plain.weights] == [(w.path, w.shape) for w in residual.weights]
    assert not any(isinstance(layer, layers.Add) for layer in plain.layers)
    assert sum(isinstance(layer, layers.Add) for layer in residual.layers) == (depth - 2) // 2


def test_a_block_adds_to_what_it_is_given():
    """With the last normalisation's scale at 0 every block passes its input on, and the net is what its stem makes."""
    model = registry.build("resnet.20", input_shape=(8, 8, 3))
    for layer in model.layers:
        if layer.name.endswith("_2_bn"):
            layer.gamma.assign(np.zeros(layer.gamma.shape))
    x = np.random.default_rng(0).random((2, 8, 8, 3)).astype("float32")
    stem, last = (keras.Model(model.input, model.get_layer(name).output) for name in ("conv1_relu", "conv4_block3_out"))
    kept = np.array(stem(x))[:, ::4, ::4]
    expected = np.concatenate([kept, np.zeros((2, 2, 2, 48), "float32")], axis=-1)
    np.testing.assert_allclose(np.array(last(x)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "maps"),
    [("resnet.50", (7, 7, 2048)), ("resnet.v2.50", (7, 7, 2048)), ("resnet.20", (8, 8, 64)),
     ("googlenet", (7, 7, 1024)), ("inception.v3", (8, 8, 2048)), ("zfnet", (6, 6, 256))],
)  # fmt: skip
def test_without_the_top_the_maps_come_out(name, maps):
    assert built(name, include_top=False).output.shape[1:] == maps


@pytest.mark.parametrize(
    "name", ["alexnet.small", "zfnet", "nin.cifar", "googlenet.small", "inception.small", "resnet.20"]
)
def test_a_width_that_leaves_nothing_is_refused(name):
    with pytest.raises(UsageError, match="width is a factor above 0, not 0"):
        built(name, width=0)
