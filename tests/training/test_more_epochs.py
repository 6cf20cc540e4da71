"""A finished run that is trained for longer ends, bit for bit, where the same epochs from the start end."""

import json
import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from zoo import tasks
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.runs import directory, job
from zoo.runs.more_epochs import Longer, longer
from zoo.training import checkpoint
from zoo.training.fit import Fit

SETTINGS = [
    "knobs.hidden_units=[8]",
    "knobs.dropout=0.3",
    "training.learning_rate=0.05",
    "training.schedule=constant",
    "training.warmup_epochs=0",
    "callbacks.checkpoint={}",
    "callbacks.early_stopping={patience=2,restore_best=false}",
    "callbacks.reduce_on_plateau={patience=1,factor=0.5}",
]


def run(folder, epochs, sets=SETTINGS):
    return job.run("mlp", "iris", sets=sets, epochs=epochs, jit="off", out=folder)


def numbers(folder):
    """All that came of a run, but for the time that it took."""
    finished = directory.Run(folder)
    saved = checkpoint.last(folder)
    history = {key: values for key, values in finished.history.items() if key != "seconds"}
    facts = {key: value for key, value in saved.facts.items() if key != "history"}
    weights = [array.tolist() for array in finished.model.get_weights()]
    arrays = {name: array.tolist() for name, array in saved.arrays.items()}
    return weights, arrays, facts, history, finished.metrics, (folder / "recipe.toml").read_text()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run over two epochs that are too few for early stopping."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    run(folder, 2)
    return directory.Run(folder)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that early stopping ended."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    sets = [*SETTINGS, "training.learning_rate=3.0", "callbacks.early_stopping.patience=1"]
    run(folder, 30, sets)
    return directory.Run(folder), sets


def test_more_epochs_are_as_if_from_the_start(finished, tmp_path, zoo_cli):
    before = {path.name: path.read_bytes() for path in finished.folder.iterdir() if path.is_file()}
    new = tmp_path / "longer"
    said = zoo_cli("run", "--resume", finished.folder, "--epochs", 5, "--out", new)
    assert said.code == 0, said.err
    run(tmp_path / "whole", 5)
    assert numbers(new) == numbers(tmp_path / "whole")
    assert (
        f"{finished.folder} stays as it is" in said.err and "from epoch 2 to epoch 5" in said.err and str(new) in said
    )
    assert "from the weights of epoch 2; those of the best epoch so far come back at the end" in said.err
    assert "epoch 3/5" in said.err and "epoch 2/5" not in said.err
    info = directory.Run(new).info
    assert info["continues"] == {"run": str(finished.folder), "epochs": 2} and info["epochs"] == 5
    assert {path.name: path.read_bytes() for path in finished.folder.iterdir() if path.is_file()} == before


def test_a_run_that_early_stopping_ended_goes_on_with_more_patience(stopped, tmp_path):
    ended, sets = stopped
    there = len(ended.history["loss"])
    assert there < 30
    with pytest.raises(UsageError, match=r"early stopping ended the run .*: 1 epochs without a better val_loss"):
        longer(ended, 40, None)
    with pytest.raises(UsageError, match=r"early stopping ended the run .*\ngo on all the same: --early-stopping 2"):
        longer(ended, 2, None)  # nor does it help to say more epochs than there were
    job.resume(ended.folder, epochs=there + 3, patience=4, out=tmp_path / "longer")
    run(tmp_path / "whole", there + 3, [*sets, "callbacks.early_stopping.patience=4"])
    assert numbers(tmp_path / "longer") == numbers(tmp_path / "whole")


def test_early_stopping_may_be_switched_off_and_not_be_made_stricter(finished):
    assert longer(finished, 9, 0).recipe.callbacks.early_stopping is None
    assert longer(finished, 9, 5).recipe.callbacks.early_stopping.patience == 5
    with pytest.raises(UsageError, match=r"with 1 it might have ended before\nsay more than that, or 0 for never"):
        longer(finished, 9, 1)


@pytest.mark.parametrize("epochs", [1, 2, None])
def test_no_more_epochs_than_there_were_are_refused(finished, epochs):
    with pytest.raises(UsageError, match=r"trained for 2 epochs already, \d are asked for\nsay .*: --epochs 4"):
        longer(finished, epochs, None if epochs else 5)


def changed(finished, training=None, callbacks=None, **info):
    recipe = finished.recipe
    recipe = recipe.model_copy(
        update={
            "training": recipe.training.model_copy(update=training or {}),
            "callbacks": recipe.callbacks.model_copy(update=callbacks or {}),
        }
    )
    return SimpleNamespace(folder=finished.folder, recipe=recipe, info=finished.info | info)


def test_what_takes_another_way_with_more_epochs_is_refused_with_a_way_out(finished):
    for other, patience, told in (
        (changed(finished, {"schedule": "cosine"}), None,
         r"a cosine of 2 epochs; over 9 .*\ntrain anew: zoo run .*/recipe.toml --epochs 9\nor start from its weights"),
        (changed(finished, smoke=True), None, r"is a smoke run"),
        (changed(finished, given=["optimizer"]), None, r"objects that are not kept \(optimizer\)"),
        (changed(finished, callbacks={"early_stopping": None}), 3, r"has no early stopping, and might have ended"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told) as caught:
            longer(other, 9, patience)
        assert len(str(caught.value).splitlines()) <= 3


def test_devices_that_will_not_do_leave_no_run_behind(finished, tmp_path, monkeypatch):
    def refuse(self, fit):
        raise UsageError(f"not on {fit.strategy_text}")

    monkeypatch.setattr(Longer, "compare_devices", refuse)
    with pytest.raises(UsageError, match="not on one device"):
        job.resume(finished.folder, epochs=4, out=tmp_path / "longer")
    assert not (tmp_path / "longer").exists()


def test_the_way_out_of_a_cosine_is_one(tmp_path, monkeypatch, zoo_cli):
    monkeypatch.chdir(tmp_path)
    run("cosine", 2, [*SETTINGS[:3], "training.schedule=cosine"])
    said = zoo_cli("run", "--resume", "cosine", "--epochs", "3")
    commands = re.findall(r"zoo (run .*)", said.err)
    assert said.code == 2 and len(commands) == 2
    for number, command in enumerate(commands):
        said = zoo_cli(*shlex.split(command), "--quiet", "--out", str(number))
        assert said.code == 0, said.err
    assert [directory.Run(Path(name)).recipe.training.epochs for name in "01"] == [3, 2]


def test_a_run_whose_state_is_not_there_says_how_to_go_on_without(finished, tmp_path, zoo_cli):
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in finished.folder.iterdir():
        if path.is_file() and path.name != checkpoint.LAST:
            (copy / path.name).write_bytes(path.read_bytes())
    said = zoo_cli("run", "--resume", str(copy), "--epochs", "3")
    assert said.code == 2 and f"holds no {checkpoint.LAST}" in said.err and len(said.err.strip().splitlines()) == 3
    said = zoo_cli("run", "--resume", str(copy))
    assert said.code == 2 and "is finished" in said.err and f"zoo run --resume {copy} --epochs NUMBER" in said.err


def test_a_run_that_was_stopped_goes_on_first(finished, tmp_path, zoo_cli):
    directory.write_recipe(tmp_path, finished.recipe)
    directory.record(tmp_path, {"exit": "stopped in epoch 1"})
    said = zoo_cli("run", "--resume", str(tmp_path), "--epochs", "9")
    assert (
        said.code == 2 and "has not come to the end of its 2 epochs" in said.err and "go on with it first" in said.err
    )


def test_other_changes_are_refused_for_a_finished_run_too(finished, zoo_cli):
    said = zoo_cli("run", "--resume", str(finished.folder), "--epochs", "9", "--seed", "3", "--no-best")
    assert said.code == 2 and "seed was 0, now 3" in said.err
    said = zoo_cli(
        "run", "--resume", str(finished.folder), "--epochs", "9", "--dry-run", "--missing", "median", "--smoke"
    )
    assert said.code == 2 and "smoke was False, now True" in said.err
    assert "--dry-run, --missing: not for a run that goes on" in said.err


@pytest.mark.parametrize(
    "schedule",
    [["training.schedule=exponential", "training.decay_epochs=1", "training.decay_rate=0.5"], []],
    ids=["exponential", "constant"],
)
def test_schedules_that_do_not_look_at_the_end_go_on(tmp_path, schedule):
    sets = ["knobs.hidden_units=[4]", "training.schedule=constant", "training.warmup_epochs=1.5", *schedule]

    def fit(epochs, folder=None):
        recipe = resolve("mlp", "iris", sets, {"epochs": epochs, "jit": "off"})[0]
        return Fit(recipe, tasks.load(recipe.data, "iris"), folder)

    tmp_path.joinpath("run").mkdir()
    short, whole = fit(2, tmp_path / "run"), fit(4)
    short(), whole()
    ended = SimpleNamespace(folder=tmp_path / "run", recipe=short.recipe, info={"steps_an_epoch": short.steps})
    onwards = longer(ended, 4, None)
    other = Fit(onwards.recipe, short.splits, None)
    other(onwards.saved)
    variables = zip([*other.model.variables, *other.model.optimizer.variables],
                    [*whole.model.variables, *whole.model.optimizer.variables], strict=True)  # fmt: skip
    assert all((np.array(a) == np.array(b)).all() for a, b in variables)
    assert other.history["learning_rate"] == whole.history["learning_rate"]


def test_the_state_is_as_large_as_it_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "LARGEST_LAST", 100)
    assert checkpoint.save_last(tmp_path, {"a": np.zeros(25, "float32")}, {"at": 1})
    assert not checkpoint.save_last(tmp_path, {"a": np.zeros(26, "float32")}, {"at": 2})
    assert json.dumps(checkpoint.last(tmp_path).facts) == '{"at": 1}'
