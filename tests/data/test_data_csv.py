import numpy as np
import pytest

from zoo.data import read_examples
from zoo.errors import UsageError, ZooError
from zoo.tasks import from_path, infer, load

PETS = """name,weight,fur,age,kind
a,4.5,long,3,cat
b,30,short,7,dog
c,3.5,short,1,cat
d,25,long,2,dog
e,4,long,9,cat
f,20,short,4,dog
"""


@pytest.fixture
def write(tmp_path):
    def make(text, name="pets.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return make


def whole(data):
    """All rows in file order: no splits."""
    return data.model_copy(update={"test_share": 0.0, "validation_share": 0.0})


def test_columns_classes_and_one_hot_are_found(write):
    data = from_path(write(PETS))
    assert (data.task, data.class_names, data.label, data.train) == ("binary", ("cat", "dog"), "kind", 6)
    assert data.feature_names[6:] == ("weight", "fur=long", "fur=short", "age")
    part = load(whole(data), "pets").train
    assert part.x[:, 6:].tolist()[:2] == [[4.5, 1, 0, 3], [30, 0, 1, 7]]
    assert part.x[:, :6].tolist() == np.eye(6).tolist()  # the names a to f
    assert part.y.tolist() == [0, 1, 0, 1, 0, 1] and part.y.dtype == np.int32


def test_a_number_with_many_values_makes_a_regression(write):
    data = from_path(write("".join(f"{i},{i * 0.5}\n" for i in range(30))))
    assert (data.task, data.label, data.feature_names) == ("regression", "column 2", ("column 1",))
    part = load(whole(data), "x").train
    assert part.y.tolist() == [i * 0.5 for i in range(30)] and part.y.dtype == np.float32


def test_the_five_points_of_a_line_are_a_regression_and_three_grades_are_classes(write):
    assert from_path(write("x,y\n1,1\n2,2\n3,3\n4,4\n6,6\n")).task == "regression"
    grades = from_path(write("x,y\n" + "".join(f"{i},{i % 3 + 4}.0\n" for i in range(12))))
    assert (grades.task, grades.class_names) == ("classification", ("4", "5", "6"))
    assert load(whole(grades), "x").train.y.tolist() == [i % 3 for i in range(12)]


def test_the_label_may_be_any_column(write):
    data = from_path(write(PETS), "fur")
    assert data.class_names == ("long", "short")
    assert data.feature_names[-2:] == ("kind=cat", "kind=dog")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_are_found(write, delimiter):
    assert from_path(write(PETS.replace(",", delimiter))).train == 6


def test_without_a_header_the_first_row_is_data(write):
    data = from_path(write("1,2,a\n3,4,b\n5,6,a\n7,8,b\n"))
    assert (data.train, data.label) == (4, "column 3")


def test_a_table_of_words_has_a_header_if_its_words_do_not_come_again(write):
    assert from_path(write("sky,play\nsun,yes\nrain,no\nsun,yes\nrain,no\n")).train == 4
    assert from_path(write("sun,yes\nrain,no\nsun,yes\nrain,no\n")).train == 4


def test_a_byte_order_mark_and_crlf_are_no_part_of_the_first_name(write):
    data = from_path(write(b"\xef\xbb\xbfx,y\r\n1,a\r\n2,b\r\n3,a\r\n4,b\r\n"))
    assert data.feature_names == ("x",)
    assert load(whole(data), "x").train.x.ravel().tolist() == [1, 2, 3, 4]


def test_quoted_cells_may_hold_the_delimiter_and_a_line_break(write):
    data = from_path(write('x,y\n1,"a, b"\n2,"c\nd"\n3,"a, b"\n4,"c\nd"\n'))
    assert data.class_names == ("a, b", "c\nd")


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ("x,y\n1,a\n,b\n3,a\n4,b\n", None, "missing cells: line 3, column 'x' "),
        ("x,y\n1,a\nNA,b\n?,a\nnan,b\n5,\n", None, r"3, column 'x'; line 4, column 'x'; line 5, column 'x' and 1 more"),
        ("x,y\n1,a\n2,b,c\n3,a\n", None, "line 3: 3 cells where line 1 has 2"),
        ("x,y\n1,a\n2\n3\n", None, r"line 3: 1 cells where line 1 has 2 \(2 such rows\)"),
        ("x,y\n", None, "has a header and no rows"),
        ("", None, "is empty"),
        ("\n\n", None, "is empty"),
        ("x\n1\n2\n", None, "has one column"),
        ("x,x,y\n1,2,a\n3,4,b\n", None, "column name 'x' stands in the header more than once"),
        ("x,y\n1,a\n2,b\n", "z", "unknown column of .*'z'\nit has: x, y"),
        ("height,y\n1,a\n2,b\n", "hieght", "did you mean height"),
        ("x,y\n1,a\n2,a\n", None, "label column 'y' has one value only, 'a'"),
        ("x,y\n1,a\n2,b\n3,c\n", None, "3 different texts in 3 rows: no classes"),
        ('x,y\n1,"a\n2,b\n', None, "line .*quotes"),
        ("x,y\n" + "1,a\n2,b\n" * 10 + "abc,a\n", None, "line 22, column 'x': 'abc' stands in a column of numbers"),
        ("x,y\n" + "".join(f"n{i},{i % 2}\n" for i in range(101)), None, "column 'x' is text with 101 different"),
        (b"x,y\n1,a\0\n", None, "zero bytes"),
        ("x,y\n1,a\n".encode("utf-16"), None, "is UTF-16.*\nconvert it: iconv -f UTF-16"),
        ("x,y\n1,über\n2,b\n".encode("latin-1"), None, "not UTF-8: byte 0xfc at offset 6, line 2\nconvert it"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused_with_line_and_column(write, text, label, message):
    with pytest.raises(UsageError, match=message) as caught:
        from_path(write(text), label)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_class_that_came_after_the_description_is_refused(write):
    path = write("x,y\n1,a\n2,b\n3,a\n4,b\n")
    data = whole(from_path(path))
    write("x,y\n1,a\n2,b\n3,a\n4,c\n")
    with pytest.raises(UsageError, match="line 5, column 'y': 'c' is not one of the classes"):
        load(data, "pets")


def test_an_infinite_cell_is_named(write):
    data = from_path(write("x,y\n1,a\ninf,b\n3,a\n4,b\n"))
    with pytest.raises(ZooError, match="row 1, feature x is inf"):
        load(data, "pets")


@pytest.mark.parametrize("name", ["nothing.csv", "picture.bmp"])
def test_paths_that_are_no_table(tmp_path, name):
    (tmp_path / "picture.bmp").write_bytes(b"BM")
    with pytest.raises(UsageError, match=r"no such file or folder|neither a folder of images or texts nor a table"):
        from_path(tmp_path / name)


def test_rows_to_predict_are_found_by_name_or_by_place(write):
    data = from_path(write("a,fur,b,y\n1,long,2,u\n3,short,4,v\n5,long,6,u\n7,short,8,v\n"))
    expected = [[1, 1, 0, 2], [3, 0, 1, 4]]
    texts = [
        "a,fur,b\n1,long,2\n3,short,4\n",  # header, no label
        "1,long,2\n3,short,4\n",  # no header, no label
        "1,long,2,?\n3,short,4,\n",  # no header, empty labels last
        "y,b,fur,a\n,2,long,1\n,4,short,3\n",  # header, another order
        "b,a,extra,fur\n2,1,0,long\n4,3,0,short\n",  # another column beside
    ]
    for text in texts:
        assert read_examples(data, write(text, "new.csv")).tolist() == expected


def test_one_row_is_enough_to_predict(write):
    data = from_path(write("a,b,y\n1,2,u\n3,4,v\n5,6,u\n7,8,v\n"))
    assert read_examples(data, write("9,8\n", "new.csv")).tolist() == [[9, 8]]


def test_a_model_of_one_feature_takes_one_number_a_line(write, flat):
    data = flat(source="generated:line", task="regression", features=1, train=5, feature_names=("x",))
    assert read_examples(data, write("5\n7.5\n", "new.csv")).tolist() == [[5], [7.5]]
    assert read_examples(data, write("x\n5\n", "new.csv")).tolist() == [[5]]
    assert read_examples(data, write("x,y\n5,5\n", "new.csv")).tolist() == [[5]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4\n", r"4 columns, the model needs 2: a, b"),
        ("a,c\n1,2\n", "has no column 'b'; it has: a, c\nthe model needs: a, b"),
        ("a,b\n1,\n", "missing cells: line 2, column 'b'"),
        ("a,b\n1,x\n", "line 2, column 'b': 'x' stands in a column of numbers"),
    ],
)
def test_bad_rows_to_predict_are_refused(write, text, message):
    data = from_path(write("a,b,y\n1,2,u\n3,4,v\n5,6,u\n7,8,v\n"))
    with pytest.raises(UsageError, match=message):
        read_examples(data, write(text, "new.csv"))


def test_a_category_never_seen_is_refused(write):
    data = from_path(write("a,fur,y\n1,long,u\n3,short,v\n5,long,u\n7,short,v\n"))
    with pytest.raises(UsageError, match="'curly' is not one of the values in training\nthey are: long, short"):
        read_examples(data, write("a,fur\n1,curly\n", "new.csv"))


def test_tables_need_no_tensorflow(write):
    import subprocess
    import sys

    path = write(PETS)
    code = (
        "import sys; from zoo.tasks import from_path, load; load(from_path(sys.argv[1]), 'pets')\n"
        "assert not {'tensorflow', 'tensorflow_datasets', 'keras', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def test_a_description_may_be_asked_for_by_source(write, monkeypatch):
    path = write(PETS)
    assert infer(f"csv:{path}") == from_path(path)
    monkeypatch.chdir(path.parent)
    assert from_path(path.name).source == f"csv:{path}"  # whole, so that a run can be repeated from anywhere
    with pytest.raises(UsageError, match="needs a recipe for its sizes; take the one named xor"):
        infer("generated:xor")


def test_labels_of_many_digits_stay_what_they_are(write):
    codes = from_path(write("x,y\n" + "".join(f"{i},{[1000001, 1000002, 2000000][i % 3]}\n" for i in range(30))))
    assert codes.class_names == ("1000001", "1000002", "2000000")
    assert np.bincount(load(whole(codes), "x").train.y).tolist() == [10, 10, 10]
    pressure = from_path(write("x,y\n" + "".join(f"{i},{101320 + i * 0.25}\n" for i in range(40))))
    assert pressure.task == "regression"


def test_an_underscore_makes_a_word_of_a_number(write):
    data = from_path(write("x,y\n" + "".join(f"{i},{['1_0', '10', '2_0'][i % 3]}\n" for i in range(30))))
    assert data.class_names == ("10", "1_0", "2_0")


def test_a_cell_may_hold_a_book(write):
    data = from_path(write("text,label\n" + "".join(f"{'word ' * 40_000}{i},{'ab'[i % 2]}\n" for i in range(4))))
    assert data.kind == "text" and data.train == 4


@pytest.mark.parametrize("content", ["caf\xe9\n".encode("latin-1"), b"1\n\0\n"])
def test_a_file_for_one_feature_that_is_no_text_is_refused(write, flat, content):
    data = flat(source="generated:line", task="regression", features=1, train=5, feature_names=("x",))
    with pytest.raises(UsageError, match=r"new\.csv"):
        read_examples(data, write(content, "new.csv"))
