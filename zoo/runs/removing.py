"""Remove runs: folders that a run has made and that hold nothing else, and no other."""

from __future__ import annotations

import os
import shutil
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from zoo.errors import UsageError, ZooError
from zoo.files import leftovers
from zoo.files.opening import refuse_links
from zoo.runs import directory, listing

WRITTEN = (
    *directory.CHECKED, "run.json", "report.html", "log.txt", "samples.txt", "training.checkpoint", ".lock", "*.png",
    "*.svg", ".*.tmp*",
)  # fmt: skip
FOLDERS = ("checkpoints", "head", "tensorboard", "export")  # with all that is in them
MOST_NAMED = 4


class Removable(NamedTuple):
    """A run that may be removed, and how much would go with it."""

    folder: Path
    files: int
    bytes: int


def removable(folder: Path) -> Removable:
    """A run's folder, after a look that all of it is a run's and that nobody works in it.

    Raises:
        UsageError: it is a link, no run, holds what no run writes, or a run is going on in it.
    """
    if folder.is_symlink():
        raise UsageError(f"{folder} is a symbolic link; nothing is removed through it\nname the run that it leads to")
    if not folder.is_dir():
        raise UsageError(f"no run directory {folder}\nsee which there are: zoo runs")
    if not listing.is_run(folder):
        raise _no_run(folder)
    if Path.cwd().is_relative_to(folder.resolve()):
        raise UsageError(f"{folder} holds the current folder\ngo to another one with cd")
    refuse_links(folder)
    if foreign := _foreign(folder):
        more = f" and {len(foreign) - MOST_NAMED} more" if len(foreign) > MOST_NAMED else ""
        raise UsageError(
            f"{folder} holds what no run writes: {', '.join(foreign[:MOST_NAMED])}{more}\n"
            "move it away first, or remove the folder by hand"
        )
    if listing.is_held(folder):
        raise UsageError(f"a run is going on in {folder}\nstop it first, or wait for it")
    sizes = [inside.lstat().st_size for inside in folder.rglob("*") if inside.is_file()]
    return Removable(folder, len(sizes), sum(sizes))


def _no_run(folder: Path) -> UsageError:
    inside = list(listing.below(folder))
    if inside:
        return UsageError(
            f"{folder} is no run, it holds {len(inside)}\nname them one by one, or all of them: '{inside[0].parent}/*'"
        )
    return UsageError(f"{folder} is no run: it lacks recipe.toml, or run.json\nsee which there are: zoo runs")


def _foreign(folder: Path) -> list[str]:
    """What is in a run's folder and was not written by the run."""
    with os.scandir(folder) as entries:
        inside = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    known = {
        name: name in FOLDERS if is_folder else any(fnmatchcase(name, pattern) for pattern in WRITTEN)
        for name, is_folder in inside.items()
    }
    return sorted(name for name, is_ours in known.items() if not is_ours)


def remove(run: Removable) -> None:
    """Remove a run. Whoever is stopped in the middle of it leaves no half of a run: it has another name by then.

    Raises:
        UsageError: a run has begun to go on in it; ZooError: the system does not let it go.
    """
    with directory.claimed(run.folder):
        gone = leftovers.temporary(run.folder)
        try:
            run.folder.rename(gone)
            shutil.rmtree(gone)
        except OSError as error:
            raise ZooError(f"cannot remove {run.folder}: {error.strerror}") from error
