"""Keras' own test of a layer, on every layer of the zoo: serialisation, shapes, dtypes, masks, a compiled step.

`run_layer_test` is how Keras tests its own layers: it compares what a layer says of itself with what it computes, in
float32 and in mixed precision. It gives a layer one argument, and draws no booleans: layers of several inputs are
tested inside one that takes them as one tuple, on arrays given here.
"""

import inspect

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

import zoo.layers
from zoo import layers

rng = np.random.default_rng(0)
X, MEMORY = rng.normal(size=(2, 3, 5, 8)).astype("float32")  # (batch, time, dim)
REAL = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0]], bool)
IDS = np.array([[5, 2, 3], [4, 0, 0]], "int32")
IMAGES = rng.uniform(0, 255, (2, 6, 6, 3)).astype("float32")
HEADS = {"num_heads": 2, "key_dim": 4}
QUICK = ("self, masked", "self, output shape", "positions, learnt", "mean, masked", "additive", "masked lstm")

WIDE = HEADS | {"output_shape": 6}
CODES = rng.normal(size=(2, 84)).astype("float32")
TABLE = {"table": [[0, 2], [1]], "size": 3, "activation": "tanh"}

# id: layer, arguments, inputs, output shape, dtype of the output, does it take Keras' own mask
CASES = {
    "subsampling": (layers.Subsampling, {"activation": "tanh"}, [IMAGES], (2, 3, 3, 3), "float32", False),
    "sparse": (layers.SparseConv2D, TABLE, [IMAGES], (2, 4, 4, 2), "float32", False),
    "whitening": (layers.PatchWhitening, {"size": 2}, [IMAGES], (2, 5, 5, 24), "float32", False),
    "codes": (layers.CodeDistance, {"num_classes": 10}, [CODES], (2, 10), "float32", False),
    "pixels": (layers.KerasPreprocessing, {"of": "resnet"}, [IMAGES], (2, 6, 6, 3), "float32", False),
    "grey pixels": (layers.KerasPreprocessing, {"of": "vgg16"}, [IMAGES[..., :1]], (2, 6, 6, 3), "float32", False),
    "self": (layers.SelfAttention, HEADS, [X], (3, 5, 8), "float32", True),
    "self, masked": (layers.SelfAttention, HEADS, [X, REAL], (3, 5, 8), "float32", True),
    "self, output shape": (layers.SelfAttention, WIDE, [X, REAL], (3, 5, 6), "float32", True),
    "self, two axes out": (layers.SelfAttention, HEADS | {"output_shape": (2, 3)}, [X], (3, 5, 2, 3), "float32", True),
    "causal": (layers.CausalSelfAttention, HEADS, [X], (3, 5, 8), "float32", True),
    "causal, output shape": (layers.CausalSelfAttention, WIDE, [X], (3, 5, 6), "float32", True),
    "cross": (layers.CrossAttention, HEADS, [X[:, :2], MEMORY], (3, 2, 8), "float32", True),
    "cross, masked": (layers.CrossAttention, HEADS, [X[:, :2], MEMORY, REAL], (3, 2, 8), "float32", True),
    "cross, output shape": (layers.CrossAttention, WIDE, [X, MEMORY, REAL], (3, 5, 6), "float32", True),
    "additive": (layers.AdditiveAttentionGRU, {"units": 4}, [X[:, :2], MEMORY, REAL], (3, 2, 12), "float32", False),
    "positions, waves": (layers.SinusoidalPositions, {}, [X], (3, 5, 8), "float32", True),
    "positions, learnt": (layers.LearnedPositions, {"max_length": 7}, [X], (3, 5, 8), "float32", True),
    "padding": (layers.PaddingMask, {"keep_first": True}, [IDS], (2, 3), "bool", False),
    "last": (layers.LastStep, {}, [X], (3, 8), "float32", True),
    "last, masked": (layers.LastStep, {}, [X, REAL], (3, 8), "float32", True),
    "reverse": (layers.Reverse, {}, [X], (3, 5, 8), "float32", True),
    "reverse, masked": (layers.Reverse, {}, [X, REAL], (3, 5, 8), "float32", True),
    "reverse, ids": (layers.Reverse, {}, [IDS], (2, 3), "int32", True),
    "mean": (layers.MeanOverTime, {}, [X], (3, 8), "float32", True),
    "mean, masked": (layers.MeanOverTime, {}, [X, REAL], (3, 8), "float32", True),
    "first": (layers.FirstStep, {}, [X], (3, 8), "float32", True),
    "masked lstm": (layers.MaskedLSTM, {"units": 4}, [X, REAL], (3, 4), "float32", True),
    "masked gru": (layers.MaskedGRU, {"units": 4, "return_sequences": True}, [X, REAL], (3, 5, 4), "float32", True),
    "token": (layers.ClassToken, {}, [X], (3, 6, 8), "float32", False),
    "scale": (layers.LayerScale, {"start": 0.1}, [IMAGES], (2, 6, 6, 3), "float32", False),
    "scaling": (layers.WindowScaling, {}, [X], (3, 5, 8), "float32", False),
    "unscaling": (layers.WindowUnscaling, {}, [X[:, :2, 0], MEMORY], (3, 2), "float32", False),
    "cells": (layers.MissingCells, {"fills": [0.0] * 84, "flag_of": [-1] * 84}, [CODES], (2, 84), "float32", False),
    "sample": (layers.GaussianSample, {"seed": 0}, [CODES, CODES / 9], (2, 84), "float32", False),
    "noise": (layers.MaskingNoise, {"share": 0.5, "seed": 0}, [IMAGES], (2, 6, 6, 3), "float32", False),
    "response": (layers.LocalResponseNormalization, {"size": 3}, [IMAGES], (2, 6, 6, 3), "float32", False),
    "shortcut": (layers.PaddedShortcut, {"filters": 5}, [IMAGES], (2, 3, 3, 5), "float32", False),
    "dot": (layers.DotAttention, {}, [X[:, :2], MEMORY], (3, 2, 8), "float32", True),
}  # fmt: skip
AS_LIST = (layers.WindowUnscaling, layers.DotAttention, layers.GaussianSample)  # these take their inputs as one list


@keras.saving.register_keras_serializable("tests")
class Together(keras.layers.Layer):
    """A layer of several inputs, called with all of them in one tuple."""

    def __init__(self, layer, arguments, **others):
        super().__init__(**others)
        self.layer, self.arguments = layer, arguments
        self.inner = getattr(layers, layer)(**arguments, dtype=self.dtype_policy)
        self.given = (lambda inputs: [list(inputs)]) if isinstance(self.inner, AS_LIST) else list

    def build(self, shapes):
        if not getattr(self.inner.build, "_is_default", False):
            self.inner.build(*self.given(shapes))

    def call(self, inputs):
        return self.inner(*self.given(inputs))

    def compute_output_shape(self, shapes):
        return self.inner.compute_output_shape(*self.given(shapes))

    def compute_output_spec(self, inputs, **others):
        return self.inner.compute_output_spec(*self.given(inputs))

    def get_config(self):
        return {**super().get_config(), "layer": self.layer, "arguments": self.arguments}


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_keras_own_test_of_a_layer(name):
    layer, arguments, inputs, shape, dtype, hands_on = CASES[name]
    harness = TestCase("run_layer_test")
    harness.run_layer_test(layer, arguments, supports_masking=hands_on)
    several = len(inputs) > 1
    harness.run_layer_test(
        Together if several else layer,
        {"layer": layer.__name__, "arguments": arguments} if several else arguments,
        input_data=tuple(inputs) if several else inputs[0],  # Keras feeds no lists
        expected_output_shape=shape,
        expected_output_dtype=dtype,
    )


def test_no_layer_is_left_out():
    public = {getattr(zoo.layers, name) for name in zoo.layers.__all__}
    ours = {found for found in public if inspect.isclass(found) and issubclass(found, keras.layers.Layer)}
    assert ours == {layer for layer, *_ in CASES.values()}


def test_a_mask_of_keras_counts_where_none_is_given():
    """As `Embedding(mask_zero=True)` attaches it: the same numbers as with the mask as an input."""
    ids = np.array([[5, 2, 3, 1, 4], [4, 3, 2, 0, 0], [1, 0, 0, 0, 0]])
    embedding = keras.layers.Embedding(9, 8, mask_zero=True)
    bare = keras.ops.convert_to_tensor(keras.ops.convert_to_numpy(embedding(ids)))
    query = keras.ops.convert_to_tensor(X[:, :2])
    for layer, before in (
        (layers.SelfAttention(2, 4), ()),
        (layers.CrossAttention(2, 4), (query,)),
        (layers.MaskedLSTM(4), ()),
        (layers.MeanOverTime(), ()),
        (layers.LastStep(), ()),
        (layers.Reverse(), ()),
    ):
        x = embedding(ids)  # anew: Keras' attention takes the mask off what it is given
        given = [(*before, bare, REAL), (*before, x), (*before, bare)]
        wanted, found, without = (keras.ops.convert_to_numpy(layer(*inputs)) for inputs in given)
        real = REAL if wanted.shape[:2] == REAL.shape else ...  # what padding gives means nothing
        np.testing.assert_allclose(found[real], wanted[real], atol=1e-6)
        assert np.abs(without[real] - wanted[real]).max() > 1e-3, layer


def test_a_mask_of_keras_goes_through_where_time_stays():
    embedding = keras.layers.Embedding(9, 8, mask_zero=True)
    for layer in (layers.SinusoidalPositions(), layers.LearnedPositions(3), layers.SelfAttention(2, 4)):
        mask = keras.src.backend.get_keras_mask(layer(embedding(np.array([[5, 2, 0]]))))
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(mask), [[True, True, False]])
    for layer in (layers.LastStep(), layers.FirstStep(), layers.MeanOverTime()):
        assert keras.src.backend.get_keras_mask(layer(embedding(np.array([[5, 2, 0]])))) is None
