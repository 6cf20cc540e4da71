"""model.keras: the same bytes for the same run, whatever process made it, and plain Keras loads them."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from zoo.files import leftovers
from zoo.runs import directory, saving

MAKE = """
import sys
from pathlib import Path
room = [bytes(7919) for _ in range(int(sys.argv[2]))]  # objects come to lie elsewhere
from zoo.training.environment import prepare
prepare()
import keras
from zoo.catalogue.registry import build
from zoo.runs import directory, job
out = Path(sys.argv[1])
job.run("mlp", "iris", smoke=True, out=out / "run")
for name in ("lenet.1998", "transformer.encoder", "encoder_decoder.attention"):
    keras.utils.set_random_seed(0)
    (out / name).mkdir()
    directory.write_model(out / name, build(name))
"""


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(tmp_path):
    digests = []
    for number in (0, 1000):
        out = tmp_path / str(number)
        command = [sys.executable, "-c", MAKE, str(out), str(number)]
        environment = {**os.environ, "PYTHONHASHSEED": str(number)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        found = {path.parent.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.rglob("model.keras")}
        assert json.loads((out / "run" / "run.json").read_text())["files"]["model.keras"] == found["run"]
        digests.append(found)
    assert len(digests[0]) == 4 and digests[0] == digests[1]


@pytest.fixture
def network():
    """A small network."""
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, "softmax")(keras.layers.Dense(3, "relu")(inputs)))


def test_plain_keras_loads_it(network, tmp_path):
    network.compile("adam")
    path = directory.write_model(tmp_path, network)
    assert network.compiled and network.optimizer is not None
    assert [file.name for file in tmp_path.iterdir()] == ["model.keras"]
    again, x = keras.saving.load_model(path), np.ones((2, 3), "float32")
    np.testing.assert_array_equal(again(x), network(x))
    assert [layer.name for layer in again.layers] == [layer.name for layer in network.layers]


def test_numbers_stand_for_what_is_shared():
    found = saving._numbered(
        {"a": [{"shared_object_id": 900}, {"shared_object_id": 17}], "b": {"shared_object_id": 900}}
    )
    assert found == {"a": [{"shared_object_id": 1}, {"shared_object_id": 2}], "b": {"shared_object_id": 1}}


def test_keras_writes_where_nobody_can_put_a_link(tmp_path, network, monkeypatch):
    """Whoever may write into the folder of the run sees the names there, and might be quick."""
    letter, save = tmp_path / "letter.txt", network.save
    letter.write_text("my own")
    (tmp_path / "run").mkdir()

    def saving_among_links(path):
        for name in ("model.keras", "model-as-keras-does.keras"):
            leftovers.temporary(tmp_path / "run" / name).unlink(missing_ok=True)
            leftovers.temporary(tmp_path / "run" / name).symlink_to(letter)
        save(path)

    monkeypatch.setattr(network, "save", saving_among_links)
    directory.write_model(tmp_path / "run", network)
    assert letter.read_text() == "my own"


def test_a_model_that_cannot_be_saved_leaves_nothing(tmp_path, network, monkeypatch):
    monkeypatch.setattr(saving, "_numbered", lambda config: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        directory.write_model(tmp_path, network)
    assert not list(tmp_path.iterdir())
