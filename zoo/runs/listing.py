"""Every run below a folder, and what became of each: read from small files, without a framework."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, NamedTuple

from zoo.catalogue import metrics
from zoo.errors import UsageError, ZooError
from zoo.files.opening import descriptor, refuse_links
from zoo.recipe import recorded
from zoo.runs.directory import Run

RUNNING, STOPPED, FAILED, DONE = STATES = ("running", "stopped", "failed", "done")
BY_HAND = "KeyboardInterrupt"  # what run.json says of a run that a second Ctrl-C ended


@dataclass(frozen=True)
class Listed:
    """One run in a list; what is not known of it is None."""

    run: Path
    model: str
    dataset: str
    seed: int
    state: str
    exit: str  # as run.json has it; "" before it is written
    metric: str | None
    value: float | None
    epochs: int
    seconds: float | None
    params: int | None
    date: str
    smoke: bool

    def as_json(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return vars(self) | {"run": str(self.run)}


class Found(NamedTuple):
    """The runs below a folder, and folders that look like one and cannot be read, with the reason."""

    runs: list[Listed]
    passed_over: dict[Path, str]


def is_run(folder: Path) -> bool:
    """Whether a folder looks like one that a run has made: published folders are none."""
    return _looks_like_one({name for name in ("recipe.toml", "run.json", ".lock", "weights.npz")
                            if (folder / name).is_file()})  # fmt: skip


def _looks_like_one(names: set[str]) -> bool:
    return "recipe.toml" in names and bool(names & {"run.json", ".lock"}) and "weights.npz" not in names


def below(root: Path) -> Iterator[Path]:
    """The folders of runs in a folder, however deep, or itself; no link in it is followed.

    Raises:
        OSError: the folder cannot be read; what cannot be read in it is left out.
    """
    left = [root]
    while left:
        folder = left.pop()
        try:
            with os.scandir(folder) as entries:
                inside = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        except PermissionError:
            if folder == root:
                raise
            continue
        if _looks_like_one({name for name, is_folder in inside.items() if not is_folder}):
            yield folder
        else:
            names = sorted((name for name, is_folder in inside.items() if is_folder), reverse=True)
            left += [folder / name for name in names if not name.startswith(".")]


def find(root: Path) -> Found:
    """What is known of each run below a folder.

    Raises:
        UsageError: there is no such folder; OSError: it cannot be read.
    """
    if not root.is_dir():
        raise UsageError(f"no folder {root}\nname one that holds runs, such as: zoo runs runs")
    runs, passed_over = [], {}
    for folder in below(root):
        try:
            runs.append(look(folder))
        except ZooError as error:
            passed_over[folder] = str(error).splitlines()[0]
    return Found(runs, passed_over)


def look(folder: Path) -> Listed:
    """What is known of one run.

    Raises:
        ZooError: its files are damaged, or none of a run.
    """
    run = Run(folder)
    if not (folder / "run.json").exists():
        refuse_links(folder)
        recipe = recorded(folder / "recipe.toml")
        begun = RUNNING if is_held(folder) else STOPPED
        return Listed(folder, recipe.model, recipe.dataset, recipe.training.seed, begun, "", None, None, 0, None, None,
                      "", False)  # fmt: skip
    info = run.info
    metric = value = None
    if run.is_done:
        test = run.metrics["test"]
        metric = metrics.headline(test)
        value = test[metric]
    return Listed(
        folder, info.get("model", ""), info.get("dataset", ""), info.get("seed", 0), _state(run), info["exit"],
        metric, value, info.get("epochs") or _epochs(run), info.get("seconds"), info.get("params"),
        info.get("date", ""), info.get("smoke", False),
    )  # fmt: skip


def _state(run: Run) -> str:
    if is_held(run.folder):
        return RUNNING
    if run.is_done:
        return DONE
    ended = run.info["exit"]  # "started" is what a process leaves that is killed
    return STOPPED if ended in ("started", BY_HAND) or ended.startswith(STOPPED) else FAILED


def _epochs(run: Run) -> int:
    """Whole epochs so far, of a run that has not come to its end."""
    if not (run.folder / "history.csv").exists():
        return 0
    return len(run.history.get("epoch", ()))


def is_held(folder: Path) -> bool:
    """Whether a process works in a run's folder now; one that was killed does not any more."""
    try:
        opened = descriptor(folder / ".lock", os.O_RDONLY, folder)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(opened)
    return False


def expanded(names: Iterable[str]) -> list[str]:
    """The names, and in the place of a glob what it stands for, each once.

    Raises:
        UsageError: a glob that nothing matches.
    """
    found: dict[str, None] = {}
    for name in names:
        is_glob = has_magic(name) and not Path(name).exists()
        matches = sorted(glob(name)) if is_glob else [name]  # noqa: PTH207  from wherever the glob begins
        if not matches:
            raise UsageError(f"nothing matches {name}\nsee what there is: zoo runs")
        found |= dict.fromkeys(matches)
    return list(found)
