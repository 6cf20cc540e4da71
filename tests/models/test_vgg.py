from functools import partial

import keras
import numpy as np
import pytest
from keras import layers

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError
from zoo.models import vgg_16, vgg_small
from zoo.models.vgg import CONVOLUTIONS

# Table 1 of the paper: filters of the convolutions of nets A, B, D and E, an M for each max pool
TABLE = {
    11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


@pytest.mark.parametrize("depth", TABLE)
def test_layers_are_those_of_the_papers_table(depth):
    model = skeleton(partial(registry.build, f"vgg.{depth}"))
    drawn = [
        str(layer.filters) if isinstance(layer, layers.Conv2D) else "M"
        for layer in model.layers
        if isinstance(layer, layers.Conv2D | layers.MaxPooling2D)
    ]
    assert " ".join(drawn) == TABLE[depth]
    dense = [layer.units for layer in model.layers if isinstance(layer, layers.Dense)]
    assert dense == [4096, 4096, 1000]
    assert sum(CONVOLUTIONS[depth]) + len(dense) == depth  # layers with weights: what the name counts


@pytest.mark.parametrize(
    ("name", "with_top", "without"),
    [
        ("vgg.11", 132_863_336, 9_220_480),
        ("vgg.13", 133_047_848, 9_404_992),
        ("vgg.16", 138_357_544, 14_714_688),
        ("vgg.19", 143_667_240, 20_024_384),
    ],
)
def test_parameters_with_and_without_the_dense_layers(name, with_top, without):
    assert skeleton(partial(registry.build, name)).count_params() == with_top == registry.describe(name).params
    assert skeleton(partial(registry.build, name, include_top=False)).count_params() == without
    assert with_top - without == (7 * 7 * 512 + 1) * 4096 + (4096 + 1) * 4096 + (4096 + 1) * 1000


@pytest.mark.parametrize(("name", "theirs"), [("vgg.16", "VGG16"), ("vgg.19", "VGG19")])
def test_weights_have_the_names_and_shapes_of_keras_applications(name, theirs):
    ours = skeleton(partial(registry.build, name))
    other = skeleton(partial(getattr(keras.applications, theirs), weights=None))
    assert [(w.path, w.shape) for w in ours.weights] == [(w.path, w.shape) for w in other.weights]


def test_on_the_same_weights_the_maps_equal_those_of_keras_applications():
    shape = (33, 40, 3)
    ours = vgg_16(shape, include_top=False)
    other = keras.applications.VGG16(weights=None, include_top=False, input_shape=shape)
    ours.set_weights(other.get_weights())
    x = np.random.default_rng(0).random((2, *shape), "float32")
    np.testing.assert_allclose(np.array(ours(x)), np.array(other(x)), rtol=1e-4, atol=1e-6)


def test_small_halves_28_14_7_3():
    model = vgg_small()
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    pools = [shapes[f"block{i}_pool"] for i in (1, 2, 3)]
    assert pools == [(14, 14, 32), (7, 7, 64), (3, 3, 128)]
    assert shapes["flatten"] == (1152,) and shapes["fc1"] == (256,) and shapes["predictions"] == (10,)


def test_small_parameters_by_hand():
    convolutions = 9 * (1 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128)
    normalisations = 4 * (32 + 64 + 64 + 128 + 128)
    dense = (1152 + 1) * 256 + (256 + 1) * 10
    assert vgg_small().count_params() == convolutions + normalisations + dense == 576_170
    plain = vgg_small(batch_norm=False)
    assert plain.count_params() == convolutions + normalisations // 4 + dense  # a bias a filter in its place
    assert vgg_small(include_top=False).count_params() == convolutions + normalisations


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3), (17, 30, 2)])
def test_small_takes_other_sizes_and_channels(shape):
    output = vgg_small(shape, num_classes=4)(np.zeros((2, *shape), "float32"))
    np.testing.assert_allclose(np.array(output), 0.25, atol=0.2)
    assert output.shape == (2, 4)


def test_width_scales_filters_and_units():
    model = skeleton(partial(registry.build, "vgg.16", width=0.5, include_top=True, num_classes=7))
    filters = [layer.filters for layer in model.layers if isinstance(layer, layers.Conv2D)]
    assert filters[::4] == [32, 128, 256, 256] and model.get_layer("fc1").units == 2048
    assert model.output.shape == (None, 7)
    with pytest.raises(UsageError, match="width is a factor above 0, not 0"):
        vgg_small(width=0)


def test_dropout_and_two_classes():
    model = vgg_small(num_classes=1, classifier_activation="sigmoid", dropout=0.2)
    assert model.get_layer("dropout1").rate == 0.2
    assert model.output.shape == (None, 1) and model.get_layer("predictions").activation.__name__ == "sigmoid"


def test_a_trial_build_is_the_same_network_but_narrower():
    record = registry.describe("vgg.19")
    whole, small = skeleton(record.builder), skeleton(lambda: record.builder(**record.trial))
    assert [layer.name for layer in whole.layers] == [layer.name for layer in small.layers]
    assert small.count_params() < 200_000


def test_a_skeleton_takes_no_memory_and_leaves_nothing_to_be_made_later():
    from keras.src.backend.common import global_state

    model = skeleton(partial(registry.build, "vgg.16"))
    assert {variable._value for variable in model.variables} == {None}
    assert not global_state.get_global_attribute("uninitialized_variables")
    keras.Sequential([keras.Input((3,)), layers.Dense(2)])  # what ends a stateless scope makes what was put off
    assert model.variables[0]._value is None
