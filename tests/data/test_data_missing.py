"""Missing cells as a user says what to do about them, and columns that are chosen or left out."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from zoo.data import read_examples
from zoo.data.reading import Reading
from zoo.errors import UsageError
from zoo.tasks import from_path, load

TABULAR = Path(os.environ.get("ZOO_DATA_DIR") or "none") / "tabular"
real = pytest.mark.skipif(not TABULAR.is_dir(), reason="the real tables are not here")
ROWS = 40


def cells(i):
    """The age is missing in every fourth row, the fur in every tenth."""
    return [
        "" if i % 4 == 0 else str(i),
        "NA" if i % 10 == 3 else ("long", "short")[i % 3 == 0],
        "cat" if i % 2 else "dog",
    ]


@pytest.fixture
def pets(tmp_path):
    path = tmp_path / "pets.csv"
    path.write_text("age,fur,kind\n" + "".join(",".join(cells(i)) + "\n" for i in range(ROWS)))
    return path


def test_missing_cells_are_refused_and_the_ways_out_named(pets):
    with pytest.raises(
        UsageError, match=r"missing cells: line 2, column 'age'.*\n.*--missing drop, median, mode or flag"
    ):
        from_path(pets)


def test_rows_with_missing_cells_are_left_out(pets, caplog):
    with caplog.at_level(logging.WARNING):
        data = from_path(pets, reading=Reading(missing="drop"))
    whole = [i for i in range(ROWS) if "" not in cells(i) and "NA" not in cells(i)]
    assert data.train == len(whole) and f"{ROWS - len(whole)} of {ROWS} rows have a missing cell" in caplog.text
    parts = load(data, "pets")
    assert sorted(np.concatenate([part.x[:, 0] for part in parts]).tolist()) == whole


@pytest.mark.parametrize(("way", "of"), [("median", np.median), ("mode", np.min), ("flag", np.median)])
def test_cells_are_filled_by_the_training_part_alone(pets, caplog, way, of):
    with caplog.at_level(logging.WARNING):
        data = from_path(pets, reading=Reading(missing=way))
    assert data.train == ROWS and data.missing == way
    parts = load(data, "pets")
    first = parts.train.x[:, 0]
    known = first[first % 4 != 0] if way != "median" else first[first != float(data.fills["age"])]
    real_ones = [i for i in range(ROWS) if i % 4 and i in first.astype(int)]
    assert float(data.fills["age"]) == pytest.approx(of(real_ones)) and len(known)
    everywhere = float(data.fills["age"])
    assert sum(int((part.x[:, 0] == everywhere).sum()) for part in parts) >= ROWS // 4
    assert data.fills["fur"] == "long" and f"age 10 ({data.fills['age']}), fur 4 (long)" in caplog.text
    names = ("age", "fur=long", "fur=short")
    assert data.feature_names == (names if way != "flag" else (*names, "age missing", "fur missing"))
    if way == "flag":
        assert sum(int(part.x[:, 3].sum()) for part in parts) == 10


def test_what_is_predicted_on_is_filled_by_the_same_numbers(pets, tmp_path):
    data = from_path(pets, reading=Reading(missing="flag"))
    (tmp_path / "new.csv").write_text("fur,age\nlong,\n?,7\n")
    age = np.float32(data.fills["age"])
    assert read_examples(data, tmp_path / "new.csv").tolist() == [[age, 1, 0, 1, 0], [7, 1, 0, 0, 1]]
    (tmp_path / "unnamed.csv").write_text("3,short\n,long\n")
    assert read_examples(data, tmp_path / "unnamed.csv").tolist()[1] == [age, 1, 0, 1, 0]


def test_the_test_part_is_filled_by_the_training_file(pets, tmp_path):
    (tmp_path / "test.csv").write_text("age,fur,kind\n,short,cat\n5,,dog\n6,long,\n")
    data = from_path(pets, reading=Reading(missing="median", test=str(tmp_path / "test.csv")))
    assert data.test == 2  # a label is never filled
    assert load(data, "pets").test.x.tolist() == [[np.float32(data.fills["age"]), 0, 1], [5, 1, 0]]


def test_ways_that_do_not_fit_are_refused(pets, tmp_path):
    with pytest.raises(UsageError, match="--missing forward is not for a table: say --missing drop, median, mode or f"):
        from_path(pets, reading=Reading(missing="forward"))
    (tmp_path / "empty.csv").write_text("a,b,y\n,1,u\n,2,v\n,3,u\n,4,v\n")
    with pytest.raises(UsageError, match="column 'a' has no value in the training part\nleave it out: --drop a"):
        from_path(tmp_path / "empty.csv", reading=Reading(missing="median"))
    with pytest.raises(UsageError, match="every row has a missing cell"):
        from_path(tmp_path / "empty.csv", reading=Reading(missing="drop"))


def test_columns_are_left_out_or_chosen(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,a,b,c,y\n" + "".join(f"n{i},{i},{i * 2},{i * 3},{'uv'[i % 2]}\n" for i in range(200)))
    with pytest.raises(UsageError, match="column 'id' is text with 200 different values"):
        from_path(path)
    dropped = from_path(path, reading=Reading(drop="id, b"))
    assert dropped.feature_names == ("a", "c") and load(dropped, "a").train.x.shape == (144, 2)
    chosen = from_path(path, reading=Reading(columns="c", label="y"))
    assert chosen.feature_names == ("c",) and chosen.label == "y"
    assert from_path(path, reading=Reading(columns="b,c")).label == "y"
    for reading, message in (
        (Reading(drop="d"), "unknown column of .* 'd'"),
        (Reading(drop="y", label="y"), "is the label and left out"),
        (Reading(columns="y", label="y"), "columns to predict from and the label are the same"),
    ):
        with pytest.raises(UsageError, match=message):
            from_path(path, reading=reading)


def test_columns_of_a_table_without_a_header_are_left_out_by_number(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{i},{i * 2},{i * 3},{'uv'[i % 2]}\n" for i in range(20)))
    data = from_path(path, reading=Reading(drop="column 2"))
    assert data.feature_names == ("column 1", "column 3")
    assert load(data, "a").train.x.shape[1] == 2
    assert read_examples(data, path)[3].tolist() == [3, 9]


def test_the_column_of_texts_is_named(tmp_path):
    path = tmp_path / "a.csv"
    rows = [
        f"a long title for number {i} of them all,it is {'good' if i % 2 else 'bad'} {i},{i % 2}" for i in range(20)
    ]
    path.write_text("title,review,stars\n" + "\n".join(rows) + "\n")
    assert from_path(path).feature_names == ("title",)
    data = from_path(path, reading=Reading(text_column="review"))
    assert (data.kind, data.feature_names, data.label) == ("text", ("review",), "stars")


@real
def test_titanic_and_penguins_as_they_come(caplog):
    with caplog.at_level(logging.WARNING):
        data = from_path(
            TABULAR / "titanic_kaggle_train.csv",
            reading=Reading(missing="flag", drop="PassengerId,Name,Ticket,Cabin", label="Survived"),
        )
    assert data.train == 891 and data.task == "binary" and "Age 177 (" in caplog.text
    assert data.feature_names[:2] == ("Pclass", "Sex=female") and data.feature_names[-1] == "Embarked missing"
    assert np.isfinite(load(data, "titanic").train.x).all()
    birds = from_path(TABULAR / "penguins_size.csv", "species", reading=Reading(missing="drop"))
    assert birds.class_names == ("Adelie", "Chinstrap", "Gentoo") and birds.train == 334
