"""Encoder-decoders: parameters by hand, every output by NumPy, what is handed over and what must not leak."""

import keras
import numpy as np
import pytest
from reference import recurrent as reference

from zoo.catalogue.inspect import graph, results
from zoo.errors import UsageError
from zoo.models import encoder_decoder, encoder_decoder_attention, encoder_decoder_luong
from zoo.tasks.decoding import Decoder

SOURCE_LENGTHS, TARGET_LENGTHS = (6, 2, 1, 4), (3, 5, 1, 4)
VOCABULARIES = {"vocab_size": 13, "target_vocab_size": 11}
BUILDS = {
    "plain": lambda **knobs: encoder_decoder(**VOCABULARIES, embedding_dim=5, units=6, **knobs),
    "two layers, forwards": lambda: encoder_decoder(
        **VOCABULARIES, embedding_dim=5, units=6, num_layers=2, reverse_source=False
    ),
    "gru": lambda: encoder_decoder(**VOCABULARIES, embedding_dim=5, units=6, num_layers=2, cell="gru"),
    "attention": lambda **knobs: encoder_decoder_attention(**VOCABULARIES, embedding_dim=5, units=6, **knobs),
    "luong": lambda **knobs: encoder_decoder_luong(**VOCABULARIES, embedding_dim=5, units=6, **knobs),
    "luong general": lambda: encoder_decoder_luong(
        **VOCABULARIES, embedding_dim=5, units=6, num_layers=2, cell="gru", score="general", reverse_source=False
    ),
}


def ids(lengths, vocab_size, seed):
    drawn = np.random.default_rng(seed).integers(1, vocab_size, (4, max(lengths)))
    return np.where(np.arange(max(lengths)) < np.array(lengths)[:, None], drawn, 0).astype("int32")


X = {"source": ids(SOURCE_LENGTHS, 13, 0), "target": ids(TARGET_LENGTHS, 11, 1)}


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def small(name, **knobs):
    """A small build with weights far from where they start."""
    model = BUILDS[name](**knobs)
    model.set_weights([0.7 * keras.random.normal(weight.shape, seed=i) for i, weight in enumerate(model.weights)])
    return model


class ByHand:
    """A build in NumPy, for one row without padding: probabilities (target time, vocabulary)."""

    def __init__(self, model):
        self.model = model
        self.looked = []  # the weights of attention, step by step

    def weights(self, name):
        return [array(weight) for weight in self.model.get_layer(name).weights]

    def has(self, name):
        return any(layer.name == name for layer in self.model.layers)

    def embed(self, ids, side):
        return self.weights(f"{side}_embedding")[0][ids]

    def dense(self, x, name):
        kernel, *bias = self.weights(name)
        return x @ kernel + (bias[0] if bias else 0)

    def read(self, x, name, states=None):
        """A recurrent layer from the given states, an LSTM by the four columns a unit of its kernel."""
        W, U, b = self.weights(name)
        if W.shape[1] == 4 * len(U):
            return reference.lstm(x, W, U, b, states)
        return reference.gru(x, W, U, b, None if states is None else states[0])

    def stacked(self, source, target):
        """Outputs of the encoder in the source's order and of the decoder, for the builds with layers one by one."""
        turned = self.has("source_reversed")
        x, y, i = self.embed(source[:, ::-1] if turned else source, "source"), self.embed(target, "target"), 1
        while self.has(f"encoder_{i}"):
            x, states = self.read(x, f"encoder_{i}")
            y, _ = self.read(y, f"decoder_{i}", states)
            i += 1
        return x[:, ::-1] if turned else x, y

    def plain(self, source, target):
        return self.stacked(source, target)[1][0]

    def luong(self, source, target):
        memory, y = self.stacked(source, target)
        keys = self.dense(memory, "keys") if self.has("keys") else None
        real = np.ones(memory.shape[:2], bool)
        looks = [reference.dot_attention(y[:, t], memory, real, keys) for t in range(y.shape[1])]
        self.looked, contexts = [a for a, _ in looks], np.concatenate([context for _, context in looks])
        return np.tanh(self.dense(np.concatenate([contexts, y[0]], axis=1), "attentional"))

    def attention(self, source, target):
        x, y = self.embed(source, "source"), self.embed(target, "target")
        ahead, _ = self.read(x, "encoder_forward")
        back, (to_first,) = self.read(x[:, ::-1], "encoder_backward")
        memory = np.concatenate([ahead, back[:, ::-1]], axis=2)
        s, rows, self.looked = np.tanh(self.dense(to_first, "first_state")), [], []
        W, U, v, *cell = self.weights("decoder")
        for t in range(y.shape[1]):
            a, context = reference.additive_attention(s, memory, W, U, v, np.ones(memory.shape[:2], bool))
            (s,) = reference.gru_step(np.concatenate([y[:, t], context], axis=1), s, *cell)
            self.looked.append(a)
            rows.append(np.concatenate([s, context, y[:, t]], axis=1))
        return np.tanh(self.dense(np.concatenate(rows), "readout"))


@pytest.mark.parametrize("name", BUILDS)
def test_each_pair_is_what_numpy_makes_of_it_alone(name):
    model = small(name)
    hand = ByHand(model)
    last = {"attention": hand.attention, "luong": hand.luong, "luong general": hand.luong}.get(name, hand.plain)
    output = array(model(X))
    for i, (source, target) in enumerate(zip(SOURCE_LENGTHS, TARGET_LENGTHS, strict=True)):
        state = last(X["source"][i : i + 1, :source], X["target"][i : i + 1, :target])
        np.testing.assert_allclose(output[i, :target], reference.softmax(hand.dense(state, "output")), atol=2e-5)


@pytest.mark.parametrize("name", BUILDS)
def test_padding_and_company_change_nothing(name):
    model = small(name)
    output, real = array(model(X)), X["target"] != 0
    wider = {"source": np.pad(X["source"], ((0, 0), (0, 7))), "target": np.pad(X["target"], ((0, 0), (0, 2)))}
    alone = np.concatenate([array(model({side: x[i : i + 1] for side, x in X.items()})) for i in range(4)])
    for other in (array(model(wider))[:, :5], alone):
        assert np.abs(output - other)[real].max() < 1e-5
    assert np.ptp(output[real], axis=0).max() > 0.1


@pytest.mark.parametrize("name", BUILDS)
def test_nothing_leaks_from_the_target_to_come_and_the_source_does_matter(name):
    model = small(name)
    output = array(model(X))
    later = X["target"].copy()
    later[:, 3:] = 1
    np.testing.assert_allclose(array(model({**X, "target": later}))[:, :3], output[:, :3], atol=1e-6)
    for place in (0, 5):  # of the first row, which has six tokens: the very first and the very last
        source = X["source"].copy()
        source[0, place] = source[0, place] % 12 + 1
        changed = array(model({**X, "source": source}))
        assert np.abs(changed - output)[0, 0].max() > 1e-4
        np.testing.assert_allclose(changed[1:], output[1:], atol=1e-6)


@pytest.mark.parametrize("name", ["plain", "luong"])
def test_reversing_the_source_is_reading_it_backwards(name):
    turned, straight = small(name), small(name, reverse_source=False)
    straight.set_weights(turned.get_weights())
    backwards = X["source"].copy()
    for row, length in zip(backwards, SOURCE_LENGTHS, strict=True):
        row[:length] = row[:length][::-1]
    np.testing.assert_allclose(array(turned(X)), array(straight({**X, "source": backwards})), atol=1e-6)


def test_the_decoder_starts_from_the_encoders_last_real_state():
    model = small("plain", reverse_source=False)
    decoder = next(node for node in graph(model) if node.layer.name == "decoder_1")
    assert [(state.key, state.output) for state in results(decoder.kwargs["initial_state"])] == [
        (("encoder_1", 0), 1), (("encoder_1", 0), 2),
    ]  # fmt: skip
    states = keras.Model(model.inputs, list(model.get_layer("encoder_1").output[1:]))
    short = {"source": X["source"][1:2, :2], "target": X["target"][1:2]}  # the second row, without its padding
    for padded, exact in zip(states(X), states(short), strict=True):
        np.testing.assert_allclose(array(padded)[1], array(exact)[0], atol=1e-6)


def recurrent(gates, n, m, biases=1):
    return gates * (n * (n + m) + biases * n)


def formula(v, w, m, n, layers):
    """Parameters of a plain build: two embeddings, two stacks of LSTMs, the output layer."""
    stack = recurrent(4, n, m) + (layers - 1) * recurrent(4, n, n)
    return v * m + w * m + 2 * stack + (n + 1) * w, 2 * stack


def test_parameters_by_hand():
    for layers in (1, 3):
        build = encoder_decoder(17, 19, embedding_dim=5, units=6, num_layers=layers)
        assert build.count_params() == formula(17, 19, 5, 6, layers)[0]
    whole, of_recurrence = formula(160_000, 80_000, 1_000, 1_000, 4)  # Sutskever et al. 2014, section 3.4
    assert (round(whole / 1e6), round(of_recurrence / 1e6)) == (384, 64)
    m, n, v, w = 5, 6, 13, 11
    ends = v * m + w * m + (n + 1) * w
    attention = (n + 2 * n + 1) * n + recurrent(3, n, m + 2 * n, 2)
    readout = (n + 2 * n + m + 1) * n
    assert BUILDS["attention"]().count_params() == ends + 2 * recurrent(3, n, m, 2) + n * n + attention + readout
    assert BUILDS["luong"]().count_params() == ends + 2 * recurrent(4, n, m) + 2 * n * n
    general = 2 * (recurrent(3, n, m, 2) + recurrent(3, n, n, 2)) + n * n + 2 * n * n
    assert BUILDS["luong general"]().count_params() == ends + general


@pytest.mark.parametrize("name", BUILDS)
def test_no_mask_travels_unseen(name):
    for layer in BUILDS[name]().layers:
        outputs = layer.output if isinstance(layer.output, (list, tuple)) else [layer.output]
        assert all(getattr(tensor, "_keras_mask", None) is None for tensor in outputs), layer.name


@pytest.mark.parametrize("name", ["attention", "luong", "luong general"])
def test_where_it_looked_is_given_back_in_the_sources_order(name):
    model = small(name)
    maps = Decoder(model).attention(X["source"], X["target"])  # (4, 5, 6)
    hand = ByHand(model)
    for i, (source, target) in enumerate(zip(SOURCE_LENGTHS, TARGET_LENGTHS, strict=True)):
        (hand.attention if name == "attention" else hand.luong)(
            X["source"][i : i + 1, :source], X["target"][i : i + 1, :target]
        )
        np.testing.assert_allclose(maps[i, :target, :source], np.concatenate(hand.looked), atol=1e-5)
        np.testing.assert_array_equal(maps[i, :, source:], 0)


@pytest.mark.parametrize("name", ["plain", "attention", "luong"])
def test_written_token_by_token_it_is_the_same(name):
    decoder = Decoder(small(name))
    assert decoder.network.cached  # no layer of it makes the decoding go over the whole prefix again
    by_steps = decoder.translate(X["source"], length=9)
    np.testing.assert_array_equal(by_steps, Decoder(small(name), cached=False).translate(X["source"], length=9))


@pytest.mark.parametrize("name", [pytest.param("plain", marks=pytest.mark.slow), "attention"])
def test_learns_in_a_graph_from_batches_of_several_lengths(name):
    """The target repeats the source's first token: it has to be carried to each step, or looked up."""
    model = BUILDS[name]()
    model.compile(
        keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    random = np.random.default_rng(0)
    for step in range(50):
        source = random.integers(4, 11, (32, 2 + step % 3))
        target = np.full((32, 2 + step % 2), 2)
        y = np.repeat(source[:, :1], target.shape[1], axis=1)
        if step < 49:
            model.train_on_batch({"source": source, "target": target}, y)
    assert model.evaluate({"source": source, "target": target}, y, verbose=0)[1] > 0.5  # by chance 1/7


def test_what_cannot_be_built_is_answered():
    for builder in (encoder_decoder, encoder_decoder_luong):
        with pytest.raises(UsageError, match="unknown cell 'lstn'; did you mean lstm"):
            builder(cell="lstn")
        with pytest.raises(UsageError, match="at least one layer, not num_layers = 0"):
            builder(num_layers=0)
    with pytest.raises(UsageError, match="unknown score 'genral'; did you mean general"):
        encoder_decoder_luong(score="genral")
