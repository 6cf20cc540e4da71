"""ConvNeXt-T: counts by arithmetic from table 9 of the paper, shapes, and what the knobs do."""

from functools import cache, partial

import keras
import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError


@cache
def built(**knobs):
    return skeleton(partial(registry.build, "convnext.tiny", **knobs))


def test_it_has_the_published_parameters():
    stages = ((3, 96), (3, 192), (9, 384), (3, 768))
    count = (4 * 4 * 3 + 1) * 96 + 2 * 96
    for i, (blocks, c) in enumerate(stages):
        count += blocks * ((49 + 1) * c + 2 * c + (c + 1) * 4 * c + (4 * c + 1) * c + c)
        if i < 3:
            count += 2 * c + (2 * 2 * c + 1) * 2 * c
    model = built()
    assert model.count_params() == count + 2 * 768 + (768 + 1) * 1000 == 28_589_128
    ends = [tuple(model.get_layer(f"stage_{i}_block_{n - 1}_add").output.shape[2:]) for i, (n, _) in enumerate(stages)]
    assert ends == [(56, 96), (28, 192), (14, 384), (7, 768)]


def test_paths_are_dropped_more_often_the_deeper():
    rates = [layer.rate for layer in built().layers if layer.name.endswith("_drop_path")]
    np.testing.assert_allclose(rates, np.linspace(0, 0.1, 18)[1:])


def test_a_block_starts_as_good_as_not_there():
    small = dict(registry.describe("convnext.tiny").trial)
    model = registry.build("convnext.tiny", **small | {"layer_scale": 0.0, "depths": (1,)})
    block = keras.Model(model.get_layer("stem_layernorm").output, model.get_layer("stage_0_block_0_add").output)
    x = np.random.default_rng(0).random((2, 8, 8, 8), "float32")
    assert (np.array(block(x)) == x).all()


def test_images_too_small_for_the_stages_are_refused():
    with pytest.raises(UsageError, match=r"16x16 pixels are too few for patches of 4x4 and 4 stages: at least 32x32"):
        registry.build("convnext.tiny", input_shape=(16, 16, 3))
