"""Run directories: what one training left behind, written once and whole, read by eval, predict and report.

`runs/<model>-<dataset>/<stamp>/` holds recipe.toml (repeat it with `zoo run .../recipe.toml`), run.json (versions,
seed, devices, times, exit), history.csv, metrics.json, model.keras, pictures, report.html and log.txt.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from zoo.errors import UsageError
from zoo.files import read_json, replacing, write_json, write_text
from zoo.recipe import Resolved, rerun

if TYPE_CHECKING:
    import keras


def place(out: Path | None, model: str, dataset: str) -> Path:
    """Where a new run goes; nothing is created yet.

    Raises:
        UsageError: the place is taken, or its nearest existing parent cannot be written.
    """
    folder = out or Path("runs") / f"{model}-{dataset}" / datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"output {folder} exists already; nothing is overwritten\nchoose another --out, or leave it away"
        )
    parent = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write into {parent}: choose another place with --out DIR")
    return folder


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run directory for one process; the system lets go of it when the process ends, however it ends.

    Raises:
        UsageError: another process is writing there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UsageError(
            f"cannot write into {folder}: {error.strerror}\nchoose another place with --out DIR"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another process is running in {folder}; wait for it, or choose another --out") from None
        try:
            yield
        finally:
            (folder / ".lock").unlink(missing_ok=True)


def write_recipe(folder: Path, recipe: Resolved) -> None:
    """recipe.toml: the resolved recipe, which repeats the run."""
    write_text(folder / "recipe.toml", recipe_toml(recipe))


def recipe_toml(recipe: Resolved) -> str:
    """A resolved recipe as TOML."""
    return tomli_w.dumps(recipe.model_dump(mode="json", exclude_none=True))


def write_history(folder: Path, history: Mapping[str, list[float]]) -> None:
    """history.csv: one row an epoch."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *history])
    writer.writerows([epoch, *row] for epoch, row in enumerate(zip(*history.values(), strict=True), start=1))
    write_text(folder / "history.csv", text.getvalue())


def write_model(folder: Path, model: keras.Model) -> Path:
    """model.keras: raw input in, preprocessing inside."""
    path = folder / "model.keras"
    with replacing(path) as temporary:
        model.save(temporary)
    return path


@dataclass(frozen=True)
class Run:
    """A finished run, read from its directory."""

    folder: Path

    @cached_property
    def recipe(self) -> Resolved:
        """The resolved recipe that made it."""
        return rerun(self.folder / "recipe.toml")[0]

    @cached_property
    def info(self) -> dict[str, Any]:
        """run.json."""
        return dict(read_json(self.folder / "run.json"))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metrics.json."""
        return dict(read_json(self.folder / "metrics.json"))

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """history.csv as columns."""
        with (self.folder / "history.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}

    @cached_property
    def model(self) -> keras.Model:
        """The trained network: raw examples in, preprocessing inside. Loads no code, the zoo's layers are known.

        Raises:
            UsageError: model.keras is damaged.
        """
        import keras

        import zoo.layers  # noqa: F401  registers the zoo's layers, so that the file's names are known

        path = self.folder / "model.keras"
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            raise UsageError(f"{path} does not load, it is damaged or not a model of the zoo: {error}") from error


def load(path: str | Path) -> Run:
    """The run in a directory; of a folder that holds several stamps, the newest finished one.

    Raises:
        UsageError: no run there, or it did not finish.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UsageError(f"no run directory {folder}\nmake one with: zoo run lenet digits")
    if not (folder / "recipe.toml").exists():
        finished = sorted(p.parent for p in folder.glob("*/model.keras"))
        if not finished:
            raise UsageError(f"{folder} holds no finished run (no recipe.toml, no */model.keras)")
        folder = finished[-1]
    if not (folder / "model.keras").exists():
        raise UsageError(
            f"the run in {folder} did not finish: there is no model.keras\nrepeat it: zoo run {folder}/recipe.toml"
        )
    return Run(folder)


def record(folder: Path, info: Mapping[str, Any]) -> None:
    """run.json: how the run was made and how it ended."""
    write_json(folder / "run.json", dict(info))


def record_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """metrics.json: what was scored, on how many of how many examples."""
    write_json(folder / "metrics.json", dict(metrics))
