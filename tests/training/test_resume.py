"""Stop anywhere, go on, and end bit for bit where the unbroken run ends; damaged checkpoints are found out."""

import hashlib
import io
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from zoo import tasks
from zoo.data import Examples
from zoo.errors import UsageError, ZooError
from zoo.recipe import resolve
from zoo.runs import beginning, directory, job
from zoo.runs.watching import Watcher
from zoo.training import checkpoint, loop, state
from zoo.training.fit import Fit
from zoo.training.signals import Stopped

SETTINGS = [
    "knobs.hidden_units=[16]",
    "knobs.dropout=0.3",
    "preprocessing.resize=[8,8]",
    "callbacks.early_stopping={monitor='val_loss',patience=3}",
    "callbacks.checkpoint={}",
    "callbacks.reduce_on_plateau={patience=1,factor=0.5}",
    "training.schedule=constant",
    "training.warmup_epochs=0",
    "training.learning_rate=0.02",
    "data.validation_share=0.3",
]


class Die(Exception):
    pass


class DieAt(keras.callbacks.Callback):
    """Ends a run after so many calls, as a kill would: nothing is saved by it."""

    def __init__(self, fit_box, calls):
        super().__init__()
        self.fit_box, self.calls = fit_box, calls

    def on_train_batch_end(self, batch, logs=None):
        self.calls -= 1
        if self.calls == 0:
            self.fit_box[0].save()
            raise Die


def make_fit(folder, epochs=5, callbacks=()):
    recipe = resolve("mlp", "digits", SETTINGS, {"epochs": epochs})[0]
    return Fit(recipe, tasks.load(recipe.data, "digits"), folder, callbacks)


def final(fit):
    variables = [*fit.model.variables, *fit.model.optimizer.variables]
    history = {k: v for k, v in fit.history.items() if k != "seconds"}
    return [np.array(v) for v in variables], history


def assert_same(one, other):
    assert one[1] == other[1]
    assert all((a == b).all() for a, b in zip(one[0], other[0], strict=True))


@pytest.fixture(autouse=True)
def small_calls(monkeypatch):
    monkeypatch.setattr(loop, "MOST_STEPS_A_CALL", 5)  # so that a stop falls inside an epoch


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    fit = make_fit(tmp_path_factory.mktemp("unbroken"))
    fit()
    return final(fit)


@pytest.mark.parametrize("stops", [[1], [4, 9], [7, 7, 7]])
def test_resumed_equals_unbroken_with_dropout_augmentation_plateau_and_early_stopping(tmp_path, unbroken, stops):
    saved = None
    for calls in stops:
        box = []
        fit = make_fit(tmp_path, callbacks=[DieAt(box, calls)])
        box.append(fit)
        with pytest.raises(Die):
            fit(saved)
        saved, damaged = checkpoint.newest(tmp_path / "checkpoints")
        assert not damaged
    fit = make_fit(tmp_path)
    fit(saved)
    assert_same(final(fit), unbroken)


@pytest.fixture
def two_checkpoints(tmp_path):
    for step in (3, 8, 12):
        arrays = {"model/0": np.full((3, 2), step, "float32")}
        checkpoint.save(tmp_path, step, arrays, {"epoch": step})
    return tmp_path


def test_the_last_two_are_kept_and_leftovers_of_a_kill_go(two_checkpoints):
    (two_checkpoints / ".step-000000099.77.tmp.checkpoint").write_bytes(b"half")
    checkpoint.save(two_checkpoints, 20, {"model/0": np.zeros(1)}, {})
    names = sorted(path.name for path in two_checkpoints.iterdir())
    assert names == ["step-000000012.checkpoint", "step-000000020.checkpoint"]


def test_damaged_later_ones_never_push_out_a_good_one(two_checkpoints):
    for step in (30, 40):
        (two_checkpoints / f"step-{step:09d}.checkpoint").write_bytes(b"damaged")
    checkpoint.save(two_checkpoints, 14, {"model/0": np.zeros(1)}, {"epoch": 14})
    assert sorted(path.name for path in two_checkpoints.iterdir()) == [
        "step-000000012.checkpoint",
        "step-000000014.checkpoint",
    ]


DAMAGES = {
    "flip": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"?" + path.read_bytes()[-8:]),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "empty": lambda path: path.write_bytes(b""),
    "no manifest": lambda path: path.write_bytes(path.read_bytes().partition(b"\n")[2]),
    "no arrays": lambda path: path.write_bytes(path.read_bytes()[:200]),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_one_is_passed_over_and_named(two_checkpoints, damage):
    DAMAGES[damage](two_checkpoints / "step-000000012.checkpoint")
    saved, damaged = checkpoint.newest(two_checkpoints)
    assert saved.facts == {"epoch": 8} and (saved.arrays["model/0"] == 8).all()
    assert len(damaged) == 1 - (damage == "gone") and all("step-000000012" in line for line in damaged)


def test_all_damaged_refuses_with_their_names(two_checkpoints):
    for path in two_checkpoints.iterdir():
        path.write_bytes(b"")
    with pytest.raises(ZooError, match=r"(?s)cannot be resumed.*step-000000012.*step-000000008"):
        checkpoint.newest(two_checkpoints)
    assert checkpoint.newest(two_checkpoints / "none") == (None, [])


def test_no_single_flipped_bit_goes_unnoticed(two_checkpoints):
    path = two_checkpoints / "step-000000012.checkpoint"
    whole = path.read_bytes()
    for bit in np.random.default_rng(0).integers(0, len(whole) * 8, 200):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(bytes(broken))
        saved, damaged = checkpoint.newest(two_checkpoints)
        assert damaged and saved.facts == {"epoch": 8}


@pytest.fixture
def cut_short(tmp_path):
    """A training that died, and what it had saved."""
    box = []
    fit = make_fit(tmp_path, callbacks=[DieAt(box, 1)])
    box.append(fit)
    with pytest.raises(Die):
        fit()
    return fit, checkpoint.newest(tmp_path / "checkpoints")[0]


def test_a_checkpoint_of_another_network_rate_optimiser_or_dataset_is_refused(cut_short):
    fit, saved = cut_short
    for said, difference in (
        ("knobs.hidden_units=[17]", r"knobs.hidden_units was \[16\], now \[17\]"),
        ("training.learning_rate=0.01", "training.learning_rate was 0.02, now 0.01"),
        ("training.optimizer=sgd", "training.optimizer was 'adam', now 'sgd'"),
    ):
        other = resolve("mlp", "digits", [*SETTINGS, said], {"epochs": 5})[0]
        with pytest.raises(UsageError, match=f"the checkpoint is of another run: {difference}\n"):
            Fit(other, tasks.load(other.data, "digits"))(saved)
    splits = fit.splits
    changed = splits.train.x.copy()
    changed[7, 3, 3, 0] ^= 1
    with pytest.raises(UsageError, match="another run: the training examples are others than they were"):
        Fit(fit.recipe, replace(splits, train=Examples(changed, splits.train.y)))(saved)


def test_a_resume_that_fails_at_once_leaves_the_reason_of_the_first_stop(tmp_path):
    """And one that comes further, or is stopped again, has a reason of its own."""
    recipe = resolve("mlp", "iris", ["knobs.hidden_units=[4]"], {"epochs": 2, "jit": "off"})[0]
    directory.write_recipe(tmp_path, recipe)
    before = {"exit": "stopped in epoch 1, after 2 of 3 steps", "smoke": False, "seconds": 7.5}
    directory.record(tmp_path, before)
    others = recipe.model_copy(update={"training": recipe.training.model_copy(update={"epochs": 3})})
    made_of = state.made_of(others, tasks.load(recipe.data, "iris"))
    checkpoint.save(tmp_path / "checkpoints", 2, {}, {"epoch": 0, "done": 2, "made_of": made_of})
    with pytest.raises(UsageError, match=r"of another run: training\.epochs was 3, now 2"):
        job.resume(tmp_path)
    assert {key: directory.Run(tmp_path).info[key] for key in before} == before
    place = checkpoint.Checkpoint({}, {"epoch": 1, "done": 2})
    for position, error, new in (
        ((0, 0), UsageError(""), False), ((1, 2), ZooError(""), False), ((1, 3), ZooError(""), True),
        ((2, 0), ZooError(""), True), ((0, 0), Stopped(15, "stopped"), True),
    ):  # fmt: skip
        assert job._went_on(error, SimpleNamespace(epoch=position[0], done=position[1]), place) == new
    assert not job._went_on(ZooError(""), None, None)


def test_a_checkpoint_that_is_packed_or_holds_something_else_is_refused(tmp_path):
    """It may come from anyone: a few bytes may not become many, and what is missing is told."""
    body, words = io.BytesIO(), b"{}\n"
    np.savez_compressed(body, zeros=np.zeros(10**6))
    rest = words + body.getvalue()
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    head = checkpoint.MAGIC + hashlib.sha256(rest).hexdigest().encode() + b"\n"
    (folder / "step-000000001.checkpoint").write_bytes(head + rest)
    with pytest.raises(ZooError, match="its arrays are packed"):
        checkpoint.newest(folder)
    checkpoint.save(folder, 2, {}, {"at": 2})
    with pytest.raises(UsageError, match="does not say where the run stopped"):
        beginning.saved_state(tmp_path, Watcher())
    recipe = resolve("mlp", "iris", ["knobs.hidden_units=[4]"])[0]
    fit = Fit(recipe, tasks.load(recipe.data, "iris"), None)
    for facts in ({}, {"made_of": 3}, {"made_of": {"recipe": {}, "data": []}}):
        with pytest.raises(UsageError, match="does not hold the state of a run"):
            fit(checkpoint.Checkpoint({}, {"epoch": 1, "done": 2} | facts))


def test_a_checkpoint_from_before_a_setting_existed_goes_on_with_its_default(cut_short):
    fit, saved = cut_short
    del saved.facts["made_of"]["recipe"]["data"]["stream"]
    Fit(fit.recipe, fit.splits)(saved)
    other = resolve("mlp", "digits", [*SETTINGS, "data.stream='off'"], {"epochs": 5})[0]
    with pytest.raises(UsageError, match=r"data\.stream was 'auto', now 'off'"):
        Fit(other, fit.splits)(saved)
