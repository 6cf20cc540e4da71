"""Own series as they come: gaps, dates in several columns, columns of text, the calendar."""

import logging

import numpy as np
import pytest

from zoo.data import read_examples
from zoo.data.reading import Reading
from zoo.data.sources import read
from zoo.errors import UsageError
from zoo.tasks import from_path, load

DAYS = np.arange(np.datetime64("2021-01-01"), np.datetime64("2021-04-11"))  # a hundred
GONE = (10, 11, 40)  # days without a row
EMPTY = (20, 60)  # days without a value


def daily(path, gone=GONE, empty=EMPTY, header="day,heat"):
    rows = [f"{day},{'' if i in empty else 2 * i}" for i, day in enumerate(DAYS) if i not in gone]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize("way", ["forward", "interpolate"])
def test_missing_cells_and_days_are_filled_and_counted(tmp_path, caplog, way):
    path = daily(tmp_path / "a.csv")
    with caplog.at_level(logging.WARNING):
        data = from_path(path, reading=Reading(missing=way))
    assert data.kind == "series" and data.train == 100 and data.missing == way
    assert "2 missing cells and 3 steps that the dates skip are filled" in caplog.text
    wanted = np.arange(100) * 2.0
    if way == "forward":
        wanted[[10, 11]], wanted[[20, 40, 60]] = wanted[9], wanted[[19, 39, 59]]
    assert read(data, "value").train.x[:, 0].tolist() == wanted.tolist()
    assert len(load(data, "a").test) == 20 and read_examples(data, path)[0, :, 0].tolist() == wanted[-10:].tolist()


def test_without_a_word_gaps_are_refused_or_told(tmp_path, caplog):
    with pytest.raises(UsageError, match=r"missing cells: line 20, column 'heat'.*\n.*--missing forward"):
        from_path(daily(tmp_path / "a.csv"))
    with caplog.at_level(logging.WARNING):
        assert from_path(daily(tmp_path / "b.csv", empty=())).train == 97
    assert "the dates skip 3 steps" in caplog.text
    with pytest.raises(UsageError, match="--missing median is not for a series: say --missing forward or interpolate"):
        from_path(tmp_path / "a.csv", reading=Reading(missing="median"))
    with pytest.raises(UsageError, match="line 2, column 'heat': missing, and nothing is before it"):
        from_path(daily(tmp_path / "c.csv", empty=(0,)), reading=Reading(missing="forward"))


def test_months_are_steps_however_long_they_are(tmp_path):
    months = [f"{1990 + i // 12}-{i % 12 + 1:02d}" for i in range(120)]
    rows = [f"{month},{i}" for i, month in enumerate(months) if i not in (1, 50, 51)]
    (tmp_path / "a.csv").write_text("month,x\n" + "\n".join(rows) + "\n")
    data = from_path(tmp_path / "a.csv", reading=Reading(missing="interpolate"))
    assert read(data, "value").train.x[:, 0].tolist() == list(range(120)) and data.series.period == 12


@pytest.mark.parametrize("form", ["units", "clock"])
def test_a_date_may_stand_in_several_columns(tmp_path, form):
    hours = [np.datetime64("2021-03-01T00") + i for i in range(300)]
    rows = []
    for i, hour in enumerate(map(str, hours)):
        year, month, rest = hour.split("-")
        day, clock = rest.split("T")
        parts = f"{year},{int(month)},{int(day)},{int(clock)}" if form == "units" else f"{hour[:10]},{clock}:00"
        rows.append(f"{parts},{i},{i % 24}")
    names = "year,month,day,hour" if form == "units" else "Date,Time"
    (tmp_path / "a.csv").write_text(f"{names},wind,pm\n" + "\n".join(rows) + "\n")
    data = from_path(tmp_path / "a.csv")
    assert (data.kind, data.feature_names, data.series.period) == ("series", ("pm", "wind"), 24)
    assert read(data, "value").train.x[30].tolist() == [6, 30]


def test_text_columns_and_the_calendar_are_inputs_where_it_is_asked(tmp_path):
    rows = [f"{day},{('north', 'south')[i % 2]},{i}" for i, day in enumerate(DAYS)]
    path = tmp_path / "a.csv"
    path.write_text("day,wind,heat\n" + "\n".join(rows) + "\n")
    assert from_path(path).kind == "tabular"
    data = from_path(path, reading=Reading(kind="series", calendar="weekday,month"))
    waves = ("weekday sine", "weekday cosine", "month sine", "month cosine")
    assert data.feature_names == ("heat", "wind=north", "wind=south", *waves) and data.input_shape[1] == 7
    x = read(data, "value").train.x
    assert x[1, :3].tolist() == [1, 0, 1] and np.allclose(x[0, 5:], [0, 1])  # January
    assert np.allclose(x[0, 3:5], x[7, 3:5]) and not np.allclose(x[0, 3:5], x[1, 3:5])
    assert read_examples(data, path).shape == (1, data.input_shape[0], 7)
    path.write_text(path.read_text().replace("south", "west", 1))
    with pytest.raises(UsageError, match="line 3, column 'wind': 'west' is not one of the values in training"):
        read(data, "value")
    with pytest.raises(UsageError, match="unknown calendar column 'moon'"):
        from_path(path, reading=Reading(kind="series", calendar="moon"))
