"""What `zoo.build` gives beside a network of the catalogue: features without the top, preprocessing in front."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

import zoo
from zoo.errors import UsageError
from zoo.pretrained.names import weight_names

OWN = [name for name in zoo.list_models() if "include_top" in zoo.describe(name).knobs]  # cut before all dense layers


@pytest.mark.parametrize("name", [name for name in zoo.list_models() if name not in (*OWN, "vgg_transfer")])
def test_features_are_what_the_output_layer_sees(name):
    small = zoo.describe(name).trial
    whole = zoo.build(name, **small)
    if isinstance(whole.output, dict):
        with pytest.raises(UsageError, match="has several outputs"):
            zoo.build(name, include_top=False, **small)
        return
    features = zoo.build(name, include_top=False, **small)
    last = whole.layers[-1]
    top = last.layers if isinstance(last, keras.Model) else [last]
    left = set(weight_names(whole)) - set(weight_names(features))
    assert {path.split("/")[-2] for path in left} <= {layer.name for layer in top}
    assert features.output.shape == last.input.shape


def test_the_dense_layers_of_vgg_go_as_in_keras():
    for asked in ({"num_classes": None}, {"include_top": False}):
        assert zoo.build("vgg.small", input_shape=(32, 32, 3), **asked).output.shape == (None, 4, 4, 128)


def test_trained_features_and_the_output_layer_give_the_trained_network():
    x = np.random.default_rng(0).random((3, 32, 32, 1), "float32")
    whole, features = zoo.build("lenet", weights="mnist"), zoo.build("lenet", weights="mnist", num_classes=None)
    assert features.output.shape == (None, 84)
    np.testing.assert_allclose(array(whole.layers[-1](features(x))), array(whole(x)), atol=1e-6)


def test_with_its_preprocessing_it_takes_raw_examples():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1)).astype("uint8")
    raw = zoo.build("lenet", weights="mnist", preprocessing=True)
    expected = array(zoo.load("lenet:mnist").model(pixels))
    np.testing.assert_allclose(array(raw(pixels)), expected, atol=1e-6)
    padded = np.pad(pixels, ((0, 0), (2, 2), (2, 2), (0, 0))) / 255
    np.testing.assert_allclose(array(zoo.build("lenet", weights="mnist")(padded)), expected, atol=1e-5)
    features = zoo.build("lenet", weights="mnist", preprocessing=True, include_top=False)
    assert features(pixels).shape == (3, 84)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [({}, "needs the weights of a run"), ({"weights": "mnist", "input_shape": (28, 28, 1)}, "leave input_shape away")],
)
def test_preprocessing_that_nobody_knows_is_refused(knobs, said):
    with pytest.raises(UsageError, match=said):
        zoo.build("lenet", preprocessing=True, **knobs)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)
