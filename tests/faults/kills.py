"""Real processes killed with -9 at random moments, for the tests beside this file and for scripts/chaos.

A violation raises AssertionError. Counts come back: kills, those inside a save (a half-written file was left), ...
"""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np

from zoo.training import checkpoint

WRITER = """
import sys
from pathlib import Path
import numpy as np
from zoo.training import checkpoint
assert not {"tensorflow", "keras"} & set(sys.modules)
step = int(sys.argv[2])
while True:
    step += 1
    arrays = {"a": np.full(400_000, step, "float32"), "b": np.arange(step)}
    checkpoint.save(Path(sys.argv[1]), step, arrays, {"at": step})
    print(step, flush=True)
"""


def temporaries(folder):
    """Half-written files in a folder."""
    return {path.name for path in folder.glob(".*.tmp*")}


def kill_saves(folder, kills, seed=0, environment=None):
    """Kill a process that does nothing but save; after each kill the newest or the one before it must load."""
    chance, counts, folder = random.Random(seed), Counter(), Path(folder)
    last, left = 0, set()
    for _ in range(kills):
        command = [sys.executable, "-c", WRITER, str(folder), str(last)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        said = int(writer.stdout.readline())
        assert not left & temporaries(folder), "a restart left the temporary files of the killed process"
        time.sleep(chance.uniform(0, 0.02))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        said = max([said, *map(int, writer.stdout.read().split("\n")[:-1])])
        writer.stdout.close()
        saved, damaged = checkpoint.newest(folder)
        last, left = saved.facts["at"], temporaries(folder)
        assert not damaged and last in (said, said + 1), f"{last} loads after {said} was saved: {damaged}"
        assert (saved.arrays["a"] == last).all() and len(saved.arrays["b"]) == last
        whole = [path for path in folder.iterdir() if path.name not in left]
        assert len(whole) <= checkpoint.KEEP + 1, whole
        counts += Counter(kills=1, inside_a_save=bool(left))
    return counts


TRAINER = """
import json, os, random, signal, sys, time, traceback
from pathlib import Path
from zoo.training.environment import prepare
prepare()
import keras
import numpy as np
from zoo import data, tasks
from zoo.recipe import resolve
from zoo.training import checkpoint, fit, loop

SETTINGS = [
    "knobs.hidden_units=[16]", "knobs.dropout=0.3", "preprocessing.resize=[8,8]",
    "callbacks.early_stopping={monitor='val_loss',patience=12}", "callbacks.checkpoint={}",
    "callbacks.reduce_on_plateau={patience=1,factor=0.7}", "training.schedule=constant", "training.warmup_epochs=0",
    "training.learning_rate=0.01", "data.validation_share=0.3", "training.jit='off'",
]
fit.SECONDS_BETWEEN_CHECKPOINTS, fit.SHARE_FOR_CHECKPOINTS = 0.0, 4.0  # saves take most of the time
loop.MOST_STEPS_A_CALL = 4  # so that saves and kills fall inside epochs
recipe = resolve("mlp", "digits", SETTINGS, {"epochs": int(sys.argv[5])})[0]
splits = tasks.load(recipe.data, "digits")
chance = random.Random(int(sys.argv[4]))

class Ready(keras.callbacks.Callback):
    pipe = None

    def on_train_batch_end(self, batch, logs=None):
        if self.pipe is not None:
            os.write(self.pipe, b".")
            self.pipe = None

def train(folder, ready):
    saved, damaged = checkpoint.newest(folder / "checkpoints")
    watch = Ready()
    watch.pipe = ready
    one = fit.Fit(recipe, splits, folder, [watch])
    one(saved)
    arrays = [np.array(v) for v in [*one.model.variables, *one.model.optimizer.variables]]
    history = {k: v for k, v in one.history.items() if k != "seconds"}
    np.savez(folder / "final.npz", *arrays, history=json.dumps(history))

def start(folder):
    '''A process of its own that trains; returned from after its first steps, or its end.'''
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            train(folder, writing)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    return child

def wait(child, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.001)
    return False

def finish(folder):
    child = start(folder)
    begun = time.monotonic()
    if not wait(child, 120):
        os.kill(child, signal.SIGKILL)
        raise SystemExit("the training hung")
    return time.monotonic() - begun

base, runs, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
(base / "whole").mkdir()
whole = finish(base / "whole")
want = dict(np.load(base / "whole" / "final.npz"))
counts = {"runs": 0, "kills": 0, "inside_a_save": 0, "resumed_inside_an_epoch": 0, "identical": 0}
for run in range(runs):
    folder = base / f"run{run}"
    folder.mkdir()
    for _ in range(kills):
        child = start(folder)
        if wait(child, chance.uniform(0, 1.2 * whole / (kills + 1))):
            break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        saved, damaged = checkpoint.newest(folder / "checkpoints")
        assert not damaged, damaged
        counts["kills"] += 1
        counts["inside_a_save"] += any((folder / "checkpoints").glob(".*.tmp*")) if saved else 0
        counts["resumed_inside_an_epoch"] += bool(saved and saved.facts["done"])
    if not (folder / "final.npz").exists():
        finish(folder)
    got = dict(np.load(folder / "final.npz"))
    counts["runs"] += 1
    counts["identical"] += want.keys() == got.keys() and all(
        want[k].dtype == got[k].dtype and (want[k] == got[k]).all() for k in want)
print(json.dumps(counts))
"""


def kill_trainings(folder, runs, kills, seed=0, epochs=40):
    """Trainings killed `kills` times each, resumed from what is there, and compared with an unbroken one bit by bit:
    weights, random state, optimiser and history. TensorFlow is imported once and each training is a fork of that."""
    command = [sys.executable, "-c", TRAINER, str(folder), str(runs), str(kills), str(seed), str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = Counter(json.loads(done.stdout.splitlines()[-1]))
    assert counts["identical"] == counts["runs"] == runs, counts
    return counts


COMMAND = """
import sys
from zoo.training import fit
fit.SECONDS_BETWEEN_CHECKPOINTS, fit.SHARE_FOR_CHECKPOINTS = 0.0, 4.0
from zoo.cli import main
main(sys.argv[1:])
"""
RUN = ["run", "mlp", "digits", "--epochs", "150", "--jit", "off", "--set", "knobs.hidden_units=[16]"]


def zoo(*arguments, **more):
    """The command line in a process of its own, which saves as often as it can."""
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, **more,
    )  # fmt: skip


def kill_command(folder, whole, kills, seed=0):
    """`zoo run` killed at random moments of its training and gone on with by `--resume`, against an unbroken one."""
    chance, counts, folder = random.Random(seed), Counter(), Path(folder)
    if not (Path(whole) / "model.keras").exists():
        assert finished(zoo(*RUN, "--out", whole)) == 0
    for number in range(kills):
        running = zoo(*RUN, "--out", folder) if number == 0 else zoo("run", "--resume", folder)
        for line in running.stderr:
            if "epoch" in line and "/150" in line:
                break
        time.sleep(chance.uniform(0.1, 1.2))
        running.kill()
        running.wait()
        running.stderr.close()
        counts += Counter(kills=1, inside_a_save=bool(temporaries(folder) | temporaries(folder / "checkpoints")))
        if (folder / "metrics.json").exists():
            break
    assert finished(zoo("run", "--resume", folder)) in (0, 2)  # 2: it was finished before the last kill
    assert same_runs(folder, whole)
    assert not temporaries(folder) and not (folder / "checkpoints").exists()
    return counts + Counter(identical=1)


def finished(process):
    """Wait for a process; its exit code, and its stderr in the message of a failure that nobody expected."""
    text = process.communicate(timeout=120)[1]
    assert "Traceback" not in text, text
    return process.returncode


def same_runs(one, other):
    """Whether two run directories hold the same weights, metrics and history, the times left out."""
    return numbers(one) == numbers(other)


def numbers(folder):
    """Weights, metrics and history of a run directory, read without TensorFlow."""
    weights = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            weights[name] = (str(item.dtype), item.shape, np.array(item).tobytes())

    with zipfile.ZipFile(Path(folder) / "model.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as stored:
        stored.visititems(keep)
    history = [line.split(",")[:-1] for line in (Path(folder) / "history.csv").read_text().splitlines()]
    assert (Path(folder) / "history.csv").read_text().splitlines()[0].endswith(",seconds")
    return weights, (Path(folder) / "metrics.json").read_text(), history


def clear(folder):
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)
    return Path(folder)


FINISHER = """
import json, os, shutil, signal, sys, traceback
from pathlib import Path
from zoo.training.environment import prepare
prepare()
import keras, matplotlib.pyplot
from zoo.runs import job
from zoo.recipe import resolve
from zoo.training import fit

recipe = resolve("mlp", "iris", ["knobs.hidden_units=[8]", "training.jit='off'"], {"epochs": 2})[0]
base, points = Path(sys.argv[1]), json.loads(sys.argv[2])

def child(action, name="", count=0):
    '''Whether a process of its own came to its end; it is killed when the file `name` was written `count` times.'''
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    code, rename, seen = 1, os.replace, []

    def replace(source, target, **more):
        rename(source, target, **more)
        seen.append(Path(target).name)
        if seen.count(name) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    if name:
        os.replace = replace
    try:
        action()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)

def begin(folder):
    job.execute(recipe, folder)

def go_on(folder):
    def no_training(*_):
        raise AssertionError("trained again")
    if folder.name != "model.keras":
        fit.Fit.__call__ = no_training
    job.resume(folder)

assert child(lambda: begin(base / "whole"))
assert not child(lambda: begin(base / "model.keras"), "model.keras", 1)
assert not child(lambda: begin(base / "trained"), "run.json", 2)
assert (base / "trained" / "model.keras").exists() and not (base / "trained" / "metrics.json").exists()
for number, (name, count) in enumerate(points):
    shutil.copytree(base / "trained", base / f"{number}-{name}")
    assert not child(lambda: go_on(base / f"{number}-{name}"), name, count), name
for folder in base.iterdir():
    if folder.name != "whole":
        assert child(lambda: go_on(folder)), folder
"""
# what `--resume` writes of a run whose training was over, and how often until the kill
AFTER_TRAINING = [
    ("predictions.npz", 1), ("metrics.json", 1), ("run.json", 1), ("learning_curves.png", 1), ("architecture.svg", 1)
]  # fmt: skip


def kill_endings(folder):
    """Runs killed behind their last epoch, after each file that is written there, and completed by `--resume`.

    Gives their folders by name, and among them that of an unbroken run, `whole`.
    """
    command = [sys.executable, "-c", FINISHER, str(folder), json.dumps(AFTER_TRAINING)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {path.name: path for path in Path(folder).iterdir()}
