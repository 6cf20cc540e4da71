"""More epochs for a finished run of several workers or replicas: as if from the start, bit for bit."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("tensorflow")

from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.runs import directory
from zoo.runs.more_epochs import Longer
from zoo.training import checkpoint

ROOT = Path(__file__).resolve().parents[2]
SETS = [  # what goes through every place where workers and replicas must do the same
    "knobs.hidden_units=[16]", "knobs.dropout=0.2", "knobs.batch_norm='before'", "training.clip_norm=0.5",
    "training.optimizer=adamw", "training.schedule=constant", "training.warmup_epochs=0",
    "callbacks.reduce_on_plateau={patience=1,factor=0.5}", "callbacks.checkpoint={monitor='val_loss'}",
]  # fmt: skip
RUN = ["run", "mlp", "iris", "--batch-size", "24", *(word for one in SETS for word in ("--set", one))]
WORKERS, REPLICAS = ["launch", "2", "--"], ["--strategy", "mirrored"]


def zoo(folder, *arguments, **environ):
    environ = os.environ | {"PYTHONPATH": str(ROOT)} | environ
    command = [sys.executable, "-m", "zoo", *map(str, arguments), "--quiet"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def numbers(folder):
    """All that came of a run, but for the time that it took."""
    run, saved = directory.Run(folder), checkpoint.last(folder)
    arrays = {name: array.tolist() for name, array in saved.arrays.items()}
    history = {key: values for key, values in run.history.items() if key != "seconds"}
    facts = {key: value for key, value in saved.facts.items() if key != "history"}
    return arrays, history, facts, run.metrics, [array.tolist() for array in run.model.get_weights()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "environ"),
    [(WORKERS, [], {}), ([], REPLICAS, {"ZOO_CPU_DEVICES": "2"})],
    ids=["two workers", "two replicas"],
)
def test_more_epochs_are_as_if_from_the_start(tmp_path, before, after, environ):
    zoo(tmp_path, *before, *RUN, *after, "--epochs", 2, "--out", "runs/mlp-iris/short", **environ)
    assert directory.Run(tmp_path / "runs/mlp-iris/short").info["replicas"] == 2
    zoo(tmp_path, *before, "run", "--resume", "runs/mlp-iris", "--epochs", 4, "--out", "longer", **environ)
    zoo(tmp_path, *before, *RUN, *after, "--epochs", 4, "--out", "whole", **environ)
    assert numbers(tmp_path / "longer") == numbers(tmp_path / "whole")
    if before:
        told = zoo(tmp_path, "run", "--resume", "runs/mlp-iris", "--epochs", 4, "--out", "alone")
        assert "trained by 2 workers with 2 replicas (CPU), it goes on by one device (CPU)" in told


def onwards(folder, scaled):
    recipe = resolve("mlp", "iris", [f"training.scale_learning_rate={scaled}"])[0]
    info = {"strategy": "2 workers with 2 replicas (CPU), this is worker 0", "replicas": 2}
    return Longer(SimpleNamespace(folder=folder, info=info), recipe, None)


def test_other_devices_are_a_note_or_where_the_rate_goes_by_their_number_an_error(caplog):
    one = SimpleNamespace(strategy_text="one device (CPU)", replicas=1)
    same = SimpleNamespace(strategy_text="2 workers with 2 replicas (CPU), this is worker 1", replicas=2)
    with caplog.at_level(logging.WARNING):
        onwards("run", "false").compare_devices(same)
        onwards("run", "true").compare_devices(same)
        assert not caplog.text
        onwards("run", "false").compare_devices(one)
        assert "it goes on by one device (CPU): the numbers are those of" in caplog.text
    with pytest.raises(UsageError, match=r"the run in run was trained by 2 workers .*\n.*: go on with as many"):
        onwards("run", "true").compare_devices(one)
