import keras
import pytest
from keras import layers

from zoo.catalogue.inspect import skeleton
from zoo.catalogue.registry import describe, list_models
from zoo.pretrained.names import weight_names


def nameless():
    inner = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.BatchNormalization()], name="inner")
    x = keras.Input((8, 8, 1))
    y = inner(layers.Conv2D(2, 3, name="first")(x))
    return keras.Model(x, layers.Dense(2, name="dense_9")(layers.Dense(4)(layers.Flatten()(y))))


def test_names_do_not_hang_on_what_was_built_before():
    keras.utils.clear_session()  # or else the nameless layer might come to be dense_9 as well
    first = weight_names(nameless())
    layers.Conv2D(1, 1), layers.Dense(3), layers.Dense(3)
    assert weight_names(nameless()) == first
    assert first == [
        "first/kernel", "first/bias", "inner/conv2d/kernel", "inner/conv2d/bias",
        *(f"inner/batch_normalization/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")),
        "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list_models())
def test_every_weight_of_every_model_has_a_name_of_its_own(name):
    model = skeleton(lambda: describe(name).builder(**describe(name).trial))
    names = weight_names(model)
    assert len(set(names)) == len(names) == len(model.weights)
