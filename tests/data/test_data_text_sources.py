"""Texts from TensorFlow Datasets, from own files and folders, from the standard library: strings, whole and exact."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo import tasks
from zoo.data import cache, class_counts
from zoo.data.config import Data, Text
from zoo.data.examples import Examples, Source
from zoo.data.reading import Reading
from zoo.data.sources import read
from zoo.data.sources import stdlib as stdlib_source
from zoo.data.splitting import split
from zoo.data.text import counting
from zoo.errors import MissingError, UsageError
from zoo.tasks import from_path, infer, load

TFDS = Path(os.environ.get("TFDS_DATA_DIR") or "none")
PARTS = ("train", "validation", "test")


@pytest.fixture
def texts():
    def make(source, task="binary", tokens="word", **more):
        facts = {"train": 20, "input_shape": (8,), "text": Text(tokens=tokens, vocab_size=9)} | more
        return Data(source=source, kind="text", task=task, **facts)

    return make


@pytest.fixture
def write(tmp_path):
    def make(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def said(i):
    return f"Is number {i} {'good' if i % 2 else 'bad'}, or what?"


# TensorFlow Datasets


def test_texts_of_every_split_arrive_with_their_labels(toy_dir, texts):
    data = texts("tfds:zoo_texts", label="label", test=6, test_split="validation", class_names=("even", "odd"))
    source = read(data)
    assert (len(source.train.x), len(source.test.x), source.validation) == (20, 6, None)
    for part, first in ((source.train, 0), (source.test, 20)):
        numbers = [int(text.removeprefix("Number ").removesuffix(" is it.")) for text in part.x]  # <br /> is a blank
        assert sorted(numbers) == list(range(first, first + len(numbers)))
        assert [i % 2 for i in numbers] == part.y.tolist()


def test_a_validation_split_of_its_own_is_used_as_it_is(toy_dir, texts):
    data = texts("tfds:zoo_texts", label="label", validation=6, test_share=0.2)
    parts = split(read(data), data, "toy")
    assert [len(part.y) for part in parts] == [16, 6, 4]
    assert all(int(text.split()[1]) >= 20 for text in parts.validation.x)


def test_withheld_labels_make_the_validation_split_the_test_split(toy_dir):
    data = infer("tfds:zoo_texts", "label")
    assert (data.kind, data.task, data.class_names) == ("text", "binary", ("even", "odd"))
    assert (data.train, data.test, data.test_split, data.validation) == (20, 6, "validation", 0)
    assert data.input_shape == (4,)  # number, N, is, it
    assert data.text.vocab_size == 4 + 3  # its own numbers, each seen once, are left out; four tokens are special


def test_text_without_labels_is_for_a_language_model(toy_dir, texts):
    data = infer("tfds:zoo_pages")
    assert (data.task, data.text.tokens, data.input_shape) == ("language-model", "character", (256,))
    source = read(data, "tokens")
    assert source.train.x.shape == (1,) and source.train.x[0] in ("ab \nbc\n", "bc\n\nab ")  # joined by a line feed
    assert (data.train, data.test, data.text.vocab_size) == (7, 1, len(set(source.train.x[0][:6])) + 4)
    with pytest.raises(UsageError, match=r"zoo_pages is text without labels; the recipe says data.task = 'binary'"):
        read(texts("tfds:zoo_pages"))


def test_what_a_set_does_not_hold_is_refused(toy_dir, texts, toy):
    with pytest.raises(UsageError, match=r"zoo_toy holds images; the recipe says data.kind = 'text'"):
        read(texts("tfds:zoo_toy"))
    with pytest.raises(UsageError, match=r"zoo_texts holds texts; the recipe says data.kind = 'image'"):
        read(toy.model_copy(update={"source": "tfds:zoo_texts", "label": "label", "test": 0}))
    with pytest.raises(UsageError, match="unknown split of zoo_texts 'tset'; did you mean test"):
        read(texts("tfds:zoo_texts", label="label", test=6, test_split="tset"))


def test_texts_are_taken_apart_as_is_said(toy_dir):
    data = infer("tfds:zoo_texts", "label", reading=Reading(tokens="character"))
    train = split(read(data), data, "toy").train.x
    assert data.text.tokens == "character" and data.text.vocab_size == len(set("".join(train))) + 4
    assert data.input_shape == (len("Number 19 is it."),)
    pages = infer("tfds:zoo_pages", reading=Reading(tokens="word"))  # "ab \nbc\n" and "d"
    assert (pages.text.tokens, pages.train, pages.test, pages.input_shape) == ("word", 2, 1, (64,))
    assert pages.text.vocab_size == 2 + 4  # ab and bc: of words that come once all are known where none comes twice


def test_the_cache_keeps_a_validation_part_with_and_without_a_test_part(home):
    def part(first):
        return Examples(np.arange(first, first + 3, dtype=np.float32)[:, None], np.arange(3, dtype=np.int32))

    for source in (Source(part(0), part(1), part(2)), Source(part(0), None, part(2)), Source(part(0), part(1))):
        name = "".join("01"[one is not None] for one in source)
        cache.cached(name, lambda source=source: source)
        found = cache.cached(name, lambda: pytest.fail("decoded again"))
        for kept, given in zip(found, source, strict=True):
            assert (kept is None) == (given is None)
            assert kept is None or (kept.x == given.x).all()


@pytest.mark.skipif(not (TFDS / "imdb_reviews").is_dir(), reason="imdb_reviews is not here")
def test_the_real_imdb_is_whole():
    from zoo.recipe import load_recipe

    data = load_recipe("imdb").data
    source = read(data)
    assert (len(source.train.x), len(source.test.x)) == (25_000, 25_000)
    for part in (source.train, source.test):
        assert class_counts(part, data.class_names) == {"bad": 12_500, "good": 12_500}
    assert all("<br" not in text for text in source.train.x)


@pytest.mark.skipif(not (TFDS / "glue").is_dir(), reason="glue/sst2 is not here")
def test_the_real_sst2_is_scored_on_its_872_labelled_sentences():
    from zoo.recipe import load_recipe

    data = load_recipe("sst2").data
    source = read(data)
    assert (len(source.train.x), class_counts(source.test, data.class_names)) == (
        67_349,
        {"negative": 428, "positive": 444},
    )


@pytest.mark.skipif(not (TFDS / "tiny_shakespeare").is_dir(), reason="tiny_shakespeare is not here")
def test_the_real_shakespeare_has_65_characters():
    from zoo.recipe import load_recipe

    data = load_recipe("tiny_shakespeare").data
    source = read(data, "tokens")
    assert [len(getattr(source, name).x[0]) for name in PARTS] == [1_003_854, 55_770, 55_770]
    assert len(set(source.train.x[0])) + 4 == data.text.vocab_size == 69
    assert source.train.x[0].startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n")


# own tables and folders


def test_a_column_of_texts_makes_a_table_one_of_texts(write, caplog):
    path = write("own.csv", "id,review,stars\n" + "".join(f'{i},"{said(i)}",{"ab"[i % 2]}\n' for i in range(30)))
    data = from_path(path)
    assert (data.kind, data.task, data.class_names, data.label) == ("text", "binary", ("a", "b"), "stars")
    assert (data.feature_names, data.train, data.text.tokens) == (("review",), 30, "word")
    source = read(data)
    assert source.train.x.tolist() == [said(i) for i in range(30)] and source.train.y.tolist() == [0, 1] * 15
    for part in ("column 'review', classes in 'stars'", "passed over: id", "--as table", "--label COLUMN"):
        assert part in caplog.text


@pytest.mark.parametrize(
    ("name", "rows", "label", "classes"),
    [
        ("a.tsv", [f"{'ham' if i % 2 else 'spam'}\t{said(i)}" for i in range(20)], None, ("ham", "spam")),
        ("a.csv", [f'"{said(i)}",{i % 3 + 1}' for i in range(20)], None, ("1", "2", "3")),
        ("a.csv", ["text,mood,day"] + [f'"{said(i)}",{"xy"[i % 2]},d{i}' for i in range(20)], "mood", ("x", "y")),
        ("a.csv", ["text,points"] + [f'"{said(i)}",{i * 0.5}' for i in range(30)], None, ()),
    ],
)
def test_labels_may_stand_anywhere_and_be_words_or_numbers(write, name, rows, label, classes):
    data = from_path(write(name, "\n".join(rows) + "\n"), label)
    assert data.kind == "text" and data.class_names == classes
    assert data.task == {0: "regression", 2: "binary", 3: "classification"}[len(classes)]
    assert read(data, "label" if classes else "value").train.x[0] == said(0)


def test_a_message_that_is_a_number_does_not_make_the_first_row_a_header(write):
    rows = [f"{'ham' if i % 2 else 'spam'}\t{said(i)}" for i in range(20)] + ["ham\t645"]
    assert from_path(write("a.tsv", "\n".join(rows) + "\n")).train == 21


def test_a_table_with_more_beside_its_texts_stays_a_table_unless_said(write):
    rows = ["a,b,c,d,name,y"] + [f"{i},{i},{i},{i},Braund Mr Owen {i},{'uv'[i % 2]}" for i in range(40)]
    path = write("titanic.csv", "\n".join(rows) + "\n")
    assert from_path(path).kind == "tabular"
    data = from_path(path, kind="text")
    assert (data.kind, data.feature_names, data.label) == ("text", ("name",), "y")


def test_texts_without_blanks_are_taken_apart_into_characters(write):
    rows = [f"{'acgt'[i % 4]}{'ttga' * 3}{i},{'uv'[i % 2]}" for i in range(40)]
    data = from_path(write("dna.csv", "sequence,y\n" + "\n".join(rows) + "\n"), kind="text")
    parts = split(read(data), data, "x")
    assert data.text.tokens == "character" and data.text.vocab_size == len(set("".join(parts.train.x))) + 4
    assert data.input_shape == (max(map(len, parts.train.x)),)


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ('"a b c",x\n"  ",y\n"d e f",x\n"g h i",y\n', None, "line 3, column 'text': the text is empty"),
        ('"a b c",x\n"d e f",\n"g h i",x\n', None, "missing cells: line 3, column 'label'"),
        ('"a b c",x\n"d e f",x\n', None, "label column 'label' has one value only, 'x'"),
        ('"a b c",x\n"d e f",y\n', "lable", "unknown column of .*'lable'; did you mean label"),
    ],
)
def test_bad_rows_of_texts_are_named(write, text, label, message):
    with pytest.raises(UsageError, match=message):
        from_path(write("a.csv", "text,label\n" + text), label, "text")


def test_a_class_that_came_after_the_description_is_refused(write):
    path = write("a.csv", "text,y\n" + "".join(f'"{said(i)}",{"ab"[i % 2]}\n' for i in range(20)))
    data = from_path(path)
    write("a.csv", "text,y\n" + "".join(f'"{said(i)}",{"ac"[i % 2]}\n' for i in range(20)))
    with pytest.raises(UsageError, match="line 3, column 'y': 'c' is not one of the classes"):
        read(data)


@pytest.fixture
def reviews(write):
    for i in range(20):
        path = write(f"reviews/{'good' if i % 2 else 'bad'}/{i:02}.txt", said(i) + "\n")
    return path.parent.parent


def test_a_folder_of_texts_is_a_class_a_sub_folder(reviews):
    data = from_path(reviews)
    assert (data.kind, data.task, data.class_names, data.train) == ("text", "binary", ("bad", "good"), 20)
    part = read(data).train
    assert part.x.tolist() == [said(i) for i in (*range(0, 20, 2), *range(1, 20, 2))]
    assert part.y.tolist() == [0] * 10 + [1] * 10
    (reviews / "good").rename(reviews / "fine")
    with pytest.raises(UsageError, match="has classes bad, fine\nthe recipe says bad, good"):
        read(data)


def test_bad_folders_of_texts(reviews, write):
    with pytest.raises(UsageError, match="leave out --label"):
        from_path(reviews, "stars")
    with pytest.raises(UsageError, match="leave out --as"):
        from_path(reviews, kind="text")
    for content, message in (
        (b" \n", r"07.txt is empty"),
        ("größe".encode("latin-1"), "07.txt is not UTF-8: byte 0xf6"),
    ):
        write("reviews/good/07.txt", content)
        with pytest.raises(UsageError, match=message):
            from_path(reviews)
    write("reviews/loose.txt", "x")
    with pytest.raises(UsageError, match=r"loose.txt in no class folder"):
        from_path(reviews)


def test_own_texts_need_no_tensorflow(reviews):
    code = (
        "import sys; from zoo.data import previews; from zoo.tasks import from_path, of\n"
        "data = from_path(sys.argv[1])\n"
        "print(previews.look(data, 'reviews', of(data).target(data), ()).examples[0])\n"
        "assert not {'tensorflow', 'tensorflow_datasets', 'keras'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(reviews)], check=True, capture_output=True, text=True)
    assert done.stdout.startswith(("good: Is number", "bad: Is number"))


HARD = [
    "It's a test; well-known, e.g. U.S.A. ($5)! [x] {y} ~z ^a_b `c` \\d \"q\" #h @i 50%",
    "Größe ÉTÉ été\u00a0non\u202fbreaking\u2003em \u3000wide",
    "tab\tand\nnew\x0bline\x0cfeed\rreturn   many",
    "...", " ", "'' --", "日本語 テスト", "naïve café\u0301",
]  # fmt: skip


@pytest.mark.parametrize("standardize", ["none", "lower", "lower_and_strip_punctuation"])
@pytest.mark.parametrize("tokens", ["word", "character"])
def test_tokens_are_counted_as_the_vocabulary_takes_texts_apart(tokens, standardize):
    from zoo.data.text.vocabulary import learn

    if tokens == "character" and standardize != "none":
        pytest.skip("own texts are taken apart into characters as they are")
    text = Text(tokens=tokens, vocab_size=5, standardize=standardize)
    found = [counting.pieces(one, text) for one in HARD]
    known = {piece if isinstance(piece, str) else piece.decode() for row in found for piece in row}
    vocabulary = learn(HARD, text, len(known) + 4)
    assert set(vocabulary.tokens[4:]) == known
    assert [len(ids) for ids in vocabulary.encode(HARD)] == [len(row) for row in found]


def test_what_is_described_loads(write, reviews):
    table = write("own.csv", "text,y\n" + "".join(f'"{said(i)}",{"ab"[i % 2]}\n' for i in range(40)))
    pairs = write("own.tsv", "".join(f"{said(i)}\tc'est {i} et {i * 7}\n" for i in range(40)))
    for path in (table, reviews, pairs):
        data = from_path(path)
        parts = load(data, "own")
        assert {name: len(getattr(parts, name).y) for name in PARTS} == tasks.sizes(data)


# the standard library


def test_the_librarys_source_is_cut_to_size_and_always_the_same(texts):
    data = texts("stdlib:source", "language-model", "character", train=300_000)
    first, again = read(data).train, read(data).train
    assert first.x[0] == again.x[0] and len(first.x[0]) == 300_000
    longer = read(data.model_copy(update={"train": 400_000})).train.x[0]
    assert longer.startswith(first.x[0])
    assert set(longer) <= {chr(i) for i in range(32, 127)} | {"\n"}


def test_every_module_is_there_and_still_python():
    assert all(len(stdlib_source._module(name)) > 1000 for name in stdlib_source.MODULES)
    for name in stdlib_source.MODULES[::20]:
        ast.parse(stdlib_source._module(name))
    assert list(stdlib_source.MODULES) == sorted(set(stdlib_source.MODULES))


def test_the_recipe_has_all_96_characters_in_its_training_part():
    from zoo.recipe import load_recipe

    data = load_recipe("stdlib").data
    text = read(data).train.x[0]
    assert len(set(text[: data.parts()["train"]])) + 4 == data.text.vocab_size == 100


def test_texts_of_the_library_that_cannot_be(texts, monkeypatch, tmp_path):
    with pytest.raises(UsageError, match="'sauce'; did you mean source"):
        read(texts("stdlib:sauce", "language-model", "character"))
    with pytest.raises(
        UsageError, match=r"characters in this Python, the recipe asks for 99,000,000\n.*--set data.train="
    ):
        read(texts("stdlib:source", "language-model", "character", train=99_000_000))
    with pytest.raises(UsageError, match="unknown option of stdlib:source 'seed'"):
        read(texts("stdlib:source", "language-model", "character", options={"seed": 1}))
    monkeypatch.setattr(stdlib_source.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(MissingError, match=r"came without its source: cannot read .*argparse.py"):
        read(texts("stdlib:source", "language-model", "character"))
