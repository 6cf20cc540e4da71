"""Weights into a network: all or none, by name and shape; other channels as timm adapts them."""

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import UsageError
from zoo.models import lenet, mlp
from zoo.pretrained.assign import head, put, with_channels
from zoo.pretrained.published import core_weights


def weights(model):
    return {w.path: np.array(w) for w in model.weights}


def test_every_weight_finds_its_place():
    given, other = lenet(), lenet()
    assert put(other, weights(given), "a file") == []
    assert all((a == b).all() for a, b in zip(given.get_weights(), other.get_weights(), strict=True))


BIGGER = {"hidden_units": (8, 8)}
SMALLER = {"hidden_units": (4,)}


@pytest.mark.parametrize(
    ("there", "here", "told"),
    [
        (SMALLER, BIGGER, ["hidden_1/kernel is (3, 4) there, (3, 8) here", "hidden_2/kernel (8, 8) is here and not"]),
        (BIGGER, SMALLER, ["hidden_2/kernel (8, 8) is there and not here", "hidden_1/kernel is (3, 8) there, (3, 4)"]),
        ({"num_classes": 5} | SMALLER, SMALLER, ["output/kernel is (4, 5) there, (4, 10) here"]),
    ],
    ids=["smaller", "bigger", "classes"],
)
def test_weights_of_another_network_are_refused_with_names_and_shapes(there, here, told):
    model = mlp(input_shape=(3,), **here)
    before = model.get_weights()
    with pytest.raises(UsageError) as caught:
        put(model, weights(mlp(input_shape=(3,), **there)), "runs/x")
    assert all(words in str(caught.value) for words in told)
    assert "the weights in runs/x are not those of this mlp" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True)), "nothing is changed"


def test_weights_that_are_no_numbers_are_refused():
    model = mlp(input_shape=(3,), **SMALLER)
    given = weights(model)
    given["output/bias"][0] = np.nan
    with pytest.raises(UsageError, match="output/bias holds values that are no finite numbers"):
        put(model, given, "a file")


@pytest.mark.parametrize("kind", ["int32", "uint8", "bool"])
def test_whole_numbers_in_the_place_of_floats_are_refused(kind):
    model = mlp(input_shape=(3,), **SMALLER)
    given, before = weights(model), model.get_weights()
    given["output/bias"] = given["output/bias"].astype(kind)
    with pytest.raises(UsageError, match=f"output/bias is {kind} there, float32 here"):
        put(model, given, "a file")
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True)), "nothing is changed"


def test_a_new_output_layer_keeps_its_own_start():
    given, model = lenet(num_classes=10), lenet(num_classes=5)
    start = model.get_layer("output").get_weights()
    put(model, weights(given), "a file", new=head(model))
    assert all((a == b).all() for a, b in zip(start, model.get_layer("output").get_weights(), strict=True))
    assert (model.get_layer("F6").get_weights()[0] == given.get_layer("F6").get_weights()[0]).all()


def test_one_channel_gets_the_sum_of_the_kernel():
    kernel = np.random.default_rng(0).standard_normal((3, 3, 3, 4)).astype("float32")
    grey = np.random.default_rng(1).random((2, 8, 8, 1), "float32")
    before = keras.ops.conv(np.repeat(grey, 3, -1), kernel, padding="same")
    after = keras.ops.conv(grey, with_channels(kernel, 1), padding="same")
    np.testing.assert_allclose(np.array(after), np.array(before), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("before", "after"), [(1, 3), (3, 6), (3, 9)])
def test_equal_channels_give_what_they_gave(before, after):
    kernel = np.random.default_rng(0).standard_normal((3, 3, before, 4)).astype("float32")
    grey = np.random.default_rng(1).random((2, 8, 8, 1), "float32")
    old = keras.ops.conv(np.repeat(grey, before, -1), kernel, padding="same")
    new = keras.ops.conv(np.repeat(grey, after, -1), with_channels(kernel, after), padding="same")
    np.testing.assert_allclose(np.array(new), np.array(old), rtol=1e-4, atol=1e-5)


def test_four_channels_take_those_of_three_in_turn():
    kernel = np.arange(3, dtype="float32").reshape(1, 1, 3, 1)
    assert with_channels(kernel, 4).ravel().tolist() == [0.0, 0.75, 1.5, 0.0]
    assert with_channels(kernel, 2).ravel().tolist() == [0.0, 1.5]


def test_a_fixed_normalisation_computes_with_what_it_was_given():
    def net():
        x = keras.Input((2,))
        return keras.Model(x, keras.layers.Normalization(name="norm")(x))

    model = net()
    put(
        model,
        {"norm/mean": np.array([1.0, 2.0]), "norm/variance": np.array([4.0, 9.0]), "norm/count": np.array(1)},
        "x",
    )
    np.testing.assert_allclose(np.array(model(np.array([[3.0, 5.0]], "float32"))), [[1.0, 1.0]])


def test_build_with_the_weights_of_a_run(images):
    model = zoo.build("lenet", weights=images.folder)
    assert model.get_layer("C1_relu") is not None, "built with the knobs of the run"
    for weight in model.weights:
        assert (np.array(weight) == core_weights(images)[weight.path]).all()


def test_build_with_other_classes_and_channels(images, caplog):
    model = zoo.build("lenet", weights=images.folder, num_classes=3, input_shape=(32, 32, 3))
    given = core_weights(images)
    assert model.output.shape == (None, 3)
    np.testing.assert_allclose(
        np.array(model.get_layer("C1").kernel), np.repeat(given["C1/kernel"], 3, 2) / 3, rtol=1e-6
    )
    assert (np.array(model.get_layer("C5").kernel) == given["C5/kernel"]).all()
    assert "C1/kernel is adapted from 1 channels to 3" in caplog.text


def test_build_refuses_what_does_not_fit(images):
    with pytest.raises(UsageError, match=r"C5/kernel is \(400, 120\) there, \(16, 120\) here"):
        zoo.build("lenet", weights=images.folder, input_shape=(16, 16, 1))
    with pytest.raises(UsageError, match="holds weights of lenet, not of mlp"):
        zoo.build("mlp", weights=images.folder)
    with pytest.raises(UsageError, match="unknown weights 'lenet:minst'; did you mean lenet:mnist"):
        zoo.build("lenet", weights="minst")
    with pytest.raises(UsageError, match=r"no ImageNet weights for lenet, only for vgg\.16, vgg\.19"):
        zoo.build("lenet", weights="imagenet")
    with pytest.raises(UsageError, match="no run directory"):
        zoo.build("lenet", weights="nowhere/at/all")


def test_build_without_weights_is_the_registrys():
    assert zoo.build("lenet", activation="relu").count_params() == 61_706
    with pytest.raises(UsageError, match="did you mean activation"):
        zoo.build("lenet", activatoin="relu")
