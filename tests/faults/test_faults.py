"""F8, F9, F13-F15, F26, F28: damage, divergence, full disks, foreign settings."""

import json
import os
import random
import resource
import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from zoo import tasks
from zoo.errors import ZooError
from zoo.files import write_text
from zoo.recipe import resolve
from zoo.runs import directory
from zoo.training import callbacks, checkpoint
from zoo.training.fit import Fit


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run, small and without pictures."""
    folder = tmp_path_factory.mktemp("run") / "run"
    recipe = resolve("mlp", "iris", ["knobs.hidden_units=[4]"], {"epochs": 3})[0]
    with directory.claimed(folder):
        directory.write_recipe(folder, recipe)
        directory.record(folder, {"exit": "started", "smoke": False})
        fit = Fit(recipe, tasks.load(recipe.data, "iris"), folder)
        directory.write_model(folder, fit().model)
        directory.record_metrics(folder, {"test": {"loss": 0.5}, "examples_scored": 30, "examples_in_split": 30})
        directory.record(folder, {"exit": "done", "seed": 0, "smoke": False, "argv": ("zoo", "run")})
    return folder


READ = {
    "recipe.toml": lambda run: run.recipe,
    "run.json": lambda run: run.info,
    "metrics.json": lambda run: run.metrics,
    "history.csv": lambda run: run.history,
    "model.keras": lambda run: run.model,
}


@pytest.mark.parametrize("name", READ)
def test_no_single_flipped_bit_in_a_run_directory_goes_unnoticed(finished, name):
    """F8, 200 bits of each file (all of those of a smaller one); checkpoints and cache have tests of their own."""
    path = finished / name
    whole = path.read_bytes()
    READ[name](directory.load(finished))
    chance = random.Random(0)
    try:
        for bit in chance.sample(range(len(whole) * 8), 200):
            broken = bytearray(whole)
            broken[bit // 8] ^= 1 << (bit % 8)
            path.write_bytes(broken)
            with pytest.raises(ZooError, match=name):
                READ[name](directory.load(finished))
    finally:
        path.write_bytes(whole)


def test_a_changed_file_is_named_and_only_run_again_with_a_note_and_pictures_may_be_edited(finished, zoo_cli):
    path = finished / "recipe.toml"
    whole = path.read_text()
    (finished / "learning_curves.png").write_text("my own drawing")
    assert directory.load(finished).recipe.training.epochs == 3
    path.write_text(whole.replace("epochs = 3", "epochs = 4"))
    said = zoo_cli("eval", finished)
    again = zoo_cli("run", path, "--jit", "off", "--quiet", "--out", finished.parent / "again")
    path.write_text(whole)
    assert again.code == 0 and "note: " in again.err and "was changed after the run" in again.err.replace("\n", " ")
    assert said.code == 2 and "recipe.toml is damaged, or was changed after the run" in said.err
    assert len(said.err.splitlines()) <= 3


def test_the_recipe_of_a_stopped_run_cannot_be_changed_either(tmp_path, zoo_cli):
    """F9 on the command line; in the checkpoint itself: tests/training/test_resume.py."""
    recipe = resolve("mlp", "iris")[0]
    directory.write_recipe(tmp_path, recipe)
    directory.record(tmp_path, {"exit": "stopped in epoch 2", "smoke": False})
    said = zoo_cli("eval", tmp_path)
    assert said.code == 2 and "did not finish: stopped in epoch 2" in said.err and "--resume" in said.err
    for option, told in (
        (["--learning-rate", "0.5"], "learning_rate was 0.01, now 0.5"),
        (["--optimizer", "sgd"], "optimizer was adam, now sgd"),
    ):
        said = zoo_cli("run", "--resume", tmp_path, *option)
        assert said.code == 2 and told in said.err and len(said.err.splitlines()) <= 3
    for name, told in (
        (("lenet", "iris"), "MODEL was mlp, now lenet"),
        (("mlp", "wine"), "DATASET was iris, now wine"),
    ):
        said = zoo_cli("run", *name, "--resume", tmp_path)
        assert said.code == 2 and told in said.err
    path = tmp_path / "recipe.toml"
    path.write_text(path.read_text().replace("learning_rate = 0.01", "learning_rate = 0.02"))
    said = zoo_cli("run", "--resume", tmp_path)
    assert said.code == 2 and "recipe.toml is damaged, or was changed after the run" in said.err


def fit_of(folder, *sets, epochs=6, extra=(), **options):
    recipe = resolve("mlp", "iris", ["knobs.hidden_units=[8]", "training.schedule=constant", *sets],
                     {"epochs": epochs} | options)[0]  # fmt: skip
    return Fit(recipe, tasks.load(recipe.data, "iris"), folder, extra)


class Poison(keras.callbacks.Callback):
    """Makes a weight infinite before epoch `at`."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            weights = self.model.get_weights()
            weights[0][0, 0] = np.inf
            self.model.set_weights(weights)


def test_a_run_that_diverges_stops_and_keeps_its_last_finite_checkpoint(tmp_path, monkeypatch):
    """F13."""
    from zoo.training import fit as fit_module

    monkeypatch.setattr(fit_module, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    monkeypatch.setattr(fit_module, "SHARE_FOR_CHECKPOINTS", 1e9)
    with pytest.raises(ZooError, match=r"the loss became nan .*\nlikely causes: a learning rate too high") as caught:
        fit_of(tmp_path, extra=[Poison(3)])()
    assert caught.value.exit_code == 1
    saved, damaged = checkpoint.newest(tmp_path / "checkpoints")
    assert saved.facts["epoch"] == 3 and saved.facts["done"] == 0 and not damaged
    assert all(np.isfinite(array).all() for name, array in saved.arrays.items() if name.startswith("model/"))


def test_weights_that_only_the_last_step_ruined_are_found_too(tmp_path):
    """F13: that step's loss is still a number."""

    class PoisonAtTheEnd(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                weights = self.model.get_weights()
                weights[0][0, 0] = np.nan
                self.model.set_weights(weights)

    fit = fit_of(tmp_path, epochs=2)
    fit.callbacks.insert(0, PoisonAtTheEnd())
    with pytest.raises(ZooError, match="no finite numbers after the last step"):
        fit()


def test_divergence_on_the_command_line_is_status_1(zoo_cli, tmp_path):
    """F13."""
    said = zoo_cli(
        "run", "mlp", "diabetes", "--optimizer", "sgd", "--learning-rate", "1e20", "--epochs", 3, "--jit", "off",
        "--set", "training.schedule=constant", "--set", "training.warmup_epochs=0", "--quiet",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert said.code == 1 and "the loss became" in said.err and "likely causes" in said.err
    assert len(said.err.splitlines()) <= 3 and "Traceback" not in said.err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["exit"].startswith("the loss became")


@pytest.mark.parametrize("kind", ["checkpoint", "early_stopping"])
def test_the_best_epoch_is_a_finite_one(kind):
    """F14: the first validation value is NaN, the later ones are not."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    if kind == "checkpoint":
        callback = callbacks.BestWeights("val_loss")
    else:
        callback = callbacks.EarlyStopping("val_loss", patience=5, mode="min", restore_best_weights=True)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate([np.nan, 3.0, 1.0, np.nan, 2.0]):
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        callback.on_epoch_end(epoch, {"val_loss": value})
    callback.on_train_end()
    assert callback.best == 1.0 and float(model.get_weights()[0][0, 0]) == 2


def test_values_that_are_never_numbers_use_up_the_patience():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    callback = callbacks.EarlyStopping("val_accuracy", patience=2, mode="max", restore_best_weights=True)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(4):
        callback.on_epoch_end(epoch, {"val_accuracy": np.nan})
        if getattr(model, "stop_training", False):
            break
    assert model.stop_training and epoch == 2


@pytest.fixture
def no_larger_files():
    """A limit on the size of files: writing beyond it fails as on a full disk (EFBIG in place of ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_save_that_finds_no_room_leaves_the_old_checkpoint(tmp_path, no_larger_files):
    """F15 by a limit that the system enforces."""
    checkpoint.save(tmp_path, 1, {"a": np.ones(10)}, {"at": 1})
    no_larger_files(20_000)
    with pytest.raises(ZooError, match=r"size limit of files reached while writing .*000002.*untouched") as caught:
        checkpoint.save(tmp_path, 2, {"a": np.random.default_rng(0).random(100_000)}, {"at": 2})
    assert caught.value.exit_code == 1 and len(str(caught.value).splitlines()) == 1
    assert checkpoint.newest(tmp_path)[0].facts == {"at": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001.checkpoint"]


def test_a_model_that_finds_no_room_is_one_line_and_no_crash(tmp_path, no_larger_files):
    """F15 for model.keras, whose writer is Keras'."""
    model = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300)])
    model.save(tmp_path / "model.keras")
    old = (tmp_path / "model.keras").read_bytes()
    no_larger_files(50_000)
    with pytest.raises(ZooError, match=r"size limit of files reached while writing .*model\.keras"):
        directory.write_model(tmp_path, model)
    assert (tmp_path / "model.keras").read_bytes() == old
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("number", [28, 122, 5, 30])  # no space, quota, input/output error, read-only
def test_whatever_the_system_says_in_writing_is_one_line(tmp_path, monkeypatch, number):
    """F15 by errors put in."""
    write_text(tmp_path / "a.txt", "old")

    def fail(descriptor):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(ZooError, match=r"(disk full while writing|cannot write) .*a\.txt") as caught:
            write_text(tmp_path / "a.txt", "new")
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / "a.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a filesystem of a few kilobytes is mounted by root; the limits above")
def test_a_disk_that_is_really_full(tmp_path):
    """F15 where the tests may mount a small filesystem."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True).returncode:
        return  # no right to mount even for root, as in most containers
    try:
        checkpoint.save(disk / "checkpoints", 1, {"a": np.ones(10)}, {"at": 1})
        with pytest.raises(ZooError, match=r"disk full while writing .*000002"):
            checkpoint.save(disk / "checkpoints", 2, {"a": np.random.default_rng(0).random(100_000)}, {})
        assert checkpoint.newest(disk / "checkpoints")[0].facts == {"at": 1}
        assert len(list((disk / "checkpoints").iterdir())) == 1
        with pytest.raises(ZooError, match=r"disk full while writing .*model\.keras"):
            directory.write_model(disk, keras.Sequential([keras.Input((300,)), keras.layers.Dense(300)]))
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_order_and_augmentation_differ_between_epochs_with_one_seed():
    """F26."""
    import tensorflow as tf

    from zoo.data.config import Augmentation
    from zoo.data.fields import Field, Fields
    from zoo.training.augment import make_augment
    from zoo.training.batches import plan_epoch

    no_tokens = np.zeros((100, 0), "int32")
    orders = [plan_epoch(no_tokens, 10, 3, epoch).rows.tolist() for epoch in range(3)]
    assert len({str(order) for order in orders}) == 3 and orders[1] == plan_epoch(no_tokens, 10, 3, 1).rows.tolist()
    fields = Fields((Field("x", "image", (12, 12, 1), "uint8"),), (Field("y", "label", (), "int32"),))
    augment = make_augment(Augmentation(shift=2.0, rotate=20.0), 3, fields)
    images = tf.constant(np.random.default_rng(0).integers(0, 255, (4, 12, 12, 1)).astype("uint8"))
    seen = [
        np.array(augment(images, tf.zeros(4), tf.constant(step), 4, 0)[0]) for step in (0, 10, 20)
    ]  # one step of each of three epochs
    assert not (seen[0] == seen[1]).all() and not (seen[1] == seen[2]).all() and not (seen[0] == seen[2]).all()
    assert (seen[1] == np.array(augment(images, tf.zeros(4), tf.constant(10), 4, 0)[0])).all()


BUILD = """
import json, zoo
from zoo.catalogue import registry
facts = {}
for name in registry.list_models():
    model = zoo.build(name, **zoo.describe(name).trial)
    facts[name] = [str(model.get_config()).replace("channels_first", "FIRST"), model.count_params(),
                   sorted({str(w.dtype) for w in model.weights}), {l.name: l.compute_dtype for l in model.layers}]
print(json.dumps(facts))
"""


@pytest.mark.slow
def test_a_hostile_keras_json_changes_no_model_and_no_training(tmp_path, zoo_cli):
    """F28."""
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "keras.json").write_text(
        json.dumps({"floatx": "float16", "image_data_format": "channels_first", "backend": "nope", "epsilon": 0.4})
    )
    hostile = os.environ | {"KERAS_HOME": str(tmp_path / "keras"), "KERAS_BACKEND": "tensorflow"}
    built = subprocess.run([sys.executable, "-c", BUILD], capture_output=True, text=True, env=hostile, check=True)
    from zoo.catalogue import registry

    for name, (config, params, dtypes, compute) in json.loads(built.stdout).items():
        model = registry.build(name, **registry.describe(name).trial)
        assert (params, dtypes) == (model.count_params(), sorted({str(w.dtype) for w in model.weights}))
        assert "FIRST" not in config and "float16" not in config and set(compute.values()) == {"float32"}, name
    del hostile["KERAS_BACKEND"]
    run = ["run", "mlp", "iris", "--epochs", "2", "--jit", "off", "--json", "--quiet", "--out"]
    command = [sys.executable, "-m", "zoo", *run, str(tmp_path / "hostile")]
    done = subprocess.run(command, capture_output=True, text=True, env=hostile, check=True)
    assert json.loads(done.stdout)["test"] == json.loads(zoo_cli(*run, tmp_path / "usual"))["test"]


def test_a_backend_that_is_none_is_answered_in_two_lines():
    """F28."""
    nope = os.environ | {"KERAS_BACKEND": "nope"}
    for command in (["run", "mlp", "iris"], ["check", "linear"], ["show", "mlp", "--set", "dropout=0.5"]):
        done = subprocess.run([sys.executable, "-m", "zoo", *command], capture_output=True, text=True, env=nope)
        complaint = done.stderr[done.stderr.index("error: ") :]
        assert done.returncode == 2 and "nope" in complaint and len(complaint.splitlines()) <= 2, done.stderr
        assert "fault of zoo" not in complaint
