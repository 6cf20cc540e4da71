"""From a trained network to other data: what is kept, what learns, what is computed once; and it can be stopped."""

import csv
import json
import signal
import subprocess
import sys
import tomllib

import keras
import numpy as np
import pytest

import zoo
from zoo import tasks
from zoo.errors import UsageError
from zoo.pretrained import bases
from zoo.pretrained.published import core_weights
from zoo.pretrained.transfer import HeadFit, TransferFit
from zoo.runs.job import execute
from zoo.training.model import core_of, head_layers


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """vgg.small on digits, two short epochs: convolutions, batch normalisation, dropout."""
    folder = tmp_path_factory.mktemp("runs") / "vgg.small-digits"
    zoo.run("vgg.small", "digits", smoke=True, out=folder)
    return zoo.load(folder)


def start(base, dataset="digits", sets=(), options=None, new_network=False, weights=None, **more):
    found = bases.find(str(base), weights)
    options = {"epochs": 2, "batch_size": 100} | (options or {})
    return bases.resolve_start(found, dataset, new_network=new_network, sets=sets, options=options, **more)[0]


OTHER = ("data.classes=[5,6,7,8,9]", "data.num_classes=5", "data.class_names=['5','6','7','8','9']", "data.train=896")


def test_a_base_without_blocks_gets_a_head_alone_and_too_many_are_refused_at_once():
    assert start("perceptron:mnist", "fashion_mnist").transfer.freeze == "all"
    assert start("lenet:mnist").transfer.freeze == 1
    with pytest.raises(UsageError, match="9 last blocks are to learn, lenet has 4"):
        start("lenet:mnist", freeze=9)


def fit_of(recipe, steps=None):
    return TransferFit(recipe, tasks.load(recipe.data, recipe.dataset), None, (), steps)


def moved(before, model):
    after = {weight.path: np.array(weight) for weight in model.weights}
    return {path.split("/")[0] for path in before if (before[path] != after[path]).any()}


def values(model):
    return {weight.path: np.array(weight) for weight in model.weights}


# which recipe


def test_classes_that_agree_keep_the_head(trained):
    recipe = start(trained.folder)
    assert recipe.model == "vgg.small" and recipe.transfer.head == "keep" and recipe.transfer.head_epochs == 0
    core = core_of(fit_of(recipe).model)
    for weight in core.weights:
        assert (np.array(weight) == core_weights(trained)[weight.path]).all(), weight.path


def test_classes_that_differ_get_a_new_head(trained):
    recipe = start(trained.folder, sets=OTHER)
    assert recipe.transfer.head == "new" and recipe.transfer.head_epochs == 40, "the recipe's epochs"
    assert recipe.training.learning_rate == pytest.approx(recipe.transfer.head_learning_rate / 10)
    core, given = core_of(fit_of(recipe).model), core_weights(trained)
    assert core.output.shape == (None, 5)
    for weight in core.weights:
        if not weight.path.startswith("predictions"):
            assert (np.array(weight) == given[weight.path]).all(), weight.path


def test_with_nothing_frozen_the_rate_is_the_recipes(trained):
    recipe = start(trained.folder, sets=OTHER, freeze="none")
    assert recipe.training.learning_rate == recipe.transfer.head_learning_rate == 0.002
    assert recipe.transfer.head_epochs == 1, "so that a head of new weights does not spoil the rest at once"
    under_new_layers = start(trained.folder, freeze="none", new_network=True)
    assert under_new_layers.training.learning_rate == pytest.approx(0.0002)


def test_a_recipe_made_before_its_weights_were_there_takes_them_as_they_are():
    recipe = start("lenet:mnist")
    before = recipe.model_copy(update={"transfer": recipe.transfer.model_copy(update={"sha256": ""})})
    assert bases.again(before).sha256 == recipe.transfer.sha256 != ""


def test_asking_to_keep_other_classes_is_refused(trained):
    with pytest.raises(UsageError, match=r"--head keep: .* tells 10 classes \(0, 1, 2, ...\), digits has 5 classes"):
        start(trained.folder, sets=OTHER, head="keep")


def test_the_bases_preprocessing_and_knobs_replace_the_datasets():
    recipe = start("lenet:mnist", "fashion_mnist")  # whose own LeNet has relu, max pooling and no resizing
    assert recipe.knobs == {"activation": "tanh", "pooling": "average", "kernel_initializer": "glorot_uniform"}
    assert recipe.preprocessing.pad == 2 and recipe.preprocessing.resize is None
    other_size = start("lenet:mnist", "digits")
    assert other_size.preprocessing.pad == 0 and other_size.preprocessing.resize == (32, 32)
    notes = bases.resolve_start(bases.find("lenet:mnist"), "digits", new_network=False)[1]
    said = "images of 8x8 are brought to 32x32, the size that lenet:mnist was trained on: 16 times the pixels"
    assert any(said in note for note in notes)


def test_few_examples_and_a_batch_that_suits_them():
    """The recipe's own batch of 128 would not fit; its epochs and its rate are what the phases go by."""
    few = ["data.examples_a_class=10", "training.learning_rate=0.5"]
    recipe = start("lenet:mnist", "mnist_5_9", few, {"batch_size": 9, "epochs": 7})
    assert tasks.sizes(recipe.data)["train"] == 45 and recipe.transfer.head_epochs == 12
    assert recipe.transfer.head_learning_rate == 0.003 and recipe.training.learning_rate == 0.5


@pytest.mark.parametrize(
    ("base", "dataset", "more", "told"),
    [
        ("lenet:mnist", "iris", {}, "lenet:mnist takes image, iris is tabular"),
        ("VGG16", "iris", {"weights": "none"}, "VGG16 takes image, iris is tabular"),
        ("lenet", "digits", {}, "lenet alone has no weights: say lenet:DATASET"),
        ("lenet:mnist", "digits", {"weights": "none"}, "lenet:mnist brings its own"),
        ("lenet:minst", "digits", {}, "did you mean lenet:mnist"),
        ("VGG16", "digits", {"weights": "none", "head": "keep"}, "a new network has a new head"),
        ("mlp:mnist", "digits", {"new_network": True}, "mlp has no maps in front of what it says"),
        ("VGG16", "digits", {"weights": "/nowhere.h5"}, "there is no file /nowhere.h5"),
    ],
)
def test_what_cannot_start_is_refused(base, dataset, more, told):
    with pytest.raises(UsageError) as caught:
        fit_of(start(base, dataset, **more))
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3


def test_weights_of_a_smaller_network_are_refused_with_names_and_shapes(trained):
    recipe = start(trained.folder, sets=["knobs.width=0.5"])
    with pytest.raises(UsageError, match=r"block1_conv1/kernel is \(3, 3, 1, 32\) there, \(3, 3, 1, 16\) here"):
        fit_of(recipe)


def test_a_base_that_changed_is_refused(trained):
    recipe = start(trained.folder)
    other = recipe.model_copy(update={"transfer": recipe.transfer.model_copy(update={"sha256": "0" * 64})})
    with pytest.raises(UsageError, match="are others than they were"):
        fit_of(other)


# what learns


@pytest.mark.parametrize(
    ("freeze", "learning"),
    [
        (1, {"fc1", "predictions"}),
        (2, {"block3_conv1", "block3_conv2", "fc1", "predictions"}),
        ("none", {f"block{i}_conv{j}" for i, j in ((1, 1), (2, 1), (2, 2), (3, 1), (3, 2))} | {"fc1", "predictions"}),
    ],
)
def test_what_is_frozen_stays_bit_for_bit(trained, freeze, learning):
    fit = fit_of(start(trained.folder, freeze=freeze, sets=["callbacks.checkpoint={monitor='loss'}"]), steps=2)
    before = values(core_of(fit.model))
    fit()
    assert moved(before, core_of(fit.model)) == learning


def test_with_everything_frozen_the_head_alone_learns(trained):
    fit = fit_of(start(trained.folder, freeze="all", sets=OTHER))
    before = values(core_of(fit.model))
    fit()
    assert moved(before, core_of(fit.model)) == {"predictions"} and "phase" not in fit.history


def test_a_network_without_a_head_of_weights_learns_elsewhere_or_not_at_all(tmp_path):
    zoo.run("lenet.1998", "digits", smoke=True, out=tmp_path / "r")
    with pytest.raises(UsageError, match=r"freeze = 'all' leaves nothing to learn in lenet\.1998"):
        fit_of(start(tmp_path / "r", freeze="all"))
    fit = fit_of(start(tmp_path / "r", sets=OTHER), steps=1)
    fit()
    assert len(fit.history["loss"]) == 2, "no first phase, since there is nothing to learn in it"


# features that are computed once


def test_features_are_what_the_frozen_network_gives(trained):
    fit = fit_of(start(trained.folder, sets=OTHER))
    core = core_of(fit.model)
    before = keras.Model(core.input, core.get_layer("fc1").output)  # in front of the dropout
    assert [layer.name for layer in fit.head] == ["dropout1", "predictions"] and fit.head == head_layers(core)
    pixels = keras.ops.image.resize(fit.splits.train.x[:6].astype("float32"), (16, 16)) / 255
    np.testing.assert_allclose(fit.features.train.x[:6], np.array(before(pixels)), rtol=1e-3, atol=1e-5)
    assert len(fit.features.train.x) == len(fit.splits.train.y) and len(fit.features.test.y) == 0


def test_a_head_trained_on_features_equals_one_trained_on_pixels(trained):
    """Without dropout and augmentation the cache changes nothing but the time."""
    sets = [*OTHER, "knobs.dropout=0.0", "augmentation.shift=0", "augmentation.rotate=0", "augmentation.zoom=0"]
    recipe = start(trained.folder, freeze="all", sets=sets, options={"optimizer": "sgd"})
    cached, direct = fit_of(recipe), fit_of(recipe)
    cached()
    super(TransferFit, direct).__call__()
    for one, other in zip(cached.model.weights, direct.model.weights, strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-4, atol=1e-6)
    for name in ("loss", "accuracy", "val_loss"):
        np.testing.assert_allclose(cached.history[name], direct.history[name], rtol=1e-4)


def test_the_second_phase_starts_from_the_firsts_best_and_is_undone_if_it_is_worse(trained):
    sets = [*OTHER, "training.learning_rate=50", "training.optimizer=sgd", "transfer.head_epochs=3"]
    fit = fit_of(start(trained.folder, sets=sets))
    fit()
    assert fit.history["phase"] == [1, 1, 1, 2, 2]
    best = min(fit.history["val_loss"][:3])
    assert max(fit.history["val_loss"][3:]) > best, "or else nothing had to be undone"
    assert fit.evaluate(fit.splits.validation)[0]["loss"] == pytest.approx(best, rel=1e-4)


# a run like any other


def test_a_run_in_two_phases(trained, tmp_path):
    recipe = start(trained.folder, sets=[*OTHER, "transfer.head_epochs=3"])
    outcome = execute(recipe, tmp_path / "run")
    run = zoo.load(tmp_path / "run")
    assert run.history["phase"] == [1, 1, 1, 2, 2] and run.info["epochs"] == 5
    assert (
        outcome.metrics["examples_scored"]
        == outcome.metrics["examples_in_split"]
        == len(tasks.load(recipe.data, "digits").test.y)
    )
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert "learning_curves.png" in files and not {"head", "checkpoints"} & files
    again = zoo.load(tmp_path / "run").recipe
    assert again == recipe and again.transfer.weights == str(trained.folder)


@pytest.mark.slow
def test_the_same_run_again_gives_the_same_numbers(trained, tmp_path, zoo_cli):
    command = ["finetune", trained.folder, "digits", "--epochs", "2", "--head-epochs", "2", "--head", "new", "--quiet"]
    first = zoo_cli(*command, "--out", tmp_path / "a", "--json")
    assert first.code == 0, first.err
    second = zoo_cli("run", tmp_path / "a" / "recipe.toml", "--out", tmp_path / "b", "--quiet", "--json")
    assert second.code == 0, second.err
    assert json.loads(first)["test"] == json.loads(second)["test"]
    one, other = (without_seconds(tmp_path / name / "history.csv") for name in "ab")
    assert one == other and [row["phase"] for row in one] == ["1.0", "1.0", "2.0", "2.0"]


def without_seconds(path):
    with path.open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


STOP_AT = """
import os, signal, sys
from pathlib import Path
import zoo.training.fit as fit
phase, epoch = sys.argv[1], int(sys.argv[2])
usual = fit.Fit._end_epoch
def end(self, watchers, begun):
    usual(self, watchers, begun)
    if type(self).__name__ == phase and self.epoch == epoch:
        os.kill(os.getpid(), signal.SIGTERM)
fit.Fit._end_epoch = end
from zoo.cli import main
main(sys.argv[3:])
"""


@pytest.fixture(scope="module")
def unbroken(trained, tmp_path_factory):
    """A command, and the run that it gives when nothing stops it."""
    command = ["finetune", str(trained.folder), "digits", "--head", "new", "--head-epochs", "3", "--epochs", "2"]
    folder = tmp_path_factory.mktemp("unbroken") / "whole"
    subprocess.run([sys.executable, "-m", "zoo", *command, "--quiet", "--out", folder], check=True, capture_output=True)
    return command, folder


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "epoch"), [("HeadFit", 2), ("TransferFit", 1)])
def test_stopped_in_either_phase_it_goes_on_to_the_same_numbers(unbroken, tmp_path, phase, epoch):
    command, whole = unbroken
    stopping = [sys.executable, "-c", STOP_AT, phase, str(epoch), *command, "--quiet", "--out", str(tmp_path / "cut")]
    stopped = subprocess.run(stopping, capture_output=True, text=True)
    assert stopped.returncode == 128 + signal.SIGTERM, stopped.stderr
    assert f"go on with: zoo run --resume {tmp_path / 'cut'}\n" in stopped.stderr
    resumed = [sys.executable, "-m", "zoo", "run", "--resume", str(tmp_path / "cut")]
    done = subprocess.run(resumed, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("going on in the first phase" in done.stderr) == (phase == "HeadFit")
    one, other = (without_seconds(folder / "history.csv") for folder in (whole, tmp_path / "cut"))
    assert one == other
    weights = [core_weights(zoo.load(folder)) for folder in (whole, tmp_path / "cut")]
    assert all((weights[0][path] == weights[1][path]).all() for path in weights[0])


@pytest.mark.slow
def test_published_weights_of_one_are_a_base_again(trained, tmp_path, zoo_cli):
    said = zoo_cli("publish", trained.folder, tmp_path / "published")
    assert said.code == 0, said.err
    arguments, rates = ["--smoke", "--quiet", "--json", "--out"], []
    for i, command in enumerate([
        ["finetune", tmp_path / "published", "digits"],
        ["run", "vgg_transfer", "digits", "--base", tmp_path / "published"],
        ["run", "vgg.small", "digits", "--weights", tmp_path / "published"],
    ]):  # fmt: skip
        said = zoo_cli(*command, *arguments, tmp_path / str(i))
        assert said.code == 0, said.err
        recipe = tomllib.loads((tmp_path / str(i) / "recipe.toml").read_text())
        assert recipe["transfer"]["weights"] == str(tmp_path / "published")
        rates.append(recipe["training"]["learning_rate"])
    assert rates == pytest.approx([0.0002, 0.0002, 0.002]), "full steps only where a whole network starts from weights"


def test_a_new_head_on_the_convolutions_of_a_run(trained):
    recipe = start(trained.folder, new_network=True, freeze="all", sets=OTHER)
    assert recipe.model == "vgg_transfer" and recipe.knobs["base"] == "vgg.small"
    fit = fit_of(recipe)
    assert [layer.name for layer in fit.head] == ["head_1", "head_dropout_1", "output"]
    assert fit.features.train.x.shape[1:] == (128,), "averaged maps"
    base = core_of(core_of(fit.model))
    for weight in base.weights:
        assert (np.array(weight) == core_weights(trained)[weight.path]).all()


@pytest.mark.slow
def test_a_random_base_of_keras_applications(tmp_path):
    recipe = start("MobileNetV2", weights="none", freeze="all", sets=["knobs.hidden_units=[]"])
    assert recipe.preprocessing.resize == (32, 32) and recipe.preprocessing.rescale is None
    fit = fit_of(recipe, steps=1)
    fit()
    fit.model.save(tmp_path / "model.keras")
    again = zoo.safety.load_model(tmp_path / "model.keras")
    x = fit.splits.test.x[:3]
    np.testing.assert_allclose(np.array(again(x)), np.array(fit.model(x)), rtol=1e-5)


def test_columns_are_standardised_as_the_base_knew_them(table):
    """The moments of the base's training rows, not those of the new ones."""
    recipe = start(table.folder, "iris", sets=["data.split_seed=7"])
    fit = fit_of(recipe)
    layer, theirs = (model.get_layer("standardize") for model in (fit.model, table.model))
    assert (np.array(layer.mean) == np.array(theirs.mean)).all()


def test_the_command_line_refuses_in_a_few_lines(zoo_cli, trained):
    for arguments, told in [
        (["finetune", "lenet:mnist"], "on which data?"),
        (["finetune", "lenet:mnist", "digits", "--freeze", "some"], "say all (only the head learns)"),
        (["finetune", "lenet:mnist", "digits", "--freeze", "9-last-blocks", "--dry-run"], "lenet has 4"),
        (["run", "lenet", "digits", "--base", "VGG16"], "go with vgg_transfer"),
        (["run", "mlp", "digits", "--weights", trained.folder], "holds weights of vgg.small, not of mlp"),
    ]:
        said = zoo_cli(*arguments)
        assert said.code == 2 and told in said.err and len(said.err.splitlines()) <= 3, said.err


def test_imagenet_weights_that_are_not_there_end_with_code_3(zoo_cli, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr("zoo.pretrained.imagenet.reachable", lambda host: "no network")
    for command in (["finetune", "VGG16", "digits"], ["run", "vgg_transfer", "digits"]):
        said = zoo_cli(*command, "--out", tmp_path / "run")
        assert said.code == 3 and "59 MB" in said.err and "--weights PATH" in said.err
        assert not (tmp_path / "run").exists()


def test_several_machines_are_refused(trained, monkeypatch):
    cluster = {"cluster": {"worker": ["localhost:1", "localhost:2"]}, "task": {"type": "worker", "index": 0}}
    recipe = start(trained.folder)
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(UsageError, match="takes one machine"):
        TransferFit(recipe, None)


def test_the_head_is_a_copy_until_it_is_handed_over(trained):
    fit = fit_of(start(trained.folder, sets=OTHER))
    inner = HeadFit(fit, fit.recipe, None)
    before = values(core_of(fit.model))
    inner()
    assert moved(before, core_of(fit.model)) == set()
    inner.hand_over()
    assert moved(before, core_of(fit.model)) == {"predictions"}
