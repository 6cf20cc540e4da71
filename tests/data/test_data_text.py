"""Texts to padded token ids and back: vocabularies, what is cut, pairs, windows of one long text."""

import logging

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo import tasks
from zoo.data.config import Data, Text
from zoo.data.examples import Examples, Source
from zoo.data.text.vocabulary import END, PADDING, START, UNKNOWN, Vocabulary, learn
from zoo.errors import UsageError

FILMS = ["A fine film.", "a FINE, fine cast!", "a bore"]


def strings(*values):
    return np.array(values, dtype=object)


def load(source, data, where, known=None):
    return tasks.of(data).encode(source, data, where, known)


def reviews(**more):
    fields = {
        "source": "x:y", "kind": "text", "task": "binary", "input_shape": (4,), "input_dtype": "int32", "train": 3,
        "validation_share": 0.0,
        "text": {"tokens": "word", "vocab_size": 7, "standardize": "lower_and_strip_punctuation"},
    }  # fmt: skip
    return Data(**fields | more)


def test_words_are_numbered_by_how_often_they_occur():
    found = learn(FILMS, Text(tokens="word", vocab_size=7, standardize="lower_and_strip_punctuation"), 7)
    assert found.tokens[:4] == ("", "[UNK]", "[START]", "[END]")
    assert set(found.tokens[4:6]) == {"a", "fine"} and len(found) == 7  # three times each; then one of three
    a, fine = found.tokens.index("a"), found.tokens.index("fine")
    assert [row.tolist() for row in found.encode(["Fine; a zorglub"])] == [[fine, a, UNKNOWN]]
    assert found.decode([START, a, fine, PADDING, END, a]) == "a fine"
    assert found.unknown("a zorglub, a zorglub fine") == ["zorglub,", "zorglub"]


def test_characters_and_sub_words_come_back_as_they_went_in():
    pytest.importorskip("tokenizers")
    lines = ["def f(x):\n    return x + 1\n", "Zwei junge Männer stehen."] * 30
    for kind, size in (("character", 29), ("subword", 290)):
        found = learn(lines, Text(tokens=kind, vocab_size=size), size)
        again = Vocabulary.from_json(found.as_json())
        for line in lines[:2]:
            (ids,) = again.encode([line])
            assert ids.dtype == np.int32 and ids.min() > END and found.decode([*ids, END, 5]) == line
            assert len(found.pieces(ids)) == len(ids)
            (told,) = again.encode(["f[END]x[PAD]y[START]"])  # said in a text these are letters
            assert not {PADDING, START, END} & set(told.tolist())
            if line.isascii():  # else a letter's bytes may stand in two tokens
                assert "".join(found.pieces(ids)).strip() == line.strip()


def test_unknown_characters_are_named_in_their_order():
    found = learn(["abc"], Text(tokens="character", vocab_size=7), 7)
    assert found.unknown("xaybx") == ["x", "y"]


def test_a_vocabulary_larger_than_the_texts_give_is_refused_with_the_number():
    with pytest.raises(UsageError, match=r"give only 9 tokens .*\n.*--set data.text.vocab_size=9"):
        learn(FILMS, Text(tokens="word", vocab_size=20, standardize="lower_and_strip_punctuation"), 20)


def test_long_texts_are_cut_with_a_notice_and_empty_ones_become_unknown(caplog):
    part = Examples(strings("a fine film", "a a a a fine fine", "..."), np.array([1, 1, 0]))
    with caplog.at_level(logging.INFO, "zoo.data"):
        splits = load(Source(part), reviews(), "films")
    assert "films, train: 1 of 3 texts are longer than 4 tokens and are cut" in caplog.text
    a, fine = (splits.vocabularies.source.tokens.index(word) for word in ("a", "fine"))
    assert splits.train.x.dtype == np.int32
    assert splits.train.x[1].tolist() == [a] * 4 and splits.train.x[2].tolist() == [UNKNOWN, 0, 0, 0]
    kept = load(Source(part), reviews(text=reviews().text.model_copy(update={"keep": "end"})), "films")
    assert kept.train.x[1].tolist() == [a, a, fine, fine]
    assert kept.raw.train.x[1] == "a a a a fine fine"


def test_pairs_begin_and_end():
    data = Data(
        source="x:y", kind="text-pair", task="seq2seq", input_shape=(4,), input_dtype="int32", train=2,
        validation_share=0.0,
        text={"tokens": "character", "vocab_size": 7, "target_vocab_size": 6, "target_length": 3},
    )  # fmt: skip
    splits = load(Source(Examples(strings("abc", "a"), strings("uuvv", "v"))), data, "pairs")
    source, target = splits.vocabularies.source, splits.vocabularies.target
    ids = {c: source.tokens.index(c) for c in "abc"}
    u, v = target.tokens.index("u"), target.tokens.index("v")
    assert splits.train.x["source"].tolist() == [[ids["a"], ids["b"], ids["c"], END], [ids["a"], END, 0, 0]]
    assert splits.train.x["target"].tolist() == [[START, u, u], [START, v, 0]]  # what the decoder is fed
    assert splits.train.y.tolist() == [[u, u, END], [v, END, 0]]  # what it is to say: one step ahead of it


def test_a_long_text_is_cut_into_windows_each_predicting_the_next_token():
    content = "".join(np.random.default_rng(0).choice(list("abcdefghij"), 100))
    data = Data(
        source="x:y", kind="text", task="language-model", input_shape=(8,), input_dtype="int32", train=100,
        test_share=0.2, validation_share=0.25, text={"tokens": "character", "vocab_size": 14},
    )  # fmt: skip
    splits = load(Source(Examples(strings(content), np.zeros(1))), data, "letters")
    assert data.parts() == {"train": 60, "validation": 20, "test": 20}
    assert (
        {n: len(getattr(splits, n).y) for n in tasks.sizes(data)}
        == tasks.sizes(data)
        == {"train": 7, "validation": 2, "test": 2}
    )
    decode = splits.vocabularies.source.decode
    assert decode(splits.train.x.ravel()) == content[:56] and decode(splits.train.y.ravel()) == content[1:57]
    assert decode(splits.test.x[0]) == content[80:88]  # the end of the text is what is tested on


def test_what_is_held_out_teaches_no_token():
    data = Data(
        source="x:y", kind="text", task="language-model", input_shape=(4,), input_dtype="int32", train=40,
        test_share=0.25, validation_share=0.0, text={"tokens": "character", "vocab_size": 6},
    )  # fmt: skip
    splits = load(Source(Examples(strings("ab" * 15 + "zz" * 5), np.zeros(1))), data, "letters")
    assert "z" not in splits.vocabularies.source.tokens and (splits.test.y == UNKNOWN).all()


def test_another_number_of_tokens_than_the_recipe_says_is_refused():
    data = Data(
        source="x:y", kind="text", task="language-model", input_shape=(4,), input_dtype="int32", train=50,
        text={"tokens": "character", "vocab_size": 6},
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"--set data\.train=40"):
        load(Source(Examples(strings("ab" * 20), np.zeros(1))), data, "letters")


def test_a_model_is_applied_to_other_texts_by_its_own_vocabulary():
    first = load(Source(Examples(strings(*FILMS), np.array([1, 1, 0]))), reviews(), "films")
    other = Examples(strings("zzz fine", "zzz zzz", "zzz a"), np.array([1, 1, 0]))
    again = load(Source(other), reviews(), "others", first.vocabularies)
    fine = first.vocabularies.source.tokens.index("fine")
    assert again.vocabularies is first.vocabularies and again.train.x[0].tolist() == [UNKNOWN, fine, 0, 0]
