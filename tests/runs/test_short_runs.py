"""A run of one epoch or a smoke run is a run: all that reads runs reads it, whatever its recipe says of more epochs."""

import pytest

pytest.importorskip("tensorflow")

from zoo import data
from zoo.errors import MissingError
from zoo.recipe import load_recipe
from zoo.runs import job, results

QUICK = [("mlp", "iris"), ("lenet", "digits"), ("gru", "sine")]
ALL = sorted({row["dataset"]: (row["model"], row["dataset"]) for row in results.rows()}.values())
SHORT = {"one epoch": {"epochs": 1}, "smoke": {"smoke": True}}


def parameters():
    yield from QUICK
    yield from (pytest.param(*pair, marks=pytest.mark.slow) for pair in ALL if pair not in QUICK)


@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize(("model", "dataset"), parameters())
def test_everything_that_reads_runs_reads_a_short_one(model, dataset, short, tmp_path, zoo_cli):
    if not data.status(load_recipe(dataset).data).ready:
        pytest.skip(f"{dataset} is not at hand")
    try:
        folder = job.run(model, dataset, out=tmp_path / "run", **SHORT[short]).folder
    except MissingError as error:
        pytest.skip(str(error).splitlines()[0])
    for command in (
        ("eval", folder),
        ("report", folder),
        ("publish", folder, tmp_path / "published"),
        ("eval", tmp_path / "published"),
        ("export", folder, "--format", "keras", "--out", tmp_path / "exported.keras"),
    ):
        said = zoo_cli(*command)
        assert said.code == 0, (command[0], said.err)
    (folder / "report.html").unlink()
    assert zoo_cli("run", "--resume", folder).code == 0
    assert (folder / "report.html").exists()
