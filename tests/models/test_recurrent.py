"""Simple RNN, LSTM and GRU: parameters by hand, outputs by NumPy, and padding that changes nothing."""

import itertools

import keras
import numpy as np
import pytest
from reference import recurrent as reference

from zoo.errors import UsageError
from zoo.models import gru, lstm, simple_rnn

BUILDERS = {"simple_rnn": simple_rnn, "lstm": lstm, "gru": gru}
BY_HAND = {"simple_rnn": reference.simple_rnn, "lstm": reference.lstm, "gru": reference.gru}
LENGTHS = (7, 3, 1, 5)
IDS = np.where(np.arange(7) < np.array(LENGTHS)[:, None], np.random.default_rng(0).integers(1, 12, (4, 7)), 0)
FORMS = [  # quickly: nothing of it, or all at once
    pytest.param(
        kind,
        units,
        both,
        many,
        id=f"{kind}-{len(units)}-{'both' if both else 'one'}-{'many' * many}",
        marks=[pytest.mark.slow] * (not (len(units) == 2) == both == many),
    )
    for kind, units, both, many in itertools.product(BUILDERS, [(5,), (5, 4)], [False, True], [False, True])
]


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def text_model(kind, units=(5,), both=False, many=False, **knobs):
    """A small build on 12 tokens with three classes, its weights far from where they start."""
    model = BUILDERS[kind](
        num_classes=3, classifier_activation="softmax", vocab_size=12, embedding_dim=6, units=units,
        bidirectional=both, return_sequences=many, **knobs,
    )  # fmt: skip
    model.set_weights([0.7 * keras.random.normal(weight.shape, seed=i) for i, weight in enumerate(model.weights)])
    return model


def numpy_output(model, kind, units, both, many, x):
    """The same for one row without padding, (1, time) ids, by the reference."""

    def layer(name):
        return [array(weight) for weight in model.get_layer(name).weights]

    (H,) = (table[x] for table in layer("embedding"))  # (1, time, embedding)
    for i in range(1, len(units) + 1):
        ways = [BY_HAND[kind](H, *layer(f"{kind}_{i}_forward" if both else f"{kind}_{i}"))[0]]
        if both:
            ways.append(BY_HAND[kind](H[:, ::-1], *layer(f"{kind}_{i}_backward"))[0])
        last = np.concatenate([way[:, -1] for way in ways], axis=-1)
        H = np.concatenate([ways[0], *(way[:, ::-1] for way in ways[1:])], axis=-1)
    W, b = layer("output")
    return reference.softmax((H[0] if many else last) @ W + b)


@pytest.mark.parametrize(("kind", "units", "both", "many"), FORMS)
def test_each_row_is_what_numpy_makes_of_its_real_part_alone(kind, units, both, many):
    model = text_model(kind, units, both, many)
    output = array(model(IDS))
    for i, length in enumerate(LENGTHS):
        expected = numpy_output(model, kind, units, both, many, IDS[i : i + 1, :length])
        np.testing.assert_allclose(output[i, :length] if many else output[i : i + 1], expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "units", "both", "many"), FORMS)
def test_padding_and_company_change_nothing(kind, units, both, many):
    model = text_model(kind, units, both, many)
    short, long = array(model(IDS)), array(model(np.pad(IDS, ((0, 0), (0, 9)))))
    alone = np.concatenate([array(model(IDS[i : i + 1])) for i in range(4)])
    real = (IDS != 0) if many else slice(None)
    for other in (long[:, :7] if many else long, alone):
        assert np.abs(short - other)[real].max() < 1e-5
    assert np.ptp(short[real], axis=0).max() > 0.05  # the outputs do differ from row to row


@pytest.mark.parametrize("kind", BUILDERS)
def test_an_empty_text_is_read_as_one_token_of_padding(kind):
    model = text_model(kind, both=True)
    empty = array(model(np.zeros((1, 1), "int32")))
    np.testing.assert_allclose(array(model(np.zeros((2, 6), "int32"))), np.repeat(empty, 2, axis=0), atol=1e-6)
    assert np.isfinite(empty).all()


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_language_model_does_not_see_what_is_to_come(kind):
    model = BUILDERS[kind](
        num_classes=12, classifier_activation="softmax", vocab_size=12, embedding_dim=6, units=(5, 4),
        return_sequences=True,
    )  # fmt: skip
    other = IDS.copy()
    other[:, 4:] = 11
    before, after = array(model(IDS)), array(model(other))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert np.abs(before[:, 4:] - after[:, 4:]).max() > 0
    assert before.shape == (4, 7, 12)


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (lambda: lstm(units=(64, 64), bidirectional=True), 2_757_761),  # Keras' example bidirectional_lstm_imdb
        (lambda: lstm(), 20_000 * 128 + 4 * (64 * (64 + 128) + 64) + 65),
        (lambda: simple_rnn(), 20_000 * 128 + 64 * (64 + 128) + 64 + 65),
        (lambda: gru(), 20_000 * 128 + 3 * (64 * (64 + 128) + 2 * 64) + 65),
        (lambda: gru(reset_after=False), 20_000 * 128 + 3 * (64 * (64 + 128) + 64) + 65),
        (lambda: lstm((24, 2), 1, "linear", None, units=(8, 4)), 4 * (8 * 10 + 8) + 4 * (4 * 12 + 4) + 5),
    ],
)
def test_parameters_by_the_textbook(model, params):
    assert model().count_params() == params


@pytest.mark.parametrize(("kind", "gates"), [("simple_rnn", 1), ("lstm", 4), ("gru", 3)])
def test_parameter_arithmetic_of_each_layer_adds_up(kind, gates):
    from zoo.catalogue.inspect import layer_rows

    rows = {row["name"]: row for row in layer_rows(text_model(kind, (5, 4), both=True))}
    for name, n, m in ((f"{kind}_1_forward", 5, 6), (f"{kind}_2_backward", 4, 10)):
        biases = "2*" if kind == "gru" else ""
        formula = f"({n}*({n} + {m}) + {biases}{n})"
        assert rows[name]["arithmetic"] == (f"{gates}*{formula}" if gates > 1 else formula[1:-1])
        assert eval(rows[name]["arithmetic"]) == rows[name]["params"]


def test_layers_stand_in_the_order_in_which_one_reads():
    assert [layer.name for layer in lstm(dropout=0.2, units=(4, 4)).layers if layer.name != "real"] == [
        "input", "embedding", "dropout_embedding", "lstm_1", "dropout_1", "lstm_2", "last_step", "dropout_2", "output",
    ]  # fmt: skip
    forecast = lstm((24, 1), 3, "linear", None, dropout=0.2)
    assert [layer.name for layer in forecast.layers] == ["input", "lstm_1", "last_step", "dropout_1", "output"]


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", BUILDERS)
def test_a_series_is_read_to_its_end(kind, both):
    model = BUILDERS[kind]((9, 2), 3, "linear", None, units=(6, 5), bidirectional=both)
    x = np.random.default_rng(0).standard_normal((4, 9, 2)).astype("float32")
    first, last = x.copy(), x.copy()
    first[:, 0] += 1
    last[:, -1] += 1
    assert model(x).shape == (4, 3)
    for changed in (first, last):
        assert np.abs(array(model(changed)) - array(model(x))).max() > 1e-4


@pytest.mark.parametrize(("kind", "both", "seen"), [("lstm", False, "first"), ("gru", True, "last")])
def test_learns_in_a_graph_from_batches_of_several_lengths(kind, both, seen):
    """The class is that of the first token, which has to be remembered, or of the last real one."""
    model = BUILDERS[kind](
        num_classes=3, classifier_activation="softmax", vocab_size=12, embedding_dim=8, units=(12,), bidirectional=both
    )
    model.compile(
        keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False
    )
    random = np.random.default_rng(0)
    for step in range(100):
        x = random.integers(1, 12, (32, 4 + step % 3))
        lengths = random.integers(1, x.shape[1] + 1, 32)
        y = x[np.arange(32), 0 if seen == "first" else lengths - 1] % 3
        x = np.where(np.arange(x.shape[1]) < lengths[:, None], x, 0)
        if step < 99:
            model.train_on_batch(x, y)
    assert model.evaluate(x, y, verbose=0)[1] > 0.8


def test_recurrent_weights_of_le_et_al_2015():
    model = simple_rnn(vocab_size=12, units=(5,), activation="relu", recurrent_initializer="identity")
    layer = model.get_layer("simple_rnn_1")
    np.testing.assert_array_equal(array(layer.cell.recurrent_kernel), np.eye(5))
    assert layer.activation is keras.activations.relu


@pytest.mark.parametrize("kind", BUILDERS)
def test_no_mask_travels_unseen(kind):
    for both in (False, True):
        for layer in text_model(kind, both=both).layers:
            assert getattr(layer.output, "_keras_mask", None) is None, layer.name


@pytest.mark.parametrize("builder", BUILDERS.values())
def test_what_cannot_be_built_is_answered(builder):
    with pytest.raises(UsageError, match="units is empty"):
        builder(units=())
    with pytest.raises(UsageError, match=r"takes the input shape \(None,\) for token ids, not \(24, 1\)"):
        builder((24, 1))
    with pytest.raises(UsageError, match=r"takes the input shape \(window, columns\) for a series"):
        builder((24,), vocab_size=None)
    with pytest.raises(UsageError, match="a language model cannot read both ways"):
        builder(num_classes=12, vocab_size=12, return_sequences=True, bidirectional=True)
