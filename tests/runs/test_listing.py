"""`zoo runs` and `zoo runs rm`: which runs there are, what became of each, and that nothing else is ever removed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.cli import runs as cli
from zoo.recipe import resolve
from zoo.runs import directory, listing, removing
from zoo.training.signals import Stopped

DATES = {"a": "2026-01-01T10:00:00+00:00", "b": "2026-01-02T10:00:00+00:00", "c": "2026-01-03T10:00:00+00:00"}


def make(folder, ended="done", accuracy=0.9, model="mlp", seed=0, **more):
    """What a run leaves that ended so, without a network."""
    folder.mkdir(parents=True)
    recipe = resolve(model, "iris", (), {"epochs": 4, "seed": seed})[0]
    directory.write_recipe(folder, recipe)
    facts = {"model": model, "dataset": "iris", "seed": seed, "date": DATES["a"], "smoke": False, "exit": ended, **more}
    if ended == "done":
        scored = {"test": {"loss": 1.0, "accuracy": accuracy}, "examples_scored": 30, "examples_in_split": 30}
        directory.record_metrics(folder, scored)
        facts |= {"epochs": 4, "seconds": 2.5, "params": 131}
    directory.record(folder, facts)
    return folder


def inside(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Where runs go."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def rows(zoo_cli, *arguments):
    said = zoo_cli("runs", *arguments, "--json")
    assert said.code == 0
    return json.loads(said)


def test_every_run_is_listed_with_what_became_of_it(zoo_cli, runs):
    make(runs / "mlp-iris" / "a", seed=3)
    (row,) = rows(zoo_cli)
    assert row == {
        "run": "runs/mlp-iris/a", "model": "mlp", "dataset": "iris", "seed": 3, "state": "done", "exit": "done",
        "metric": "accuracy", "value": 0.9, "epochs": 4, "seconds": 2.5, "params": 131, "date": DATES["a"],
        "smoke": False,
    }  # fmt: skip
    said = zoo_cli("runs")
    assert said.code == 0 and said.err == "" and "\x1b" not in said
    head, line = said.splitlines()
    assert head.split() == ["run", "model", "dataset", "metric", "value", "seed", "epochs", "time", "date", "state"]
    assert line.split() == ["runs/mlp-iris/a", "mlp", "iris", "accuracy", "90.00%", "3", "4", "2", "s", "2026-01-01",
                            "10:00", "done"]  # fmt: skip


ENDS = {
    "done": ("done", "done"),
    "started": ("stopped", "stopped"),
    "stopped in epoch 2, after 3 of 4 steps; saved": ("stopped", "stopped in epoch 2, after 3 of 4 steps; saved"),
    listing.BY_HAND: ("stopped", "stopped"),
    "the loss is not a number any more": ("failed", "failed: the loss is not a number any more"),
}


@pytest.mark.parametrize("ended", ENDS)
def test_the_state_follows_from_how_a_run_ended(zoo_cli, runs, ended):
    make(runs / "a", ended)
    state, words = ENDS[ended]
    assert [row["state"] for row in rows(zoo_cli)] == [state]
    assert zoo_cli("runs").splitlines()[1].rstrip().endswith(words)


def test_the_command_knows_the_states():
    assert cli.STATES == listing.STATES


def test_a_run_that_was_asked_to_stop_counts_as_stopped(runs):
    from zoo.runs.job import _reason

    make(runs / "a", _reason(Stopped(2, "stopped in epoch 1, after 2 of 3 steps; saved\ngo on with: ...")))
    make(runs / "b", _reason(KeyboardInterrupt()))
    assert [listing.look(runs / name).state for name in "ab"] == ["stopped", "stopped"]


def test_a_run_is_running_as_long_as_its_process_lives(zoo_cli, runs):
    folder = make(runs / "a", "started")
    code = (
        "import sys\nfrom pathlib import Path\nfrom zoo.runs import directory\n"
        "with directory.claimed(Path(sys.argv[1])):\n    print('in', flush=True)\n    sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, str(folder)], **pipes) as process:
        assert process.stdout.readline() == "in\n"
        try:
            assert [row["state"] for row in rows(zoo_cli)] == ["running"]
            said = zoo_cli("runs", "rm", folder, "--yes")
            assert said.code == 2 and "a run is going on in" in said.err and folder.is_dir()
        finally:
            process.kill()
    assert (folder / ".lock").exists()  # which is not what counts
    assert [row["state"] for row in rows(zoo_cli)] == ["stopped"]
    with directory.claimed(folder):  # looking took no lock
        pass


def test_epochs_so_far_are_counted(zoo_cli, runs):
    directory.write_history(make(runs / "a", "started"), {"loss": [3.0, 2.0, 1.0]})
    assert [row["epochs"] for row in rows(zoo_cli)] == [3]


def test_a_run_that_has_only_begun_is_known_by_its_recipe(zoo_cli, runs):
    folder = make(runs / "a", seed=5)
    (folder / "run.json").unlink()
    (folder / ".lock").touch()
    (row,) = rows(zoo_cli)
    assert (row["model"], row["dataset"], row["seed"], row["state"]) == ("mlp", "iris", 5, "stopped")


def test_order_and_filters(zoo_cli, runs):
    make(runs / "deep" / "er" / "a", accuracy=0.7, date=DATES["a"])
    make(runs / "b", accuracy=0.9, date=DATES["b"], seconds=9, seed=2)
    make(runs / "c", "the loss is not a number", model="perceptron", date=DATES["c"])

    def names(*arguments):
        return [row["run"][-1] for row in rows(zoo_cli, *arguments)]

    assert names() == ["c", "b", "a"]
    assert names("--sort", "metric") == ["b", "a", "c"]
    assert names("--sort", "seed") == ["c", "a", "b"]
    assert names("--sort", "state") == ["c", "b", "a"]
    assert names("--model", "perc*") == ["c"] and names("--dataset", "mnist") == []
    assert names("--state", "done", "--sort", "metric") == ["b", "a"]
    assert names("runs/deep") == ["a"] and names("runs/b") == ["b"]
    assert zoo_cli("runs", "--quiet", "--state", "failed") == "runs/c\n"
    assert "no run below runs matches" in zoo_cli("runs", "--model", "vgg*").err


def test_where_there_are_none_it_says_how_to_make_one(zoo_cli, runs):
    said = zoo_cli("runs")
    assert said.code == 0 and said == "" and "zoo run lenet digits" in said.err
    assert rows(zoo_cli) == []
    said = zoo_cli("runs", "nowhere")
    assert said.code == 2 and "no folder nowhere" in said.err


def test_what_is_damaged_or_foreign_is_named_and_passed_over(zoo_cli, runs, tmp_path):
    make(runs / "a")
    (make(runs / "b") / "metrics.json").write_text("{}")
    (make(runs / "c") / "run.json").write_text('{"x": 1}')
    (make(runs / "d") / "x.png").symlink_to("/etc/passwd")
    make(tmp_path / "outside" / "e")
    (runs / "link").symlink_to(tmp_path / "outside")
    (make(runs / "published") / "weights.npz").touch()
    (runs / "recipe").mkdir()
    (runs / "recipe" / "recipe.toml").touch()
    said = zoo_cli("runs")
    assert said.code == 0 and [line.split()[0] for line in said.splitlines()[1:]] == ["runs/a"]
    notes = said.err.splitlines()
    assert [note.split()[1] for note in notes] == ["runs/b", "runs/c", "runs/d"]
    assert all("is passed over: " in note for note in notes)


def test_a_narrow_terminal_gets_what_tells_most(runs, monkeypatch, capsys):
    from zoo.cli import console

    make(runs / "a")
    for width, shown in ((100, False), (140, True)):
        screen = console.Screen(width=width)
        screen._force_terminal, screen.no_color = True, True
        monkeypatch.setattr(console, "out", screen)
        cli._print([listing.look(Path("runs/a"))])
        said = capsys.readouterr().out
        assert ("dataset" in said) == shown and "90.00%" in said and "done" in said
        assert max(map(len, said.splitlines())) <= width


def test_a_run_is_removed_when_the_answer_is_yes(zoo_cli, runs):
    make(runs / "a"), make(runs / "b")
    said = zoo_cli("runs", "rm", "runs/a")
    assert said.code == 2 and "this is no terminal\nsay so with --yes" in said.err and (runs / "a").is_dir()
    assert f"runs/a: {len(inside(runs / 'a'))} files" in said.err
    said = zoo_cli("runs", "rm", "runs/a", "--yes")
    assert said.code == 0 and said == "removed runs/a\n" and inside(runs) == ["b"]
    removed = json.loads(zoo_cli("runs", "rm", "runs/*", "--yes", "--json"))
    assert [row["run"] for row in removed] == ["runs/b"] and inside(runs) == []


@pytest.mark.parametrize(("answer", "left"), [("y\n", []), ("n\n", ["a"]), ("\n", ["a"])])
def test_at_a_terminal_it_asks(runs, monkeypatch, answer, left):
    import io

    from zoo.cli import main

    make(runs / "a")
    stdin = io.StringIO(answer)
    stdin.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(SystemExit) as ended:
        main(["runs", "rm", "runs/a"])
    assert ended.value.code == 0 and inside(runs) == left


def test_what_is_no_run_stays_and_so_do_the_runs_named_beside_it(zoo_cli, runs, tmp_path, monkeypatch):
    good = make(runs / "pair" / "a")
    outside = make(tmp_path / "outside" / "e")
    (runs / "link").symlink_to(outside)
    (make(runs / "linked") / "x.png").symlink_to("/etc/passwd")
    (make(runs / "noted") / "notes.txt").touch()
    make(runs / "nested"), make(runs / "nested" / "inner")
    (make(runs / "published") / "weights.npz").touch()
    (runs / "mine").mkdir()
    (runs / "mine" / "recipe.toml").touch()
    before = sorted(tmp_path.rglob("*"))
    for name, why in {
        "link": "is a symbolic link; nothing is removed through it",
        "linked": "x.png is a symbolic link",
        "noted": "holds what no run writes: notes.txt\n",
        "nested": "holds what no run writes: inner\n",
        "published": "is no run",
        "mine": "is no run",
        "pair": "is no run, it holds 1\n",
        "nowhere": "no run directory",
        "no*ne": "nothing matches",
    }.items():
        said = zoo_cli("runs", "rm", good, runs / name, "--yes")
        assert said.code == 2 and why in said.err and len(said.err.splitlines()) <= 3, name
    monkeypatch.chdir(good)
    assert "holds the current folder" in zoo_cli("runs", "rm", ".", "--yes").err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_run_can_be_removed(zoo_cli, runs):
    (make(runs / "a") / "run.json").write_text("{")
    assert zoo_cli("runs", "rm", "runs/a", "--yes").code == 0 and not (runs / "a").exists()


def test_a_run_that_begins_to_go_on_after_the_look_stays(runs):
    chosen = removing.removable(make(runs / "a", "started"))
    code = "import sys\nfrom pathlib import Path\nfrom zoo.runs import removing\n"
    code += "removing.remove(removing.removable(Path(sys.argv[1])))"
    with directory.claimed(chosen.folder):
        done = subprocess.run([sys.executable, "-c", code, str(chosen.folder)], capture_output=True, text=True)
    assert done.returncode == 1 and "a run is going on" in done.stderr and (runs / "a").is_dir()


def test_half_a_run_is_none_any_more(runs, monkeypatch):
    """Killed in the middle of removing: what is left has the name of a leftover, which the next one removes."""
    chosen = removing.removable(make(runs / "a"))
    monkeypatch.setattr(removing.shutil, "rmtree", lambda folder: (folder / "recipe.toml").unlink())
    removing.remove(chosen)
    assert not (runs / "a").exists() and listing.find(runs) == listing.Found([], {})


def test_listing_imports_no_framework(runs):
    make(runs / "a")
    code = (
        "import sys\nfrom zoo.cli import main\ntry:\n    main(['runs'])\nexcept SystemExit as e:\n"
        "    assert not e.code\nassert not {'tensorflow', 'keras', 'sklearn', 'matplotlib', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=runs.parent)
    assert done.returncode == 0, done.stderr
    assert "runs/a" in done.stdout
