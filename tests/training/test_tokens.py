"""Batches of texts: of one length, cut to it, every text as often as any; losses and scores over real tokens alone."""

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

from zoo import tasks
from zoo.data.config import Data, Text
from zoo.data.examples import Examples
from zoo.data.fields import Field, Fields
from zoo.layers import TokenCrossentropy
from zoo.tasks.objective import TokenObjective
from zoo.tasks.seq2seq import compare
from zoo.tasks.steps import ordinary
from zoo.training import batches, evaluation
from zoo.training.evaluation import make_evaluate, make_predict
from zoo.training.stepping import make_train_step

LETTERS = Data(
    source="x:y", kind="text", task="language-model", input_shape=(60,), input_dtype="int32", train=50,
    text=Text(tokens="character", vocab_size=9),
)  # fmt: skip
FIELDS = tasks.of(LETTERS).fields(LETTERS)


def lengths_of(ids):
    return batches.field_lengths({"x": ids}, FIELDS)


def texts(count=1000, longest=60, seed=0):
    random = np.random.default_rng(seed)
    ids = np.zeros((count, longest), "int32")
    for row, length in enumerate(random.integers(1, longest + 1, count)):
        ids[row, :length] = random.integers(1, 9, length)
    return ids


def test_an_epoch_takes_every_text_once_in_batches_of_about_one_length():
    ids = texts()
    lengths = lengths_of(ids)
    assert (lengths[:, 0] == (ids != 0).sum(1)).all()
    plan = batches.plan_epoch(lengths, 10, seed=0, epoch=0)
    assert sorted(plan.rows.ravel()) == list(range(1000))
    assert (plan.lengths == lengths[plan.rows].max(1)).all()  # cut to the longest, nothing real is lost
    assert batches.padding_share(plan, lengths) < 0.05
    shuffled = batches.Plan(np.arange(1000).reshape(100, 10), lengths[np.arange(1000).reshape(100, 10)].max(1))
    assert batches.padding_share(shuffled, lengths) > 0.3  # what it would be without
    order = np.argsort(plan.lengths[:, 0])
    assert (np.diff(order) != 1).mean() > 0.5  # short batches do not come first


def test_batches_hang_on_seed_and_epoch_alone():
    lengths = lengths_of(texts())
    first, again, later, other = (batches.plan_epoch(lengths, 10, s, e) for s, e in ((0, 0), (0, 0), (0, 1), (1, 0)))
    assert (first.rows == again.rows).all()
    assert (first.rows != later.rows).any() and (first.rows != other.rows).any()


def test_no_text_is_left_out_more_often_than_another():
    """Of 103 texts 3 are left out of an epoch: drawn by chance, not the longest."""
    lengths = lengths_of(texts(103))
    left = [set(range(103)) - set(batches.plan_epoch(lengths, 10, 0, e).rows.ravel()) for e in range(200)]
    assert len(set().union(*left)) > 95


def test_pairs_are_cut_each_side_to_its_own_length():
    x, y = {"source": texts(20, 30), "target": texts(20, 9, 1)}, texts(20, 9, 1)
    tokens = {"dtype": "int32", "ragged": True}
    inputs = Field("source", "tokens", (30,), **tokens), Field("target", "tokens", (9,), **tokens)
    feed = batches.make_feed(
        Examples(x, y), Fields(inputs, (Field("y", "tokens", (9,), as_long_as="target", **tokens),))
    )
    assert feed.cuts == {"source": 0, "target": 1, "y": 1}
    taken, labels = batches.take(feed, np.array([3, 4]), np.array([7, 5]))
    assert taken["source"].shape == (2, 7) and taken["target"].shape == labels.shape == (2, 5)
    assert (taken["source"].numpy() == x["source"][[3, 4], :7]).all()


def test_images_and_class_ids_are_not_cut():
    label = Field("y", "label", (), "int32")
    images = Fields((Field("x", "image", (4, 4, 1), "uint8"),), (label,))
    feed = batches.make_feed(Examples(np.zeros((5, 4, 4, 1), "uint8"), np.zeros(5, "int32")), images)
    assert not feed.cuts and batches.take(feed, np.array([1]), np.array([], "int32"))[0].shape == (1, 4, 4, 1)


def test_a_table_of_two_whole_numbers_is_no_text():
    """What is a text is said by the field, not by a type and a number of axes."""
    table = Fields((Field("x", "vector", (2,), "int32"),), (Field("y", "label", (), "int32"),))
    rows = np.array([[3, 0], [0, 5], [0, 0]], "int32")
    assert batches.field_lengths({"x": rows}, table).shape == (3, 0)
    feed = batches.make_feed(Examples(rows, np.zeros(3, "int32")), table)
    assert batches.take(feed, np.array([0, 2]), np.array([], "int32"))[0].numpy().tolist() == [[3, 0], [0, 0]]
    (taken,) = (part["x"] for _, part in batches.pieces({"x": rows}, table, 9))
    assert taken.tolist() == rows.tolist()


def test_the_loss_is_the_mean_over_real_tokens():
    y, outputs = np.array([[1, 2, 0], [2, 0, 0]]), np.full((2, 3, 3), 1 / 3, "float32")
    outputs[0, 0], outputs[0, 1], outputs[1, 0] = (0.1, 0.5, 0.4), (0.2, 0.3, 0.5), (0.0, 0.2, 0.8)
    by_hand = -np.log([0.5, 0.5, 0.8]).mean()
    assert float(TokenCrossentropy()(y, outputs)) == pytest.approx(by_hand, rel=1e-5)
    each = TokenCrossentropy("none")(y, outputs)
    assert np.array(each)[0, 2] == 0 and float(tf.reduce_sum(each)) / 3 == pytest.approx(by_hand, rel=1e-5)
    assert np.isfinite(float(TokenCrossentropy()(np.zeros((2, 3)), outputs)))


class Echo(keras.layers.Layer):
    """Is sure that the next token is the one it sees."""

    def call(self, ids):
        return 0.9 * keras.ops.one_hot(ids, 9) + 0.1 / 9


@pytest.fixture
def echo():
    inputs = keras.Input((None,), dtype="int32")
    return keras.Model(inputs, Echo()(inputs))


def score_of(model):
    return make_evaluate(model, LETTERS, "", None)


def test_scores_count_each_real_token_once_whatever_the_batches(echo, monkeypatch):
    x = texts(50)
    y = np.where(x % 2 == 0, x, np.where(x > 0, 1, 0)).astype("int32")  # right where the token is even, or 1
    values = []
    for size in (50, 7):
        monkeypatch.setattr(evaluation, "TOKEN_BATCH", size)
        values.append(score_of(echo)(Examples(x, y)).metrics)
    real = x > 0
    assert values[0]["accuracy"] == pytest.approx((x == y)[real].mean(), abs=1e-6)
    sure, not_sure = -np.log(0.9 + 0.1 / 9), -np.log(0.1 / 9)
    assert values[0]["loss"] == pytest.approx(np.where(x == y, sure, not_sure)[real].mean(), rel=1e-4)
    assert values[1] == pytest.approx(values[0], rel=1e-5)


def test_predictions_come_in_the_order_of_their_texts(monkeypatch):
    monkeypatch.setattr(evaluation, "EVALUATION_BATCH", 7)
    x = texts(50)
    x[x > 0] = np.repeat(np.arange(50) % 8 + 1, (x > 0).sum(1))  # text i holds one token over and over
    inputs = keras.Input((None,), dtype="int32")
    outputs = keras.layers.GlobalMaxPooling1D()(Echo()(inputs))
    said = make_predict(keras.Model(inputs, outputs), FIELDS)(x)[:, 1:].argmax(1) + 1
    assert (said == np.arange(50) % 8 + 1).all()


def test_the_loss_told_of_training_is_one_of_tokens_too():
    """At a rate of 0 an epoch's mean is what scoring gives, though one batch holds 20 times the other's tokens."""
    inputs = keras.Input((None,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Embedding(10, 10, "normal")(inputs)))
    objective = TokenObjective()
    long, short = np.arange(40).reshape(4, 10) % 9 + 1, np.array([[7, 2]])
    (learning,) = ordinary(model, keras.optimizers.SGD(0.0), objective)
    score = score_of(model)
    parts = [score(Examples(y.astype("int32"), (y % 9 + 1).astype("int32"))).metrics["loss"] for y in (long, short)]
    for x in (tf.constant(long, "int32"), tf.constant(short, "int32")):
        make_train_step(learning, len(x), None)(x, x % 9 + 1, x % 9 + 1, len(x))
    assert parts[0] != pytest.approx(parts[1], abs=1e-4)
    assert objective.results()["loss"] == pytest.approx((40 * parts[0] + 2 * parts[1]) / 42, rel=1e-5)


def test_targets_are_compared_as_the_vocabulary_could_write_them():
    words = Text(tokens="word", vocab_size=9, target_vocab_size=9, target_length=9)

    def share(said, wanted, **how):
        text = words.model_copy(update=how)
        described = Data(source="pairs:x", kind="text-pair", task="seq2seq", input_shape=(9,), input_dtype="int32",
                         train=1, text=text)  # fmt: skip
        return compare([said], [wanted], described)["exact_match"]

    assert share("hallo nummer 42", "Hallo, Nummer 42!", standardize="lower_and_strip_punctuation") == 1
    assert share("hallo nummer 42", "Hallo, Nummer 43!", standardize="lower_and_strip_punctuation") == 0
    assert share("hallo, nummer", "Hallo, Nummer", standardize="lower") == 1
    assert share("hallo nummer", "Hallo nummer", standardize="none") == 0
    assert share("ab c", "AB c", tokens="character", standardize="lower") == 1
    assert share("1987-03-05", "1987-03-05", tokens="character", standardize="none") == 1
