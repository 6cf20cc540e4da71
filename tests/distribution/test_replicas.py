"""N replicas compute what one device computes: weights, everything logged, every score, and the model that is saved."""

import json
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

sys.path.insert(0, str(Path(__file__).parent))
import cases
import single_steps

DEVICES = {"quick": (1, 3), "slow": (1, 2, 3)}
TRAINED = [
    pytest.param(tier, name, devices, marks=[pytest.mark.slow] * (tier == "slow"))
    for tier in DEVICES
    for devices in DEVICES[tier]
    for name in cases.on(tier)
]
WHOLE = [case for case in TRAINED if not cases.by_steps(cases.on(case.values[0])[case.values[1]])]
STEPPED = [case for case in TRAINED if case not in WHOLE]
WEIGHTS, METRICS, STEP, STEP_IN_DOUBLE = 1e-5, 1e-4, 1e-3, 1e-10


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """For a tier: what each count of devices made of its cases."""

    @cache
    def of(tier):
        folder = tmp_path_factory.mktemp("replicas")
        return {devices: trained(tier, devices, folder) for devices in DEVICES[tier]}

    return of


def trained(tier, devices, folder):
    """Facts of each case, its arrays, and what its single steps changed."""
    subprocess.run([sys.executable, cases.__file__, tier, str(devices), str(folder)], check=True, timeout=3600)
    with np.load(folder / f"{devices}.npz") as arrays:
        loaded = dict(arrays)
    facts = json.loads(str(loaded.pop("facts")))
    found = {name: [a for key, a in loaded.items() if key.rpartition("/")[0] == name] for name in cases.on(tier)}
    return facts, found, pickle.loads((folder / f"changes{devices}.pickle").read_bytes())


def differences(runs, name, devices):
    """Largest difference of a weight or an output, and of anything logged or scored; above 1 relative to the value."""
    (one, one_arrays, _), (many, many_arrays, _) = runs[1], runs[devices]
    pairs = zip(one_arrays[name], many_arrays[name], strict=True)
    weights = max(apart(a, b) for a, b in pairs)
    logged = [(one[name]["history"][key], many[name]["history"][key]) for key in one[name]["history"]]
    logged += [([one[name]["scores"][key]], [many[name]["scores"][key]]) for key in one[name]["scores"]]
    return weights, max(apart(a, b) for a, b in logged)


def apart(one, other):
    return float((np.abs(np.subtract(one, other)) / np.maximum(1.0, np.abs(one))).max())


@pytest.mark.parametrize(("tier", "name", "devices"), [case for case in TRAINED if case.values[-1] > 1])
def test_replicas_equal_one_device(runs, tier, name, devices):
    one, many = runs(tier)[1][0][name], runs(tier)[devices][0][name]
    assert many["replicas"] == devices and one["history"].keys() == many["history"].keys()
    weights, metrics = differences(runs(tier), name, devices)
    print(f"{name} over {devices}: weights {weights:.1e}, metrics {metrics:.1e}")
    assert weights < WEIGHTS and metrics < METRICS


def largest(one, many):
    """Of all steps of a case."""
    found = [single_steps.differences(a, b) for a, b in zip(one, many, strict=True)]
    return {what: max(step[what] for step in found) for what in found[0]}


@pytest.mark.parametrize(("tier", "name", "devices"), [case for case in STEPPED if case.values[-1] > 1])
def test_each_step_of_replicas_equals_that_of_one_device(runs, tier, name, devices):
    """Each begins where one device began it; the numbers are parts of the largest gradient and of the largest step."""
    one, many = runs(tier)[1][2][name], runs(tier)[devices][2][name]
    found = largest(one, many)
    print(f"{name} over {devices}: {found}")
    assert all(np.abs(np.concatenate([change.ravel() for change in step])).max() > 0 for step in one)
    assert max(found.values()) < (STEP_IN_DOUBLE if name in cases.IN_DOUBLE else STEP), found


@pytest.mark.parametrize("how", single_steps.BROKEN)
def test_single_steps_tell_replicas_that_are_broken(runs, how):
    found = largest(runs("quick")[1][2]["clipped"], runs("quick")[3][2][how])
    print(f"{how}: {found}")
    assert min(found["gradients"], found["squares"]) > 10 * STEP


@pytest.mark.parametrize(("tier", "name", "devices"), [case for case in WHOLE if case.values[-1] == 1])
def test_training_did_something(runs, tier, name, devices):
    """Or else equality would be cheap."""
    losses = runs(tier)[devices][0][name]["history"]["loss"]
    assert len(losses) == 2 and losses[0] != losses[1]


@pytest.mark.parametrize(("tier", "name", "devices"), TRAINED)
def test_every_example_is_scored_once_and_the_saved_model_scores_the_same(runs, tier, name, devices):
    facts = runs(tier)[devices][0][name]
    assert facts["scored"] == facts["in_split"]
    assert facts["saved_differs_by"] < 1e-5
    assert not facts["still_synchronized"]


@pytest.mark.parametrize("devices", [1, 3])
def test_replicas_hold_the_seeds_of_one_device_also_after_a_checkpoint(runs, devices):
    before, after = runs("quick")[devices][0]["seeds"]
    assert len(before) == devices and before == after
    assert all(state == runs("quick")[1][0]["seeds"][0][0] for state in before)
    assert before[0][1] == 4  # two epochs of two steps


def test_layers_that_draw_random_numbers_draw_those_of_one_device(runs):
    one, many = runs("quick")[1][0]["draws"], runs("quick")[3][0]["draws"]
    assert one.keys() == many.keys() and len(one) == 12
    for name, (first, second) in one.items():
        assert np.shape(first)[0] == 5 and not np.allclose(first, second), name
        np.testing.assert_allclose(many[name], [first, second], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("devices", [1, 3])
def test_the_learning_rate_is_scaled_only_when_asked_and_says_so(runs, devices):
    facts = runs("quick")[devices][0]
    rate, said = facts["rate"]
    assert rate == pytest.approx(0.01 * devices) and said.endswith(f"({devices} x 0.01)")
    assert facts["clipped_sgd"]["history"]["learning_rate"][0] == pytest.approx(0.01)


def test_scaling_is_part_of_what_a_recorded_number_belongs_to():
    from zoo.recipe import fingerprint, resolve

    plain, off, on = (
        resolve("mlp", "iris", sets)[0]
        for sets in ([], ["training.scale_learning_rate=false"], ["training.scale_learning_rate=true"])
    )
    assert fingerprint(plain) == fingerprint(off) != fingerprint(on)


def test_batch_normalisation_refuses_a_batch_that_leaves_a_replica_empty(runs):
    assert runs("quick")[1][0]["refusal"] == ""
    assert runs("quick")[3][0]["refusal"].splitlines()[1] == "try --batch-size 3 or --strategy one"
