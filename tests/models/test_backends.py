"""Saved models open in a fresh process, and the other backends give the same output on the same weights."""

import os
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from tiers import DEEP, LARGER

from zoo.catalogue.registry import build, describe, list_models
from zoo.checks import Subject

INSTALLED = [name for name in ("tensorflow", "jax", "torch") if find_spec(name)]

# What a stranger's process does: nothing of the zoo is imported but its layers, then its builders.
OTHER_PROCESS = """
import sys
from pathlib import Path
import keras, numpy as np
import zoo.layers
folder, backend = Path(sys.argv[1]), sys.argv[2]
assert keras.backend.backend() == backend, keras.backend.backend()
for path in sorted(folder.glob("*.keras")):
    x, expected = dict(np.load(path.with_suffix(".x.npz"))), np.load(path.with_suffix(".y.npz"))
    x = x.get("only", x)
    loaded = keras.models.load_model(path)
    from zoo.catalogue.registry import build, describe
    built = build(path.stem, **describe(path.stem).trial)
    built.set_weights(loaded.get_weights())
    for model in (loaded, built):
        outputs = map(keras.ops.convert_to_numpy, keras.tree.flatten(model(x, training=False)))
        for output, known in zip(outputs, expected.values(), strict=True):
            np.testing.assert_allclose(output, known, rtol=1e-4, atol=1e-5, err_msg=path.stem)
    print(path.stem)
"""


LATER = {*LARGER, *DEEP}
TIERS = {"quick": [name for name in list_models() if name not in LATER], "slow": sorted(LATER)}


@pytest.fixture(scope="module", params=["quick", pytest.param("slow", marks=pytest.mark.slow)])
def saved(request, tmp_path_factory):
    """A folder and the entries in it: each one's default build, or a small one, and its output on three examples."""
    folder = tmp_path_factory.mktemp("saved")
    keras.utils.set_random_seed(0)
    for name in TIERS[request.param]:
        model = build(name, **describe(name).trial)
        for weight in model.trainable_weights:
            if weight.name != "kernel":  # zeros would hide a difference
                weight.assign(weight + 0.1)
        x = Subject(describe(name).builder, trial=describe(name).trial).inputs(3)
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.x.npz", **(x if isinstance(x, dict) else {"only": x}))
        outputs = keras.tree.flatten(model(x, training=False))
        np.savez(folder / f"{name}.y.npz", *map(keras.ops.convert_to_numpy, outputs))
    return folder, TIERS[request.param]


@pytest.mark.parametrize("backend", INSTALLED)
def test_saved_and_rebuilt_give_the_same_in_a_fresh_process(saved, backend):
    folder, names = saved
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", OTHER_PROCESS, str(folder), backend]
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.split()) == sorted(names)
