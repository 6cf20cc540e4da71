"""One piece of code writes with every model: step by step it says what the model says about the whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from tiers import tiered
from writers import LANGUAGE_MODELS, PAIR_MODELS, PROMPTS, SOURCES, chain, decoder_of, greedy_by_hand, model_of

from zoo.catalogue.inspect import output_shape
from zoo.catalogue.registry import build
from zoo.errors import UsageError
from zoo.layers import SelfAttention
from zoo.tasks.decoding import Decoder


@pytest.mark.parametrize("name", tiered(LANGUAGE_MODELS + PAIR_MODELS))
def test_every_model_of_the_catalogue_goes_step_by_step(name):
    network = decoder_of(name).network
    assert network.cached
    target = np.random.default_rng(0).integers(1, 6, (3, 8)).astype("int32")
    source = {"source": SOURCES} if network.translates else {}
    whole = ops.convert_to_numpy(model_of(name)({**source, "target": target} if source else target, training=False))
    known = network.read(*source.values())
    state = network.start(known, 3, 8)
    for position in range(8):
        probabilities, state = network.step(known, tf.constant(target[:, position]), position, state)
        np.testing.assert_allclose(probabilities, whole[:, position], atol=1e-5)
    assert np.abs(whole[:, 1:] - whole[:, :-1]).max() > 1e-2  # there is something to tell apart
    assert output_shape(model_of(name).layers[-1]) != "?"  # the walk leaves the model's own graph as it was


class RunningSum(layers.Layer):
    """Sums over all that came before. It has a step form."""

    def call(self, x):
        return ops.cumsum(x, axis=1)

    def initial_state(self, batch, length):
        return [ops.zeros((batch, 1, 6))]

    def step(self, x, *, state, position):
        total = state[0] + x
        return total, [total]


class PlainRunningSum(layers.Layer):
    """The same without a step form."""

    def call(self, x):
        return ops.cumsum(x, axis=1)


@pytest.fixture
def sums():
    """Two models that differ in whether their layer has a step form."""
    table = np.random.default_rng(3).dirichlet(np.ones(6), 6)
    return [chain(table, middle=[layer, layers.Dropout(0.5)]) for layer in (RunningSum(), PlainRunningSum())]


def test_a_strangers_layer_is_served_with_and_without_a_step_form(sums):
    quick, slow = (Decoder(model) for model in sums)
    assert quick.network.cached and not slow.network.cached
    prompts = np.array([[4, 5, 1], [5, 0, 0]])
    said = quick.generate(prompts, length=6, temperature=0, stop=None)
    np.testing.assert_array_equal(slow.generate(prompts, length=6, temperature=0, stop=None), said)
    by_hand = [greedy_by_hand(sums[0], [*row[row != 0]], 6, stop=-1) for row in prompts]
    np.testing.assert_array_equal(said, by_hand)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis 1")
@pytest.mark.parametrize(
    "middle",
    [
        [layers.Bidirectional(layers.GRU(3, return_sequences=True)), layers.Dense(6)],
        [SelfAttention(2, 3)],
        [layers.LSTM(6, return_sequences=True, go_backwards=True)],
        [layers.Softmax(axis=1)],
        [layers.Conv1D(6, 3, padding="causal")],
        [keras.Sequential([keras.Input((None, 6)), layers.Dense(6)])],
    ],
    ids=["bidirectional", "self-attention", "backwards", "softmax over time", "convolution", "nested"],
)
def test_what_cannot_go_by_steps_goes_over_the_prefix(middle):
    model = chain(np.random.default_rng(3).dirichlet(np.ones(6), 6), middle=middle)
    decoder = Decoder(model)
    assert not decoder.network.cached
    said = decoder.generate(np.array([[4, 5], [5, 0]]), length=4, temperature=0)
    np.testing.assert_array_equal(said, [greedy_by_hand(model, row, 4) for row in ([4, 5], [5])])


def keras_translator(attention):
    """Keras' own layers alone: stacked LSTM with states handed over, its attention over the source."""
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    memory, *state = layers.LSTM(8, return_sequences=True, return_state=True)(layers.Embedding(12, 8)(source))
    x, *_ = layers.LSTM(8, return_sequences=True, return_state=True)(
        layers.Embedding(6, 8)(target), initial_state=state
    )
    x = layers.Concatenate()([x, attention(x, memory)])
    x = layers.SimpleRNN(7, return_sequences=True)(x)
    return keras.Model({"source": source, "target": target}, layers.Dense(6, "softmax", dtype="float32")(x), name="own")


@pytest.mark.parametrize(
    "attention",
    [
        lambda x, memory: layers.Attention()([x, memory]),
        lambda x, memory: layers.AdditiveAttention()([x, memory]),
        lambda x, memory: layers.MultiHeadAttention(2, 4)(x, memory),
    ],
    ids=["dot", "additive", "multi-head"],
)
def test_models_of_kerass_own_layers_go_by_steps(attention):
    model = keras_translator(attention)
    for weight in model.trainable_weights:
        weight.assign(keras.random.normal(weight.shape))
    decoder, source = Decoder(model), SOURCES[:, :4]
    assert decoder.network.cached
    source = np.where(source == 0, 9, source)  # this model does not know padding
    said = decoder.translate(source, length=6)
    by_hand = np.array([greedy_by_hand(model, [2], 6, row) for row in source])
    np.testing.assert_array_equal(said, by_hand[:, : said.shape[1]])
    np.testing.assert_allclose(decoder.attention(source, np.full((3, 2), 4)).sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize("name", tiered([name for name in PAIR_MODELS if name != "encoder_decoder"]))
def test_attention_maps_lie_on_the_real_source(name):
    target = np.array([[2, 4, 5], [2, 5, 5], [2, 1, 4]])
    maps = decoder_of(name).attention(SOURCES, target)
    assert maps.shape == (3, 3, 6)
    np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-5)
    assert maps[np.broadcast_to(SOURCES[:, None] == 0, maps.shape)].max() < 1e-6
    assert np.abs(maps[0, 0] - maps[0, 1]).max() > 1e-4  # it looks elsewhere for another token


def test_attention_maps_are_those_of_the_layer_asked_for():
    decoder, model = decoder_of("transformer"), model_of("transformer")
    target = np.array([[2, 4, 5]] * 3)
    before = keras.Model(model.input, model.get_layer("decoder_2_source_norm").output)
    memory = keras.Model(model.input, model.get_layer("encoder_norm").output)
    x = {"source": SOURCES, "target": target}
    scores = model.get_layer("decoder_2_source").attention_scores(before(x), memory(x), SOURCES != 0)
    np.testing.assert_allclose(decoder.attention(SOURCES, target), ops.mean(scores, axis=1), atol=1e-5)
    assert np.abs(decoder.attention(SOURCES, target, layer=0) - decoder.attention(SOURCES, target)).max() > 1e-3
    with pytest.raises(UsageError, match="has 2 attention layers over the source, no number 2"):
        decoder.attention(SOURCES, target, layer=2)
    with pytest.raises(UsageError, match="encoder_decoder has no attention to show"):
        decoder_of("encoder_decoder").attention(SOURCES, target)


def test_a_wrapped_or_loaded_model_says_the_same(tmp_path):
    core = model_of("transformer")
    expected = decoder_of("transformer").translate(SOURCES, length=6)
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("source", "target")}
    wrapped = keras.Model(inputs, core(inputs), name="wrapped")
    np.testing.assert_array_equal(Decoder(wrapped).translate(SOURCES, length=6), expected)
    wrapped.save(tmp_path / "model.keras")
    loaded = Decoder(keras.models.load_model(tmp_path / "model.keras"))
    assert loaded.network.cached
    np.testing.assert_array_equal(loaded.translate(SOURCES, length=6), expected)


def test_later_weights_are_followed(sums):
    decoder = Decoder(sums[0])
    before = decoder.generate(np.array([[4]]), length=5, temperature=0, stop=None)
    table = sums[0].get_layer("table")
    table.set_weights([np.log(np.eye(6)[[5] * 6] + 1e-9)])
    assert before.tolist() != [[5] * 5]
    assert decoder.generate(np.array([[4]]), length=5, temperature=0, stop=None).tolist() == [[5] * 5]


def test_half_precision_goes_by_steps():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        models = [build("transformer.decoder", vocab_size=12), build("lstm", vocab_size=12, num_classes=12, classifier_activation="softmax", return_sequences=True)]  # fmt: skip  # noqa: E501
    finally:
        keras.config.set_dtype_policy("float32")
    for model in models:
        network = Decoder(model).network
        known, state = network.read(), network.start(network.read(), 3, 5)
        whole = ops.convert_to_numpy(model(PROMPTS, training=False))
        for position in range(5):
            probabilities, state = network.step(known, tf.constant(PROMPTS[:, position]), position, state)
            np.testing.assert_allclose(probabilities, whole[:, position], atol=2e-3)
