"""McNemar's exact test, the paired bootstrap, Holm's method and separate ranges: by hand and against SciPy."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from zoo.compare import chance


def test_mcnemar_by_hand():
    """12 against 1: the chance of at most one head in 13 throws, twice: 2 (1 + 13) / 2^13."""
    assert chance.mcnemar(12, 1) == pytest.approx(2 * 14 / 2**13)
    assert chance.mcnemar(1, 12) == chance.mcnemar(12, 1)
    assert chance.mcnemar(0, 3) == pytest.approx(2 / 8)
    assert chance.mcnemar(0, 0) == chance.mcnemar(5, 5) == 1
    assert chance.mcnemar(3, 2) == 1  # 2 (1 + 5 + 10) / 32


@pytest.mark.parametrize("counts", [(112, 31), (0, 1), (7, 6), (40, 60), (3, 1_000), (5_000, 4_800)])
def test_mcnemar_is_the_binomial_test_of_scipy(counts):
    wanted = stats.binomtest(min(counts), sum(counts), 0.5).pvalue
    assert chance.mcnemar(*counts) == pytest.approx(wanted, rel=1e-9)


def test_the_bootstrap_by_hand():
    """Of two examples, 0 and 1, a quarter of the resamples has the mean 0, half has 0.5, a quarter has 1."""
    low, high, p = chance.bootstrap(np.array([0.0, 1.0]))
    assert (low, high) == (0, 1)
    assert p == pytest.approx(2 / 4, abs=0.03)  # twice the share of means that are not above 0
    assert chance.bootstrap(np.full(5, 0.25))[:2] == (0.25, 0.25)
    assert chance.bootstrap(np.zeros(5)) == (0, 0, 1)


DIFFERENCES = {
    "few values": np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 359, p=[0.02, 0.93, 0.05]),
    "many values": np.random.default_rng(2).normal(0.1, 1, 400),
    "skewed": np.random.default_rng(3).exponential(2, 300) - 1.9,
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_bootstrap_is_that_of_scipy(name):
    values = DIFFERENCES[name]
    wanted = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=5, vectorized=True)
    low, high, p = chance.bootstrap(values)
    width = wanted.confidence_interval.high - wanted.confidence_interval.low
    assert [low, high] == pytest.approx(list(wanted.confidence_interval), abs=0.03 * width)
    resampled = wanted.bootstrap_distribution
    assert p == pytest.approx(2 * min((resampled <= 0).mean(), (resampled >= 0).mean()), abs=0.02)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_same_examples_say_the_same_each_time(name):
    assert chance.bootstrap(DIFFERENCES[name]) == chance.bootstrap(DIFFERENCES[name])
    swapped = chance.bootstrap(-DIFFERENCES[name])
    low, high, p = chance.bootstrap(DIFFERENCES[name])
    assert (-swapped.high, -swapped.low) == pytest.approx((low, high), abs=0.1 * (high - low))
    assert swapped.p == pytest.approx(p, abs=0.05)


def test_both_ways_to_draw_are_one_bootstrap(monkeypatch):
    values = DIFFERENCES["few values"]
    by_counts, batches = chance.bootstrap(values), len(list(chance._means(values)))
    monkeypatch.setattr(chance, "FEW", 1)
    assert len(list(chance._means(values))) > batches
    assert chance.bootstrap(values)[:2] == pytest.approx(by_counts[:2], abs=0.003)


def test_of_very_many_examples_there_are_fewer_resamples(monkeypatch):
    monkeypatch.setattr(chance, "MOST_DRAWS", 0)
    assert sum(map(len, chance._means(DIFFERENCES["many values"]))) == chance.FEWEST


def test_holm_by_hand():
    assert chance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert chance.holm([0.5, 0.9]) == [1, 1]
    assert chance.holm([0.2]) == [0.2] and chance.holm([]) == []


@pytest.mark.parametrize(("first", "second"), [(2, 2), (3, 3), (1, 4), (2, 4)])
def test_ranges_apart_by_counting_orders(first, second):
    orders = set(permutations("a" * first + "b" * second))
    apart = [order for order in orders if "".join(order) in ("a" * first + "b" * second, "b" * second + "a" * first)]
    assert chance.chance_of_separate_ranges(first, second) == pytest.approx(len(apart) / len(orders))
