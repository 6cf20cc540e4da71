"""U-Net against figure 1 of Ronneberger et al. 2015, and against a convolution written out."""

import keras
import numpy as np
import pytest

from zoo.catalogue.registry import build
from zoo.errors import UsageError
from zoo.models import unet, unet_small


def shapes(model):
    return {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}


def test_figure_1_box_by_box():
    model = unet()
    found = shapes(model)
    expected = {
        "input": (572, 572, 1), "down1_relu1": (570, 570, 64), "down1_relu2": (568, 568, 64), "pool1": (284, 284, 64),
        "down2_relu1": (282, 282, 128), "down2_relu2": (280, 280, 128), "pool2": (140, 140, 128),
        "down3_relu1": (138, 138, 256), "down3_relu2": (136, 136, 256), "pool3": (68, 68, 256),
        "down4_relu1": (66, 66, 512), "down4_relu2": (64, 64, 512), "pool4": (32, 32, 512),
        "bottom_relu1": (30, 30, 1024), "bottom_relu2": (28, 28, 1024),
        "up4_concatenate": (56, 56, 1024), "up4_relu1": (54, 54, 512), "up4_relu2": (52, 52, 512),
        "up3_concatenate": (104, 104, 512), "up3_relu1": (102, 102, 256), "up3_relu2": (100, 100, 256),
        "up2_concatenate": (200, 200, 256), "up2_relu1": (198, 198, 128), "up2_relu2": (196, 196, 128),
        "up1_concatenate": (392, 392, 128), "up1_relu1": (390, 390, 64), "up1_relu2": (388, 388, 64),
        "output": (388, 388, 2),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert model.count_params() == 31_030_658
    convolutions = [layer for layer in model.layers if isinstance(layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose))]  # fmt: skip  # noqa: E501
    assert len(convolutions) == 23  # "In total the network has 23 convolutional layers."


def test_convolutions_start_with_deviation_sqrt_2_by_fan_in():
    kernel = keras.ops.convert_to_numpy(unet((188, 188, 1), filters=16).get_layer("bottom_conv2").kernel)
    assert abs(kernel.std() / np.sqrt(2 / (9 * 256)) - 1) < 0.02


def test_unpadded_says_of_a_tile_what_it_says_of_a_larger_image():
    """The overlap-tile strategy holds exactly: no border that a tile adds reaches an answer."""
    small, large = (
        unet((60, 60, 1), filters=2, depth=2, dropout=0.0),
        unet((76, 76, 1), filters=2, depth=2, dropout=0.0),
    )
    large.set_weights(small.get_weights())
    image = np.random.default_rng(0).random((1, 76, 76, 1), "float32")
    whole = keras.ops.convert_to_numpy(large(image))  # (1, 36, 36, 2): a margin of 20
    part = keras.ops.convert_to_numpy(small(image[:, 8:68, 16:76]))  # (1, 20, 20, 2)
    assert part.shape == (1, 20, 20, 2) and whole.shape == (1, 36, 36, 2)
    np.testing.assert_allclose(part, whole[:, 8:28, 16:36], atol=1e-6)


def test_small_is_as_large_out_as_in():
    model = unet_small((64, 96, 3), num_classes=4)
    assert model.output.shape[1:] == (64, 96, 4)
    assert [shapes(model)[f"pool{i}"][:2] for i in (1, 2, 3)] == [(32, 48), (16, 24), (8, 12)]


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"input_shape": (190, 190, 1)}, "have to be even"),
        ({"input_shape": (76, 76, 1)}, "too few"),
        ({"padding": "full"}, "known: valid, same"),
    ],
)
def test_sizes_that_do_not_come_out_are_refused(knobs, said):
    with pytest.raises(UsageError, match=said):
        build("unet", **knobs)
