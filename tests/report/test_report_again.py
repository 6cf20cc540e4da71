"""`zoo report RUN`: every picture and the page, to the last byte, from the run's folder alone."""

import shutil

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo import tasks
from zoo.runs import directory, job

TEXTS = ("data.train=300", "data.test=40")
CASES = {
    "images": ("lenet", "digits", ()),
    "table": ("mlp", "iris", ()),
    "plane": ("perceptron", "moons", ()),
    "values": ("linear", "line", ()),
    "series": ("gru", "sine", ()),
    "texts": ("gru", "parity", TEXTS),
    "pairs": ("encoder_decoder.attention", "reverse", (*TEXTS, "knobs.units=8", "knobs.embedding_dim=8")),
    "language": ("lstm", "stdlib", ("data.train=20000", "data.text.vocab_size=60", "knobs.units=[8]")),
}


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case == "pairs")) for case in CASES])
def test_drawn_again_without_the_data_nothing_differs(case, tmp_path, zoo_cli, monkeypatch):
    model, dataset, sets = CASES[case]
    folder = job.run(model, dataset, sets=sets, smoke=True, out=tmp_path / "run").folder
    drawn = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".png", ".svg", ".html")}
    assert {"report.html", "learning_curves.png", "architecture.svg"} <= drawn.keys()
    for name in drawn:
        (folder / name).unlink()

    def gone(*_, **__):
        raise AssertionError("the data was asked for")

    monkeypatch.setattr(tasks, "load", gone)
    monkeypatch.setattr("zoo.data.read", gone)
    said = zoo_cli("report", folder)
    assert said.code == 0, said.err
    assert sorted(said.split()) == sorted(str(folder / name) for name in drawn)
    again = {path.name: path.read_bytes() for path in folder.iterdir() if path.name in drawn}
    assert drawn.keys() == again.keys()
    assert [name for name in drawn if drawn[name] != again[name]] == []


def test_own_files_may_be_gone_and_the_folder_elsewhere(tmp_path, zoo_cli):
    rows = np.random.default_rng(0).normal(size=(60, 2)).round(3)
    own = tmp_path / "own.csv"
    own.write_text("a,b,side\n" + "".join(f"{a},{b},{'left' if a < b else 'right'}\n" for a, b in rows))
    assert zoo_cli("run", "mlp", "--data", own, "--smoke", "--out", tmp_path / "run").code == 0
    own.unlink()
    shutil.move(tmp_path / "run", tmp_path / "moved")
    before = (tmp_path / "moved" / "decision_boundary.png").read_bytes()
    (tmp_path / "moved" / "decision_boundary.png").unlink()
    assert zoo_cli("report", tmp_path / "moved").code == 0
    assert (tmp_path / "moved" / "decision_boundary.png").read_bytes() == before


def test_a_run_without_outputs_is_refused_and_its_report_is_left_alone(tmp_path, zoo_cli):
    folder = job.run("mlp", "iris", smoke=True, out=tmp_path / "run").folder
    (folder / "predictions.npz").unlink()
    directory.record(folder, directory.Run(folder).info)  # as an earlier version wrote it
    page = (folder / "report.html").read_bytes()
    said = zoo_cli("report", folder)
    assert said.code == 2 and f"repeat the run: zoo run {folder}/recipe.toml" in said.err
    assert (folder / "report.html").read_bytes() == page


def test_resume_draws_what_is_missing_and_then_there_is_nothing_left(tmp_path, zoo_cli):
    folder = job.run("mlp", "iris", smoke=True, out=tmp_path / "run").folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "report.html").unlink()
    assert zoo_cli("run", "--resume", folder).code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "log.txt"} == {
        name: content for name, content in before.items() if name != "log.txt"
    }
    assert "is finished, there is nothing to resume" in zoo_cli("run", "--resume", folder).err
