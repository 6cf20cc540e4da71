"""N replicas compute what one device computes: weights, everything logged, every score, and the model that is saved."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

sys.path.insert(0, str(Path(__file__).parent))
import cases

TRAINED = [(name, devices) for devices in (1, 2, 3) for name in cases.on(devices)]
WEIGHTS, METRICS = 1e-5, 1e-4


def trained(devices, folder):
    file = folder / f"{devices}.npz"
    subprocess.run([sys.executable, cases.__file__, str(devices), str(file)], check=True, timeout=600)
    with np.load(file) as arrays:
        loaded = dict(arrays)
    facts = json.loads(str(loaded.pop("facts")))
    return facts, {
        name: [a for key, a in loaded.items() if key.rpartition("/")[0] == name] for name in cases.on(devices)
    }


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    return {devices: trained(devices, folder) for devices in (1, 2, 3)}


def differences(runs, name, devices):
    """Largest difference of a weight or an output, and of anything logged or scored; above 1 relative to the value."""
    (one, one_arrays), (many, many_arrays) = runs[1], runs[devices]
    pairs = zip(one_arrays[name], many_arrays[name], strict=True)
    weights = max(apart(a, b) for a, b in pairs)
    logged = [(one[name]["history"][key], many[name]["history"][key]) for key in one[name]["history"]]
    logged += [([one[name]["scores"][key]], [many[name]["scores"][key]]) for key in one[name]["scores"]]
    return weights, max(apart(a, b) for a, b in logged)


def apart(one, other):
    return float((np.abs(np.subtract(one, other)) / np.maximum(1.0, np.abs(one))).max())


@pytest.mark.parametrize(("name", "devices"), [pair for pair in TRAINED if pair[1] > 1])
def test_replicas_equal_one_device(runs, name, devices):
    assert runs[devices][0][name]["replicas"] == devices
    assert runs[1][0][name]["history"].keys() == runs[devices][0][name]["history"].keys()
    weights, metrics = differences(runs, name, devices)
    print(f"{name} over {devices}: weights {weights:.1e}, metrics {metrics:.1e}")
    assert weights < WEIGHTS and metrics < METRICS


@pytest.mark.parametrize("name", cases.on(1))
def test_training_did_something(runs, name):
    """Or else equality would be cheap."""
    losses = runs[1][0][name]["history"]["loss"]
    assert len(losses) == 2 and losses[0] != losses[1]


@pytest.mark.parametrize(("name", "devices"), TRAINED)
def test_every_example_is_scored_once_and_the_saved_model_scores_the_same(runs, name, devices):
    facts = runs[devices][0][name]
    assert facts["scored"] == facts["in_split"]
    assert facts["saved_differs_by"] < 1e-5
    assert not facts["still_synchronized"]


@pytest.mark.parametrize("devices", [2, 3])
def test_each_replica_drops_units_of_its_own_choice_and_goes_on_so_after_a_checkpoint(runs, devices):
    before, after = runs[devices][0]["seeds"]
    seeds, counts = zip(*before, strict=True)
    assert len(set(seeds)) == devices and set(counts) == {4}  # two epochs of two steps
    assert before == after
    assert list(before[0]) == runs[1][0]["seeds"][0][0]  # the first replica's are those of one device


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_the_learning_rate_is_scaled_only_when_asked_and_says_so(runs, devices):
    rate, said = runs[devices][0]["rate"]
    assert rate == pytest.approx(0.01 * devices) and said.endswith(f"({devices} x 0.01)")
    assert runs[devices][0]["mlp-sgd"]["history"]["learning_rate"][0] == pytest.approx(0.01)


def test_scaling_is_part_of_what_a_recorded_number_belongs_to():
    from zoo.recipe import fingerprint, resolve

    plain, off, on = (
        resolve("mlp", "iris", sets)[0]
        for sets in ([], ["training.scale_learning_rate=false"], ["training.scale_learning_rate=true"])
    )
    assert fingerprint(plain) == fingerprint(off) != fingerprint(on)


def test_batch_normalisation_refuses_a_batch_that_leaves_a_replica_empty(runs):
    assert runs[1][0]["refusal"] == ""
    for devices in (2, 3):
        assert runs[devices][0]["refusal"].splitlines()[1] == f"try --batch-size {devices} or --strategy one"
