"""Autoencoders: numbers by hand, the two parts of the bound, draws that resume and replicate, own images, bad input."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from zoo import tasks
from zoo.catalogue.metrics import find, headline
from zoo.catalogue.registry import build
from zoo.cli import main
from zoo.data.binarizing import binarized
from zoo.data.examples import Examples, Source
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.tasks import elbo
from zoo.tasks.halves import Halves, component_error
from zoo.training.draws import drawn_as_one
from zoo.training.fit import Fit


def zoo(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    return exit_.value.code, *capsys.readouterr()


def fitted(model, *sets, folder=None, **options):
    recipe, _ = resolve(model, "digits_images", ["training.epochs=2", *sets], options)
    if folder:
        folder.mkdir()
    fit = Fit(recipe, tasks.load(recipe.data, recipe.dataset), folder)
    return fit, fit()


def around(network):
    """A network as a run's model holds it: behind preprocessing."""
    inputs = keras.Input(network.input_shape[1:], name="raw")
    return keras.Model(inputs, network(keras.layers.Rescaling(1.0)(inputs)))


def test_the_parts_of_the_bound_are_those_worked_out_by_hand():
    pixels, probabilities = np.array([[[0.0], [1.0]]], "float32"), np.array([0.25, 0.5])
    logits = np.log(probabilities / (1 - probabilities)).reshape(1, 2, 1).astype("float32")
    found = elbo.negative_log_probability(tf.constant(pixels), tf.constant(logits)).numpy()
    assert found == pytest.approx([-math.log(0.75) - math.log(0.5)])
    mean, log_variance = tf.constant([[1.0, 0.0], [0.0, 0.0]]), tf.constant([[0.0, math.log(4.0)], [0.0, 0.0]])
    by_hand = 0.5 * (1 + 1 - 0 - 1) + 0.5 * (0 + 4 - math.log(4.0) - 1)
    assert elbo.divergence(mean, log_variance).numpy() == pytest.approx([by_hand, 0.0], abs=1e-6)


def test_a_sure_pixel_that_is_wrong_costs_what_its_logit_says():
    """As a probability it would be cut at 1e-7, and cost 16.1."""
    wrong = elbo.negative_log_probability(tf.constant([[0.0]]), tf.constant([[40.0]])).numpy()
    assert wrong == pytest.approx([40.0])


def test_the_likelihood_is_the_integral_over_the_code(monkeypatch):
    """Of a code of one number it can be summed up on a grid; the bound lies below it."""
    keras.utils.set_random_seed(3)
    halves = Halves(around(build("vae", input_shape=(2, 2, 1), hidden_units=(4,), latent_dim=1)))
    x = np.random.default_rng(0).integers(0, 2, (7, 2, 2, 1)).astype("float32")
    z = np.linspace(-8, 8, 4001, dtype="float32")[:, None]
    logits = halves.logits(z)
    prior = np.exp(-0.5 * z[:, 0].astype("float64") ** 2) / math.sqrt(2 * math.pi)
    exact = 0.0
    for image in x:
        lost = elbo.negative_log_probability(tf.constant(np.repeat(image[None], len(z), 0)), logits).numpy()
        exact += math.log(np.trapezoid(np.exp(-lost.astype("float64")) * prior, z[:, 0]))
    monkeypatch.setattr(elbo, "SAMPLES", 4000)
    assert elbo.log_likelihood(halves, x) == pytest.approx(exact / len(x), abs=0.02)
    values, _ = halves.scorer("elbo")(tf.constant(x), tf.constant(0))
    assert -float(tf.reduce_mean(values["loss"])) < exact / len(x) + 0.3


def test_scores_of_a_whole_split_are_means_over_its_images_and_come_again():
    fit, _ = fitted("vae", "knobs.hidden_units=[16]")
    test = fit.splits.test
    first, again = fit.evaluate(test), fit.evaluate(test)
    assert first.metrics == again.metrics
    assert first.outputs.shape == (len(test), 2) and len(test) == 359  # the codes
    scorer = Halves(fit.model).scorer("elbo")
    by_hand = np.concatenate([scorer(tf.constant(test.x[i : i + 500]), tf.constant(i))[0]["kl"] for i in (0, 500)][:1])
    assert first.metrics["kl"] == pytest.approx(by_hand.mean(), rel=1e-5)
    assert first.metrics["loss"] == pytest.approx(first.metrics["reconstruction"] + first.metrics["kl"], rel=1e-5)
    found = fit.task.further(fit.model, fit.recipe.data, fit.splits, "test", first.metrics).metrics
    assert found["elbo"] == pytest.approx(-first.metrics["loss"], rel=1e-5) and found["log_likelihood"] > found["elbo"]
    assert headline(first.metrics | found) == "elbo" and find("elbo").higher_is_better


def test_both_parts_stand_in_the_history():
    _, made = fitted("vae", "knobs.hidden_units=[16]")
    names = {"loss", "reconstruction", "kl"}
    assert names | {f"val_{name}" for name in names} <= set(made.history)
    sums = np.add(made.history["reconstruction"], made.history["kl"])
    np.testing.assert_allclose(made.history["loss"], sums, rtol=1e-5)


@pytest.mark.parametrize("model", ["vae", "autoencoder.denoising"])
def test_a_run_that_was_stopped_draws_on_as_if_it_had_not(model, tmp_path):
    from zoo.training import checkpoint

    knobs = ("knobs.hidden_units=[16]",) if model == "vae" else ("knobs.latent_dim=20",)
    whole, _ = fitted(model, *knobs, folder=tmp_path / "whole")

    class Stop(Exception):
        pass

    class AfterTheFirst(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                raise Stop

    recipe = whole.recipe
    (tmp_path / "half").mkdir()
    half = Fit(recipe, whole.splits, tmp_path / "half", [AfterTheFirst()])
    with pytest.raises(Stop):
        half()
    half.epoch, half.done = 1, 0
    for step in half.learning:
        step.objective.reset()
    half.save()
    resumed = Fit(recipe, whole.splits, tmp_path / "half")
    made = resumed(checkpoint.newest(tmp_path / "half" / "checkpoints")[0])
    for ours, theirs in zip(made.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["vae", "autoencoder.denoising"])
def test_a_share_of_a_batch_gets_the_draws_of_the_whole(name, monkeypatch):
    """What several replicas do, in one process: see tests/distribution for real ones."""
    from zoo.training import draws

    keras.utils.set_random_seed(0)
    model = around(build(name, input_shape=(4, 4, 1), latent_dim=3))
    layer = Halves(model).sample or Halves(model).corrupt
    given = [tf.ones((5, 3)), tf.zeros((5, 3))] if name == "vae" else tf.ones((5, 4, 4, 1))
    state = layer.seed_generator.state.numpy()
    whole = layer(given, training=True).numpy()
    for first, count in ((0, 2), (2, 3)):
        layer.seed_generator.state.assign(state)
        monkeypatch.setattr(draws, "share", lambda size, part=(first, count): part)
        part = tf.nest.map_structure(lambda array, at=first, n=count: array[at : at + n], given)
        with drawn_as_one(model, 5):
            np.testing.assert_array_equal(layer(part, training=True).numpy(), whole[first : first + count])


def test_noise_is_there_in_training_alone():
    network = build("autoencoder.denoising", input_shape=(4, 4, 1), latent_dim=3, masked_share=0.5)
    corruption, x = network.get_layer("corruption"), tf.ones((50, 4, 4, 1))
    np.testing.assert_array_equal(corruption(x, training=False), x)
    masked = corruption(x, training=True).numpy()
    assert set(np.unique(masked)) == {0.0, 1.0} and 0.4 < masked.mean() < 0.6
    with pytest.raises(UsageError, match="from 0 to below 1"):
        build("autoencoder.denoising", masked_share=1.0)


def test_components_are_those_of_scikit_learn():
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(0)
    train, test = (rng.random((n, 4, 4, 1), "float32") ** 2 for n in (300, 50))
    halves = Halves(around(build("autoencoder", input_shape=(4, 4, 1), hidden_units=(), latent_dim=3)))
    pca = PCA(3).fit(train.reshape(300, -1))
    rest = test.reshape(50, -1) - pca.inverse_transform(pca.transform(test.reshape(50, -1)))
    assert component_error(halves, train, test)["pca_mse"] == pytest.approx(float((rest**2).mean()), rel=1e-4)


def test_a_narrow_code_beats_as_many_components():
    """Hinton and Salakhutdinov's claim, on digits of 64 pixels and a code of 8."""
    fit, _ = fitted("autoencoder", "training.epochs=40")
    measured = fit.evaluate(fit.splits.test).metrics
    beside = fit.task.further(fit.model, fit.recipe.data, fit.splits, "test", measured).metrics
    assert measured["mse"] < beside["pca_mse"]


def test_a_network_trained_on_blotted_images_restores_them():
    fit, _ = fitted("autoencoder.denoising", "training.epochs=15", "knobs.latent_dim=100")
    measured = fit.evaluate(fit.splits.test).metrics
    found = fit.task.further(fit.model, fit.recipe.data, fit.splits, "test", measured).metrics
    assert measured["mse"] < found["denoised_mse"] < found["corrupted_mse"]


def test_binarised_pixels_are_drawn_once_and_are_grey_on_average():
    x = np.full((2500, 3, 3, 1), 51, "uint8")
    source = Source(Examples(x, np.zeros(2500)), Examples(x[:10], np.zeros(10)))
    drawn, again = binarized(source, "sample", 0), binarized(source, "sample", 0)
    assert set(np.unique(drawn.train.x)) == {0, 255} and abs(drawn.train.x.mean() - 51) < 2
    np.testing.assert_array_equal(drawn.train.x, again.train.x)
    assert (binarized(source, "sample", 1).train.x != drawn.train.x).any()
    assert (drawn.test.x != drawn.train.x[:10]).any() and drawn.validation is None
    assert not binarized(source, "threshold", 0).train.x.any() and binarized(source, "none", 0) is source


def test_images_on_disk_are_binarised_alike(tmp_path, monkeypatch):
    from zoo.data.stored import Stored

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    x = np.random.default_rng(1).integers(0, 256, (1200, 3, 3, 1)).astype("uint8")
    np.save(tmp_path / "x.npy", x)
    stored = binarized(Source(Examples(Stored(tmp_path / "x.npy"), np.zeros(1200))), "sample", 0)
    assert isinstance(stored.train.x, Stored)
    np.testing.assert_array_equal(
        stored.train.x[:], binarized(Source(Examples(x, np.zeros(1200))), "sample", 0).train.x
    )


@pytest.fixture
def photos(tmp_path):
    """A folder of loose images, some of them in a sub-folder."""
    rng, folder = np.random.default_rng(0), tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for i in range(40):
        Image.fromarray(rng.integers(0, 256, (9, 10)).astype("uint8")).save(
            folder / ("more" if i % 4 else "") / f"{i}.png"
        )
    return folder


def test_own_images_need_no_labels(photos, tmp_path, capsys, monkeypatch):
    """Sides of 9 and 10 are no multiples of 4: what the convolutions paint too much is cut off."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    code, out, err = zoo(capsys, "run", "autoencoder.conv", "--data", str(photos), "--smoke", "--out", str(run))
    assert code == 0, err
    names = {path.name for path in run.iterdir()}
    assert {"model.keras", "reconstructions.png", "walks.png", "report.html", "predictions.npz"} <= names
    scored = json.loads((run / "metrics.json").read_text())
    assert scored["examples_scored"] == scored["examples_in_split"] == 8 and "mse" in scored["test"]
    code, out, err = zoo(capsys, "predict", str(run), str(photos / "0.png"))
    assert code == 0 and "0-restored.png" in out
    assert Image.open(tmp_path / "0-restored.png").size == (10, 9)
    code, _, err = zoo(capsys, "predict", str(run), str(photos / "0.png"))
    assert code == 2 and "exists already" in err
    code, out, _ = zoo(capsys, "eval", str(run), "--json")
    assert code == 0 and json.loads(out)["metrics"] == pytest.approx(scored["test"], abs=1e-6)
    for more in (["report"], ["export", "--format", "onnx"], ["publish", str(tmp_path / "shared")]):
        code, _, err = zoo(capsys, more[0], str(run), *more[1:])
        assert code == 0, (more, err)
    code, out, _ = zoo(capsys, "data", "show", str(photos), "--as", "images")
    assert code == 0 and "to predict" not in out


def test_classes_of_own_images_colour_the_codes(photos, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("L", (8, 8), i).save(tmp_path / "classes" / name / f"{i}.png")
    data = tasks.from_path(tmp_path / "classes", wanted=("autoencoding",))
    assert (data.task, data.class_names) == ("autoencoding", ("a", "b"))
    assert tasks.from_path(tmp_path / "classes", wanted=("classification", "binary")).task == "binary"
    assert tasks.from_path(photos, wanted=("autoencoding",)).num_classes is None
    with pytest.raises(UsageError, match="in no class folder"):
        tasks.from_path(photos, wanted=("binary",))


def test_a_plane_of_codes_is_drawn(tmp_path, capsys):
    run = tmp_path / "run"
    code, _, err = zoo(capsys, "run", "vae", "digits_images", "--smoke", "--out", str(run))
    assert code == 0, err
    assert {"codes.png", "plane.png", "samples.png"} <= {path.name for path in run.iterdir()}
    (run / "plane.png").unlink()
    code, _, err = zoo(capsys, "report", str(run))
    assert code == 0 and (run / "plane.png").exists(), err


@pytest.mark.parametrize(
    "model, sets, said",
    [
        ("vae", ["training.loss=mse"], "training.loss: vae takes elbo"),
        ("autoencoder", ["training.loss=elbo"], "its code is no sample"),
        ("autoencoder", ["training.loss=hinge"], "does not fit a autoencoding task"),
        ("autoencoder", ["preprocessing.standardize=global"], "pixels from 0 to 1"),
        ("autoencoder", ["preprocessing.rescale=1"], "pixels from 0 to 1"),
        ("autoencoder", ["data.options={binarize='dither'}"], "not one of none, threshold, sample"),
        ("autoencoder", ["data.options={sharp=1}"], "option of images"),
        ("autoencoder", ["data.classes=[0,1]", "data.num_classes=2", "data.class_names=[]"], "have no meaning"),
        ("vae", ["callbacks.checkpoint={monitor='val_mse'}"], "is not produced; one of loss, reconstruction, kl"),
        ("lenet", [], "lenet does classification or binary"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(model, sets, said):
    with pytest.raises(UsageError) as caught:
        resolve(model, "digits_images", sets)
    assert said in str(caught.value)


def test_bad_input_is_named_with_status_2(photos, tmp_path, capsys):
    (photos / "broken.png").write_bytes(b"no image")
    code, _, err = zoo(capsys, "run", "autoencoder", "--data", str(photos), "--smoke", "--out", str(tmp_path / "run"))
    assert code == 2 and "broken.png" in err and not (tmp_path / "run").exists()
    (tmp_path / "empty").mkdir()
    code, _, err = zoo(capsys, "run", "autoencoder", "--data", str(tmp_path / "empty"), "--smoke")
    assert code == 2 and "no images" in err
    code, _, err = zoo(capsys, "eject", "vae", "digits_images", str(tmp_path / "script"))
    assert code == 2 and "is not written as a script" in err and not (tmp_path / "script").exists()


def test_a_network_without_halves_is_refused_by_name():
    with pytest.raises(UsageError, match="has no layers called encoder and decoder"):
        Halves(around(build("mlp", input_shape=(4, 4, 1))))
