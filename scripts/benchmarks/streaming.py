"""Memory and time of training on examples that stay on disk, beside the same examples in memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from zoo.cli.console import err, out, table
from zoo.data import stored

ROOT = Path(__file__).resolve().parent.parent.parent
MIB = 2**20
IMAGE, CLASSES, BLOCK = (28, 28, 1), 10, 20_000
SIZES = (100, 300, 1000, 3000)  # MiB of images
COUNTS = (10_000, 100_000, 1_000_000, 10_000_000)  # rows of eight numbers
QUICK_SIZES, QUICK_COUNTS = (20, 50), (10_000, 50_000)
EPOCHS = 2  # of which the first, in which TensorFlow compiles, is not timed
PEAK = (
    "import atexit, json, sys; sys.path[:0] = {paths!r}; from benchmarks.turns import peak_mib\n"
    "atexit.register(lambda: print(json.dumps(peak_mib())))\n"
    "from zoo.cli import main; main({arguments!r})"
)


def measure(quick: bool) -> dict[str, Any]:
    """Peak memory and seconds an epoch, for growing sets, from disk and in memory in turn."""
    found: dict[str, Any] = {"memory": {}, "cost": {}}
    with tempfile.TemporaryDirectory(prefix="zoo-streaming-") as place:
        for size in QUICK_SIZES if quick else SIZES:
            folder = images(Path(place) / "images", size * MIB // int(np.prod(IMAGE)))
            found["memory"][size] = _both(folder, ["perceptron", "--batch-size", "512"])
        for count in QUICK_COUNTS if quick else COUNTS:
            folder = rows(Path(place) / "rows", count)
            found["cost"][count] = _both(folder, ["mlp", "--batch-size", "1000", "--set", "knobs.hidden_units=[32]"])
    return found


def images(folder: Path, count: int) -> Path:
    """So many noisy images, brighter in the row that tells the class."""

    def block(y: np.ndarray, random: np.random.Generator) -> np.ndarray:
        x = random.integers(0, 150, (len(y), *IMAGE), dtype="uint8")
        x[np.arange(len(y)), 2 * y] += 90
        return x

    return _write(folder, count, IMAGE, "uint8", block)


def rows(folder: Path, count: int) -> Path:
    """So many rows of eight numbers about a middle that tells the class."""
    middles = np.random.default_rng(1).normal(0.0, 1.0, (CLASSES, 8))
    return _write(folder, count, (8,), "float32", lambda y, random: middles[y] + random.normal(0.0, 0.5, (len(y), 8)))


def _write(folder: Path, count: int, shape: tuple[int, ...], dtype: str, block: Any) -> Path:
    """A folder of arrays, written some rows at a time."""
    folder.mkdir(exist_ok=True)
    y = np.random.default_rng(0).integers(0, CLASSES, count)
    starts = range(0, count, BLOCK)
    blocks = (block(y[i : i + BLOCK], np.random.default_rng([2, i])) for i in starts)
    stored.write(folder / "x.npy", (count, *shape), dtype, blocks)
    np.save(folder / "y.npy", y)
    return folder


def _both(folder: Path, options: list[str]) -> dict[str, dict[str, float]]:
    return {how: _one(folder, [*options, "--set", f"data.stream={how}"]) for how in ("on", "off")}


def _one(folder: Path, options: list[str]) -> dict[str, float]:
    """Peak memory of a whole run in MiB, and seconds of an epoch of training and validation."""
    from zoo.runs import directory

    err.print(f"streaming: {' '.join(options)}")
    with tempfile.TemporaryDirectory() as place:
        out_folder = Path(place) / "run"
        model, *rest = options
        arguments = ["run", model, "--data", str(folder), *rest, "--epochs", str(EPOCHS), "--quiet"]
        arguments += ["--set", "data.validation_share=0.01", "--set", "data.test_share=0.01", "--out", str(out_folder)]
        code = PEAK.format(paths=[str(ROOT), str(ROOT / "scripts")], arguments=arguments)
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        history = directory.load(out_folder).history
    return {
        "peak_mib": json.loads(done.stdout.splitlines()[-1]),
        "seconds": median(history["seconds"][1:]),
        "loss": history["loss"][-1],
    }


def show(found: dict[str, Any]) -> None:
    """Two tables."""
    out.print("\nMemory of `zoo run perceptron` on images of 28x28, and an epoch's time, from disk and in memory")
    grid = table(">MiB of images", ">peak MiB, disk", ">in memory", ">s an epoch, disk", ">in memory", ">disk / memory")
    for size, row in found["memory"].items():
        disk, memory = row["on"], row["off"]
        peaks = [f"{one['peak_mib']:,.0f}" for one in (disk, memory)]
        seconds = [f"{one['seconds']:.2f}" for one in (disk, memory)]
        grid.add_row(f"{size:,}", *peaks, *seconds, f"{disk['seconds'] / memory['seconds']:.2f}")
    out.print(grid)
    out.print("\nAn example's cost, rows of eight numbers, `zoo run mlp` with 32 hidden units, batch 1,000")
    grid = table(">examples", ">microseconds each, disk", ">in memory", ">peak MiB, disk", ">in memory")
    for count, row in found["cost"].items():
        each = [f"{1e6 * row[how]['seconds'] / count:.2f}" for how in ("on", "off")]
        peaks = [f"{row[how]['peak_mib']:,.0f}" for how in ("on", "off")]
        grid.add_row(f"{count:,}", *each, *peaks)
    out.print(grid)
