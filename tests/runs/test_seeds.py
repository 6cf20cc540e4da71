"""`zoo run --seeds`: each seed as it is alone, none trained twice, and what is said at the end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import made_runs
import pytest

from zoo import tasks
from zoo.cli.seeds import parsed
from zoo.errors import UsageError, ZooError
from zoo.recipe import fingerprint, resolve
from zoo.runs import directory, provenance, seeds
from zoo.runs.finishing import Outcome
from zoo.training.signals import Stopped

TINY = ("mlp", "iris", "--epochs", "2", "--jit", "off", "--set", "knobs.hidden_units=[4]")
SETS = ("knobs.hidden_units=[4]",)
WAYS = seeds.Ways()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recipe_of(seed=0, sets=SETS):
    return resolve("mlp", "iris", sets, {"seed": seed})[0]


def earlier(folder, seed=0, sets=SETS, **facts):
    """A run of before, done unless said otherwise."""
    known = {"versions": provenance.versions(), "fingerprint": fingerprint(recipe_of(seed, sets))} | facts
    made_runs.run(folder, "mlp", "iris", seed, sets=sets, **known)
    (folder / "report.html").touch()
    return folder


def same(one, other):
    """Whether two runs have the same bytes, but for times and the command."""
    for name in ("model.keras", "predictions.npz", "metrics.json", "recipe.toml"):
        assert Path(one, name).read_bytes() == Path(other, name).read_bytes(), name
    first, second = (directory.Run(Path(folder)).history for folder in (one, other))
    return {k: v for k, v in first.items() if k != "seconds"} == {k: v for k, v in second.items() if k != "seconds"}


def test_each_seed_is_what_it_is_alone_bit_for_bit(zoo_cli, here):
    """A sweep, then the second of its seeds by itself, as in a process that has made no network yet."""
    from zoo.training.environment import prepare

    said = zoo_cli("run", *TINY, "--seeds", "3,7", "--quiet", "--json", "--out", "both")
    assert said.code == 0, said.err
    prepare()
    seeds._clear()
    assert zoo_cli("run", *TINY, "--seed", "7", "--quiet", "--out", "alone").code == 0
    assert same("alone", "both/seed-7")
    assert Path("both/seed-3/model.keras").read_bytes() != Path("both/seed-7/model.keras").read_bytes()
    found = json.loads(said)
    assert [(run["seed"], run["run"]) for run in found["runs"]] == [(3, "both/seed-3"), (7, "both/seed-7")]
    values = [run["test"]["accuracy"] for run in found["runs"]]
    assert found["metric"] == "accuracy" and found["seeds"] == [3, 7]
    assert found["test"]["accuracy"] == {
        "mean": pytest.approx(sum(values) / 2), "low": min(values), "high": max(values), "seeds": 2}  # fmt: skip

    again = zoo_cli("run", *TINY, "--seeds", "3,7", "--quiet", "--json", "--out", "both")
    assert json.loads(again) == found  # read, and not trained
    assert len(list(Path("both").iterdir())) == 2


@pytest.fixture
def trained(monkeypatch):
    """The seeds that are trained, without training them."""
    found = []

    def train(recipe, out, splits, ways):
        seed = recipe.training.seed
        found.append(seed)
        metrics = {"test": {"accuracy": 0.5 + seed / 10, "loss": 1.0}, "examples_scored": 30, "examples_in_split": 30}
        return Outcome(Path("runs") / "mlp-iris" / f"new-{seed}", recipe, metrics, 131, 2.0)

    monkeypatch.setattr(seeds, "_train", train)
    monkeypatch.setattr(seeds, "_load", lambda recipe, ways: "loaded")
    return found


def test_seeds_that_are_done_are_not_trained_again(zoo_cli, here, trained):
    earlier(here / "runs" / "mlp-iris" / "1", seed=1)
    earlier(here / "runs" / "mlp-iris" / "2", seed=2, sets=("knobs.hidden_units=[5]",))
    said = zoo_cli("run", "mlp", "iris", "--set", *SETS, "--seeds", "0-2")
    assert said.code == 0 and trained == [0, 2]
    assert "trained before: runs/mlp-iris/1" in said.err
    rows = {line.split()[0]: line.split()[1] for line in said.splitlines() if "%" in line}
    assert rows == {"0": "50.00%", "1": "100.00%", "2": "70.00%", "mean": "73.33%", "low": "50.00%", "high": "100.00%"}


OTHERWISE = {
    "other code": {"fingerprint": "0123456789abcdef"},
    "other versions": {"versions": {"keras": "1.0"}},
    "a smoke run": {"smoke": True},
    "asked for baselines": {"baseline": True},
    "with an optimizer that is not kept": {"given": {"optimizer": "SGD"}},
    "another epoch number": {"sets": ("knobs.hidden_units=[4]", "training.epochs=3")},
    "another seed": {"seed": 1},
}


@pytest.mark.parametrize("how", OTHERWISE)
def test_a_run_that_was_made_otherwise_does_not_count(here, how):
    earlier(here / "runs" / "mlp-iris" / "1", **OTHERWISE[how])
    assert seeds.made(recipe_of(), None, WAYS) is None


def test_the_run_counts_that_the_recipe_would_make(here):
    earlier(here / "runs" / "mlp-iris" / "1")
    stopped = earlier(here / "runs" / "mlp-iris" / "2", ended="stopped in epoch 1, after 2 of 3 steps; saved")
    assert seeds.made(recipe_of(), None, WAYS).folder.name == "1"
    assert seeds.made(recipe_of(sets=(*SETS, "training.precision=auto")), None, WAYS).folder.name == "1"
    (here / "runs" / "mlp-iris" / "1" / "run.json").write_text("{")
    assert seeds.made(recipe_of(), None, WAYS) is None  # the other one left no state to go on from
    (stopped / "checkpoints").mkdir()
    assert seeds.made(recipe_of(), None, WAYS).folder.name == "2"


def test_in_a_folder_of_its_own_each_seed_has_its_place(here):
    assert seeds.made(recipe_of(), here / "out", WAYS) is None
    earlier(here / "out" / "seed-0")
    assert seeds.made(recipe_of(), here / "out", WAYS).folder == here / "out" / "seed-0"
    with pytest.raises(UsageError, match="seed-0 holds something else than this run"):
        seeds.made(recipe_of(sets=()), here / "out", WAYS)


def test_a_seed_that_another_process_trains_is_named(here):
    folder = earlier(here / "runs" / "mlp-iris" / "1", ended="started")
    (folder / "checkpoints").mkdir()
    with (
        directory.claimed(folder),
        pytest.raises(UsageError, match="another process trains seed 0, in runs/mlp-iris/1"),
    ):
        seeds.made(recipe_of(), None, WAYS)


def test_own_data_that_was_changed_since_is_trained_on_again(here):
    table = here / "rows.csv"
    table.write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(40)))
    data = tasks.from_path(str(table))
    then = table.stat().st_mtime
    assert not seeds._changed_since(data, then + 1) and seeds._changed_since(data, then - 1)
    folder = here / "photos"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "1.png").touch()
    os.utime(folder, (1, 1)), os.utime(folder / "x", (1, 1)), os.utime(folder / "x" / "1.png", (5, 5))
    of_folder = data.model_copy(update={"source": f"folder:{folder}"})
    assert seeds._changed_since(of_folder, 4) and not seeds._changed_since(of_folder, 6)
    assert not seeds._changed_since(recipe_of().data, 0)  # no file of the user's


def test_a_seed_that_fails_is_named_and_the_others_go_on(zoo_cli, here, trained, monkeypatch):
    train = seeds._train

    def failing(recipe, *rest):
        if recipe.training.seed == 1:
            raise ZooError("the loss is not a number\nlower the rate")
        return train(recipe, *rest)

    monkeypatch.setattr(seeds, "_train", failing)
    said = zoo_cli("run", *TINY, "--seeds", "0-2", "--json", "--quiet")
    assert said.code == 1 and trained == [0, 2]
    assert said.err == "error: 1 of 3 seeds failed\nseed 1: the loss is not a number\n"
    assert json.loads(said)["failed"] == {"1": "the loss is not a number"} and json.loads(said)["seeds"] == [0, 2]


def test_what_is_wrong_for_all_seeds_ends_it_at_the_first(zoo_cli, here, trained, monkeypatch):
    monkeypatch.setattr(seeds, "_load", lambda recipe, ways: (_ for _ in ()).throw(UsageError("the data is bad")))
    said = zoo_cli("run", *TINY, "--seeds", "0-2", "--quiet")
    assert said.code == 2 and said.err == "error: the data is bad\n" and trained == []


def test_a_sweep_that_was_stopped_names_the_same_command(zoo_cli, here, trained, monkeypatch):
    def stopped(*arguments):
        raise Stopped(signal.SIGINT, "stopped in epoch 1, after 2 of 3 steps; saved\ngo on with: zoo run --resume x")

    monkeypatch.setattr(seeds, "_train", stopped)
    said = zoo_cli("run", *TINY, "--seeds", "0-2", "--quiet")
    assert said.code == 130
    command = "zoo run mlp iris --epochs 2 --jit off --set 'knobs.hidden_units=[4]' --seeds 0-2 --quiet"
    assert said.err == (
        "error: stopped in epoch 1, after 2 of 3 steps; saved\n"
        f"go on with the same command: {command}\nseeds that are done are not trained again\n"
    )


def test_several_workers_take_one_seed(here, monkeypatch):
    cluster = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(UsageError, match="one after the other, by one process"):
        seeds.train(recipe_of(), [0, 1], None, WAYS)


def test_seeds_are_a_range_or_a_list_or_both():
    assert parsed("0-4") == [0, 1, 2, 3, 4] and parsed("7") == [7]
    assert parsed("0,3,7") == [0, 3, 7] and parsed("0-2, 9") == [0, 1, 2, 9]


@pytest.mark.parametrize("text", ["", "a", "4-1", "-1", "0-", "0,,1", "0,1,0-2", "0-100", "99999999999", "1.5", "٣"])
def test_what_is_no_list_of_seeds_is_refused(text):
    with pytest.raises(UsageError, match="--seeds"):
        parsed(text)


@pytest.mark.parametrize("beside", [("--seed", "1"), ("--resume", "runs/x")])
def test_seeds_do_not_go_with_a_seed_or_a_run(zoo_cli, here, beside):
    said = zoo_cli("run", "mlp", "iris", "--seeds", "0-1", *beside)
    assert said.code == 2 and f"--seeds 0-1 does not go with {beside[0]}" in said.err


@pytest.mark.slow
def test_a_sweep_that_is_stopped_ends_as_each_seed_alone(tmp_path, monkeypatch):
    """Each command in a process of its own."""
    monkeypatch.chdir(tmp_path)
    zoo = [sys.executable, "-m", "zoo", "run", "mlp", "digits", "--epochs", "60", "--jit", "off",
           "--set", "knobs.hidden_units=[32]"]  # fmt: skip
    sweep = [*zoo, "--seeds", "0-1", "--out", "sweep"]
    with subprocess.Popen(sweep, stderr=subprocess.PIPE, text=True) as running:
        while "epoch 5/60" not in (line := running.stderr.readline()):
            assert line, "it ended by itself"
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert running.returncode == 130 and "go on with the same command: zoo run mlp digits" in rest
    for command in (sweep, *([*zoo, "--seed", str(seed), "--out", f"alone-{seed}"] for seed in (0, 1))):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert same("sweep/seed-0", "alone-0") and same("sweep/seed-1", "alone-1")
