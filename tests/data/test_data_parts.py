"""Own data whose parts lie in files or folders of their own: understood, told, and held against the training part."""

import logging

import numpy as np
import pytest
from PIL import Image

from zoo.data.reading import Reading
from zoo.errors import UsageError
from zoo.runs import scoring
from zoo.tasks import from_path, load, sizes

NAMES = {"train": "train", "validation": "val", "test": "test"}
COUNTS = {"train": 24, "validation": 6, "test": 8}


def table(path, rows, start=0, header="age,fur,kind"):
    lines = [f"{i},{'long' if i % 3 else 'short'},{'cat' if i % 2 else 'dog'}" for i in range(start, start + rows)]
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def texts(folder, rows, start=0):
    for i in range(start, start + rows):
        place = folder / ("good" if i % 2 else "bad")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i}.txt").write_text(f"Number {i} is {place.name}, said they.")


def images(folder, rows, start=0, names=("cat", "dog")):
    for i in range(start, start + rows):
        place = folder / names[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 8), i, "uint8")).save(place / f"{i}.png")


def masks(folder, rows, start=0):
    for what in ("images", "masks"):
        (folder / what).mkdir(parents=True)
        for i in range(start, start + rows):
            pixels = np.full((20, 24), i, "uint8") if what == "images" else np.arange(480).reshape(20, 24) % 2
            Image.fromarray(pixels.astype("uint8")).save(folder / what / f"{i}.png")


def arrays(folder, rows, start=0, classes=3):
    folder.mkdir(parents=True)
    numbers = np.arange(start, start + rows)
    np.save(folder / "x.npy", np.stack([numbers, numbers * 2.0], axis=1))
    np.save(folder / "y.npy", numbers % classes)


KINDS = {"texts": (texts, "binary"), "images": (images, "binary"), "masks": (masks, "segmentation"),
         "arrays": (arrays, "classification")}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_with_train_val_and_test_is_a_split_and_said_to_be_one(tmp_path, caplog, kind):
    write, task = KINDS[kind]
    root, begin = tmp_path / kind, 0
    for name, called in NAMES.items():
        write(root / called, COUNTS[name], begin)
        begin += COUNTS[name]
    with caplog.at_level(logging.WARNING):
        data = from_path(root)
    assert data.task == task and data.class_names in ((), ("bad", "good"), ("cat", "dog"))
    assert data.parts() == COUNTS
    assert all(f"{root / called}" in caplog.text for called in NAMES.values()) and "parts: train" in caplog.text
    splits = load(data, kind)
    assert {name: len(part) for name, part in splits.by_name().items()} == sizes(data) == COUNTS
    if kind == "images":
        assert [sorted(part.x[:, 0, 0, 0].tolist()) for part in splits] == [
            list(range(24)), list(range(24, 30)), list(range(30, 38))
        ]  # fmt: skip


def test_without_a_test_folder_it_is_held_out_of_the_training_part(tmp_path):
    images(tmp_path / "Train", 20)
    images(tmp_path / "dev", 6, 20)
    assert from_path(tmp_path).parts() == {"train": 16, "validation": 6, "test": 4}


def test_classes_called_train_and_bus_stay_classes(tmp_path):
    images(tmp_path, 20, names=("bus", "train"))
    assert from_path(tmp_path).class_names == ("bus", "train")


def test_two_folders_of_one_part_are_refused(tmp_path):
    for name in ("train", "val", "valid"):
        images(tmp_path / name, 4)
    with pytest.raises(UsageError, match="val and valid, and both would be the validation part"):
        from_path(tmp_path)


def test_a_class_that_training_lacks_is_named(tmp_path):
    images(tmp_path / "train", 8)
    images(tmp_path / "test", 4, names=("cat", "wolf"))
    with pytest.raises(UsageError, match=r"test has classes cat, wolf\n.*says cat, dog, not wolf"):
        from_path(tmp_path)


def test_a_test_part_may_lack_a_class_or_have_one_alone(tmp_path):
    images(tmp_path / "train", 8)
    images(tmp_path / "test", 4, 8, names=("dog", "dog"))
    data = from_path(tmp_path)
    assert load(data, "x").test.y.tolist() == [1, 1, 1, 1]


def test_files_for_each_part_of_a_table(tmp_path, caplog):
    train, test, dev = (table(tmp_path / f"{n}.csv", c, s) for n, c, s in (("a", 30, 0), ("b", 8, 40), ("c", 6, 60)))
    with caplog.at_level(logging.WARNING):
        data = from_path(train, reading=Reading(test=str(test), validation=str(dev)))
    assert data.parts() == {"train": 30, "validation": 6, "test": 8} and "parts: train" in caplog.text
    splits = load(data, "pets")
    assert splits.train.x[:, 0].tolist() == list(range(30)) and splits.test.x[:, 0].tolist() == list(range(40, 48))
    assert splits.test.y.tolist() == [1, 0] * 4 and splits.validation.x.shape == (6, 3)
    one = from_path(train, reading=Reading(test=str(test)))
    assert one.parts() == {"train": 27, "validation": 3, "test": 8}


def test_a_folder_with_train_csv_and_test_csv_is_read_as_its_files(tmp_path):
    table(tmp_path / "train.csv", 30)
    table(tmp_path / "test.csv", 8, 40)
    (tmp_path / "README.md").write_text("about")
    assert from_path(tmp_path).parts() == {"train": 27, "validation": 3, "test": 8}


def test_columns_of_the_parts_are_found_by_their_names(tmp_path, caplog):
    train = table(tmp_path / "train.csv", 10)
    (tmp_path / "test.csv").write_text("kind,note,fur,age\ncat,x,long,7\ndog,y,short,8\n")
    with caplog.at_level(logging.WARNING):
        data = from_path(train, reading=Reading(test=str(tmp_path / "test.csv")))
    assert load(data, "pets").test.x.tolist() == [[7, 1, 0], [8, 0, 1]]
    assert load(data, "pets").test.y.tolist() == [0, 1] and "passed over" in caplog.text and "note" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age,fur,kind\n7,long,wolf\n8,short,cat\n", r"test.csv, line 2, column 'kind': 'wolf' is not one of the cl"),
        ("age,fur,kind\n7,curly,dog\n", "test.csv, line 2, column 'fur': 'curly' is not one of the values in training"),
        ("age,kind\n7,dog\n", "test.csv has no column 'fur'"),
        ("age,fur\n7,long\n", "unknown column of .*test.csv 'kind'"),
        ("age,fur,kind\nold,long,dog\n", "test.csv, line 2, column 'age': 'old' stands in a column of numbers"),
    ],
)
def test_what_is_foreign_in_a_part_is_named_with_status_2(tmp_path, zoo_cli, text, message):
    table(tmp_path / "train.csv", 12)
    (tmp_path / "test.csv").write_text(text)
    with pytest.raises(UsageError, match=message):
        from_path(tmp_path / "train.csv", reading=Reading(test=str(tmp_path / "test.csv")))
    said = zoo_cli("run", "mlp", "--data", tmp_path / "train.csv", "--test", tmp_path / "test.csv", "--dry-run")
    assert said.code == 2 and said.err.count("\n") <= 3


def test_the_vocabulary_is_that_of_the_training_part(tmp_path):
    for name, word in (("train", "fine"), ("test", "marvellous")):
        rows = [f"{i % 2},this is a {word} film of number {i}" for i in range(20)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["label,text", *rows]) + "\n")
    data = from_path(tmp_path / "train.csv", reading=Reading(test=str(tmp_path / "test.csv")))
    assert data.task == "binary" and data.parts() == {"train": 18, "validation": 2, "test": 20}
    splits = load(data, "films")
    tokens = splits.vocabularies.source.tokens
    assert "fine" in tokens and "marvellous" not in tokens and (splits.test.x == 1).any()


def test_pairs_plain_text_and_several_inputs_have_parts_too(tmp_path):
    for name, start, count in (("train", 0, 20), ("test", 20, 5)):
        lines = [f"this is {i}\tdies ist {i}\n" for i in range(start, start + count)]
        (tmp_path / f"{name}.tsv").write_text("".join(lines))
        (tmp_path / f"{name}.en").write_text("".join(line.split("\t")[0] + "\n" for line in lines))
        (tmp_path / f"{name}.de").write_text("".join(line.split("\t")[1] for line in lines))
        (tmp_path / f"{name}.txt").write_text(f"It was late, and it rained on the {name}.\n" * 40)
        (tmp_path / f"{name}.csv").write_text(
            "x,kind,price\n" + "".join(f"{i},{'ab'[i % 2]},{i * 1.5}\n" for i in range(start, start + count))
        )
    pairs = from_path(tmp_path / "train.tsv", reading=Reading(test=str(tmp_path / "test.tsv")))
    assert pairs.kind == "text-pair" and len(load(pairs, "p").test) == 5
    two = [",".join(str(tmp_path / f"{name}.{side}") for side in ("en", "de")) for name in ("train", "test")]
    assert from_path(two[0], reading=Reading(test=two[1])).test == 5
    book = from_path(tmp_path / "train.txt", reading=Reading(test=str(tmp_path / "test.txt")))
    assert book.task == "language-model" and book.test == (tmp_path / "test.txt").stat().st_size
    assert sizes(book)["test"] == len(load(book, "b").test)
    heads = from_path(tmp_path / "train.csv", "kind,price", reading=Reading(test=str(tmp_path / "test.csv")))
    assert load(heads, "h").test.targets["price"].tolist() == [30, 31.5, 33, 34.5, 36]


def days(path, first, count):
    dates = np.arange(np.datetime64(first), np.datetime64(first) + count)
    path.write_text("day,heat\n" + "".join(f"{day},{i}\n" for i, day in enumerate(dates)))
    return str(path)


def test_the_parts_of_a_series_follow_each_other_in_time(tmp_path):
    train, test = days(tmp_path / "a.csv", "2020-01-01", 100), days(tmp_path / "b.csv", "2020-04-10", 30)
    data = from_path(train, reading=Reading(test=test))
    splits = load(data, "days")
    assert len(splits.test) == 30 and splits.test.y[:, 0].tolist() == list(range(30))
    assert splits.test.x[0, -1, 0] == 99  # the window reaches back into the part before
    with pytest.raises(UsageError, match=r"a.csv begins at 2020-01-01 .*, and .*b.csv ends at"):
        from_path(test, reading=Reading(test=train))
    with pytest.raises(UsageError, match="--validation needs --test"):
        from_path(train, reading=Reading(validation=test))


def test_arrays_with_a_class_that_training_lacks_are_refused(tmp_path):
    arrays(tmp_path / "train", 12, classes=3)
    arrays(tmp_path / "test", 12, classes=5)
    with pytest.raises(UsageError, match=r"holds 3, 4: the training part has the classes 0 to 2"):
        from_path(tmp_path)


def test_parts_of_a_recipe_or_of_what_has_parts_are_refused(tmp_path, zoo_cli):
    images(tmp_path / "p" / "train", 8)
    images(tmp_path / "p" / "test", 8)
    with pytest.raises(UsageError, match="has parts of its own: train, test"):
        from_path(tmp_path / "p", reading=Reading(test=str(tmp_path / "p" / "test")))
    with pytest.raises(UsageError, match=r"no such file or folder: .*nowhere"):
        from_path(tmp_path / "p" / "train", reading=Reading(test=str(tmp_path / "nowhere")))
    said = zoo_cli("run", "lenet", "digits", "--test", tmp_path / "p")
    assert said.code == 2 and "--test goes with --data PATH" in said.err


def test_a_run_is_trained_and_scored_on_its_own_test_file(tmp_path, zoo_cli):
    for name, count in (("train", 40), ("test", 9)):
        table(tmp_path / f"{name}.csv", count)
    out = tmp_path / "run"
    said = zoo_cli("run", "perceptron", "--data", tmp_path, "--epochs", "1", "--out", out, "--quiet")
    assert said.code == 0 and "9 of 9" in said
    from zoo.runs import directory

    assert scoring.rescore(directory.load(out), None, "test")["examples_scored"] == 9
