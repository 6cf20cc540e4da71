"""Weights of keras.applications in the networks of the catalogue: Keras' own network says the same on the same pixels.

No file of weights is needed: Keras' networks are built with random ones, and these are carried over.
"""

from functools import partial

import keras
import numpy as np
import pytest
from tiers import tiered

import zoo
from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError
from zoo.layers import KerasPreprocessing
from zoo.pretrained import imagenet
from zoo.pretrained.applications import BLUE_FIRST, CENTRED, SIGNED, SOURCES
from zoo.pretrained.assign import put
from zoo.pretrained.bases import SMALLEST
from zoo.pretrained.from_weights import _on_raw_pixels
from zoo.pretrained.names import weight_names

QUICK = "mobilenet.v1"  # of which names and axes differ from Keras'
CASES = [
    pytest.param(name, top, marks=[] if top and name == QUICK else [pytest.mark.slow])
    for name in SOURCES
    if not name.startswith("vgg")  # for which tests/models/test_vgg.py compares
    for top in (True, False)
]


def randomised(model, as_made):
    """Numbers that differ from layer to layer in all that usually starts alike: a swap would show."""
    random = np.random.default_rng(0)
    given = {}
    for name, weight in zip(weight_names(model), model.get_weights(), strict=True):
        noise = random.normal(0, 0.1, weight.shape).astype(weight.dtype)
        if name == "normalization/mean":
            given[name] = np.array(imagenet.MEAN, "float32")
        elif name == "normalization/variance":
            given[name] = np.array(imagenet.DEVIATION, "float32") ** 2
        elif name.endswith(("gamma", "moving_variance")) or "/variable" in name:
            given[name] = np.exp(noise)
        elif name.endswith(("bias", "beta", "moving_mean")):
            given[name] = noise
        else:
            given[name] = weight
    put(model, given, "random numbers")
    return dict(zip(weight_names(model, as_made), given.values(), strict=True))


@pytest.mark.parametrize(("name", "top"), CASES)
def test_keras_network_and_ours_say_the_same_of_raw_pixels(name, top, monkeypatch):
    source = SOURCES[name]
    usual = {"classifier_activation": None} if top else {}
    least = SMALLEST.get(source.application, 32)
    shape = (least, least, 3)
    theirs = getattr(keras.applications, source.application)(
        weights=None, include_top=top, input_shape=shape, **usual
    )  # fmt: skip
    given = randomised(theirs, as_made=bool(source.numbered))
    monkeypatch.setattr(imagenet, "arrays", lambda application, include_top, as_made: given)
    ours = zoo.build(
        name, weights="imagenet", preprocessing=True, include_top=top, input_shape=shape, classifier_activation="linear"
    )
    raw = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    module = next(m for m in vars(keras.applications).values() if hasattr(m, source.application)
                  and hasattr(m, "preprocess_input"))  # fmt: skip
    expected = np.array(theirs(module.preprocess_input(raw.copy()), training=False))
    assert np.abs(expected).std() > 0.01, "or else the test could not fail"
    np.testing.assert_allclose(np.array(ours(raw)), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("name", tiered(SOURCES, *(name for name in SOURCES if name not in (QUICK, "resnet.50"))))
def test_every_weight_of_keras_has_its_place_in_ours(name):
    source = SOURCES[name]
    ours = skeleton(partial(registry.build, name))
    theirs = skeleton(partial(getattr(keras.applications, source.application), weights=None))
    shapes = {
        path: weight.shape
        for path, weight in zip(weight_names(theirs, bool(source.numbered)), theirs.weights, strict=True)
    }
    given = {path: np.zeros(shape, "float32") for path, shape in shapes.items() if path.split("/")[0] != source.inside}
    carried = {path: array.shape for path, array in imagenet.carried(source, given).items()}
    assert {path: w.shape for path, w in zip(weight_names(ours), ours.weights, strict=True)} == carried


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_said_of_the_pixels_is_what_preprocessing_makes(name):
    source = SOURCES[name]
    raw = np.array([0, 0, 0, 255, 255, 255], "float32").reshape(1, 1, 2, 3)
    black, white = np.array(KerasPreprocessing(source.module)(raw))[0, 0]
    mean, deviation = np.array(imagenet.MEAN), np.array(imagenet.DEVIATION)
    wanted = {
        CENTRED: (-mean / deviation, (1 - mean) / deviation),
        SIGNED: (-np.ones(3), np.ones(3)),
        BLUE_FIRST: ((-255 * mean)[::-1], (255 - 255 * mean)[::-1]),
    }[source.sees]
    np.testing.assert_allclose([black, white], wanted, atol=0.6 if source.sees == BLUE_FIRST else 1e-4)


def test_each_has_a_file_and_an_entry():
    for name, source in SOURCES.items():
        assert zoo.describe(name).inputs == ("image",)
        for top in (True, False):
            assert imagenet.pinned(source.application, include_top=top).url.startswith("https://")


def test_weights_of_another_network_are_refused_by_name(monkeypatch):
    given = {"conv1/kernel": np.zeros((3, 3, 3, 8), "float32"), "conv2/kernel": np.zeros((1, 1), "float32")}
    monkeypatch.setattr(imagenet, "arrays", lambda application, include_top, as_made: given)
    with pytest.raises(UsageError) as caught:
        zoo.build("mobilenet.v1", weights="imagenet", **zoo.describe("mobilenet.v1").trial | {"alpha": 1 / 16})
    told = str(caught.value)
    assert "conv1/kernel is (3, 3, 3, 8) there, (3, 3, 3, 2) here" in told or "conv2/kernel (1, 1) is there" in told
    assert len(told.splitlines()) <= 3


def test_weights_behind_other_pixels_are_refused():
    with pytest.raises(UsageError, match=r"their normalization/mean is 0\.000, 0\.000, 0\.000, ours 0\.485, 0\.456"):
        imagenet.carried(SOURCES["efficientnet.b0"], {"normalization/mean": np.zeros(3, "float32")})


def test_grey_pixels_have_no_preprocessing_of_imagenet():
    network = skeleton(partial(zoo.build, "mobilenet.v2_small", input_shape=(16, 16, 1)))
    with pytest.raises(UsageError, match="red, green and blue ready, not 1 channels"):
        _on_raw_pixels(network, "mobilenet")


def test_a_network_without_such_weights_is_told_which_have_them():
    with pytest.raises(UsageError, match=r"for wide_resnet\.16_4, only for vgg\.16, .*mobilenet\.v2, .*convnext\.tiny"):
        zoo.build("wide_resnet.16_4", weights="imagenet")
