"""Some classes of a source, some examples of each class."""

import numpy as np
import pytest

from zoo import data, tasks
from zoo.data.config import Data
from zoo.data.examples import Examples, Source
from zoo.data.splitting import split
from zoo.data.subset import few, of_classes
from zoo.errors import UsageError
from zoo.recipe import fingerprint, resolve
from zoo.recipe.schema import fits_its_task
from zoo.runs import results


def described(**more):
    facts = {"source": "sklearn:digits", "kind": "tabular", "task": "classification", "input_shape": (1,)} | more
    return Data(**({"num_classes": 3, "train": 30} | facts))


def source(rows, classes):
    y = np.arange(rows) % classes
    return Examples(np.arange(rows, dtype="float32")[:, None], y.astype("int32"))


def test_chosen_classes_are_numbered_in_the_order_given():
    part = source(12, 4)
    kept = of_classes(Source(part, part), described(classes=(3, 0, 2)))
    assert kept.train.x[:, 0].tolist() == [0, 2, 3, 4, 6, 7, 8, 10, 11]
    assert kept.train.y.tolist() == [1, 2, 0] * 3 and kept.train.y.dtype == np.int32
    assert (kept.test.y == kept.train.y).all() and kept.validation is None


def test_few_are_so_many_of_each_class_and_the_same_ones_each_time():
    part = source(300, 3)
    small, again, large = (few(part, described(examples_a_class=n), "x") for n in (4, 4, 9))
    assert np.bincount(small.y).tolist() == [4, 4, 4] and (small.x == again.x).all()
    assert set(small.x.ravel()) < set(large.x.ravel())
    assert small.x.ravel().tolist() != list(range(12)), "drawn, not the first ones"
    other = few(part, described(examples_a_class=4, split_seed=1), "x")
    assert set(small.x.ravel()) != set(other.x.ravel())


def test_the_test_split_stays_whole_and_validation_comes_out_of_the_few():
    about = described(train=300, test_share=0.2, validation_share=0.25, examples_a_class=8)
    splits = split(Source(source(300, 3)), about, "x")
    assert [len(part.y) for part in splits] == [18, 6, 60] == list(tasks.sizes(about).values())
    rows = [set(part.x.ravel()) for part in splits]
    assert not rows[0] & rows[1] and not rows[2] & (rows[0] | rows[1])


def test_more_than_there_are_is_refused():
    with pytest.raises(UsageError, match=r"class a has 100 examples to train on, data\.examples_a_class asks for 101"):
        about = described(examples_a_class=101, class_names=("a", "b", "c"))
        few(Examples(*(part[1:] for part in source(301, 3))), about, "x")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"classes": (1, 1, 2)}, "2 different classes for 3"),
        ({"task": "regression", "num_classes": None, "examples_a_class": 5}, "have no meaning for regression"),
        ({"examples_a_class": -1}, "greater than or equal to 0"),
    ],
)
def test_contradictions_are_refused(facts, told):
    with pytest.raises(ValueError, match=told):
        fits_its_task(described(**facts))


def test_a_recipe_that_uses_neither_keeps_its_fingerprint():
    plain = resolve("lenet", "digits")[0]
    assert "classes" in plain.data.model_dump()
    same, few_only = (resolve("lenet", "digits", [f"data.examples_a_class={n}"])[0] for n in (0, 20))
    recorded = next(row for row in results.rows("lenet") if row["dataset"] == "digits")
    assert fingerprint(plain) == fingerprint(same) == recorded["fingerprint"] != fingerprint(few_only)


def test_the_recipes_of_half_of_mnist_hold_their_counts():
    halves = [resolve("lenet", name)[0] for name in ("mnist_0_4", "mnist_5_9")]
    if not data.status(halves[0].data).ready:
        pytest.skip("MNIST is not at hand")
    parts = [tasks.load(half.data, half.dataset) for half in halves]
    assert [len(part.test.y) for part in parts] == [5139, 4861]
    assert all(set(part.train.y.tolist()) == set(range(5)) for part in parts)
