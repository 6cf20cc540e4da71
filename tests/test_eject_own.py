"""Runs on own data as scripts: they read the own files by themselves, and give the numbers of `zoo run`."""

import gzip
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from own_files import DRAW, arrays, book, pairs, photos, series, text_files, texts

pytest.importorskip("keras")

from zoo import tasks
from zoo.data.reading import Reading
from zoo.eject.ejecting import eject
from zoo.errors import UsageError
from zoo.recipe import rerun
from zoo.training.fit import Fit

STEPS = 5  # most an epoch


def table(path, rows=70, gaps=True):
    kinds, levels = ("a", "b", "c d"), ("1", "1.0", "02")
    cells = [["" if gaps and i % 9 == 4 else f"{a:.3f}", kinds[i % 3], f"{i % 5}.0", levels[i % 3]]
             for i, a in enumerate(DRAW.normal(size=rows))]  # fmt: skip
    path.write_text("\n".join(["size;kind;number;level", *map(";".join, cells)]) + "\n")
    return path


def prices(path, rows=70):
    path.write_text("\n".join(f"{a:.3f},{b:.3f},{300 + 9 * a:.2f}" for a, b in DRAW.normal(size=(rows, 2))) + "\n")
    return path


CASES = {  # name -> model, what makes the file and its name, how it is read, what is set
    "table": ("mlp", table, "own.csv", {"missing": "flag", "label": "level"}, ["knobs.hidden_units=[4]"]),
    "photos": ("mlp", photos, "photos", {}, ["knobs.hidden_units=[4]"]),
    "texts": ("lstm", texts, "own.csv", {}, ["knobs.units=[4]"]),
    "values": ("mlp", prices, "own.csv", {}, ["knobs.hidden_units=[4]"]),
    "rows left out": ("mlp", table, "own.csv", {"missing": "drop"}, ["knobs.hidden_units=[4]"]),
    "text files": ("lstm", text_files, "mails", {}, ["knobs.units=[4]"]),
    "series": ("lstm", series, "own.csv", {}, ["knobs.units=[4]"]),
    "book": ("lstm", book, "own.txt", {"kind": "corpus"}, ["knobs.units=[4]", "data.input_shape=[16]"]),
    "arrays": ("mlp", arrays, "own", {}, ["knobs.hidden_units=[4]"]),
    "pairs": ("encoder_decoder", pairs, "own.tsv", {}, ["knobs.units=8"]),
}  # fmt: skip
FAST = {"table", "photos"}
EVERY = [pytest.param(name, marks=[] if name in FAST else [pytest.mark.slow]) for name in CASES]
WITHOUT_ZOO = """
import contextlib, io, json, os, runpy, sys
sys.modules["zoo"] = None  # importing it, or anything in it, is an ImportError
said = {}
for folder in sys.argv[2:]:
    os.chdir(folder)
    steps, sys.argv[1:] = sys.argv[1], ["--epochs", "2", "--steps", sys.argv[1]]
    with contextlib.redirect_stdout(io.StringIO()) as text:
        runpy.run_path("train.py", run_name="__main__")
    sys.argv[1:] = [steps]
    said[folder] = text.getvalue()
json.dump(said, sys.stdout)
"""


@pytest.fixture(scope="module")
def ejected(tmp_path_factory):
    """A function from a case to its folder and what its script said in a process that has no zoo."""
    base = tmp_path_factory.mktemp("own")

    @cache
    def made(fast):
        folders = {}
        for name in (case for case in CASES if (case in FAST) == fast):
            model, make, file, said, sets = CASES[name]
            place = base / name.replace(" ", "_")
            place.mkdir()
            own = tasks.from_path(make(place / file), reading=Reading(**said))
            folders[name] = place / "script"
            eject(model, "own", folders[name], [*sets, "training.epochs=2"], own=own)
        command = [sys.executable, "-I", "-c", WITHOUT_ZOO, str(STEPS), *map(str, folders.values())]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        said = json.loads(done.stdout.splitlines()[-1])
        return {name: (folder, said[str(folder)]) for name, folder in folders.items()}

    return lambda name: made(name in FAST)[name]


def numbers(line):
    return {name: float(value) for name, value in re.findall(r"(\w+) (-?[\d.]+|nan)(?=,|$)", line)}


@pytest.mark.parametrize("name", EVERY)
def test_the_script_gives_the_numbers_of_the_run(ejected, name):
    folder, said = ejected(name)
    recipe = rerun(folder / "recipe.toml")[0]
    splits = tasks.load(recipe.data, recipe.dataset)
    fit = Fit(recipe, splits, most_steps=STEPS)
    history = fit().history
    epochs = re.findall("^epoch .*", said, re.MULTILINE)
    assert len(epochs) == len(history["loss"]) == 2
    for i, line in enumerate(epochs):
        for metric, value in numbers(line.split(": ")[1]).items():
            assert value == pytest.approx(history[metric][i], rel=1e-4, abs=1e-4), (metric, i)
    (test,) = re.findall("^test, .*", said, re.MULTILINE)
    assert test.startswith(f"test, {len(splits.test.y)} examples: ")
    scores = dict(fit.evaluate(splits.test)[0])
    assert numbers(test.split(": ")[1]) == pytest.approx(scores, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", EVERY)
def test_the_script_reads_well(ejected, name):
    ruff, chosen = str(Path(sys.executable).with_name("ruff")), ["--isolated", "--line-length", "120"]
    for command in (["check", "--select", "E,F,I,B,UP,SIM,C4,RET", *chosen], ["format", "--check", "--diff", *chosen]):
        script = str(ejected(name)[0] / "train.py")
        done = subprocess.run([ruff, *command, script], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_line_takes_own_data_or_a_run(tmp_path, zoo_cli):
    own, test = table(tmp_path / "own.csv"), table(tmp_path / "test.csv", 30)
    given = ["--data", own, "--test", test, "--missing", "median", "--label", "level"]
    said = zoo_cli("eject", "mlp", tmp_path / "one", *given)
    assert said.code == 0, said.err
    text = (tmp_path / "one" / "train.py").read_text()
    assert (
        f'read("{own}")' in text and f'read("{test}")' in text and f"zoo run mlp --data {own}" in " ".join(text.split())
    )
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.toml").write_text((tmp_path / "one" / "recipe.toml").read_text())
    said = zoo_cli("eject", run, tmp_path / "two", "--epochs", 3)
    assert said.code == 0 and "EPOCHS = 3" in (tmp_path / "two" / "train.py").read_text(), said.err
    said = zoo_cli("eject", run, tmp_path / "three", "--label", "size")
    assert said.code == 2 and "--label does not go with a run" in said.err
    said = zoo_cli("eject", "mlp")
    assert said.code == 2 and "say a model, a dataset and a new folder" in said.err


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"group": "number"}, "rows that belong together (column 'number') are kept apart by zoo"),
        ({"weight": "size"}, "what each row counts (column 'size') is known to zoo alone"),
    ],
)
def test_what_a_script_does_not_do_is_refused_with_the_reason(tmp_path, said, told):
    path = tmp_path / "own.csv"
    path.write_text("size,number,level\n" + "".join(f"{i % 9 + 1},{i // 4},{'ab'[i % 2]}\n" for i in range(60)))
    refused(tmp_path, "mlp", tasks.from_path(path, reading=Reading(**said)), told)


def refused(tmp_path, model, own, told):
    with pytest.raises(UsageError) as caught:
        eject(model, "own", tmp_path / "new", own=own)
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3
    assert not (tmp_path / "new").exists()


def test_what_zoo_makes_of_a_series_or_unpacks_is_refused_too(tmp_path):
    days = [f"2024-{i // 28 + 1:02}-{i % 28 + 1:02},{i % 9}" for i in range(120)]
    (tmp_path / "days.csv").write_text("day,heat\n" + "\n".join(days) + "\n")
    series = tasks.from_path(tmp_path / "days.csv", reading=Reading(calendar="weekday"))
    refused(tmp_path, "lstm", series, "calendar columns of a series are made by zoo")
    with gzip.open(tmp_path / "pairs.tsv.gz", "wt") as file:
        file.writelines(f"line {i}\tZeile {i}\n" for i in range(60))
    pairs = tasks.infer(f"pairs:{tmp_path / 'pairs.tsv.gz'}")
    refused(tmp_path, "transformer", pairs, "packed files and folders of pairs are read by zoo")
