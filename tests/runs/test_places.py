"""Where runs go, and which one a short name means."""

import logging

import pytest

from zoo import tasks
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.runs import directory


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Begin a run of mlp on a table: its folder, with its recipe."""
    monkeypatch.chdir(tmp_path)

    def begin(path, label=None):
        path.parent.mkdir(exist_ok=True)
        path.write_text("size,rooms,price\n" + "".join(f"{i},{i % 3},{i * 2}\n" for i in range(40)))
        recipe = resolve("mlp", path.stem, (), {}, data=tasks.from_path(str(path), label=label))[0]
        folder = directory.place(None, recipe)
        folder.mkdir(parents=True)
        directory.write_recipe(folder, recipe)
        return folder

    return begin


def test_runs_on_other_data_or_labels_go_to_a_folder_of_their_own(begun, tmp_path):
    first = begun(tmp_path / "north" / "prices.csv")
    assert first.parent.name == "mlp-prices" and begun(tmp_path / "north" / "prices.csv").parent == first.parent
    assert begun(tmp_path / "north" / "prices.csv", "size").parent.name == "mlp-prices-size"
    assert begun(tmp_path / "south" / "prices.csv").parent.name == "mlp-prices-south"
    assert begun(tmp_path / "south" / "prices.csv").parent.name == "mlp-prices-south"


def test_a_name_means_the_newest_run_and_says_which_if_they_differ(begun, tmp_path, caplog):
    caplog.set_level(logging.WARNING, "zoo.runs")
    folders = [begun(tmp_path / "prices.csv") for _ in range(2)]
    assert directory.newest(folders[0].parent) == folders[1] and not caplog.messages
    other = begun(tmp_path / "prices.csv", "size").rename(folders[0].parent / "29990101-000000-000")
    assert directory.newest(folders[0].parent) == other
    (said,) = caplog.messages
    assert "took the newest, 29990101-000000-000" in said and said.endswith("label size")
    with pytest.raises(UsageError, match="holds no finished run"):
        directory.newest(folders[0].parent, "model.keras")


def test_a_stopped_run_goes_on_by_its_short_name(zoo_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert zoo_cli("run", "mlp", "iris", "--smoke").code == 0
    (report,) = tmp_path.glob("runs/mlp-iris/*/report.html")
    report.unlink()
    said = zoo_cli("run", "--resume", "runs/mlp-iris", "--epochs", "7")
    assert said.code == 2 and "is a smoke run" in said.err
    assert zoo_cli("run", "--resume", "runs/mlp-iris").code == 0 and report.exists()
    assert "mlp-iris holds no run" in zoo_cli("run", "--resume", tmp_path / "elsewhere" / "mlp-iris").err
