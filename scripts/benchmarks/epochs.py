"""Seconds an epoch: zoo, Keras, PyTorch and floor take turns, epoch by epoch, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cases import CASES, Case, make
from zoo.cli.console import err, out, table
from zoo.errors import ZooError

SCRIPTS = Path(__file__).resolve().parent.parent
TITLES = {"zoo": "zoo", "keras": "(a) Keras fit", "torch": "(b) PyTorch loop", "floor": "(c) epoch in the graph"}


class Contender:
    """One process that trains an epoch whenever it is asked to; `why_not` says why it cannot."""

    def __init__(self, name: str, python: str, case: Case, data: Path) -> None:
        self.name, self.answers, self.about, self.why_not = name, [], "", ""  # type: ignore[var-annotated]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self.process = subprocess.Popen(
            [python, "-m", f"benchmarks.contend_{name}", case.name, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(),
        )
        self.about = self._answer().get("about", "")

    def epoch(self) -> dict[str, Any]:
        """Ask for one epoch: its seconds, the process's peak memory, the mean loss."""
        assert self.process.stdin is not None
        if self.why_not:
            return {}
        self.process.stdin.write("epoch\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        self.why_not = f"failed: {words[-1] if words else 'no word'}"
        return {}

    def close(self) -> None:
        """End of its input ends the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
            self.process.wait(30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
        self.process.stdout.close()
        self.errors.close()


def environment() -> dict[str, str]:
    """The contenders' environment: the same for all, the zoo and this package importable."""
    paths = os.pathsep.join([str(SCRIPTS), str(SCRIPTS.parent)])
    return os.environ | {"PYTHONPATH": paths, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


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
    train = data.load(recipe.model_copy(update={"validation_share": 0.0}), "mnist").train
    return train.x, train.y


def _measure(case: Case, rounds: int, data: Path, torch_python: str | None) -> dict[str, Any]:
    pythons = {"zoo": sys.executable, "keras": sys.executable, "torch": torch_python, "floor": sys.executable}
    contenders: list[Contender] = []
    try:
        for name, python in pythons.items():
            if python is not None:
                contenders.append(Contender(name, python, case, data))
                contenders[-1].epoch()  # warm-up: tracing, compiling, first touch of the data
                _refuse_failure(contenders[-1])
        for number in range(rounds):
            for contender in contenders:
                contender.answers.append(contender.epoch())
            err.print(f"  round {number + 1}: " + "  ".join(_said(contender) for contender in contenders))
    finally:
        for contender in contenders:
            contender.close()
    zoo = [answer["seconds"] for answer in contenders[0].answers if answer]
    return {"title": case.title, "contenders": {c.name: _summary(c, zoo, case) for c in contenders}}


def _refuse_failure(contender: Contender) -> None:
    """Without the zoo there is nothing to compare; another contender is left out."""
    if contender.why_not and contender.name == "zoo":
        raise ZooError(f"the zoo's contender {contender.why_not}")
    if contender.why_not:
        err.print(f"  {contender.name} {contender.why_not}")


def _said(contender: Contender) -> str:
    return f"{contender.name} {contender.answers[-1].get('seconds', float('nan')):.3f} s"


def _summary(contender: Contender, zoo: list[float], case: Case) -> dict[str, Any]:
    if contender.why_not:
        return {"why_not": contender.why_not}
    seconds = [answer["seconds"] for answer in contender.answers]
    summary = {
        "about": contender.about,
        "seconds": seconds,
        "median": median(seconds),
        "peak_mib": contender.answers[-1]["peak_mib"],
        "loss": contender.answers[-1]["loss"],
    }
    if zoo and contender.name != "zoo":
        summary |= {
            "ratio_of_medians": median(seconds) / median(zoo),
            "median_of_ratios": median(theirs / ours for theirs, ours in zip(seconds, zoo, strict=True)),
            "aim": case.aims[contender.name],
        }
    return summary


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
