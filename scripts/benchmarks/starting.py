"""How long commands take to answer, and a run to its first step, beside a bare `import keras`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contenders import environment, start
from zoo.cli.console import err, out, table

IMPORT = "python -c 'import keras'"
FIRST_STEP = "zoo run lenet {} --smoke, to its first steps"
LIGHT_AIM, FIRST_STEP_AIM = 0.3, 1.5  # seconds; times the bare import


def measure(rounds: int, dataset: str) -> dict[str, Any]:
    """Wall times of whole processes, alternating; of the smoke run until its first epoch (five steps) is reported."""
    zoo = [sys.executable, "-m", "zoo"]
    run = [*zoo, "run", "lenet", dataset, "--smoke", "--set", "data.validation_share=0"]
    commands = {
        IMPORT: [sys.executable, "-c", "import keras"],
        "zoo --help": [*zoo, "--help"],
        "zoo ls": [*zoo, "ls"],
        "zoo show lenet": [*zoo, "show", "lenet"],
        FIRST_STEP.format(dataset): run,
    }
    times: dict[str, list[float]] = {title: [] for title in commands}
    for number in range(rounds + 1):  # the first warms the file cache and the compiled bytecode, and is not counted
        err.print(f"starting: round {number} of {rounds}")
        for title, command in commands.items():
            seconds = _to_first_step(command) if command is run else _whole(command)
            times[title] += [seconds] if number else []
    return {
        title: {
            "seconds": seconds,
            "median": median(seconds),
            "to_import_keras": median(a / b for a, b in zip(seconds, times[IMPORT], strict=True)),
        }
        for title, seconds in times.items()
    }


def _whole(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - started


def _to_first_step(command: list[str]) -> float:
    """From the start of the process until it says that its first epoch is over."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        place = ["--out", os.fspath(Path(folder) / "run")]
        process = start([*command, *place], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "epoch 1/" in line:
                seconds = time.perf_counter() - started
                process.communicate()
                return seconds
    raise SystemExit(f"{' '.join(command)} failed:\n{''.join(said)}")


def show(found: dict[str, Any]) -> None:
    """One table."""
    out.print("\nStarting, whole processes")
    grid = table("", ">min s", ">median s", ">max s", ">/ import keras", "aim")
    for title, row in found.items():
        times = (min(row["seconds"]), row["median"], max(row["seconds"]))
        light = f"<= {LIGHT_AIM} s" if title.split()[1] in ("--help", "ls", "show") else ""
        aim = f"<= {FIRST_STEP_AIM} x" if title.startswith("zoo run") else light
        grid.add_row(title, *[f"{t:.3f}" for t in times], f"{row['to_import_keras']:.2f}", aim)
    out.print(grid)
