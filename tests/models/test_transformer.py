"""The transformers: shapes and counts by the papers, what each position may see, what the knobs do."""

import keras
import numpy as np
import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import skeleton
from zoo.errors import UsageError
from zoo.models import (
    bert_mini,
    bert_tiny,
    transformer,
    transformer_base,
    transformer_decoder,
    transformer_encoder,
)

SMALL = {"num_layers": 2, "model_dim": 16, "num_heads": 2, "feedforward_dim": 32, "max_length": 12}
rng = np.random.default_rng(0)


def forward(model, x):
    return keras.ops.convert_to_numpy(model(x, training=False))


def ids(*shape, high=20):
    return rng.integers(1, high, shape).astype("int32")


def stirred(model):
    """All weights off their start, so that zeros and ones hide nothing."""
    for weight in model.trainable_weights:
        weight.assign(weight + rng.normal(size=weight.shape) * 0.3)
    return model


@pytest.mark.parametrize(
    ("build", "published"),
    [
        (bert_tiny, 4_385_920),  # the counts of the published checkpoints, their pooler included
        (bert_mini, 11_170_560),
    ],
)
def test_bert_is_the_published_network_but_for_segments_and_head(build, published):
    model = skeleton(build)
    dim = model.get_layer("pooler").units
    assert model.count_params() == published - 2 * dim + 2 * (dim + 1)


def test_base_model_by_the_sums_of_the_paper():
    """d = 512, hidden 2048, six blocks a side: an attention has four d x d matrices, a norm a scale and a shift."""
    d, hidden, tokens = 512, 2048, 37_000
    attention, dense, norm = 4 * (d * d + d), (d * hidden + hidden) + (hidden * d + d), 2 * d
    encoder, decoder = attention + dense + 2 * norm, 2 * attention + dense + 3 * norm
    count = skeleton(transformer_base).count_params()
    assert count == tokens * d + 6 * (encoder + decoder)
    assert abs(count / 65e6 - 1) < 0.03  # table 3: 65 million


def test_gpt_2_by_its_sizes():
    """50,257 tokens, 1,024 positions, 12 layers of 768 units: 124 million parameters."""
    sizes = {"vocab_size": 50_257, "max_length": 1024, "num_layers": 12, "model_dim": 768, "num_heads": 12}
    model = skeleton(lambda: transformer_decoder(**sizes, feedforward_dim=3072))
    assert model.count_params() == 124_439_808


def test_names_tell_the_architecture():
    names = [layer.name for layer in transformer_encoder(num_layers=1).layers]
    assert names == [
        "input", "embedding", "input_positions", "input_dropout", "encoder_1_attention_norm", "real",
        "encoder_1_attention", "encoder_1_attention_dropout", "encoder_1_attention_add", "encoder_1_feedforward_norm",
        "encoder_1_feedforward_inner", "encoder_1_feedforward", "encoder_1_feedforward_dropout",
        "encoder_1_feedforward_add", "encoder_norm", "mean", "output",
    ]  # fmt: skip
    post = [layer.name for layer in transformer_encoder(num_layers=1, norm="post").layers]
    assert post.index("encoder_1_attention_norm") == post.index("encoder_1_attention_add") + 1
    assert "encoder_norm" not in post


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize(
    ("positions", "share"),
    [
        ("sinusoidal", True), ("learned", False),
        *(pytest.param(*both, marks=pytest.mark.slow) for both in (("sinusoidal", False), ("learned", True))),
    ],
)  # fmt: skip
def test_decoder_sees_what_came_before_and_all_of_the_source(norm, positions, share):
    model = stirred(transformer(20, 20, norm=norm, positions=positions, share_embeddings=share, **SMALL))
    x = {"source": ids(1, 6), "target": ids(1, 8)}
    before = forward(model, x)
    assert before.shape == (1, 8, 20)
    np.testing.assert_allclose(before.sum(-1), 1, atol=1e-5)
    for place in range(8):
        changed = x["target"].copy()
        changed[0, place] = changed[0, place] % 19 + 1
        moved = np.abs(forward(model, {**x, "target": changed}) - before).max(-1)[0]
        assert moved[:place].max(initial=0) < 1e-6
        assert moved[place:].min() > 1e-6  # all that comes later sees it
    for place in range(6):
        changed = x["source"].copy()
        changed[0, place] = changed[0, place] % 19 + 1
        assert np.abs(forward(model, {**x, "source": changed}) - before).max(-1).min() > 1e-6


def test_order_matters_through_positions_alone():
    """Two words in another order give another mean; with no positions it would be the same."""
    model = stirred(transformer_encoder(vocab_size=20, **SMALL))
    one, other = forward(model, np.array([[5, 9, 7]])), forward(model, np.array([[9, 5, 7]]))
    assert np.abs(one - other).max() > 1e-4
    positions = model.get_layer("input_positions").embeddings
    positions.assign(keras.ops.zeros_like(positions))
    one, other = forward(model, np.array([[5, 9, 7]])), forward(model, np.array([[9, 5, 7]]))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_one_matrix_embeds_and_scores():
    shared = transformer(20, 20, share_embeddings=True, **SMALL)
    apart = transformer(20, 20, **SMALL)
    assert apart.count_params() - shared.count_params() == 2 * 20 * 16 + 20  # two tables and the output's bias
    table = shared.get_layer("embedding").embeddings
    x = {"source": ids(2, 4), "target": ids(2, 4)}
    before = forward(shared, x)
    table.assign(keras.ops.zeros_like(table))
    np.testing.assert_allclose(forward(shared, x), 1 / 20, atol=1e-6)  # no scores: all tokens alike
    assert np.abs(before - 1 / 20).max() > 1e-4


def test_a_series_goes_in_through_a_dense_layer():
    model = transformer_encoder((24, 3), 2, "linear", vocab_size=None, **{**SMALL, "max_length": None})
    assert forward(model, rng.normal(size=(5, 24, 3)).astype("float32")).shape == (5, 2)
    assert model.get_layer("input_positions").max_length == 24


def test_pooling_takes_the_mean_or_the_first():
    x = ids(2, 5)
    for pooling, at in (("first", lambda h: h[:, 0]), ("mean", lambda h: h.mean(1))):
        model = stirred(transformer_encoder(vocab_size=20, pooling=pooling, **SMALL))
        hidden = keras.Model(model.input, model.get_layer("encoder_norm").output)
        expected = forward(model.get_layer("output"), at(forward(hidden, x)))
        np.testing.assert_allclose(forward(model, x), expected, atol=1e-6)


def test_sines_know_no_end_and_learned_positions_do():
    longer = ids(1, 40)
    assert forward(transformer_decoder(20, positions="sinusoidal", **SMALL), longer).shape == (1, 40, 20)
    with pytest.raises(ValueError, match="knows 12 positions, the input has 40"):
        transformer_decoder(20, **SMALL)(longer)


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"model_dim": 10, "num_heads": 4}, "multiple of num_heads, not 10 for 4 heads"),
        ({"norm": "past"}, "unknown norm 'past'; did you mean post"),
        ({"activation": "tanh"}, "unknown activation 'tanh'"),
        ({"positions": "learnt"}, "unknown positions 'learnt'; did you mean learned"),
        ({"vocab_size": 9, "share_embeddings": True}, "needs one vocabulary, not 9 and 8,000 tokens"),
    ],
)
def test_what_cannot_be_built_is_refused(knobs, words):
    with pytest.raises(UsageError, match=words):
        registry.build("transformer", **knobs)


def test_an_encoder_refuses_an_unknown_pooling_and_positions_without_an_end():
    with pytest.raises(UsageError, match="unknown pooling 'max'"):
        transformer_encoder(pooling="max")
    with pytest.raises(UsageError, match="learned positions need max_length"):
        transformer_encoder(max_length=None)
