"""Vision transformers: counts by arithmetic from table 1 of the paper, the order of the patches, the class token."""

from functools import partial

import keras
import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError

TRIAL = dict(registry.describe("vit.base").trial)


def by_hand(pixels, vectors, blocks, dim, hidden, classes, token):
    block = 4 * (dim + 1) * dim + (dim + 1) * hidden + (hidden + 1) * dim + 2 * 2 * dim
    return (pixels + 1) * dim + token * dim + vectors * dim + blocks * block + 2 * dim + (dim + 1) * classes


def test_base_has_the_published_parameters():
    count = skeleton(partial(registry.build, "vit.base")).count_params()
    assert count == by_hand(16 * 16 * 3, 14 * 14 + 1, 12, 768, 3072, 1000, True) == 86_567_656


def test_tiny_by_hand():
    model = skeleton(partial(registry.build, "vit.tiny"))
    assert model.count_params() == by_hand(4 * 4 * 3, 64, 6, 128, 512, 10, False) == 1_205_642
    assert model.get_layer("patches").output.shape == (None, 64, 128)


def test_patches_are_squares_of_the_image_row_by_row():
    model = registry.build("vit.base", **TRIAL)
    patches = keras.Model(model.input, model.get_layer("patches").output)
    x = np.random.default_rng(0).random((1, 8, 8, 3), "float32")
    kernel, bias = model.get_layer("patch_embedding").get_weights()
    squares = [x[0, i : i + 4, j : j + 4] for i in (0, 4) for j in (0, 4)]
    expected = [square.ravel() @ kernel.reshape(48, 16) + bias for square in squares]
    np.testing.assert_allclose(np.array(patches(x))[0], expected, atol=1e-5)


def test_the_token_stands_in_front_and_is_what_is_classified():
    model = registry.build("vit.base", **TRIAL)
    token = np.arange(16, dtype="float32").reshape(1, 1, 16)
    model.get_layer("class_token").set_weights([token])
    x = np.random.default_rng(0).random((3, 8, 8, 3), "float32")
    with_token = np.array(keras.Model(model.input, model.get_layer("class_token").output)(x))
    assert with_token.shape == (3, 5, 16) and (with_token[:, 0] == token[0, 0]).all()
    encoded = np.array(keras.Model(model.input, model.get_layer("encoder_norm").output)(x))
    assert (np.array(keras.Model(model.input, model.get_layer("first").output)(x)) == encoded[:, 0]).all()


def test_where_a_patch_lies_counts():
    """Without positions the order of the patches would make no difference to their mean."""
    model = registry.build("vit.tiny", **dict(registry.describe("vit.tiny").trial))
    x = np.random.default_rng(0).random((1, 8, 8, 3), "float32")
    turned = np.concatenate([x[:, 4:], x[:, :4]], axis=1)
    mean = keras.Model(model.input, model.get_layer("mean").output)
    assert np.abs(np.array(mean(x)) - np.array(mean(turned))).max() > 1e-4
    model.get_layer("patch_positions").set_weights([np.zeros((4, 16), "float32")])
    np.testing.assert_allclose(np.array(mean(x)), np.array(mean(turned)), atol=1e-5)


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        ({"input_shape": (30, 32, 3)}, "images of 30x32 do not fall into patches of 4x4 pixels"),
        ({"num_heads": 3}, "model_dim is a multiple of num_heads, not 128 for 3 heads"),
        ({"pooling": "tokens"}, "did you mean token"),
    ],
)
def test_what_cannot_be_is_refused(knobs, told):
    with pytest.raises(UsageError, match=told):
        registry.build("vit.tiny", **knobs)
