import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.tasks import load


def rows(part):
    return [(*map(float, x), int(y)) for x, y in zip(part.x, part.y, strict=True)]


def test_the_line_has_its_five_points_and_the_gap_to_test_on(flat):
    data = flat(source="generated:line", task="regression", features=1, train=5, test=1, validation_share=0)
    parts = load(data, "line")
    assert parts.train.x.tolist() == [[1], [2], [3], [4], [6]]
    assert parts.train.y.tolist() == [1, 2, 3, 4, 6]
    assert (parts.test.x.tolist(), parts.test.y.tolist()) == ([[5]], [5])
    assert len(parts.validation.y) == 0


def test_the_line_has_no_other_sizes(flat):
    with pytest.raises(UsageError, match="5 training points and 1 test point"):
        load(flat(source="generated:line", task="regression", features=1, train=50), "line")


@pytest.mark.parametrize(("name", "truth"), [("and", (0, 0, 0, 1)), ("or", (0, 1, 1, 1)), ("xor", (0, 1, 1, 0))])
def test_gates_are_their_truth_tables(flat, name, truth):
    parts = load(flat(source=f"generated:{name}", train=40, test=4, validation_share=0.2), name)
    table = [(0.0, 0.0, truth[0]), (0.0, 1.0, truth[1]), (1.0, 0.0, truth[2]), (1.0, 1.0, truth[3])]
    assert rows(parts.test) == table
    assert set(rows(parts.train)) == set(table)


def test_noise_moves_points_by_its_deviation(flat):
    still = load(flat(train=4000, validation_share=0, options={"noise": 0.0}), "xor").train
    moved = load(flat(train=4000, validation_share=0, options={"noise": 0.1}), "xor").train
    assert (still.y == moved.y).all()
    assert np.std(moved.x - still.x) == pytest.approx(0.1, rel=0.05)


def test_circles_lie_on_their_radii(flat):
    data = flat(source="generated:circles", train=200, validation_share=0, options={"noise": 0.0, "inner": 0.3})
    part = load(data, "circles").train
    radius = np.hypot(*part.x.T)
    assert radius[part.y == 0] == pytest.approx(1.0, abs=1e-6)
    assert radius[part.y == 1] == pytest.approx(0.3, abs=1e-6)


def test_moons_are_half_circles_that_interlock(flat):
    part = load(flat(source="generated:moons", train=200, validation_share=0, options={"noise": 0.0}), "moons").train
    upper, lower = part.x[part.y == 0], part.x[part.y == 1]
    assert np.hypot(*upper.T) == pytest.approx(1.0, abs=1e-6) and (upper[:, 1] >= 0).all()
    assert np.hypot(*(lower - [1, 0.5]).T) == pytest.approx(1.0, abs=1e-6) and (lower[:, 1] <= 0.5).all()


@pytest.mark.parametrize("turns", [1.0, 2.5])
def test_spirals_wind_as_often_as_asked_and_are_half_a_turn_apart(flat, turns):
    data = flat(source="generated:spirals", train=400, validation_share=0, options={"noise": 0.0, "turns": turns})
    part = load(data, "spirals").train
    radius = np.hypot(*part.x.T)
    expected = 2 * np.pi * turns * radius + np.pi * part.y
    along = np.stack([radius * np.cos(expected), radius * np.sin(expected)], axis=1)
    assert part.x == pytest.approx(along, abs=1e-5)
    assert radius.max() <= 1 and abs(part.y.mean() - 0.5) < 0.01


@pytest.mark.parametrize("name", ["circles", "moons", "spirals"])
def test_the_seed_decides_and_test_points_are_drawn_apart(flat, name):
    def draw(seed):
        options = {"seed": seed}
        return load(flat(source=f"generated:{name}", train=50, test=50, validation_share=0, options=options), name)

    first, again, other = draw(0), draw(0), draw(1)
    assert (first.train.x == again.train.x).all() and (first.test.x == again.test.x).all()
    assert (first.train.x != other.train.x).any()
    assert not set(map(tuple, first.train.x)) & set(map(tuple, first.test.x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nois": 0.1}, "unknown option of generated:spirals 'nois'; did you mean noise"),
        ({"noise": -1}, "noise = -1 is negative"),
        ({"turns": 0}, "turns = 0 is not positive"),
        ({"seed": 1.5}, "seed = 1.5 is not a whole number"),
        ({"noise": "much"}, "'much' is not a number"),
    ],
)
def test_bad_options_are_refused(flat, options, message):
    with pytest.raises(UsageError, match=message):
        load(flat(source="generated:spirals", options=options), "spirals")


def test_an_unknown_generated_set_gets_the_nearest_name(flat):
    with pytest.raises(UsageError, match="'spiral'; did you mean spirals"):
        load(flat(source="generated:spiral"), "spiral")
