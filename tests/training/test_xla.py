"""What XLA compiles: the record says which networks it cannot, and each entry is tried."""

import sys
from pathlib import Path

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
sys.path.insert(0, str(Path(__file__).parents[1] / "distribution"))

import cases

from zoo import tasks
from zoo.catalogue.registry import describe, list_models
from zoo.recipe import resolve
from zoo.recipe.resolve import FROM_DATA
from zoo.training.fit import Fit
from zoo.training.loop import use_jit

OWN = [name for name in list_models() if describe(name).origin == "zoo"]
WITHOUT = ["encoder_decoder.attention"]
DRAWING = ("autoencoder.denoising", "vae")  # XLA draws other random numbers than TensorFlow does without it
WRITTEN = ("stdlib", ("data.input_shape=[32]", "data.train=5000", "data.test=0", "data.text.vocab_size=70"))
# Thin layers, each normalised over 16 examples: pixels that differ by 1e-6 give losses that differ by 1e-6 in the first
# step, 1e-4 in the second and 1e-3 in the third. By SGD, since Adam makes whole steps of gradients near 0.
GROWING = ("mobilenet.v1", "mobilenet.v2", "mobilenet.v2_small")
OTHER_DATA = {  # what the other networks take is no text to write, and too small
    "unet": ("shapes", ("data.input_shape=[188,188,1]", "data.masks.margin=92", "knobs.depth=4")),
    "transformer.decoder": WRITTEN,
    "transformer.baby_gpt": WRITTEN,
}


def make_fit(model, dataset, jit, *sets):
    """Two epochs of two steps of a network's small build."""
    trial = [f"knobs.{knob}={value}" for knob, value in describe(model).trial.items() if knob not in FROM_DATA]
    shorter = ["data.train=200", "data.test=50"] if describe(model).inputs[0] in ("text", "text-pair") else []
    options = {"epochs": 2, "batch_size": 16, "strategy": "one"}
    recipe = resolve(model, dataset, [*trial, *shorter, *cases.STEADY, *sets], options)[0]
    recipe = recipe.model_copy(
        update={"training": recipe.training.model_copy(update={"jit": jit})}
    )  # whatever rules say
    return Fit(recipe, tasks.load(recipe.data, dataset), None, (), 2)


def test_what_xla_cannot_do_is_refused_by_name_before_training(zoo_cli, tmp_path):
    assert [name for name in OWN if describe(name).no_xla] == WITHOUT
    for name in WITHOUT:
        said = zoo_cli("run", name, "addition", "--jit", "on", "--out", tmp_path / "run")
        assert said.code == 2 and len(said.err.splitlines()) <= 3 and "loading data" not in said.err
        assert f"XLA cannot compile {name}: {describe(name).no_xla}; leave --jit away" in said.err
        assert f"no: {describe(name).no_xla}"[:40] in zoo_cli("show", name)
    assert "yes (--jit on)" in zoo_cli("show", "transformer")


@pytest.mark.slow
@pytest.mark.parametrize("name", WITHOUT)
def test_what_is_refused_is_really_not_to_be_had(name):
    with pytest.raises(tf.errors.InvalidArgumentError, match="XLA compilation requires a fixed tensor list size"):
        make_fit(name, "addition", "on")()


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OWN if name not in WITHOUT])
def test_every_other_network_trains_in_xla_as_without_it(name):
    """The first epoch to rounding; the second follows from the first, and rounding has grown."""
    dataset, task = OTHER_DATA.get(name) or cases.dataset_for(name)
    dropping = [f"knobs.{knob}=0.0" for knob in describe(name).knobs if "dropout" in knob]
    dropping += ["training.optimizer=sgd"] if name in GROWING else []
    (first, second), plain = [make_fit(name, dataset, jit, *dropping, *task)().history["loss"] for jit in ("on", "off")]
    drawn = name in DRAWING
    loose = 2e-2 if drawn else 1e-2 if name in GROWING else None
    assert first == pytest.approx(plain[0], rel=loose or 1e-4)
    assert second == pytest.approx(plain[1], rel=loose or 1e-3)


def test_texts_of_several_lengths_are_compiled_once_at_the_longest_and_learn_the_same():
    losses = {}
    for jit in ("on", "off"):
        fit = make_fit("gru", "parity", jit, "knobs.units=[4]", "knobs.embedding_dim=4")
        assert len({tuple(length) for length in fit._plan(0).lengths}) > 1 and fit.jit == (jit == "on")
        losses[jit] = fit().history["loss"]
    np.testing.assert_allclose(losses["on"], losses["off"], rtol=1e-5)
    assert not use_jit("auto", fit.model, tf.distribute.get_strategy())
