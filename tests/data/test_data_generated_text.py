"""Tasks made by a rule: exact labels, nothing twice, nothing of the test set in the training set."""

from datetime import date, datetime

import numpy as np
import pytest

from zoo.data.config import Data, Text
from zoo.data.sources import read
from zoo.data.sources.generated_text import FORMATS, TASKS
from zoo.errors import UsageError

PAIRS = ["addition", "reverse", "dates"]


@pytest.fixture
def task():
    def make(name, train=200, test=50, **more):
        pairs = name in PAIRS
        text = Text(
            tokens="character", vocab_size=6, target_vocab_size=6 if pairs else None, target_length=9 if pairs else None
        )
        facts = {"kind": "text-pair", "task": "seq2seq"} if pairs else {"kind": "text", "task": "binary"}
        return Data(
            **{"source": f"generated:{name}", "input_shape": (30,), "train": train, "test": test, "text": text}
            | facts
            | more
        )

    return make


@pytest.mark.parametrize("name", TASKS)
def test_sizes_are_exact_nothing_comes_twice_and_the_seed_decides(task, name):
    first, again = read(task(name)), read(task(name))
    other = read(task(name, options={"seed": 1}))
    assert (len(first.train.x), len(first.test.x)) == (200, 50)
    everything = [*first.train.x, *first.test.x]
    assert len(set(everything)) == 250 and all(isinstance(text, str) for text in everything)
    assert (first.train.x == again.train.x).all() and (first.test.y == again.test.y).all()
    assert (first.train.x != other.train.x).any()


@pytest.mark.parametrize(("reverse", "asked"), [(True, "5+02"), (False, "20+5")])
def test_sums_are_right_and_read_backwards_if_asked(task, reverse, asked):
    source = read(task("addition", train=3000, options={"reversed": reverse}))
    for question, answer in zip(source.train.x, source.train.y, strict=True):
        a, b = map(int, (question[::-1] if reverse else question).split("+"))
        assert int(answer) == a + b and max(a, b) < 1000 and str(int(answer)) == answer
    assert any(question.startswith(asked[:2]) for question in source.train.x)


def test_a_tested_sum_is_not_trained_on_in_the_other_order_either(task):
    source = read(task("addition", train=1000, test=500, options={"digits": 2, "reversed": False}))
    trained = {frozenset(question.split("+")) for question in source.train.x}
    assert not trained & {frozenset(question.split("+")) for question in source.test.x}


def test_numbers_of_any_length_are_equally_frequent(task):
    source = read(task("addition", train=5000, options={"digits": 4}))
    lengths = [len(part) for question in source.train.x for part in question.split("+")]
    shares = np.bincount(lengths)[1:] / len(lengths)
    assert shares[3] > 0.2 and shares[0] > 0.15  # uniform numbers would give nine in ten with four digits


def test_letters_are_reversed_within_their_lengths(task):
    source = read(task("reverse", train=2000, options={"shortest": 3, "longest": 7, "letters": 4}))
    assert all(text == target[::-1] for text, target in zip(source.train.x, source.train.y, strict=True))
    assert {len(text) for text in source.train.x} == {3, 4, 5, 6, 7} and set("".join(source.train.x)) == set("abcd")


def test_parity_is_the_number_of_ones(task):
    source = read(task("parity", train=2000, options={"longest": 14}))
    assert source.train.y.tolist() == [bin(int(text, 2)).count("1") % 2 for text in source.train.x]
    assert 0.45 < source.train.y.mean() < 0.55 and {len(text) for text in source.train.x} == set(range(1, 15))


def test_dates_are_read_back_by_pythons_own_parser(task):
    source = read(task("dates", train=3000))
    forms = (
        "%d %B %Y",
        "%B %d, %Y",
        "%b %d, %Y",
        "%d. %b %Y",
        "%d-%b-%Y",
        "%Y %B %d",
        "%d.%m.%Y",
        "%A, %d %B %Y",
        "%A, %B %d, %Y",
        "the %dth of %B %Y",
        "the %dst of %B %Y",
        "the %dnd of %B %Y",
        "the %drd of %B %Y",
    )

    def parsed(text):
        for form in forms:
            try:
                return form, datetime.strptime(text, form).date()
            except ValueError:
                continue
        return None, None

    found = [parsed(text) for text in source.train.x]
    assert [day.isoformat() for _, day in found] == source.train.y.tolist()
    assert len({form.replace("dst", "dth").replace("dnd", "dth").replace("drd", "dth") for form, _ in found}) == len(
        FORMATS
    )
    weekdays = [
        (text.split(",")[0], day) for text, (form, day) in zip(source.train.x, found, strict=True) if form[:2] == "%A"
    ]
    assert weekdays and all(name == day.strftime("%A") for name, day in weekdays)
    ordinals = {text.split()[1] for text in source.train.x if text.startswith("the ")}
    assert {"1st", "2nd", "3rd", "11th", "12th", "13th", "21st", "22nd", "23rd", "31st"} <= ordinals


def test_no_day_is_both_trained_on_and_tested(task):
    source = read(task("dates", train=60_000, test=13_049))  # every day of two centuries
    days = [*source.train.y, *source.test.y]
    assert len(set(days)) == (date(2099, 12, 31) - date(1900, 1, 1)).days + 1 == len(days)
    with pytest.raises(UsageError, match=r"73,049 different examples to give .* ask for 73,050"):
        read(task("dates", train=60_000, test=13_050))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("addition", {"digts": 3}, "unknown option of generated:addition 'digts'; did you mean digits"),
        ("addition", {"digits": 0}, "digits = 0 is not a whole number from 1 to 9"),
        ("addition", {"digits": 1.5}, "digits = 1.5 is not a whole number"),
        ("addition", {"reversed": 1}, "reversed = 1 is not true or false"),
        ("addition", {"digits": 1}, "27 different examples to give with these options, .* ask for 250"),
        ("reverse", {"shortest": 9, "longest": 8}, "shortest = 9 is above longest = 8"),
        ("reverse", {"letters": 27}, "letters = 27 is not a whole number from 2 to 26"),
        ("parity", {"longest": 6}, "63 different examples"),
        ("parity", {"seed": -1}, "seed = -1 is not a whole number"),
        ("dates", {"longest": 6}, "unknown option of generated:dates"),
    ],
)
def test_bad_options_are_refused(task, name, options, message):
    with pytest.raises(UsageError, match=message):
        read(task(name, options=options))


def test_other_kinds_than_the_task_is_are_refused(task, flat):
    with pytest.raises(UsageError, match=r"generated:parity is text; the recipe says data.kind = 'tabular'"):
        read(flat(source="generated:parity"))
    with pytest.raises(UsageError, match=r"generated:moons is tabular; the recipe says data.kind = 'text'"):
        read(task("moons"))
    with pytest.raises(UsageError, match="'adition'; did you mean addition"):
        read(task("adition"))
