"""Series: cut by time into parts and windows, with nothing from the future; read from files with dates."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from zoo import tasks
from zoo.data import dates, read_examples
from zoo.data.config import Data, Series
from zoo.data.examples import Examples, Source
from zoo.data.series import dates_after, split
from zoo.data.sources import read
from zoo.data.table import Table
from zoo.errors import UsageError, ZooError
from zoo.recipe.schema import fits_its_task
from zoo.tasks import from_path, load


@pytest.fixture
def series():
    def make(train=40, window=4, columns=1, horizon=1, period=None, **more):
        return Data(
            **{"source": "csv:x.csv", "kind": "series", "task": "regression", "input_shape": (window, columns)}
            | {"train": train, "series": Series(horizon=horizon, period=period)} | more
        )  # fmt: skip

    return make


def counting(steps, columns=1):
    """Step t holds t (and 1000 t in further columns), so that it can be seen where each value went."""
    t = np.arange(steps, dtype=np.float32)
    return Source(Examples(np.stack([t, *[1000 * t] * (columns - 1)], axis=1), t))


PARTS = ("train", "validation", "test")


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("columns", [1, 2])
def test_a_window_is_the_steps_just_before_its_targets(series, horizon, columns):
    data = series(horizon=horizon, columns=columns, test_share=0.2, validation_share=0.1)
    for part in split(counting(40, columns), data, "x"):
        assert part.x.dtype == part.y.dtype == np.float32
        assert part.x.shape[1:] == (4, columns) and part.y.shape[1:] == (horizon,)
        first = part.y[:, :1]
        assert (part.x[:, :, 0] == first + np.arange(-4, 0)).all()
        assert (part.y == first + np.arange(horizon)).all()
        if columns == 2:
            assert (part.x[:, :, 1] == 1000 * part.x[:, :, 0]).all()


@pytest.mark.parametrize("horizon", [1, 3])
def test_targets_of_a_part_lie_in_it_and_parts_follow_each_other_in_time(series, horizon):
    data = series(horizon=horizon, test_share=0.25, validation_share=0.2)  # 24 steps, 6, 10
    parts = split(counting(40), data, "x")
    spans = [(part.y.min(), part.y.max()) for part in parts]
    assert spans == [(4, 23), (24, 29), (30, 39)]  # the first 4 steps have no whole window before them
    assert {name: len(getattr(parts, name).y) for name in PARTS} == tasks.sizes(data)
    assert parts.test.x[0, :, 0].tolist() == [26, 27, 28, 29]  # reaches back, and no further than the day before


def test_no_window_of_an_earlier_part_holds_a_later_step(series):
    parts = split(counting(40), series(test_share=0.25, validation_share=0.2, horizon=2), "x")
    assert parts.train.x.max() < parts.train.y.max() <= 23
    assert parts.validation.x.max() < parts.validation.y.max() <= 29


def test_a_later_value_changes_nothing_before_it(series):
    data = series(test_share=0.25, validation_share=0.2)
    before, source = split(counting(40), data, "x"), counting(40)
    source.train.x[30:] = source.train.y[30:] = -1
    after = split(source, data, "x")
    for name in ("train", "validation"):
        assert (getattr(before, name).x == getattr(after, name).x).all()
        assert (getattr(before, name).y == getattr(after, name).y).all()


@pytest.mark.parametrize(
    ("train", "window", "horizon", "test_share", "validation_share"),
    [
        (10, 3, 1, 0, 0),
        (10, 3, 1, 0.3, 0),
        (50, 7, 5, 0.2, 0.2),
        (30, 25, 1, 0.1, 0),
        (20, 2, 6, 0.2, 0.2),
        (12, 4, 2, 0.3, 0.2),
    ],
)
def test_counts_are_those_of_the_description(series, train, window, horizon, test_share, validation_share):
    data = series(train, window, horizon=horizon, test_share=test_share, validation_share=validation_share)
    parts = split(counting(train), data, "x")
    assert {name: len(getattr(parts, name).y) for name in PARTS} == tasks.sizes(data)


def test_sizes_given_in_steps(series):
    data = series(train=20, test=8, validation=5)
    parts = split(counting(33), data, "x")
    assert [part.y[-1, 0] for part in parts] == [19, 24, 32]


def test_what_disagrees_or_is_not_finite_is_refused(series):
    with pytest.raises(UsageError, match=r"x: the recipe says 40 steps, the source has 41\n.*--set data.train=41"):
        split(counting(41), series(), "x")
    with pytest.raises(UsageError, match=r"says 2 columns, the source has 1\n.*data.input_shape=\[4,1\]"):
        split(counting(40), series(columns=2), "x")
    source = counting(40)
    source.train.x[7] = np.nan
    with pytest.raises(ZooError, match=r"x: row 7, feature .* is nan"):
        split(source, series(), "x")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"task": "binary"}, "task = 'binary' goes with kind"),
        ({"period": 5}, "period = 5 is longer than the window, 4 steps"),
    ],
)
def test_contradictions_of_a_description(series, more, message):
    with pytest.raises(ValueError, match=message):
        fits_its_task(series(**more))


def test_a_wave_has_its_period_and_noise(series):
    def wave(**options):
        options = {"period": 20.0, "noise": 0.0} | options
        return read(series(train=4000, source="generated:sine", options=options)).train

    still, noisy = wave(), wave(noise=0.3)
    assert still.y[:20] == pytest.approx(np.sin(np.arange(20) / 20 * 2 * np.pi), abs=1e-6)
    assert still.y[20:] == pytest.approx(still.y[:-20], abs=1e-4)
    assert np.std(noisy.y - still.y) == pytest.approx(0.3, rel=0.05)
    assert (noisy.y == wave(noise=0.3).y).all() and (noisy.y != wave(noise=0.3, seed=1).y).any()
    assert (noisy.x[:, 0] == noisy.y).all()
    for options, message in (({"period": 1}, "period = 1 is not above 1"), ({"noise": -1}, "noise = -1 is negative")):
        with pytest.raises(UsageError, match=message):
            wave(**options)


def table(rows, header="day,heat,wind"):
    return header + "\n" + "\n".join(rows) + "\n"


def days(count, form="2020-{m:02}-{d:02}"):
    return [form.format(m=i // 28 + 1, d=i % 28 + 1) for i in range(count)]


@pytest.fixture
def write(tmp_path):
    def make(text, name="own.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return make


def test_a_file_with_rising_dates_is_a_series(write, caplog):
    path = write(table(f"{day},{i},{2 * i}" for i, day in enumerate(days(100))))
    data = from_path(path)
    assert (data.kind, data.task, data.label, data.feature_names) == ("series", "regression", "wind", ("wind", "heat"))
    assert (data.train, data.input_shape, data.series.period) == (100, (10, 2), 7)  # days: a week
    parts = load(data, "own")
    assert {name: len(getattr(parts, name).y) for name in PARTS} == tasks.sizes(data)
    assert (parts.test.x[:, -1] == [[2 * i, i] for i in range(79, 99)]).all()  # what is forecast comes first
    for said in (
        "is taken as a series by the dates in 'day'",
        "--as table",
        "--label COLUMN",
    ):
        assert said in caplog.text


def test_the_column_to_forecast_may_be_named(write):
    path = write(table(f"{day},{i},{2 * i}" for i, day in enumerate(days(100))))
    data = from_path(path, "heat")
    assert (data.label, data.feature_names) == ("heat", ("heat", "wind"))
    assert load(data, "own").test.y[:, 0].tolist() == list(range(80, 100))


@pytest.mark.parametrize(
    ("dates", "period"),
    [
        ([f"{1950 + i // 12}-{i % 12 + 1:02}" for i in range(150)], 12),
        ([f"2020-01-{i // 24 + 1:02} {i % 24:02}:00:00" for i in range(240)], 24),
        ([f"2020-01-{i // 24 + 1:02}T{i % 24:02}:00:00" for i in range(240)], 24),
        ([f"{i % 28 + 1:02}.{i // 28 + 1:02}.2020" for i in range(100)], 7),
        ([f"{i // 28 + 1:02}/{i % 28 + 1:02}/2020" for i in range(100)], 7),  # month first: 13 is no month
        ([f"{1900 + i}-01-01" for i in range(60)], None),
        ([f"{1950 + i // 12}-{i % 12 + 1:02}" for i in range(40)], None),  # too short for a season of 12
    ],
)
def test_dates_in_many_forms_tell_the_season(write, dates, period):
    data = from_path(write(table((f"{day},{i}" for i, day in enumerate(dates)), "when,x")))
    assert (data.kind, data.series.period) == ("series", period)


def test_dates_that_do_not_rise_or_texts_beside_them_make_no_series(write):
    falling = [f"{day},{i % 3},{i}" for i, day in enumerate(reversed(days(60)))]
    assert from_path(write(table(falling))).kind == "tabular"
    words = [f"{day},{'ab'[i % 2]},{i}" for i, day in enumerate(days(60))]
    assert from_path(write(table(words))).kind == "tabular"


def test_a_series_without_dates_and_a_table_with_them_can_be_said(write):
    numbers = write("".join(f"{i},{i * i}\n" for i in range(60)))
    assert from_path(numbers).kind == "tabular"
    data = from_path(numbers, kind="series")
    assert (data.kind, data.feature_names, data.series.period) == ("series", ("column 2", "column 1"), None)
    assert load(data, "x").train.y[0, 0] == 36
    dated = write(table(f"{day},{i},{2 * i}" for i, day in enumerate(days(60))))
    assert from_path(dated, kind="table").kind == "tabular"
    with pytest.raises(UsageError, match="unknown kind of data 'serie'; did you mean series"):
        from_path(dated, kind="serie")


@pytest.mark.parametrize(
    ("rows", "label", "message"),
    [
        (["2020-01-01,1,2", "2020-01-02,,3", "2020-01-03,1,2"], None, "missing cells: line 3, column 'heat'"),
        (["2020-01-01,1,2", "2020-01-03,1,3", "2020-01-02,1,2"], None, "line 4, column 'day': 2020-01-02 is not after"),
        (["2020-01-01,1,2", "2020-01-01,1,3", "2020-01-02,1,2"], None, "line 3, column 'day': 2020-01-01 is not after"),
        (
            ["2020-01-01,1,2", "soon,1,3", "2020-01-02,1,2"],
            None,
            "line 3, column 'day': 'soon' is no date like '2020-01-01'",
        ),
        (["2020-01-01,1,2", "2020-01-02,x,3", "2020-01-03,1,2"], None, "line 3, column 'heat': 'x' stands in a column"),
        (["2020-01-01,1,2", "2020-01-02,1,3", "2020-01-03,1,2"], "day", "'day' is the column of dates"),
        (["2020-01-01,1,2", "2020-01-02,1,3", "2020-01-03,1,2"], "rain", "unknown column of .*'rain'"),
    ],
)
def test_bad_rows_are_named_by_line(write, rows, label, message):
    with pytest.raises(UsageError, match=message) as caught:
        from_path(write(table(rows)), label, "series")
    assert len(str(caught.value).splitlines()) <= 3


def test_a_recipe_may_choose_columns_and_their_order_has_to_fit(write, series):
    path = write(table(f"{day},{i},{2 * i}" for i, day in enumerate(days(40))))
    data = series(source=f"csv:{path}", feature_names=("heat",), label="heat")
    assert read(data).train.x.shape == (40, 1)
    both = series(source=f"csv:{path}", columns=2, feature_names=("heat", "wind"), label="wind")
    with pytest.raises(UsageError, match="feature_names has to begin with what is forecast"):
        read(both)
    with pytest.raises(UsageError, match=r"unknown column of .* 'wnd'; did you mean wind"):
        read(series(source=f"csv:{path}", feature_names=("wnd",)))


def test_the_last_window_of_a_file_is_what_a_forecast_starts_from(write):
    rows = [f"{day},{i},{2 * i}" for i, day in enumerate(days(100))]
    data = from_path(write(table(rows)))
    x = read_examples(data, write(table(rows[:30]), "new.csv"))
    assert x.shape == (1, 10, 2) and x[0, :, 1].tolist() == list(range(20, 30))
    with pytest.raises(UsageError, match=r"new.csv has 9 rows, the model forecasts from the last 10"):
        read_examples(data, write(table(rows[:9]), "new.csv"))


@pytest.mark.parametrize("header", ["", "value\n", "heat\n"])
def test_one_series_may_be_forecast_from_one_number_a_line(write, series, header):
    x = read_examples(
        series(source="generated:sine", window=10), write(header + "".join(f"{i}\n" for i in range(30)), "new.csv")
    )
    assert x.shape == (1, 10, 1) and x[0, :, 0].tolist() == list(range(20, 30))


@pytest.mark.parametrize(
    ("cells", "after"),
    [
        (["2020-11", "2020-12"], ["2021-01", "2021-02", "2021-03"]),
        (["2020-06-30", "2020-09-30", "2020-12-31"], ["2021-03-31", "2021-06-30", "2021-09-30"]),
        (["2021-02-26 22:00", "2021-02-26 23:00"], ["2021-02-27 00:00", "2021-02-27 01:00", "2021-02-27 02:00"]),
        (["30.12.2020", "31.12.2020"], ["01.01.2021", "02.01.2021", "03.01.2021"]),
        (["2021-01-04", "2021-01-05", "2021-01-07", "2021-01-08"], ["2021-01-09", "2021-01-10", "2021-01-11"]),
        ([f"2021-01-{day:02d}" for day in (4, 5, 6, 7, 8, 11, 12, 13, 14, 15)],  # no Saturday, no Sunday
         ["2021-01-18", "2021-01-19", "2021-01-20"]),
        (["2020-01-01"], []),
    ],
)  # fmt: skip
def test_dates_go_on_as_they_came(cells, after):
    found = Table(Path("x.csv"), ("day",), [[cell] for cell in cells], list(range(2, 2 + len(cells))), True)
    assert dates.following(found, "day", 3) == after


def test_dates_of_a_long_series_are_read_in_a_few_passes(write, monkeypatch):
    calls, parsed = [], dates._parsed
    monkeypatch.setattr(dates, "_parsed", lambda *given: calls.append(given) or parsed(*given))
    written = [(datetime(2020, 1, 1) + timedelta(days=i)).strftime("%Y-%m-%d") for i in range(600)]
    path = write(table(f"{day},{i},{i}" for i, day in enumerate(written)))
    assert len(dates_after(path, from_path(path), 4)) == 4
    assert len(calls) < 60 * 600


RAW = Path(os.environ.get("ZOO_DATA_DIR") or "none") / "time_series"


@pytest.mark.skipif(not RAW.is_dir(), reason="the real series are not here")
@pytest.mark.parametrize(
    ("name", "steps", "period", "last"),
    [
        ("airline-passengers", 144, 12, 432),
        ("monthly-sunspots", 2820, 12, 33.4),
        ("daily-min-temperatures", 3650, 7, 13),
    ],
)
def test_real_series_are_read_whole(name, steps, period, last):
    data = from_path(RAW / f"{name}.csv")
    assert (data.kind, data.train, data.series.period) == ("series", steps, period)
    assert load(data, name).test.y[-1, 0] == pytest.approx(last)


@pytest.mark.skipif(not RAW.is_dir(), reason="the real series are not here")
@pytest.mark.parametrize("name", ["airline", "sunspots"])
def test_the_recipes_of_real_series_agree_with_them(name):
    from zoo.recipe import load_recipe

    data = load_recipe(name).data
    parts = load(data, name)
    assert {part: len(getattr(parts, part).y) for part in PARTS} == tasks.sizes(data)
