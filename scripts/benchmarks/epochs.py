"""Seconds an epoch: zoo, Keras, PyTorch and floor take turns, epoch by epoch, each in a process of its own."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case, make
from benchmarks.contenders import take_turns
from zoo import tasks
from zoo.cli.console import err, out, table

TITLES = {"zoo": "zoo", "keras": "(a) Keras fit", "torch": "(b) PyTorch loop", "floor": "(c) epoch in the graph"}


def measure(
    cases: list[str], rounds: int, examples: int, torch_python: str | None, why_no_torch: str
) -> dict[str, Any]:
    """Every case, one after the other; the contenders of a case alternate."""
    mnist = load_mnist() if any(CASES[name].image for name in cases) else None
    found = {}
    for name in cases:
        err.print(f"{CASES[name].title}: {rounds} rounds")
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data.npz"
            x, y = make(CASES[name], examples, mnist)
            np.savez(data, x=x, y=y)
            result = _measure(CASES[name], rounds, data, torch_python)
        if torch_python is None:
            result["contenders"]["torch"] = {"why_not": why_no_torch}
        source = "MNIST" if mnist is not None and CASES[name].image else "random"
        found[name] = result | {"examples": len(y), "data": source}
    return found


def load_mnist() -> tuple[np.ndarray, np.ndarray] | None:
    """MNIST's training part (60000, 28, 28, 1) with its labels, or None where it is not on this machine."""
    from zoo import data
    from zoo.recipe import load_recipe

    recipe = load_recipe("mnist").data
    if not data.status(recipe).ready:
        return None
    train = tasks.load(recipe.model_copy(update={"validation_share": 0.0}), "mnist").train
    return train.x, train.y


def _measure(case: Case, rounds: int, data: Path, torch_python: str | None) -> dict[str, Any]:
    pythons = {"zoo": sys.executable, "keras": sys.executable, "torch": torch_python, "floor": sys.executable}
    commands = {
        name: [python, "-m", f"benchmarks.contend_{name}", case.name, str(data)]
        for name, python in pythons.items()
        if python is not None
    }
    return {"title": case.title, "contenders": take_turns(commands, rounds, case.aims)}


def show(found: dict[str, Any]) -> None:
    """One table a case."""
    for case in found.values():
        heads = ("", ">min s", ">median s", ">max s", ">/ zoo", ">pairwise", ">aim", ">peak MiB", ">loss", "what")
        out.print(f"\n{case['title']}: {case['examples']:,} examples an epoch ({case['data']})")
        grid = table(*heads)
        for name, row in sorted(case["contenders"].items(), key=lambda item: list(TITLES).index(item[0])):
            if "why_not" in row:
                grid.add_row(TITLES[name], *[""] * 8, row["why_not"])
                continue
            times = (min(row["seconds"]), row["median"], max(row["seconds"]))
            ratios = [f"{row[key]:.2f}" if key in row else "" for key in ("ratio_of_medians", "median_of_ratios")]
            aim = f">= {row['aim']:.2f}" if "aim" in row else ""
            figures = [f"{row['peak_mib']:,.0f}", f"{row['loss']:.4f}"]
            grid.add_row(TITLES[name], *[f"{t:.3f}" for t in times], *ratios, aim, *figures, row["about"])
        out.print(grid)
    out.print("/ zoo: seconds over the zoo's, of the medians; pairwise: the median of the rounds' own ratios")
