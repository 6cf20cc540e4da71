"""One piece of code writes with every model: what it says is what the model, asked about whole prefixes, would say."""

from functools import cache
from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops
from tiers import tiered

from zoo.decoding import Decoder
from zoo.decoding.search import beams
from zoo.errors import UsageError
from zoo.inspect import output_shape
from zoo.layers import SelfAttention
from zoo.registry import build, describe, list_models
from zoo.spec import DataSpec

LANGUAGE = DataSpec("toy", "text", "language-model", (16,), vocab_size=12)
PAIRS = DataSpec("toy", "text-pair", "seq2seq", (16,), vocab_size=12, target_vocab_size=6, target_length=16)
PAIR_MODELS, LANGUAGE_MODELS = list_models(task="seq2seq"), list_models(task="language-model")
PROMPTS = np.array([[5, 7, 4, 9, 8], [6, 5, 0, 0, 0], [11, 4, 4, 0, 0]], "int32")
SOURCES = np.array([[5, 7, 4, 9, 8, 3], [6, 3, 0, 0, 0, 0], [11, 4, 4, 3, 0, 0]], "int32")


@cache
def model_of(name, seed=0):
    """A small build with weights far from their start, so that it has something to say."""
    record, spec = describe(name), PAIRS if name in PAIR_MODELS else LANGUAGE
    keras.utils.set_random_seed(seed)
    model = build(name, **record.trial | {k: v for k, v in spec.offers().items() if k in record.knobs})
    for weight in model.trainable_weights:
        weight.assign(weight + keras.random.normal(weight.shape) * 0.3)
    return model


@cache
def decoder_of(name, cached=True, seed=0):
    return Decoder(model_of(name, seed), cached)


def asked(model, tokens, source=None):
    """Probabilities after a prefix of one row, from the whole model: (vocabulary,), padding and start left out."""
    x = np.array([tokens], "int32")
    given = x if source is None else {"source": np.array([source[source != 0]]), "target": x}
    probabilities = ops.convert_to_numpy(model(given, training=False))[0, -1].copy()
    probabilities[[0, 2]] = 0
    return probabilities


def greedy_by_hand(model, prefix, length, source=None, stop=3):
    said = []
    while len(said) < length and said[-1:] != [stop]:
        said.append(int(asked(model, [*prefix, *said], source).argmax()))
    return said + [0] * (length - len(said))


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


@pytest.mark.parametrize("name", tiered(LANGUAGE_MODELS))
def test_greedy_text_is_the_likeliest_token_each_time(name):
    """Row by row and without padding by hand: prompts of several lengths in one batch change nothing."""
    said = decoder_of(name).generate(PROMPTS, length=7, temperature=0)
    by_hand = [greedy_by_hand(model_of(name), [*row[row != 0]], 7) for row in PROMPTS]
    np.testing.assert_array_equal(said, by_hand)
    np.testing.assert_array_equal(decoder_of(name, cached=False).generate(PROMPTS, length=7, temperature=0), by_hand)


@pytest.mark.parametrize("name", tiered(PAIR_MODELS))
def test_greedy_targets_are_the_likeliest_token_each_time(name):
    said = decoder_of(name).translate(SOURCES, length=7)
    by_hand = np.array([greedy_by_hand(model_of(name), [2], 7, row) for row in SOURCES])
    np.testing.assert_array_equal(said, by_hand[:, : said.shape[1]])
    assert not by_hand[:, said.shape[1] :].any()
    np.testing.assert_array_equal(decoder_of(name, cached=False).translate(SOURCES, length=7), said)


def best_by_hand(model, source, length, penalty):
    """The best of all targets of at most `length` tokens, scored one by one from the whole model's probabilities."""
    best = -np.inf, []
    for size in range(1, length + 1):
        targets = np.array([*product(*[(1, 4, 5)] * (size - 1), (1, 3, 4, 5) if size == length else (3,))])
        fed = np.pad(targets, ((0, 0), (1, 0)), constant_values=2)[:, :-1]
        rows = ops.convert_to_numpy(model({"source": np.tile(source, (len(fed), 1)), "target": fed}, training=False))
        logs = np.log(np.take_along_axis(rows, targets[..., None], axis=2))[..., 0].sum(1)
        best = max(best, *((score / ((5 + size) / 6) ** penalty, [*t]) for score, t in zip(logs, targets, strict=True)))
    return [*best[1], *[0] * (length - len(best[1]))]


@pytest.mark.parametrize("name", ["transformer", "encoder_decoder"])
@pytest.mark.parametrize("penalty", [0.0, 2.0])
def test_a_wide_beam_finds_the_best_of_all_targets(name, penalty):
    """A beam of 64 holds every prefix of 4 tokens out of 3; greedy search misses some of the best ones."""
    model = model_of(name)
    by_hand = [best_by_hand(model, row[row != 0], 4, penalty) for row in SOURCES]
    found = decoder_of(name).translate(SOURCES, length=4, beam_width=64, length_penalty=penalty)
    np.testing.assert_array_equal(found, np.array(by_hand)[:, : found.shape[1]])


def chain(table, middle=()):
    """A language model whose next token hangs on the last one alone, by a table of probabilities (tokens, tokens)."""
    inputs = keras.Input((None,), dtype="int32", name="input")
    embedding = layers.Embedding(*table.shape, name="table")
    x = embedding(inputs)
    for layer in middle:
        x = layer(x)
    model = keras.Model(inputs, layers.Softmax(dtype="float32")(x), name="chain")
    embedding.set_weights([np.log(np.maximum(table, 1e-30))])
    return model


TABLE = np.array(
    [  # pad unknown start end 4 5
        [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.6, 0.4],
        [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [0.0, 0.2, 0.0, 0.3, 0.25, 0.25],
        [0.0, 0.1, 0.0, 0.9, 0.0, 0.0],
    ]
)


class LookAway(layers.Layer):
    """Passes its input on, whatever the source says. It has a step form."""

    def call(self, x, memory):
        return x + 0.0 * ops.sum(memory, axis=1, keepdims=True)

    def step(self, x, memory, *, state, position):
        return self.call(x, memory), state


def translating_chain(table=TABLE):
    source, target = (keras.Input((None,), dtype="int32", name=name) for name in ("source", "target"))
    embedding = layers.Embedding(*table.shape, name="table")
    x = LookAway()(embedding(target), layers.Embedding(12, table.shape[1])(source))
    model = keras.Model({"source": source, "target": target}, layers.Softmax(dtype="float32")(x), name="chain")
    embedding.set_weights([np.log(np.maximum(table, 1e-30))])
    return model


def test_beam_search_by_hand():
    """Greedy takes 4 (0.6) and then end (0.3): 0.18. By way of 5 (0.4) and end (0.9) there is 0.36."""
    decoder = Decoder(translating_chain())
    assert decoder.translate(SOURCES, length=5).tolist() == [[4, 3]] * 3
    assert decoder.translate(SOURCES, length=5, beam_width=2, length_penalty=0).tolist() == [[5, 3]] * 3


def test_a_length_penalty_favours_longer_targets():
    """To end at once has 0.5; 4 and then end 0.4 - by (7/6)^p and p = 4 the longer one scores better."""
    table = np.eye(6)
    table[2], table[4] = [0, 0, 0, 0.5, 0.5, 0], [0, 0, 0.2, 0.8, 0, 0]
    decoder = Decoder(translating_chain(table))
    assert np.log(0.5) / (6 / 6) ** 4 < np.log(0.4) / (7 / 6) ** 4
    for penalty, best in ((0.0, [[3]]), (4.0, [[4, 3]])):
        assert decoder.translate(SOURCES[:1], length=4, beam_width=3, length_penalty=penalty).tolist() == best


@pytest.mark.parametrize("name", ["transformer", "encoder_decoder.attention"])
def test_a_beam_of_one_is_greedy_and_a_batch_is_its_rows(name):
    network = decoder_of(name).network
    narrow = beams(network, network.read(SOURCES), 3, 6, 1, 0.6).numpy()
    greedy = decoder_of(name).translate(SOURCES, length=6)
    np.testing.assert_array_equal(narrow[:, : greedy.shape[1]], greedy)
    together = decoder_of(name).translate(SOURCES, length=6, beam_width=3)
    for row, source in zip(together, SOURCES, strict=True):
        (alone,) = decoder_of(name).translate(source[None, : (source != 0).sum()], length=6, beam_width=3)
        np.testing.assert_array_equal(row, [*alone, *[0] * (len(row) - len(alone))])
    np.testing.assert_array_equal(decoder_of(name, False).translate(SOURCES, length=6, beam_width=3), together)


def test_a_beam_says_what_is_likelier_than_the_greedy_target():
    """Here never less likely, and somewhere more."""
    model, gains = model_of("transformer"), []
    sources = np.random.default_rng(1).integers(4, 12, (30, 5)).astype("int32")
    for found in (
        decoder_of("transformer").translate(sources, length=5, beam_width=w, length_penalty=0) for w in (1, 9)
    ):
        fed = np.pad(found, ((0, 0), (1, 0)), constant_values=2)[:, :-1]
        rows = ops.convert_to_numpy(model({"source": sources, "target": fed}, training=False))
        said = np.take_along_axis(rows, found[..., None], axis=2)[..., 0]
        gains.append(np.where(found == 0, 0, np.log(said)).sum(1))
    assert (gains[1] >= gains[0] - 1e-4).all() and (gains[1] > gains[0] + 1e-2).any()


def test_the_same_seed_gives_the_same_text():
    decoder = decoder_of("transformer.decoder")
    one, again, other = (decoder.generate(PROMPTS, length=11, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    np.testing.assert_array_equal(
        decoder_of("transformer.decoder", cached=False).generate(PROMPTS, length=11, seed=7), one
    )


def test_one_candidate_or_no_heat_is_greedy():
    decoder = decoder_of("lstm")
    greedy = decoder.generate(PROMPTS, length=9, temperature=0)
    np.testing.assert_array_equal(decoder.generate(PROMPTS, length=9, top_k=1), greedy)
    np.testing.assert_array_equal(decoder.generate(PROMPTS, length=9, temperature=1e-6), greedy)
    assert (decoder.generate(PROMPTS, length=9, temperature=5.0) != greedy).any()


def test_tokens_are_drawn_with_their_probabilities():
    """Behind 4 stand unknown 0.2, end 0.3, 4 and 5 0.25 each; a temperature of 1/2 squares them."""
    decoder, count = Decoder(chain(TABLE)), 20_000
    for knobs, weights in (
        ({}, {1: 0.2, 3: 0.3, 4: 0.25, 5: 0.25}),
        ({"temperature": 0.5}, {1: 0.04, 3: 0.09, 4: 0.0625, 5: 0.0625}),
        ({"top_k": 3}, {3: 0.3, 4: 0.25, 5: 0.25}),
    ):
        said = decoder.generate(np.full((count, 1), 4), length=1, **knobs)[:, 0]
        total = sum(weights.values())
        for token in range(6):
            share = weights.get(token, 0) / total
            assert abs((said == token).mean() - share) <= 4 * np.sqrt(share * (1 - share) / count)


def test_a_text_ends_at_its_stop():
    decoder = Decoder(chain(TABLE))
    prompts = np.array([[5, 0], [4, 5], [4, 4], [3, 1]])
    assert decoder.generate(prompts, length=4, temperature=0).tolist() == [[3, 0, 0, 0]] * 3 + [[1] * 4]
    assert decoder.generate(prompts, length=4, temperature=0, stop=None).tolist() == [[3] * 4] * 3 + [[1] * 4]
    assert decoder.generate(prompts, length=2, temperature=0, stop=1).tolist() == [[3, 3]] * 3 + [[1, 0]]


class Steps(layers.Layer):
    """Passes its input on, and counts the steps."""

    taken = None

    def call(self, x):
        return x

    def step(self, x, *, state, position):
        self.taken.assign_add(1)
        return x, state


def test_the_loop_ends_when_all_rows_have_ended():
    counter = Steps()
    counter.taken = tf.Variable(0)
    decoder = Decoder(chain(TABLE, middle=[counter]))
    decoder.generate(np.array([[4, 4, 5], [5, 0, 0]]), length=1000, temperature=0)
    assert counter.taken.numpy() == 3  # it reads 4, 4, 5 and says end; the other row has ended before


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


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"length": 0}, "length is 1 token or more, not 0"),
        ({"temperature": -0.5}, "temperature is 0 or more, not -0.5\n0 takes the likeliest"),
        ({"temperature": float("nan")}, "temperature is 0 or more, not nan"),
        ({"top_k": 0}, "top_k is 1 or more, not 0\nleave it away"),
        ({"length": 13}, "has positions for 16 tokens; a prompt of 5 and 13 more need 17\nask for fewer"),
    ],
)
def test_settings_out_of_range_are_refused(knobs, words):
    with pytest.raises(UsageError, match=words):
        decoder_of("transformer.decoder").generate(PROMPTS, **{"length": 3, **knobs})
    assert decoder_of("transformer.decoder").generate(PROMPTS, length=12).shape == (3, 12)


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([[4, 5], [0, 0]], "prompt 2 is empty"),
        ([[4, 0, 5]], "padding stands on the right"),
        ([4, 5], r"an array of two axes, \(batch, time\), not \(2,\)"),
        ([[4, 12]], "knows tokens 0 to 11; a prompt has 12"),
    ],
)
def test_prompts_that_cannot_be_read_are_refused(prompts, words):
    with pytest.raises(UsageError, match=words):
        decoder_of("transformer.decoder").generate(np.array(prompts), length=3)


def test_translations_out_of_range_are_refused():
    decoder = decoder_of("transformer")
    with pytest.raises(UsageError, match="beam's width is 1 or more, not 0"):
        decoder.translate(SOURCES, length=3, beam_width=0)
    with pytest.raises(UsageError, match="length penalty is 0 or more, not -1"):
        decoder.translate(SOURCES, length=3, beam_width=2, length_penalty=-1)
    learned = Decoder(build("transformer", positions="learned", max_length=5, num_layers=1, vocab_size=12))
    with pytest.raises(UsageError, match="reads sources of 5 tokens at most, one here has 6\nshorten it"):
        learned.translate(SOURCES, length=3)
    with pytest.raises(UsageError, match="has positions for 5 tokens; a target of 6 need 6"):
        learned.translate(SOURCES[1:2, :2], length=6)


def test_other_models_are_refused():
    with pytest.raises(UsageError, match="transformer translates a source: use translate"):
        decoder_of("transformer").generate(PROMPTS, length=3)
    with pytest.raises(UsageError, match="transformer_decoder goes on with a prompt: use generate"):
        decoder_of("transformer.decoder").translate(SOURCES, length=3)
    for name in ("lstm", "mlp", "transformer.encoder"):
        with pytest.raises(UsageError, match="does not write: that takes token ids in"):
            Decoder(build(name))
