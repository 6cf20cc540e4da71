"""Wall time of the whole command until 99.0 % of MNIST's test digits are right: the zoo's recipe, plain Keras."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.contenders import environment
from zoo import tasks
from zoo.cli.console import err, out, table

TARGET, CAP, AIM = 0.99, 30, 2.0  # accuracy; Keras' epochs at most; Keras' seconds over the zoo's, at least


def measure(seeds: int) -> dict[str, Any]:
    """Both, seed after seed, alternating. MNIST has to be there."""
    from zoo.recipe import load_recipe

    recipe = load_recipe("mnist").data
    splits = tasks.load(recipe.model_copy(update={"validation_share": 0.0}), "mnist")
    rows: dict[str, list[dict[str, Any]]] = {"zoo": [], "keras": []}
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "mnist.npz"  # what keras.datasets.mnist.load_data() reads once it has downloaded it
        (x_train, y_train), _, (x_test, y_test) = splits
        names = {"x_train": x_train[..., 0], "y_train": y_train, "x_test": x_test[..., 0], "y_test": y_test}
        np.savez(arrays, **names)
        for seed in range(seeds):
            rows["zoo"].append(_zoo(seed, Path(folder) / f"run-{seed}"))
            rows["keras"].append(_keras(seed, arrays))
            err.print(f"accuracy, seed {seed}: zoo {rows['zoo'][-1]}  keras {rows['keras'][-1]}")
    return {name: _summary(found) for name, found in rows.items()}


def _zoo(seed: int, folder: Path) -> dict[str, Any]:
    """`zoo run lenet mnist`, all of it: start, training, scoring, saving, drawing."""
    command = [sys.executable, "-m", "zoo", "run", "lenet", "mnist", "--seed", str(seed), "--out", str(folder)]
    started = time.perf_counter()
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL, env=environment())
    seconds = time.perf_counter() - started
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    epochs = json.loads((folder / "run.json").read_text(encoding="utf-8"))["epochs"]
    return {"seconds": seconds, "accuracy": metrics["test"]["accuracy"], "epochs": epochs}


def _keras(seed: int, arrays: Path) -> dict[str, Any]:
    """The plain script, until the epoch that reaches the target; the seconds of its evaluations taken off."""
    command = [sys.executable, "-m", "benchmarks.keras_until", str(arrays), str(seed), str(TARGET), str(CAP)]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment())
    seconds = time.perf_counter() - started
    said = json.loads(done.stdout.splitlines()[-1])
    return {"seconds": seconds - said.pop("evaluation_seconds"), **said}


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "runs": rows,
        "median_seconds": median(row["seconds"] for row in rows),
        "reached": sum(row["accuracy"] >= TARGET for row in rows),
    }


def show(found: dict[str, Any]) -> None:
    """One table; a run that never reached the target counts with all its seconds, so its ratio is a lower bound."""
    out.print(f"\nMNIST to {TARGET:.1%} of the test digits, whole command")
    grid = table("", ">median s", ">/ zoo", ">aim", ">reached", "epochs", "test accuracy at the end")
    titles = {"zoo": "zoo run lenet mnist", "keras": f"Keras LeNet-5, Adam, batch 128, at most {CAP} epochs"}
    for name, row in found.items():
        ratio = row["median_seconds"] / found["zoo"]["median_seconds"]
        bound = ">= " if row["reached"] < len(row["runs"]) and name != "zoo" else ""
        grid.add_row(
            titles[name],
            f"{row['median_seconds']:.1f}",
            "" if name == "zoo" else f"{bound}{ratio:.2f}",
            "" if name == "zoo" else f">= {AIM:.1f}",
            f"{row['reached']} of {len(row['runs'])}",
            ", ".join(str(run["epochs"]) for run in row["runs"]),
            ", ".join(f"{run['accuracy']:.2%}" for run in row["runs"]),
        )
    out.print(grid)
