"""A network that answers nothing, or always the same, is said to."""

import pytest

from zoo import tasks
from zoo.recipe import load_recipe
from zoo.tasks.seq2seq import what_is_wrong


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ([], ""),
        (["ja"], ""),
        (["ein Hund", "eine Katze", ""], ""),
        (["", " ", "ein Hund"], "2 of 3 answers are empty: the network ends at once"),
        ([""], "1 of 1 answers are empty"),
        (["ein Mann", "ein Mann"], "all 2 answers are the same, 'ein Mann'"),
    ],
)
def test_answers_that_are_empty_or_the_same(said, note):
    assert what_is_wrong(said).startswith(note) and bool(what_is_wrong(said)) == bool(note)


def test_answers_are_looked_at_before_they_are_given(caplog):
    data = load_recipe("reverse").data
    rows = tasks.of(data).words(["", ""], data, "")
    assert [row["prediction"] for row in rows] == ["", ""] and "2 of 2 answers are empty" in caplog.text
