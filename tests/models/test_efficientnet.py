"""EfficientNet-B0: counts by arithmetic from table 1 of the paper, shapes, and what the knobs do."""

from functools import cache, partial

import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError

# Table 1: expansion, filter size, channels, layers
TABLE = ((1, 3, 16, 1), (6, 3, 24, 2), (6, 5, 40, 2), (6, 3, 80, 3), (6, 5, 112, 3), (6, 5, 192, 4), (6, 3, 320, 1))


@cache
def built(**knobs):
    return skeleton(partial(registry.build, "efficientnet.b0", **knobs))


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_it_has_the_published_parameters():
    count, before = 27 * 32 + 2 * 32, 32
    for expansion, size, channels, layers in TABLE:
        for _ in range(layers):
            wide, squeezed = expansion * before, before // 4
            count += (before * wide + 2 * wide) if expansion > 1 else 0
            count += size * size * wide + 2 * wide
            count += (wide + 1) * squeezed + (squeezed + 1) * wide
            count += wide * channels + 2 * channels
            before = channels
    count += before * 1280 + 2 * 1280 + (1280 + 1) * 1000
    assert trainable(built()) == count == 5_288_548


@pytest.mark.slow
def test_scaled_it_is_its_larger_brothers():
    """Trainable parameters of torchvision's B1 and B2."""
    assert trainable(built(depth=1.1, input_shape=(240, 240, 3))) == 7_794_184
    assert trainable(built(width=1.1, depth=1.2, input_shape=(260, 260, 3))) == 9_109_994


def test_maps_are_those_of_the_table_and_small_images_keep_theirs():
    ends = ("stem_conv", "block1a_project_bn", "block2b_add", "block3b_add", "block4c_add", "block5c_add",
            "block6d_add", "block7a_project_bn", "top_conv")  # fmt: skip
    model, small = built(), built(input_shape=(32, 32, 3), halvings=3)
    assert [tuple(model.get_layer(name).output.shape[2:]) for name in ends] == [
        (112, 32), (112, 16), (56, 24), (28, 40), (14, 80), (14, 112), (7, 192), (7, 320), (7, 1280),
    ]  # fmt: skip
    assert [small.get_layer(name).output.shape[1] for name in ends] == [32, 32, 32, 16, 8, 8, 4, 4, 4]


def test_paths_are_dropped_more_often_the_deeper():
    rates = [layer.rate for layer in built().layers if layer.name.endswith("_drop")]
    assert rates == sorted(rates) and len(rates) == 9 and max(rates) < 0.2
    assert not any(layer.name.endswith("_drop") for layer in built(drop_path=0.0).layers)


def test_factors_that_leave_nothing_are_refused():
    for knob in ("width", "depth"):
        with pytest.raises(UsageError, match=f"{knob} is a factor above 0, not 0"):
            registry.build("efficientnet.b0", **{knob: 0})
