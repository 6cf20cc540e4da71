import numpy as np
import pytest

from zoo import tasks
from zoo.data import class_counts
from zoo.data.config import Data
from zoo.data.examples import Examples, Source, conform
from zoo.data.splitting import STRATIFY_BELOW, split
from zoo.errors import UsageError, ZooError
from zoo.tasks import load


def numbered(classes, count):
    """Rows that carry their own number, so that it can be seen where each went."""
    return Examples(np.arange(count, dtype=np.float32)[:, None], np.arange(count) % classes)


def test_parts_are_disjoint_and_together_everything(flat):
    data = flat(task="classification", features=1, train=100, test_share=0.2, validation_share=0.25)
    parts = split(Source(numbered(3, 100)), data, "x")
    assert [len(part.y) for part in parts] == [60, 20, 20]
    assert sorted(np.concatenate([part.x[:, 0] for part in parts])) == list(range(100))
    assert all((part.x[:, 0] % 3 == part.y).all() for part in parts)  # labels stay with their rows


@pytest.mark.parametrize("count", [300, STRATIFY_BELOW + 300])
def test_the_split_depends_on_its_seed_alone(flat, count):
    def cut(seed):
        data = flat(task="classification", features=1, train=count, test_share=0.2, split_seed=seed)
        return split(Source(numbered(3, count)), data, "x")

    first, again, other = cut(0), cut(0), cut(1)
    assert all((a.x == b.x).all() for a, b in zip(first, again, strict=True))
    assert (first.test.x != other.test.x).any()


def test_small_sets_keep_the_shares_of_their_classes(flat):
    y = np.array([0] * 90 + [1] * 10)
    data = flat(features=1, train=100, test_share=0.2, validation_share=0.25)
    parts = split(Source(Examples(np.zeros((100, 1), np.float32), y)), data, "x")
    assert [int(part.y.sum()) for part in parts] == [6, 2, 2]


def test_a_class_of_one_member_is_split_without_stratification(flat):
    y = np.array([0] * 19 + [1])
    parts = split(Source(Examples(np.zeros((20, 1)), y)), flat(features=1, train=20, test_share=0.2), "x")
    assert sum(len(part.y) for part in parts) == 20


def test_the_sources_own_test_part_stays_whole(flat):
    data = flat(features=1, train=50, test=7, validation_share=0.2)
    source = Source(numbered(2, 50), Examples(np.full((7, 1), -1.0), np.zeros(7)))
    parts = split(source, data, "x")
    assert (parts.test.x == -1).all()
    assert (parts.train.x >= 0).all() and (parts.validation.x >= 0).all()


@pytest.mark.parametrize(("train", "test", "key"), [(99, 0, "data.train"), (100, 5, "data.test")])
def test_other_sizes_than_the_recipe_says_are_refused(flat, train, test, key):
    with pytest.raises(UsageError, match=f"recipe says .* in {key}, the source has"):
        split(Source(numbered(2, 100)), flat(features=1, train=train, test=test), "x")


@pytest.mark.parametrize("label", [3, -1, 1.5, np.nan])
def test_a_label_outside_the_classes_is_named_by_row(flat, label):
    data = flat(task="classification", features=1, train=5)
    part = Examples(np.zeros((5, 1)), np.array([0, 1, 2, label, label]))
    with pytest.raises(ZooError, match=r"toys: row 3 has label .*whole numbers 0 to 2 \(2 such rows\)"):
        conform(part, data, "toys")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_feature_that_is_not_finite_is_named_by_row_and_column(flat, value):
    x = np.zeros((4, 2))
    x[2, 1] = value
    with pytest.raises(ZooError, match=f"toys: row 2, feature height is {value}"):
        conform(Examples(x, np.zeros(4)), flat(train=4, feature_names=("age", "height")), "toys")


def test_a_target_that_is_not_finite_is_named_by_row(flat):
    with pytest.raises(ZooError, match="row 1, the value to predict is nan"):
        conform(Examples(np.zeros((2, 2)), np.array([1.0, np.nan])), flat(task="regression", train=2), "toys", "value")


def test_another_shape_than_the_recipe_says_is_refused(flat):
    with pytest.raises(
        UsageError, match=r"shape \[3\], the recipe says \[2\]\nset it with: --set data.input_shape=\[3\]"
    ):
        conform(Examples(np.zeros((2, 3)), np.zeros(2)), flat(train=2), "toys")


@pytest.mark.parametrize(
    ("name", "kind", "task", "shape", "count", "classes"),
    [
        ("digits", "image", "classification", (8, 8, 1), 1797, 10),
        ("iris", "tabular", "classification", (4,), 150, 3),
        ("wine", "tabular", "classification", (13,), 178, 3),
        ("breast_cancer", "tabular", "binary", (30,), 569, 2),
        ("diabetes", "tabular", "regression", (10,), 442, None),
    ],
)
def test_embedded_sets_have_their_published_sizes(name, kind, task, shape, count, classes):
    from zoo.tasks import infer

    data = infer(f"sklearn:{name}")
    assert (data.kind, data.task, data.input_shape, data.train, data.num_classes) == (kind, task, shape, count, classes)
    parts = load(data, name)
    assert {key: len(part.y) for key, part in parts.by_name().items()} == tasks.sizes(data)
    assert parts.train.x.dtype == ("uint8" if kind == "image" else "float32")
    assert parts.train.y.dtype == ("float32" if task == "regression" else "int32")


def test_digits_are_17_shades_over_0_to_255_in_equal_shares():
    data = Data(
        source="sklearn:digits", kind="image", task="classification", input_shape=(8, 8, 1), input_dtype="uint8",
        num_classes=10, train=1797, test_share=0.2,
    )  # fmt: skip
    parts = load(data, "digits")
    assert np.unique(parts.train.x).tolist() == [round(i * 255 / 16) for i in range(17)]
    counts = class_counts(parts.test, tasks.of(data).class_names(data))
    assert min(counts.values()) >= 35 and max(counts.values()) <= 37


def test_an_unknown_embedded_set_gets_the_nearest_name(flat):
    with pytest.raises(UsageError, match="'irs'; did you mean iris"):
        load(flat(source="sklearn:irs"), "irs")
    with pytest.raises(UsageError, match="unknown source 'sklern:iris'"):
        load(flat(source="sklern:iris"), "iris")
