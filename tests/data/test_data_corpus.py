"""Plain text without classes, a file or a folder of files: read as a language model's data, and said to be so."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest

from zoo.data.reading import Reading
from zoo.data.sources import read
from zoo.errors import UsageError
from zoo.tasks import from_path, load, sizes

LICENSE = Path(__file__).parents[2] / "LICENSE"  # a real text of some ten thousand characters
NOVEL = "It was late, and the rain, which had begun at noon, fell on.\n\nNobody came; nobody, at least, whom he knew.\n"


@pytest.fixture
def book(tmp_path):
    return Path(shutil.copy(LICENSE, tmp_path / "book.txt"))


def test_a_text_file_is_a_language_model_s_data(book, caplog):
    text = book.read_text()
    with caplog.at_level(logging.WARNING):
        data = from_path(book)
    assert (data.task, data.kind, data.source) == ("language-model", "text", f"text:{book}")
    assert data.train == len(text) and data.parts()["test"] == round(len(text) * 0.1)
    assert data.text.vocab_size == len(set(text[: data.parts()["train"]])) + 4
    assert read(data, "tokens").train.x[0] == text
    assert "plain text for a language model" in caplog.text and f"{len(text):,} characters" in caplog.text


def test_its_parts_follow_each_other(book):
    data = from_path(book)
    splits = load(data, "book")
    assert sizes(data) == {name: len(part) for name, part in splits.by_name().items()}
    vocabulary, text = splits.vocabularies.source, book.read_text()
    windows = ["".join(vocabulary.tokens[i] for i in part.x.ravel()) for part in splits]
    train, _, held = data.parts().values()
    known = [letter if letter in vocabulary.tokens else "[UNK]" for letter in text]
    starts = (0, train, len(text) - held)
    assert all("".join(known[start:]).startswith(part) for start, part in zip(starts, windows, strict=True))
    assert np.array_equal(splits.test.x[:, 1:], splits.test.y[:, :-1])


@pytest.mark.parametrize(
    ("text", "task"),
    [
        (NOVEL * 20, "language-model"),
        ("".join(f"{word} \n" for word in NOVEL.split() * 20), "language-model"),  # a word a line
        ("He came, and she went.\nIt was late, said they.\n" * 40, "language-model"),
        ("x y\n1 2\n3 4\n5 6\n", "refused"),
        ("1 2 0\n3 4 1\n5 7 0\n6 1 1\n", "binary"),
        ("a,b,c\n1,2,u\n3,4,v\n5,6,u\n7,8,v\n", "binary"),
        ("a\tb\n1\tu\n3\tv\n5\tu\n7\tv\n", "binary"),
    ],
)
def test_running_text_is_told_from_a_table(tmp_path, text, task):
    path = tmp_path / "a.txt"
    path.write_text(text)
    if task == "refused":
        with pytest.raises(UsageError, match="too few"):
            from_path(path)
        return
    assert from_path(path).task == task


def test_a_table_with_one_bad_line_stays_a_table(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a,b\n" + "1,2\n" * 30 + "1,2,3\n" + "1,2\n" * 30)
    with pytest.raises(UsageError, match="line 32: 3 cells where line 1 has 2"):
        from_path(path)


def test_a_folder_of_texts_without_classes_is_one_text(tmp_path, book, caplog):
    novels = tmp_path / "novels"
    novels.mkdir()
    for i in (1, 2):
        (novels / f"{i}.txt").write_text(f"Chapter {i}.\n" + book.read_text())
    with caplog.at_level(logging.WARNING):
        data = from_path(novels)
    assert data.task == "language-model" and "in 2 files" in caplog.text
    text = read(data, "tokens").train.x[0]
    assert text == "\n".join((novels / f"{i}.txt").read_text() for i in (1, 2))


@pytest.fixture
def reviews(tmp_path):
    for name in ("bad", "good"):
        (tmp_path / "reviews" / name).mkdir(parents=True)
        for i in range(5):
            (tmp_path / "reviews" / name / f"{i}.txt").write_text(NOVEL * 3)
    return tmp_path / "reviews"


def test_classes_are_kept_unless_it_is_said_or_the_model_only_writes(reviews):
    assert from_path(reviews).task == "binary"
    assert from_path(reviews, kind="corpus").task == "language-model"
    assert from_path(reviews, wanted=("language-model",)).task == "language-model"
    assert from_path(reviews, wanted=("binary", "language-model")).task == "binary"


def test_any_text_file_is_taken_where_it_is_said(tmp_path):
    path = tmp_path / "code.py"
    path.write_text(NOVEL * 10)
    with pytest.raises(UsageError, match="--as corpus"):
        from_path(path)
    assert from_path(path, kind="corpus").train == len(NOVEL) * 10


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("Too short.\n", "too few"), ("a\0b" * 99, "zero")])
def test_what_is_no_text_is_refused(tmp_path, text, message):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        from_path(path)


def test_plain_text_is_read_by_words_where_that_is_said(tmp_path, caplog):
    words = ["The", "cat", "saw", "a", "dog,"]
    text = " ".join(words[(i * i + i // 7) % 5] for i in range(2000)) + " once. "
    (tmp_path / "book.txt").write_text(text)
    found = from_path(tmp_path / "book.txt", reading=Reading(tokens="word"))
    assert (found.task, found.text.tokens, found.train) == ("language-model", "word", 2001)
    assert found.text.vocab_size == 5 + 4 and found.input_shape == (64,)  # what is held out, or seen once, is unknown
    assert "2,001 words, 5 different ones seen twice or more" in caplog.text
    splits = load(found, "book")
    assert splits.vocabularies.source.tokens[4:] and set(splits.vocabularies.source.tokens[4:]) == {
        "the", "cat", "saw", "a", "dog"
    }  # fmt: skip
    plain = from_path(tmp_path / "book.txt")
    assert plain.text.tokens == "character" and "by words: --tokens word" in caplog.text


def test_tokens_of_texts_with_classes_and_of_what_has_none(tmp_path):
    rows = "".join(f"some words {i} here,{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "notes.csv").write_text("note,kind\n" + rows)
    found = from_path(tmp_path / "notes.csv", reading=Reading(label="kind", kind="text", tokens="character"))
    assert found.text.tokens == "character"
    with pytest.raises(UsageError, match="unknown kind of tokens 'words'; did you mean word"):
        from_path(tmp_path / "notes.csv", reading=Reading(tokens="words"))
    (tmp_path / "rows.csv").write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(40)))
    with pytest.raises(UsageError, match=r"--tokens is for texts, .*rows.csv is tabular"):
        from_path(tmp_path / "rows.csv", reading=Reading(tokens="word"))
