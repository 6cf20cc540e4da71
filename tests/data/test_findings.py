"""What is said of own data before it is learnt from, and splits in which every class keeps its share."""

import numpy as np
import pytest

from zoo import tasks
from zoo.data import Examples, Splits, findings, sources
from zoo.data.config import Data
from zoo.data.examples import Source
from zoo.data.splitting import in_shares, split
from zoo.recipe import load_recipe, resolve


def table(count, task="binary", names=(), **more):
    return Data(source="memory:arrays", kind="tabular", task=task, input_shape=(2,), train=count,
                feature_names=names, **more)  # fmt: skip


def parted(x, y, **more):
    y = np.asarray(y)
    data = table(len(y), "binary" if y.dtype.kind == "i" else "regression", test_share=0.25, stratify="on", **more)
    part = split(
        Source(Examples(np.asarray(x, "float32"), y)), data, "own", "label" if y.dtype.kind == "i" else "value"
    )
    return data, part


def noise(count, columns=2):
    return np.random.default_rng(0).normal(size=(count, columns))


@pytest.mark.parametrize(("members", "count"), [((90, 10), 20), ((15_000, 150, 2), 1000), ((5, 1, 1), 3)])
def test_classes_keep_their_shares_however_large_or_small(members, count):
    y = np.repeat(np.arange(len(members)), members)
    rest, held = in_shares(y, count, seed=3)
    assert sorted([*rest, *held]) == list(range(len(y))) and len(held) == count
    found = np.bincount(y[held], minlength=len(members))
    assert (np.abs(found - np.array(members) * count / len(y)) < 1).all()
    assert set(y[rest]) == set(y)  # one member of each class stays
    assert (in_shares(y, count, seed=3)[1] == held).all() and not (
        np.sort(in_shares(y, count, 4)[1]) == np.sort(held)
    ).all()


def test_own_data_is_stratified_and_a_recipe_is_as_it_was(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{i},{'yes' if i % 9 else 'no'}\n" for i in range(90)))
    own = tasks.from_path(path)
    assert own.stratify == "on" and sources.is_own(own)
    assert load_recipe("iris").data.stratify == "auto" and not sources.is_own(load_recipe("airline").data)
    parts = tasks.load(own, "rows")
    shares = [float((part.y == 0).mean()) for part in parts]
    assert max(shares) - min(shares) < 0.05
    assert resolve("mlp", "rows", data=own)[0].data.stratify == "on"


def test_a_class_too_small_for_every_part_is_named():
    y = np.repeat([0, 1], [198, 2]).astype("int32")
    data, parts = parted(noise(200), y)
    assert findings.find(data, parts, ("many", "few")) == [
        "class 'few' has 2 examples, too few to be in every part: none in validation and test"
    ]


def test_copies_across_the_parts_are_counted_and_named():
    x = np.concatenate([noise(100), noise(100)[:50]])  # fifty rows stand there twice
    data, parts = parted(x, np.arange(150).astype("int32") % 2)
    [validation, test] = findings.find(data, parts, ("a", "b"))
    assert "validation examples are exact copies" in validation
    seen = {row.tobytes() for row in parts.train.x}
    count = sum(row.tobytes() in seen for row in parts.test.x)
    assert count > 2 and test.startswith(
        f"{count} of {len(parts.test)} test examples are exact copies of training examples"
    )


def test_copies_of_texts_are_told_by_their_words():
    texts = np.array(["a fine film", "a bad film", "a fine film"], object)
    ids, y = np.ones((3, 2), "int32"), np.array([1, 0, 1])
    parts = Splits(*(Examples(ids[rows], y[rows]) for rows in ([0, 1], [], [2])),
                   raw=Splits(*(Examples(texts[rows], y[rows]) for rows in ([0, 1], [], [2]))))  # fmt: skip
    data = table(3).model_copy(update={"kind": "text", "text": "there"})
    told = findings.find(data, parts, ("bad", "good"))[-1]
    assert told.endswith("exact copies of training examples, such as: 'a fine film'")


def test_a_column_that_gives_the_label_away_is_named():
    y = np.sort(np.arange(200).astype("int32") % 2)
    x = noise(200)
    x[:, 1] = np.arange(200)  # the numbers of sorted rows
    data, parts = parted(x, y, names=("height", "row"))
    [told] = findings.find(data, parts, ("a", "b"))
    assert told.startswith("column 'row' alone gives away 100.0% of the labels: is it a copy of the label")
    assert findings.find(*parted(noise(200), y), ("a", "b")) == []
    values = noise(200)[:, 0].astype("float32")
    copied = np.stack([3 * values + 1, noise(200, 3)[:, 2]], axis=1)
    data, parts = parted(copied, values)
    assert [line for line in findings.find(data, parts, ()) if "'column 1' alone gives away nearly all" in line]


def test_what_is_good_but_not_all_of_it_is_not_called_a_leak():
    from sklearn.datasets import load_breast_cancer, load_iris

    for load in (load_breast_cancer, load_iris):
        x, y = load(return_X_y=True)
        data = Data(source="memory:arrays", kind="tabular", task="classification", num_classes=3, test_share=0.2,
                    input_shape=x.shape[1:], train=len(y), stratify="on")  # fmt: skip
        found = findings.find(
            data, split(Source(Examples(x.astype("float32"), y)), data, "own"), tuple("abc")[: y.max() + 1]
        )
        assert not [line for line in found if "gives away" in line]
