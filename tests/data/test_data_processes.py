"""Several real processes: two that prepare one dataset, one that is killed while it does, one without a network."""

import json
import os
import subprocess
import sys
import time

import pytest

PREPARE = """
import os, sys, time
from zoo.data.sources import tfds as tfds_source
from zoo.data.sources.tfds_prepared import Address
tfds = tfds_source.import_tfds()
import numpy as np

class ZooSlow(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"a": tfds.features.Scalar(np.float32), "b": tfds.features.Scalar(np.float32)}
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("a", "b"))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        print("generating", file=sys.__stdout__, flush=True)
        for i in range(20):
            time.sleep(float(sys.argv[1]))
            yield i, {"a": float(i), "b": 1.0}

tfds_source.reachable = lambda host: None
print(tfds_source.prepare(Address("zoo_slow")).splits, flush=True)
"""


def prepare(seconds):
    command = [sys.executable, "-c", PREPARE, str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_while_preparing_then_prepared_by_two_at_once(tmp_path, monkeypatch):
    """F22, F23."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    killed = prepare(60.0)  # for each of twenty examples
    assert "generating" in killed.stdout.readline()
    while not list(tmp_path.rglob("incomplete.*")):
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    both = [prepare(0.05), prepare(0.05)]
    ended = [process.communicate(timeout=600) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert all("{'train': 20}" in out for out, _ in ended)
    assert sum("generating" in out for out, _ in ended) == 1  # the other one waited
    assert not list(tmp_path.rglob("incomplete.*"))


OFFLINE = """
import socket, sys
def refuse(*arguments, **named):
    raise OSError("no network")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse
from zoo.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("name", "status"), [("zoo_toy", 0), ("mnist", 3)])
def test_without_a_network_what_is_prepared_trains_and_the_rest_is_answered_at_once(toy_dir, tmp_path, name, status):
    """F17, F18."""
    command = [
        "run",
        "lenet",
        f"tfds:{name}" if status == 0 else name,
        "--smoke",
        "--set",
        "preprocessing.resize=[16,16]",
    ]
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", OFFLINE, "--version"], check=True, capture_output=True)
    yardstick, begun = time.monotonic() - begun, time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, *command, "--jit", "off", "--json", "--quiet", "--out", str(tmp_path / "run")],
        capture_output=True, text=True, env=os.environ,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    if status == 0:
        assert json.loads(done.stdout)["examples_scored"] == 10
    else:
        assert (
            time.monotonic() - begun < 5 + 10 * yardstick
            and "no network" in done.stderr
            and len(done.stderr.splitlines()) <= 4
        )
