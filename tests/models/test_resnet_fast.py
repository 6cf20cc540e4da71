"""resnet.fast: counts and shapes by hand, and the whitened first layer that a run computes from its training split."""

from functools import partial

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo import tasks
from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError
from zoo.layers import PatchWhitening
from zoo.recipe import resolve
from zoo.training.fit import Fit
from zoo.training.model import core_of


def test_parameters_by_hand():
    maps = (24, 64, 64, 64, 256, 256, 256)
    convolutions = sum(9 * a * b for a, b in ((24, 64), (64, 64), (64, 256), (256, 256), (256, 256), (256, 256)))
    by_hand = 12 * 24 + 24 + convolutions + 3 * (sum(maps[1:3]) + 4 * 256) + 256 * 10
    for knobs in ({}, {"shortcuts": False}, {"whitening": False}):
        model = skeleton(partial(registry.build, "resnet.fast", **knobs))
        assert model.count_params() == by_hand == 1_973_944
    ends = [tuple(model.get_layer(f"block{i}_add").output.shape[1:]) for i in (1, 2, 3)]
    assert ends == [(15, 15, 64), (7, 7, 256), (3, 3, 256)]
    with pytest.raises(UsageError, match="3 blocks need images of 9 pixels or more"):
        registry.build("resnet.fast", input_shape=(8, 8, 3))


def test_whitened_patches_have_unit_variance_in_directions_that_do_not_go_together():
    mixing = np.random.default_rng(0).normal(size=(3, 3))
    images = (np.random.default_rng(1).normal(size=(50, 9, 9, 3)) @ mixing).astype("float32")
    images[:, :, 1:] += images[:, :, :-1]  # neighbours are alike
    layer = PatchWhitening(2)
    before = np.array(layer(images[:1]))
    np.testing.assert_array_equal(before[0, 0, 0, :3], images[0, 0, 0])  # single pixels until it is adapted
    np.testing.assert_array_equal(before[..., 12:], -before[..., :12])
    layer.adapt(images)
    found = np.array(layer(images)).reshape(-1, 24)
    np.testing.assert_allclose(found[:, :12].T @ found[:, :12] / len(found), np.eye(12), atol=0.02)
    kernel = np.array(layer.kernel)
    np.testing.assert_array_equal(kernel[..., 12:], -kernel[..., :12])
    np.testing.assert_allclose(found[:, 12:], -found[:, :12], atol=1e-4)  # sums in another order, by the processor
    assert [weight.name for weight in layer.trainable_weights] == ["bias"]


def test_a_run_whitens_by_its_training_split_and_learns():
    """On 8x8 digits, small; the kernel is that of the images behind the preprocessing, and training leaves it alone."""
    sets = ["knobs.widths=[8,16]", "preprocessing.resize=[12,12]", "preprocessing.standardize=feature",
            "augmentation.shift=0", "augmentation.rotate=0", "augmentation.zoom=0", "training.averaging=0.9",
            "training.label_smoothing=0.2", "training.warmup_epochs=0"]  # fmt: skip
    recipe = resolve("resnet.fast", "digits", sets, {"epochs": 3, "learning_rate": 0.1, "batch_size": 64})[0]
    fit = Fit(recipe, tasks.load(recipe.data, "digits"))
    layer = core_of(fit.model).get_layer("whiten")
    kernel = np.array(layer.kernel)
    fit()
    assert (np.array(layer.kernel) == kernel).all() and np.array(layer.bias).any()
    before = fit.model.layers[-2].output
    import keras

    seen = np.array(keras.Model(fit.model.input, before)(fit.splits.train.x))
    patches = np.lib.stride_tricks.sliding_window_view(seen, (2, 2), axis=(1, 2)).reshape(-1, 4)
    white = patches @ kernel.reshape(4, 8)[:, :4]
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(4), atol=0.05)  # small variances are a bit less
    assert fit.history["val_accuracy"][-1] > 0.6


def test_a_script_would_not_know_the_first_layer(tmp_path, zoo_cli):
    sets = ["--set", "training.averaging=0.5", "--set", "knobs.widths=[8,16]"]
    said = zoo_cli("eject", "resnet.fast", "digits", tmp_path / "script", *sets[2:])
    assert said.code == 2 and "zoo computes the first layer from the training split" in said.err
