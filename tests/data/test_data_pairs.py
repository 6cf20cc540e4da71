"""Parallel text from files: every form it may come in, every way it may be wrong, splits that leak nothing."""

import gzip
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from zoo import tasks
from zoo.data import rawfiles, status
from zoo.data.config import Data, Text
from zoo.data.sources import read
from zoo.data.splitting import split
from zoo.errors import MissingError, UsageError
from zoo.tasks import from_path

LINES = "Go.\tVa !\nRun!\tCours !\nRun!\tCourez !\nHi.\tSalut.\n"


@pytest.fixture
def pairs():
    def make(path, **more):
        text = Text(tokens="word", vocab_size=9, target_vocab_size=9, target_length=9)
        facts = {"train": 4, "validation_share": 0.0, "text": text} | more
        return Data(source=f"pairs:{path}", kind="text-pair", task="seq2seq", input_shape=(9,), **facts)

    return make


def said(part):
    return list(zip(part.x, part.y, strict=True))


WANTED = [("Go.", "Va !"), ("Run!", "Cours !"), ("Run!", "Courez !"), ("Hi.", "Salut.")]


def write(path, text):
    """The text in a file, packed as the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = text if isinstance(text, bytes) else text.encode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("_about.txt", "where this is from")
            archive.writestr("fra.txt", content)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(content))
    else:
        path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.tsv.gz", "fra-eng.zip"])
@pytest.mark.parametrize("change", [str, lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\n", "\tCC-BY\n"),
                                    lambda t: t[:-1], lambda t: "\ufeff" + t])  # fmt: skip
def test_a_file_of_pairs_in_any_packing(tmp_path, pairs, name, change):
    assert said(read(pairs(write(tmp_path / name, change(LINES)))).train) == WANTED


def test_the_second_column_may_be_the_source(tmp_path, pairs):
    path = write(tmp_path / "a.tsv", LINES)
    assert said(read(pairs(path, options={"swap": True})).train) == [(b, a) for a, b in WANTED]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_two_files_belong_together_line_by_line(tmp_path, pairs, ending):
    first = write(tmp_path / f"a.en{ending}", "Go.\nRun!\nRun!\nHi.\n")
    second = write(tmp_path / f"a.fr{ending}", "Va !\nCours !\nCourez !\nSalut.\n")
    assert said(read(pairs(f"{first},{second}")).train) == WANTED


def test_only_line_feeds_end_a_line(tmp_path, pairs):
    """U+2028, U+0085 and form feeds stand inside sentences of real corpora; cutting there shifts all that follows."""
    first = write(tmp_path / "a.en", "one\u2028two\nthree\x0cfour\n")
    second = write(tmp_path / "a.de", "eins zwei\ndrei\x85vier\n")
    assert said(read(pairs(f"{first},{second}")).train) == [
        ("one\u2028two", "eins zwei"),
        ("three\x0cfour", "drei\x85vier"),
    ]


def test_a_folder_of_files_by_split_and_language(tmp_path, pairs):
    for split_name, count in (("train", 6), ("val", 2), ("test_2016", 3)):
        for side in ("en", "de", "fr"):
            name = f"{split_name}.{side}" + (".gz" if side == "de" else "")
            write(tmp_path / name, "".join(f"{split_name} {side} {i}\n" for i in range(count)))
    data = pairs(tmp_path, train=6, test=3, validation=2, test_split="test_2016", validation_split="val",
                 options={"source": "en", "target": "de"})  # fmt: skip
    source = read(data)
    assert said(source.validation) == [(f"val en {i}", f"val de {i}") for i in range(2)]
    parts = split(source, data, "x")
    assert [len(parts.train.y), len(parts.validation.y), len(parts.test.y)] == [6, 2, 3]
    assert said(parts.test)[2] == ("test_2016 en 2", "test_2016 de 2")
    french = read(data.model_copy(update={"options": {"source": "en", "target": "fr"}, "test": 0, "validation": 0}))
    assert french.train.y[0] == "train fr 0" and french.test is None and french.validation is None


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.tsv": "a\tb\nc d\ne\tf\n"}, r"a.tsv, line 2: no tab\n"),
        ({"a.tsv": "a\tb\nc\td\n \tf\n"}, r"a.tsv, line 3: one side of the pair is empty\n"),
        ({"a.tsv": "a\tb\nc\t \ne\t\n"}, r"a.tsv, line 2: one side of the pair is empty \(2 such lines\)"),
        ({"a.tsv": "a\tb\nü\tc\n".encode("latin-1")}, "a.tsv is not UTF-8: byte 0xfc at offset 4, line 2"),
        ({"a.tsv": ""}, "a.tsv is empty"),
        ({"a.en": "a\nb\n", "a.de": "c\n"}, r"a.en has 2 lines, .*a.de has 1\n"),
        ({"a.en": "a\nb\n", "a.de": "c\n\n"}, "a.de, line 2: one side of the pair is empty"),
        ({"a.en.gz": "a\n", "a.de.gz": "c\nd\ne\n"}, r"a.en.gz has 1 lines, .*a.de.gz has 3\n"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(tmp_path, pairs, files, message):
    paths = [write(tmp_path / name, text) for name, text in files.items()]
    with pytest.raises(UsageError, match=message) as caught:
        read(pairs(",".join(map(str, paths))))
    assert len(str(caught.value).splitlines()) <= 3


def test_damaged_archives_are_refused(tmp_path, pairs):
    for name in ("a.tsv.gz", "a.zip"):
        path = write(tmp_path / name, LINES * 50)
        path.write_bytes(path.read_bytes()[:60])
        with pytest.raises(UsageError, match=f"{name} is damaged|cannot read .*{name}"):
            read(pairs(path))
        path.write_bytes(b"no archive")
        with pytest.raises(UsageError, match=f"{name} is damaged|cannot read .*{name}"):
            read(pairs(path))


def test_an_archive_of_two_texts_or_of_too_much_is_refused(tmp_path, pairs, monkeypatch):
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", LINES)
        archive.writestr("b.txt", LINES)
    with pytest.raises(UsageError, match="holds 2 text files"):
        read(pairs(path))
    monkeypatch.setattr(rawfiles, "MOST_BYTES", 100)
    for name in ("big.tsv.gz", "big.zip"):
        with pytest.raises(UsageError, match="unpacks to more than"):
            read(pairs(write(tmp_path / name, LINES * 100)))


def test_bad_options_and_folders_without_languages(tmp_path, pairs):
    path = write(tmp_path / "a.tsv", LINES)
    with pytest.raises(UsageError, match="unknown option of pairs:PATH 'swop'; did you mean swap"):
        read(pairs(path, options={"swop": True}))
    with pytest.raises(UsageError, match="swap = 1 is not true or false"):
        read(pairs(path, options={"swap": 1}))
    with pytest.raises(UsageError, match=r"is a folder: say which files in it, with data.options.source and target"):
        read(pairs(tmp_path))


def test_files_that_are_not_there(tmp_path, pairs, home, monkeypatch):
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    with pytest.raises(UsageError, match=r"no such file or folder: .*nothing.tsv"):
        read(pairs(tmp_path / "nothing.tsv"))
    options = {"source": "en", "target": "de"}
    data = pairs("m30k", origin="example.org (CC BY; 2 MiB)", test=1, options=options)
    with pytest.raises(MissingError) as caught:
        read(data)
    message = str(caught.value)
    assert len(message.splitlines()) == 3
    for wanted in (
        "train.en.gz, train.de.gz, test.en.gz, test.de.gz",
        str(home / "raw" / "m30k"),
        "example.org (CC BY; 2 MiB)",
        "--set data.source=pairs:PATH",
    ):
        assert wanted in message
    state = status(data)
    assert not state.ready and state.place == str(home / "raw" / "m30k")


def test_relative_paths_are_looked_up_here_then_in_the_folder_of_raw_files(tmp_path, pairs, home, monkeypatch):
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    write(home / "raw" / "x" / "a.tsv", "home\tx\n")
    assert said(read(pairs("x/a.tsv")).train) == [("home", "x")] and status(pairs("x/a.tsv")).ready
    write(tmp_path / "given" / "x" / "a.tsv", "given\tx\n")
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "given"))
    assert said(read(pairs("x/a.tsv")).train) == [("given", "x")]
    write(tmp_path / "x" / "a.tsv", "here\tx\n")
    assert said(read(pairs("x/a.tsv")).train) == [("here", "x")]


def test_translations_of_one_text_stay_in_one_part(tmp_path, pairs):
    random = np.random.default_rng(0)
    sources = [f"s{i}" for i in range(120) for _ in range(random.integers(1, 6))]
    random.shuffle(sources)
    path = write(tmp_path / "a.tsv", "".join(f"{text}\tt{i}\n" for i, text in enumerate(sources)))
    data = pairs(path, train=len(sources), test_share=0.2, validation_share=0.1)
    parts, again = (split(read(data), data, "x") for _ in range(2))
    held = [set(part.x) for part in (parts.train, parts.validation, parts.test)]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]
    sizes = [len(parts.train.y), len(parts.validation.y), len(parts.test.y)]
    assert sizes == list(tasks.sizes(data).values()) and sum(sizes) == len(sources)
    assert {pair for part in (parts.train, parts.validation, parts.test) for pair in said(part)} == set(
        said(read(data).train)
    )
    assert said(parts.test) == said(again.test)
    other = split(read(data), data.model_copy(update={"split_seed": 1}), "x")
    assert set(other.test.x) != held[2]


def test_a_number_that_would_part_translations_is_refused(tmp_path, pairs):
    path = write(tmp_path / "a.tsv", "".join(f"s{i // 2}\tt{i}\n" for i in range(20)))
    data = pairs(path, train=20, test_share=0.25)
    with pytest.raises(UsageError, match="5 pairs cannot be held out without parting translations of one text"):
        split(read(data), data, "x")


def sentences(count):
    words = ["red", "dog", "runs", "over", "green", "hill", "home", "now"]
    return [f"{words[i % 8]} {words[i // 8 % 8]} {words[i * 3 % 8]} {i}" for i in range(count)]


def test_own_pairs_are_recognised_and_measured(tmp_path, caplog):
    path = write(tmp_path / "own.tsv", "".join(f"{text}\tle {text} !\n" for text in sentences(50)))
    data = from_path(path)
    assert (data.kind, data.task, data.train, data.source) == ("text-pair", "seq2seq", 50, f"pairs:{path}")
    assert (data.text.tokens, data.input_shape, data.text.target_length) == ("word", (5,), 6)
    assert "is taken as pairs of texts" in caplog.text
    known = {word for text in split(read(data), data, "x").train.x for word in text.split()}
    assert data.text.vocab_size == len(known) + 4 and data.text.target_vocab_size == len(known) + 5  # le
    with pytest.raises(UsageError, match="leave out --label"):
        from_path(path, "x", "pairs")


def test_own_pairs_as_two_files_and_as_an_archive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "own.en", "".join(f"{text}\n" for text in sentences(30)))
    write(tmp_path / "own.de", "".join(f"der {text}\n" for text in sentences(30)))
    data = from_path("own.en,own.de")
    assert data.source == f"pairs:{tmp_path}/own.en,{tmp_path}/own.de" and len(read(data).train.y) == 30
    write(tmp_path / "own.zip", "".join(f"{text}\tder {text}\n" for text in sentences(30)))
    assert from_path("own.zip").kind == "text-pair"


def test_a_table_of_classes_or_numbers_is_not_taken_for_pairs(tmp_path):
    labelled = write(tmp_path / "a.tsv", "".join(f"{text}\t{'ab'[i % 2]}\n" for i, text in enumerate(sentences(40))))
    assert from_path(labelled).kind == "text"
    assert from_path(write(tmp_path / "b.tsv", "".join(f"{i}\t{i * 0.5}\n" for i in range(40)))).kind == "tabular"


RAW = Path(os.environ.get("ZOO_DATA_DIR") or "none")


@pytest.mark.skipif(not (RAW / "multi30k").is_dir(), reason="Multi30k is not here")
def test_the_real_multi30k_has_its_published_sizes_and_stays_aligned():
    from zoo.recipe import load_recipe

    data = load_recipe("multi30k_en_de").data
    source = read(data)
    assert [len(part.y) for part in (source.train, source.validation, source.test)] == [29000, 1014, 1000]
    assert said(source.train)[0] == (
        "Two young, White males are outside near many bushes.",
        "Zwei junge weiße Männer sind im Freien in der Nähe vieler Büsche.",
    )
    assert status(data).ready and 1.0 < status(data).size_mb < 1.5


@pytest.mark.skipif(not (RAW / "tatoeba").is_dir(), reason="Tatoeba's file is not here")
def test_the_real_tatoeba_is_split_without_a_leak():
    from zoo.recipe import load_recipe

    data = load_recipe("tatoeba_eng_fra").data
    source = read(data)
    assert said(source.train)[0] == ("Go.", "Va !") and len(source.train.y) == 142_787
    parts = split(source, data, "x")
    assert {name: len(getattr(parts, name).y) for name in tasks.sizes(data)} == tasks.sizes(data)
    assert not set(parts.test.x) & set(parts.train.x) and not set(parts.validation.x) & set(parts.train.x)
    assert from_path(RAW / "tatoeba" / "fra-eng.zip").train == 142_787
