"""Tables by tabs in which quote characters are letters, and what is said of lines that cannot be read."""

import pytest

from zoo.data.table import read_table
from zoo.errors import UsageError
from zoo.tasks import from_path

SPAM = (
    'ham\tHe said "see you at nine\n'
    'spam\t"WIN" a prize now, text to 80082!\n'
    'ham\t"Ok lar... joking with you\n'
    "ham\tI'll call you later, alright?\n"
    'spam\tFREE entry in a "weekly" comp to win a cup\n'
    'ham\tShe went "home"" early today, they say\n'
)


@pytest.mark.parametrize("name", ["spam.tsv", "spam.txt", "spam.csv"])
def test_quotes_are_letters_where_each_line_has_the_same_tabs(tmp_path, name):
    path = tmp_path / name
    path.write_text(SPAM)
    table = read_table(path)
    assert [row[0] for row in table.rows] == ["ham", "spam", "ham", "ham", "spam", "ham"]
    assert table.rows[0][1] == 'He said "see you at nine' and table.rows[2][1] == '"Ok lar... joking with you'
    assert table.lines == [1, 2, 3, 4, 5, 6]


def test_such_a_file_is_a_set_of_texts_with_classes(tmp_path):
    path = tmp_path / "spam.tsv"
    path.write_text("".join(line.replace("\t", f"\t{i} ") for i in range(5) for line in SPAM.splitlines(keepends=True)))
    data = from_path(path)
    assert (data.kind, data.task, data.class_names, data.train) == ("text", "binary", ("ham", "spam"), 30)


def test_quotes_round_whole_cells_stay_quotes(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('name\ty\n"a b"\t1\n"c"\t2\n')
    assert read_table(path).rows == [["a b", "1"], ["c", "2"]]
    path.write_text('name\ty\n"a\tb"\t1\n"c"\t2\n')  # a tab inside: the lines differ in tabs
    assert read_table(path).rows == [["a\tb", "1"], ["c", "2"]]


def test_the_line_that_cannot_be_read_is_named_and_shown(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('x,y\n1,a\n2,"b" c\n3,d\n')
    with pytest.raises(UsageError, match=r"line 3: .*look at its quotes\n'2,\"b\" c'"):
        read_table(path)
    path.write_text('x,y\n1,a\n2,"never closed\n3,d\n4,e\n')
    with pytest.raises(UsageError, match=r"line 3: .*look at its quotes\n'2,\"never closed'"):
        read_table(path)
    path.write_text("x,y\n1,a\n" + f"{'long ' * 50},b,c\n" + "2,b\n")
    with pytest.raises(UsageError, match=r"line 3: 3 cells where line 1 has 2\n'long long .* \.\.\.'\nfill"):
        read_table(path)
