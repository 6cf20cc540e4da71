"""Attention, positions and pooling: what is seen, what a step gives beside the whole, what is saved."""

import keras
import numpy as np
import pytest

from zoo.layers import (
    CausalSelfAttention,
    CrossAttention,
    FirstStep,
    LearnedPositions,
    MeanOverTime,
    SelfAttention,
    SinusoidalPositions,
)

rng = np.random.default_rng(0)
X, MEMORY = rng.normal(size=(2, 3, 6, 8)).astype("float32")
REAL = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0]], bool)


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def by_steps(layer, *inputs):
    """The layer's output put together from steps over axis 1 of its first input."""
    x, *rest = layer.prepare(*inputs) if hasattr(layer, "prepare") else inputs
    state = layer.initial_state(len(x), x.shape[1]) if hasattr(layer, "initial_state") else []
    outputs = []
    for position in range(x.shape[1]):
        output, state = layer.step(x[:, position : position + 1], *rest, state=state, position=position)
        outputs.append(array(output))
    return np.concatenate(outputs, axis=1)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (CausalSelfAttention(2, 4), (X,)),
        (CausalSelfAttention(2, 3, value_dim=5), (X,)),
        (CausalSelfAttention(2, 4, use_bias=False), (X,)),
        (CrossAttention(2, 4), (X, MEMORY, REAL)),
        (CrossAttention(2, 4), (X, MEMORY)),
        (SinusoidalPositions(), (X,)),
        (LearnedPositions(6), (X,)),
    ],
)
def test_steps_give_what_the_whole_gives(layer, inputs):
    whole = array(layer(*inputs))
    np.testing.assert_allclose(by_steps(layer, *inputs), whole, atol=1e-5)
    assert np.abs(whole[:, 1:] - whole[:, :-1]).max() > 1e-2


def test_steps_leave_room_unseen():
    """Keys and values that are not written yet do not count, whatever stands there."""
    layer = CausalSelfAttention(2, 4)
    whole = array(layer(X))
    state = [state + 9.0 for state in layer.initial_state(3, 20)]
    output, state = layer.step(X[:, :1], state=state, position=0)
    np.testing.assert_allclose(array(output), whole[:, :1], atol=1e-5)
    assert [tuple(kept.shape) for kept in state] == [(3, 2, 20, 4)] * 2


def test_padding_is_not_seen():
    for layer, given in ((SelfAttention(2, 4), (X, REAL)), (CrossAttention(2, 4), (X, MEMORY, REAL))):
        before = array(layer(*given))
        changed = given[-2].copy()
        changed[~REAL] = 100.0
        after = array(layer(*given[:-2], changed, REAL))
        np.testing.assert_allclose(after[REAL], before[REAL], atol=1e-5)
        unmasked = array(layer(*given[:-1]))
        np.testing.assert_allclose(unmasked[0], before[0], atol=1e-5)  # nothing to hide in the first row
        assert np.abs(unmasked[1:] - before[1:]).max() > 1e-2


def test_nothing_to_look_at_gives_numbers():
    nothing = np.zeros_like(REAL)
    assert np.isfinite(array(SelfAttention(2, 4)(X, nothing))).all()
    assert np.isfinite(array(CrossAttention(2, 4)(X, MEMORY, nothing))).all()
    np.testing.assert_array_equal(array(MeanOverTime()(X, nothing)), 0)


def test_attention_scores_say_where_it_looks():
    layer = CrossAttention(2, 4)
    layer(X, MEMORY, REAL)
    scores = array(layer.attention_scores(X, MEMORY, REAL))
    assert scores.shape == (3, 2, 6, 6)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    assert scores[~np.broadcast_to(REAL[:, None, None], scores.shape)].max() < 1e-6
    np.testing.assert_allclose(scores[2, :, :, 0], 1, atol=1e-5)
    values = array(layer.value_dense(MEMORY))  # (batch, source time, heads, size)
    context = np.einsum("bhts,bshd->bthd", scores, values)
    np.testing.assert_allclose(array(layer.output_dense(context)), array(layer(X, MEMORY, REAL)), atol=1e-5)


def test_mean_over_time_by_hand():
    x = np.array([[[2.0, 1.0], [4.0, 3.0], [60.0, 50.0]]], "float32")
    np.testing.assert_allclose(array(MeanOverTime()(x, np.array([[True, True, False]]))), [[3.0, 2.0]])
    np.testing.assert_allclose(array(MeanOverTime()(x)), [[22.0, 18.0]])
    np.testing.assert_allclose(array(FirstStep()(x)), [[2.0, 1.0]])


def test_mean_of_a_thousand_half_precision_numbers_does_not_drift():
    x = np.full((1, 1000, 1), 1.01)
    mean = array(MeanOverTime(dtype="bfloat16")(x, np.ones((1, 1000), bool)))
    assert mean.astype("float32").item() == pytest.approx(1.0078125)  # the nearest bfloat16


def test_positions_are_learnt_one_by_one():
    layer = LearnedPositions(4)
    layer(X[:, :4])
    layer.embeddings.assign(np.arange(32, dtype="float32").reshape(4, 8))
    np.testing.assert_allclose(
        array(layer(X[:, :3])) - X[:, :3], np.tile(np.arange(24).reshape(3, 8), (3, 1, 1)), atol=1e-5
    )
    with pytest.raises(ValueError, match="knows 4 positions, the input has 6"):
        layer(X)


def test_parameters_are_kerass():
    layer = CausalSelfAttention(2, 4)
    layer(X)
    assert layer.count_params() == 4 * (8 + 1) * 8
    theirs = keras.layers.MultiHeadAttention(2, 4)
    theirs(X, X)
    theirs.set_weights(layer.get_weights())
    np.testing.assert_allclose(array(layer(X)), array(theirs(X, X, use_causal_mask=True)), atol=1e-6)
    assert [weight.path.split("/", 1)[1] for weight in layer.weights] == [
        weight.path.split("/", 1)[1] for weight in theirs.weights
    ]


def test_half_precision_steps_stay_near():
    layer = CausalSelfAttention(2, 4, dtype="mixed_float16")
    whole = array(layer(X)).astype("float32")
    np.testing.assert_allclose(by_steps(layer, X.astype("float16")).astype("float32"), whole, atol=5e-3)
