"""F1-F3, F5, F12, F16, F25, F27: real processes ended at random moments, and what is there afterwards."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from kills import COMMAND, clear, kill_command, kill_endings, kill_saves, kill_trainings, same_runs

from zoo.errors import UsageError
from zoo.runs import directory
from zoo.training import checkpoint

SHARED_MEMORY = Path("/dev/shm")


@pytest.mark.parametrize("elsewhere", [False, True])
def test_thirty_kills_inside_saves_leave_the_newest_or_the_one_before(tmp_path, elsewhere):
    """F1, F16; F2 with the temporary folder on another filesystem."""
    environment = {}
    if elsewhere:
        if SHARED_MEMORY.is_dir() and SHARED_MEMORY.stat().st_dev != tmp_path.stat().st_dev:
            environment = {"TMPDIR": str(SHARED_MEMORY)}
        else:  # then the run lies elsewhere
            environment = {"TMPDIR": "/proc/self"}
    counts = kill_saves(clear(tmp_path / "checkpoints"), 30, seed=elsewhere, environment=environment)
    assert counts["kills"] == 30 and counts["inside_a_save"] >= 5


def test_killed_and_resumed_trainings_end_where_an_unbroken_one_does(tmp_path):
    """F3, F5 with dropout, augmentation, shuffling, plateau, early stopping and best weights."""
    counts = kill_trainings(tmp_path, runs=1, kills=3, epochs=16)
    assert counts["kills"] >= 2


@pytest.mark.slow
def test_twelve_trainings_killed_five_times_each(tmp_path):
    """F3 in full."""
    counts = kill_trainings(tmp_path, runs=12, kills=5, seed=1)
    assert counts["kills"] >= 50 and counts["resumed_inside_an_epoch"] >= 10


@pytest.mark.slow
@pytest.mark.parametrize("kills", [1, 3])
def test_the_command_line_killed_and_resumed(tmp_path, kills):
    """F3, F5, F25: weights, metrics and history of two processes, one of them killed, are the same to the last bit."""
    counts = kill_command(tmp_path / "killed", tmp_path / "whole", kills=kills)
    assert counts["kills"] >= min(kills, 2)


@pytest.mark.slow
def test_a_run_killed_behind_its_last_epoch_is_completed_without_training_again(tmp_path):
    """F3, F25: killed after each file that is written between the last epoch and the report; the pictures are the same
    to the last byte."""
    found = kill_endings(tmp_path)
    whole = found.pop("whole")
    assert len(found) == 7
    for folder in found.values():
        assert same_runs(folder, whole), folder
        assert {path.name for path in folder.iterdir()} == {path.name for path in whole.iterdir()}
        for name in ("confusion_matrix.png", "architecture.svg", "predictions.npz"):
            assert (folder / name).read_bytes() == (whole / name).read_bytes(), folder / name
        assert directory.load(folder).info["exit"] == "done" and not (folder / "checkpoints").exists()


SLOW_SAVE = """
import sys, time
import numpy as np
def savez(file, **arrays):
    sys.stderr.write("SAVING\\n"); sys.stderr.flush()
    time.sleep(600)
savez_whole, np.savez = np.savez, savez
""" + COMMAND.replace("0.0, 4.0", "9e9, 4.0")


def test_a_second_ctrl_c_during_the_save_ends_at_once_and_the_checkpoint_before_loads(tmp_path):
    """F12."""
    folder = tmp_path / "run"
    command = ["run", "mlp", "digits", "--epochs", "100", "--jit", "off", "--set", "knobs.hidden_units=[8]"]
    running = subprocess.Popen(
        [sys.executable, "-c", SLOW_SAVE, *command, "--out", str(folder)], stderr=subprocess.PIPE, text=True
    )
    for line in running.stderr:
        if "epoch 3/" in line:
            break
    checkpoint.save(folder / "checkpoints", 1, {"a": np.ones(3)}, {"at": 1})  # the one before
    running.send_signal(signal.SIGINT)
    for line in running.stderr:
        if "SAVING" in line:
            break
    begun = time.monotonic()
    running.send_signal(signal.SIGINT)
    assert running.wait(600) == 130
    assert time.monotonic() - begun < 60  # the save would take ten minutes; 0.7 s where nothing else runs
    rest = running.stderr.read()
    assert "Traceback" not in rest and len(rest.splitlines()) <= 3
    saved, damaged = checkpoint.newest(folder / "checkpoints")
    assert saved.facts == {"at": 1} and not damaged


def test_a_second_process_cannot_write_where_a_run_is_or_was(tmp_path):
    """F27: while the first is at work, and also when it was quick and is done before the second begins to write."""
    from zoo.recipe import resolve

    recipe = resolve("mlp", "iris")[0]
    with directory.claimed(tmp_path / "run"):
        directory.write_recipe(tmp_path / "run", recipe)
        with pytest.raises(UsageError, match="another process is running in"), directory.claimed(tmp_path / "run"):
            pass
    with pytest.raises(UsageError, match="exists already; nothing is overwritten"), directory.claimed(tmp_path / "run"):
        directory.write_recipe(tmp_path / "run", recipe)


def test_what_a_killed_process_left_half_written_goes_when_the_run_is_claimed_again(tmp_path):
    """F16 for the files of the run directory itself."""
    for name in (".run.1.tmp.json", ".model.1.tmp.keras", ".history.1.tmp.csv"):
        (tmp_path / name).write_text("half")
    (tmp_path / "mine.txt").write_text("kept")
    with directory.claimed(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "mine.txt"]


def test_a_run_killed_before_it_began_says_how_to_start_it(tmp_path, zoo_cli):
    from zoo.recipe import resolve

    directory.write_recipe(tmp_path, resolve("mlp", "iris")[0])
    said = zoo_cli("run", "--resume", tmp_path)
    assert said.code == 2 and f"start it again: zoo run {tmp_path}/recipe.toml" in said.err
