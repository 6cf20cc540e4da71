"""Workers meet and compare what they are about to do: over sockets, without TensorFlow, here as threads."""

import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zoo.errors import MissingError, UsageError
from zoo.training.distribution import meeting
from zoo.training.distribution.cluster import Cluster
from zoo.training.distribution.launching import free_addresses
from zoo.training.distribution.meeting import Meeting

ROOT = Path(__file__).resolve().parents[2]


def together(number, act, seconds=10.0):
    """What `act(meeting, index)` returns or raises on each of so many workers."""
    addresses = free_addresses(number)

    def one(index):
        try:
            met = Meeting(Cluster(addresses, index), seconds)
            try:
                return act(met, index)
            finally:
                met.close()
        except (UsageError, MissingError) as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


def test_workers_that_agree_go_on():
    assert together(3, lambda met, index: met.compare({"seed": 0}) or met.compare({"data": ["a"]}) or "on") == 3 * [
        "on"
    ]


def test_what_differs_is_named_with_the_worker_to_all_of_them():
    seeds = [0, 0, 7]
    found = together(3, lambda met, index: met.compare({"training.seed": seeds[index], "model": "mlp"}))
    assert all(isinstance(error, UsageError) for error in found)
    assert len({str(error).partition(" (")[0] for error in found}) == 1
    assert str(found[1]).startswith("the workers differ: training.seed is 0 on worker 0 and 7 on worker 2 (127.0.0.1:")
    assert "worker 1" not in str(found[1]) and len(str(found[1]).splitlines()) == 2


def test_many_differences_are_counted():
    found = together(2, lambda met, index: met.compare({f"key{i}": index for i in range(9)}))
    assert "key2 is 0 on worker 0 and 1 on worker 1" in str(found[0]) and "6 more on worker 1" in str(found[0])
    assert "key3" not in str(found[0])


def test_a_worker_that_ends_in_between_is_named():
    def act(met, index):
        met.compare({})
        if index == 1:
            raise UsageError("its data cannot be read")
        met.compare({})

    found = together(3, act)
    assert str(found[1]) == "its data cannot be read"
    for error in (found[0], found[2]):
        assert isinstance(error, MissingError) and str(error).startswith("worker 1 (127.0.0.1:")


def test_others_wait_for_one_that_takes_long_while_it_lives_and_no_longer(monkeypatch):
    """The limit is a second of silence; the slow one takes two, with a sign of life each tenth."""
    monkeypatch.setattr(meeting, "BEAT_SECONDS", 0.1)

    def slow(met, index):
        if index:
            time.sleep(2)
        return met.compare({}) or "on"

    assert together(2, slow, 1.0) == ["on", "on"]

    def silent(met, index):
        if index:
            met._closed.set()  # its process stands still
            time.sleep(1.5)
            return None
        return met.compare({})

    assert "fell silent" in str(together(2, silent, 1.0)[0])


def test_strangers_at_the_chiefs_door_do_no_harm():
    addresses = free_addresses(2)
    host, _, port = addresses[0].partition(":")

    def stranger():
        for words in (b"GET / HTTP/1.1\r\n\r\n", b'{"worker": 9}\n', b'{"worker": []}\n', b"[]\n", b"7\n"):
            while True:
                try:
                    with socket.create_connection((host, int(port)), 1) as line:
                        line.sendall(words)
                    break
                except OSError:
                    time.sleep(0.01)

    with ThreadPoolExecutor(3) as pool:
        chief = pool.submit(lambda: Meeting(Cluster(addresses, 0), 20.0))
        pool.submit(stranger).result(20)
        other = pool.submit(lambda: Meeting(Cluster(addresses, 1), 20.0))
        compared = [pool.submit(met.result(20).compare, {"a": 1}) for met in (chief, other)]
        assert [one.result(20) for one in compared] == [None, None]


def workers(folder, *commands):
    """Worker processes, one a command; code and stderr of each."""
    addresses = list(free_addresses(len(commands)))
    started = []
    for index, command in enumerate(commands):
        task = json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})
        environ = os.environ | {"PYTHONPATH": str(ROOT), "TF_CONFIG": task}
        arguments = [sys.executable, *map(str, command)]
        started.append(subprocess.Popen(arguments, cwd=folder, env=environ, stderr=subprocess.PIPE, text=True))
    return [(process.communicate(timeout=120)[1], process.returncode) for process in started]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (["--seed", 0], ["--seed", 1], "training.seed is 0 on worker 0 and 1 on worker 1"),
        (["--batch-size", 16], ["--batch-size", 8], "training.batch_size is 16 on worker 0 and 8 on worker 1"),
        (["--smoke"], ["--epochs", 2], "--smoke is True on worker 0 and False on worker 1"),
    ],
)
def test_other_recipes_are_refused_before_tensorflow_starts(tmp_path, one, other, told):
    """F35."""
    run = ["-m", "zoo", "run", "mlp", "iris", "--quiet", "--out", "run"]
    for said, code in workers(tmp_path, [*run, *one], [*run, *other]):
        assert code == 2 and f"error: the workers differ: {told}" in said and len(said.splitlines()) == 2
    assert not (tmp_path / "run").exists()


def test_other_data_is_refused_before_the_first_step(tmp_path):
    """F35: tables at different places, of which one cell differs."""
    pytest.importorskip("tensorflow")
    rows = ["x,y", *(f"{i},{'ab'[i % 2]}" for i in range(40))]
    for folder, last in (("one", "40,a"), ("other", "41,a")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text("\n".join([*rows, last]) + "\n")
    run = ["-m", "zoo", "run", "mlp", "--quiet", "--out", "run", "--data"]
    for said, code in workers(tmp_path, [*run, "one/t.csv"], [*run, "other/t.csv"]):
        assert code == 2 and "error: the workers differ: the checksum of the " in said
        assert len(said.splitlines()) == 2
    assert not (tmp_path / "run").exists()


OF_ITS_OWN = """
import os, sys
import keras
import zoo

class Note(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        with open(f"seen-{sys.argv[1]}", "a") as file:
            file.write(f"{epoch} ")
        if sys.argv[1] == "1" and epoch == 1:
            self.model.stop_training = True

zoo.run("mlp", "iris", epochs=4, jit="off", callbacks=[Note()], out="run")
"""


@pytest.mark.slow
def test_callbacks_work_on_every_worker_and_the_one_that_stops_stops_all(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "script.py").write_text(OF_ITS_OWN)
    for said, code in workers(tmp_path, ["script.py", 0], ["script.py", 1]):
        assert code == 0, said
    assert [(tmp_path / f"seen-{i}").read_text() for i in (0, 1)] == 2 * ["0 1 "]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["epochs"] == 2


@pytest.mark.slow
def test_what_the_chief_refuses_the_others_refuse_too(tmp_path):
    """A run that starts from a trained network takes one machine."""
    pytest.importorskip("tensorflow")
    command = ["-m", "zoo", "finetune", "lenet:mnist", "digits", "--quiet", "--out", "run"]
    for said, code in workers(tmp_path, command, command):
        assert code == 2 and "error: a run that starts from a trained network takes one machine" in said
    assert not (tmp_path / "run").exists()
