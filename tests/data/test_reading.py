"""What a user says of data either counts or is refused: nothing is passed over in silence."""

from dataclasses import fields

import pytest

from zoo import tasks
from zoo.data import sources
from zoo.data.reading import Reading, flag
from zoo.errors import UsageError

SAID = {
    "label": "a", "kind": "table", "test": "t", "validation": "v", "missing": "median", "drop": "a", "columns": "a",
    "text_column": "a", "calendar": "month", "group": "a", "weight": "a", "tokens": "word",
}  # fmt: skip


@pytest.fixture
def rows(tmp_path):
    def make(name, first=0, count=40):
        lines = [f"{i},{i * 7 % 5},{'uv'[i % 2]}" for i in range(first, first + count)]
        (tmp_path / name).write_text("\n".join(["a,b,kind", *lines]) + "\n")
        return tmp_path / name

    return make


def test_sources_go_by_what_there_is_to_say():
    everything = {field.name for field in fields(Reading)}
    assert everything == set(SAID)
    for name in sources.names():
        assert set(sources.named(name).goes_by) <= everything


@pytest.mark.parametrize("name", SAID)
def test_a_set_of_tensorflow_datasets_goes_by_label_and_tokens_alone(name):
    if name in ("label", "tokens"):
        assert name in sources.named("tfds").goes_by
        return
    with pytest.raises(UsageError, match=f"{flag(name)}: not for tfds:mnist\n.*it takes --label, --tokens$"):
        tasks.infer("tfds:mnist", reading=Reading(**{name: SAID[name]}))


@pytest.mark.parametrize("name", SAID)
def test_a_set_of_scikit_learn_goes_by_nothing(name):
    with pytest.raises(UsageError, match=f"{flag(name)}: not for sklearn:iris\n.*it takes none of them"):
        tasks.infer("sklearn:iris", reading=Reading(**{name: SAID[name]}))


def test_tokens_of_a_set_without_texts_are_refused(toy_dir):
    with pytest.raises(UsageError, match=r"--tokens is for texts, tfds:zoo_toy is image\nleave it out$"):
        tasks.infer("tfds:zoo_toy", reading=Reading(tokens="word"))


@pytest.mark.parametrize(
    ("reading", "told"),
    [
        ({"calendar": "month"}, "--calendar is for series, csv:.* is tabular"),
        ({"kind": "table", "text_column": "b"}, "--text-column is for a table of texts, csv:.* is tabular"),
        ({"kind": "images"}, "is tabular, it cannot be read as images"),
    ],
)
def test_what_a_table_does_not_go_by_is_refused(rows, reading, told):
    with pytest.raises(UsageError, match=told):
        tasks.infer(f"csv:{rows('own.csv')}", reading=Reading(**reading))


def test_columns_are_not_for_a_folder(tmp_path):
    from PIL import Image

    for i in range(6):
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 10 * i).save(path)
    with pytest.raises(UsageError, match=r"--missing, --drop: not for folder:.*\n.*--as, --tokens, --test"):
        tasks.from_path(tmp_path / "photos", reading=Reading(missing="median", drop="a"))


def test_an_address_of_own_files_has_parts_as_their_path_has(rows):
    train, test = rows("train.csv"), rows("more.csv", 40, 8)
    found = tasks.infer(f"csv:{train}", reading=Reading(test=str(test)))
    assert found == tasks.from_path(train, reading=Reading(test=str(test)))
    assert found.parts() == {"train": 36, "validation": 4, "test": 8}


def test_what_cannot_be_said_at_all_is_refused_at_once():
    with pytest.raises(UsageError, match="unknown kind of data 'tabel'; did you mean table"):
        Reading(kind="tabel")
    with pytest.raises(UsageError, match="unknown kind of tokens 'words'; did you mean word"):
        Reading(tokens="words")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "mlp", "iris", "--missing", "median"),
        ("data", "show", "iris", "--tokens", "word"),
        ("eject", "mlp", "iris", "new", "--drop", "a"),
    ],
)
def test_of_a_recipe_nothing_is_said(zoo_cli, arguments):
    said = zoo_cli(*arguments)
    assert said.code == 2 and f"{arguments[-2]} goes with --data PATH or tfds:NAME" in said.err
