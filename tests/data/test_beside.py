"""Columns of own tables that are neither learnt nor learnt from: groups that stay in one part, weights in the loss."""

import numpy as np
import pytest

from zoo import tasks
from zoo.data.examples import GROUP, WEIGHT
from zoo.data.reading import Reading
from zoo.errors import UsageError


@pytest.fixture
def visits(tmp_path):
    """Two hundred visits of forty patients; the patient's number is the last column."""
    random = np.random.default_rng(0)
    rows = [f"{a:.3f},{b:.3f},{'ill' if a + b > 0 else 'well'},{1 + i % 3},p{i // 5}"
            for i, (a, b) in enumerate(random.normal(size=(200, 2)))]  # fmt: skip
    path = tmp_path / "visits.csv"
    path.write_text("a,b,state,sure,patient\n" + "\n".join(rows))
    return path


READING = Reading(group="patient", weight="sure")


def test_a_group_stays_in_one_part_and_is_no_feature(visits):
    data = tasks.from_path(visits, reading=READING)
    assert data.feature_names == ("a", "b") and data.label == "state"  # the last column that is left
    parts = tasks.load(data, "visits")
    groups = [set(part.beside[GROUP]) for part in parts]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert [len(part) for part in parts] == [tasks.sizes(data)[name] for name in ("train", "validation", "test")]
    assert 30 <= len(parts.test) <= 40 and len(parts.validation) >= 10
    assert set.union(*groups) == {f"p{i}" for i in range(40)}


def test_weights_come_with_their_rows(visits):
    parts = tasks.load(tasks.from_path(visits, reading=READING), "visits")
    lines = visits.read_text().splitlines()[1:]
    weights = {tuple(line.split(",")[:2]): float(line.split(",")[3]) for line in lines}
    for part in parts:
        assert part.beside[WEIGHT].tolist() == [weights[f"{a:.3f}", f"{b:.3f}"] for a, b in part.x]


def test_texts_have_them_too(tmp_path):
    path = tmp_path / "texts.csv"
    rows = [f"word{i % 7} film number {i} of many,{'good' if i % 2 else 'bad'},w{i // 4}" for i in range(80)]
    path.write_text("text,label,writer\n" + "\n".join(rows))
    data = tasks.from_path(path, reading=Reading(group="writer"))
    assert (data.kind, data.label, data.feature_names) == ("text", "label", ("text",))
    parts = tasks.load(data, "texts").raw
    assert not set(parts.train.beside[GROUP]) & set(parts.test.beside[GROUP])


def test_what_cannot_be_is_refused(visits, tmp_path):
    with pytest.raises(UsageError, match=r"column of .*patience"):
        tasks.from_path(visits, reading=Reading(group="patience"))
    visits.write_text(visits.read_text().replace(",2,p0", ",-2,p0"))
    with pytest.raises(UsageError, match="line 3, column 'sure': '-2' is no weight: a number above 0"):
        tasks.load(tasks.from_path(visits, reading=Reading(weight="sure")), "visits")
    one = tmp_path / "one.csv"
    one.write_text("a,label,who\n" + "".join(f"{i},{'xy'[i % 2]},same\n" for i in range(40)))
    with pytest.raises(UsageError, match="each group of 'who' has more rows than the 8 of the test part"):
        tasks.from_path(one, reading=Reading(group="who"))
    (tmp_path / "a").mkdir()
    with pytest.raises(UsageError, match="--group: not for folder:"):
        tasks.infer(f"folder:{tmp_path}", reading=Reading(group="who"))
