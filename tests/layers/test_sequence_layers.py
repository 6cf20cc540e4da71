"""Layers for padded sequences, on ids that one can read and on vectors."""

import keras
import numpy as np
import pytest

from zoo.layers import AdditiveAttentionGRU, DotAttention, LastStep, MaskedGRU, MaskedLSTM, PaddingMask, Reverse

IDS = np.array([[7, 8, 9, 0, 0], [4, 0, 0, 0, 0], [1, 2, 3, 4, 5], [0, 0, 0, 0, 0]], "int32")
REAL = IDS != 0
VECTORS = np.random.default_rng(0).standard_normal((4, 5, 3)).astype("float32")


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_padding_is_where_the_id_is_0():
    np.testing.assert_array_equal(array(PaddingMask()(IDS)), REAL)
    kept = array(PaddingMask(keep_first=True)(IDS))
    np.testing.assert_array_equal(kept[:3], REAL[:3])
    np.testing.assert_array_equal(kept[3], [True, False, False, False, False])


def test_last_step_is_the_last_real_one():
    expected = np.stack([VECTORS[0, 2], VECTORS[1, 0], VECTORS[2, 4], VECTORS[3, 0]])
    np.testing.assert_array_equal(array(LastStep()(VECTORS, REAL)), expected)
    np.testing.assert_array_equal(array(LastStep()(VECTORS)), VECTORS[:, -1])


def test_reverse_turns_the_real_part_around_and_leaves_the_padding():
    turned = [[9, 8, 7, 0, 0], [4, 0, 0, 0, 0], [5, 4, 3, 2, 1], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(array(Reverse()(IDS, REAL)), turned)
    np.testing.assert_array_equal(array(Reverse()(VECTORS, REAL))[0], VECTORS[0, [2, 1, 0, 3, 4]])
    np.testing.assert_array_equal(array(Reverse()(Reverse()(VECTORS, REAL), REAL)), VECTORS)
    np.testing.assert_array_equal(array(Reverse()(IDS)), IDS[:, ::-1])


def test_shapes_and_dtypes_are_known_before_there_is_data():
    ids, x = keras.Input((None,), dtype="int32"), keras.Input((None, 3))
    real = PaddingMask()(ids)
    assert (real.shape, real.dtype) == ((None, None), "bool")
    assert (Reverse()(ids, real).shape, Reverse()(ids, real).dtype) == ((None, None), "int32")
    assert Reverse()(x, real).shape == (None, None, 3)
    assert LastStep()(x, real).shape == (None, 3)


def test_gradients_reach_the_real_steps_and_no_other():
    import tensorflow as tf

    x = tf.Variable(VECTORS)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(LastStep()(Reverse()(x, REAL), REAL))  # the first step of each row
    gradient = tf.convert_to_tensor(tape.gradient(loss, x)).numpy()
    np.testing.assert_array_equal(gradient[:, 0], 1)
    np.testing.assert_array_equal(gradient[:, 1:], 0)


@pytest.fixture
def attending():
    """A decoder's step with weights that matter, and what it is called with: x, memory, which of it is real."""
    layer = AdditiveAttentionGRU(6, 4)
    memory = np.random.default_rng(1).standard_normal((4, 5, 2)).astype("float32")
    layer.build(VECTORS.shape, memory.shape, REAL.shape)
    layer.set_weights([2 * keras.random.normal(weight.shape, seed=i) for i, weight in enumerate(layer.weights)])
    return layer, (VECTORS, memory, REAL)


def test_attention_looks_at_real_positions_only(attending):
    layer, (x, memory, real) = attending
    scores = array(layer.attention_scores(x, memory, real))
    np.testing.assert_allclose(scores.sum(axis=-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(scores[0, :, 3:], 0)
    assert np.isfinite(scores).all()  # also where nothing is real
    assert np.ptp(scores[2], axis=0).max() > 0.01  # the look changes from step to step
    noise = np.where(real[..., None], memory, 99.0)
    np.testing.assert_array_equal(array(layer(x, noise, real))[:3], array(layer(x, memory, real))[:3])


def test_attention_steps_one_by_one_as_it_does_at_once(attending):
    layer, inputs = attending
    together = array(layer(*inputs))
    state, (x, *rest) = layer.initial_state(4), layer.prepare(*inputs)
    for t in range(5):
        output, state = layer.step(x[:, t : t + 1], *rest, state=state, position=t)
        np.testing.assert_allclose(array(output)[:, 0], together[:, t], atol=1e-6)


def test_attention_explains_its_parameters(attending):
    layer, _ = attending
    assert eval(layer.parameter_arithmetic()) == layer.count_params() == (6 + 2 + 1) * 4 + 3 * (6 * (6 + 5) + 2 * 6)


MADE = [
    AdditiveAttentionGRU(3, 2), DotAttention(), LastStep(), MaskedGRU(3), MaskedLSTM(3), PaddingMask(keep_first=True),
    Reverse(),
]  # fmt: skip


@pytest.mark.parametrize("layer", MADE, ids=lambda layer: type(layer).__name__)
def test_layers_are_made_again_from_what_is_saved(layer):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is type(layer) and again.get_config() == layer.get_config()
