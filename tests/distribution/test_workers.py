"""Several processes train as one: the same numbers, one run directory, and an end in time when one of them is lost."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from zoo.training.distribution.launching import free_addresses

ZOO = [sys.executable, "-m", "zoo"]
ROOT = Path(__file__).resolve().parents[2]
# early enough to be stopped in the middle, late enough for a checkpoint; batch normalisation, clipping and a plateau
# go through every place where workers must do the same
RUN = ["run", "mlp", "digits", "--epochs", "16", "--batch-size", "25", "--learning-rate", "0.01", "--quiet"] + [
    word
    for setting in (
        "knobs.hidden_units=[16]", "knobs.dropout=0.0", "knobs.batch_norm='before'", "training.clip_norm=0.5",
        "training.optimizer=adamw", "training.schedule=constant", "training.warmup_epochs=0",
        "callbacks.reduce_on_plateau={patience=1,factor=0.5}", "callbacks.checkpoint={monitor='val_loss'}",
    )
    for word in ("--set", setting)
]  # fmt: skip


def start(*arguments, folder, **environ):
    return subprocess.Popen(
        [*ZOO, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, seconds=600):
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def results(run):
    """Columns of the history without times, scores, and weights."""
    import keras

    with (run / "history.csv").open(newline="") as file:
        rows = [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    model = keras.saving.load_model(run / "model.keras", compile=False)
    return rows, json.loads((run / "metrics.json").read_text()), model.get_weights()


def assert_equal(one, other, weights=1e-5, metrics=1e-4):
    assert len(one[0]) == len(other[0])
    for a, b in zip(one[0], other[0], strict=True):
        assert a == pytest.approx(b, abs=metrics)
    assert one[1]["examples_scored"] == other[1]["examples_scored"] == one[1]["examples_in_split"]
    for split in ("test", "validation"):
        assert one[1][split] == pytest.approx(other[1][split], abs=metrics)
    for a, b in zip(one[2], other[2], strict=True):
        np.testing.assert_allclose(a, b, atol=weights)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("workers")


@pytest.fixture(scope="module")
def unbroken(folder):
    code, _, err = finish(start("launch", 2, "--", *RUN, "--out", "two", folder=folder))
    assert code == 0, err
    return folder / "two"


@pytest.fixture(scope="module")
def took(unbroken):
    """Seconds of a whole run with two workers, by its own record: what else the machine does is in it."""
    return json.loads((unbroken / "run.json").read_text())["seconds"]


def test_two_workers_equal_one_and_only_the_chief_writes(tmp_path):
    short = [*RUN, "--epochs", "3"]
    for command in (["launch", 2, "--", *short, "--out", "two"], [*short, "--out", "one", "--strategy", "one"]):
        code, _, err = finish(start(*command, folder=tmp_path))
        assert code == 0, err
    one, two = tmp_path / "one", tmp_path / "two"
    assert_equal(results(one), results(two))
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}  # no second run directory, no stray file
    info = json.loads((two / "run.json").read_text())
    assert info["replicas"] == 2 and "2 workers" in info["strategy"] and info["exit"] == "done"
    assert {path.name for path in two.iterdir()} == {path.name for path in one.iterdir()}


def children(process):
    """The workers of a launcher, in order: process numbers."""
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(task) for task in tasks]


def wait_for_checkpoint(run, process):
    deadline = time.monotonic() + 600
    while not list(run.glob("checkpoints/*.checkpoint")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.05)


@pytest.mark.slow
def test_a_worker_killed_ends_the_others_by_name_and_the_run_goes_on_to_the_same_numbers(unbroken, took, folder):
    launcher = start("launch", 2, "--", *RUN, "--out", "killed", folder=folder)
    wait_for_checkpoint(folder / "killed", launcher)
    os.kill(children(launcher)[1], signal.SIGKILL)
    killed = time.monotonic()
    code, _, err = finish(launcher)
    assert time.monotonic() - killed < max(60.0, 2 * took) and code == 1
    assert "error: lost worker 1 (127.0.0.1:" in err and "worker 1 was ended by SIGKILL" in err
    assert "go on with: zoo launch 2 -- run --resume killed" in err and "Traceback" not in err
    code, _, err = finish(start("launch", 2, "--", "run", "--resume", "killed", "--quiet", folder=folder))
    assert code == 0, err
    assert "resumed_from" in json.loads((folder / "killed" / "run.json").read_text())
    assert_equal(results(unbroken), results(folder / "killed"), 1e-6, 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "number", "wanted"), [("launcher", 2, 130), ("launcher", 15, 143), (0, 15, 143), (1, 15, 143)]
)
def test_a_signal_to_any_one_stops_all_with_their_state_saved(unbroken, folder, who, number, wanted):
    name = f"stopped-{who}-{number}"
    launcher = start("launch", 2, "--", *RUN, "--out", name, folder=folder)
    wait_for_checkpoint(folder / name, launcher)
    os.kill(launcher.pid if who == "launcher" else children(launcher)[who], number)
    code, _, err = finish(launcher)
    assert code == wanted and f"go on with: zoo launch 2 -- run --resume {name}" in err
    code, _, err = finish(start("launch", 2, "--", "run", "--resume", name, "--quiet", folder=folder))
    assert code == 0, err
    assert_equal(results(unbroken), results(folder / name), 1e-6, 1e-6)


@pytest.mark.slow
def test_a_signal_ends_a_worker_that_waits_for_one_that_stands_still(folder):
    launcher = start("launch", 2, "--", *RUN, "--out", "still", folder=folder)
    wait_for_checkpoint(folder / "still", launcher)
    chief, other = children(launcher)
    os.kill(other, signal.SIGSTOP)
    time.sleep(2)  # by now the chief waits
    before = time.monotonic()
    os.kill(chief, signal.SIGTERM)
    code, _, err = finish(launcher)
    assert code == 143 and "ended by SIGTERM; a step was under way" in err and time.monotonic() - before < 40
    assert "go on with: zoo launch 2 -- run --resume still" in err


@pytest.mark.slow
def test_a_killed_chief_is_named(folder):
    launcher = start("launch", 2, "--", *RUN, "--out", "headless", folder=folder)
    wait_for_checkpoint(folder / "headless", launcher)
    os.kill(children(launcher)[0], signal.SIGKILL)
    code, _, err = finish(launcher)
    assert code == 1 and "worker 0 was ended by SIGKILL" in err and "worker 1: error: lost worker 0" in err
    assert "go on with: zoo launch 2 -- run --resume headless" in err


def test_a_worker_that_dies_slowly_is_named_all_the_same():
    from zoo.training.distribution.cluster import Cluster
    from zoo.training.distribution.workers import _lost

    with socket.create_server(("127.0.0.1", 0)) as dying, socket.create_server(("127.0.0.1", 0)) as alive:
        addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in (alive, dying)]
        Timer(0.5, lambda: (dying.shutdown(socket.SHUT_RDWR), dying.close())).start()
        assert _lost(Cluster(tuple(addresses), 0), "/job:worker/replica:0/task:1") == f"worker 1 ({addresses[1]})"


def test_a_mistake_is_said_once_and_ends_all(folder):
    code, out, err = finish(start("launch", 2, "--", "run", "mlp", "iris", "--epochs", "0", folder=folder))
    assert code == 2 and not out and err.count("training.epochs: ") == 1 and "worker 1" not in err


def lone_worker(folder, index=0, **environ):
    addresses = list(free_addresses(2))
    task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
    return start(*RUN, "--out", "alone", folder=folder, TF_CONFIG=json.dumps(task), **environ), addresses


@pytest.mark.parametrize("index", [0, 1])
def test_a_peer_that_does_not_come_is_named(folder, index):
    process, addresses = lone_worker(folder, index, ZOO_PEER_SECONDS="2")
    code, _, err = finish(process)
    assert code == 3 and f"no answer from worker {1 - index} ({addresses[1 - index]}) within 2 s" in err
    assert not (folder / "alone").exists() and len(err.splitlines()) <= 3


def test_a_worker_that_waits_for_its_peers_obeys_sigterm(folder):
    process, addresses = lone_worker(folder)
    deadline = time.monotonic() + 600
    while subprocess.run([sys.executable, "-c", PROBE, addresses[0]]).returncode:  # until it listens
        assert time.monotonic() < deadline
        time.sleep(0.2)
    process.terminate()
    assert finish(process)[0] == -signal.SIGTERM  # and not 3, by which it ends after a while if let alone


PROBE = """import socket, sys
host, port = sys.argv[1].split(":")
socket.create_connection((host, int(port)), 1).close()"""
