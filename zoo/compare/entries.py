"""What is compared: runs, published folders and recorded results, an entry each seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from glob import has_magic
from pathlib import Path
from typing import Any, NamedTuple

from zoo.errors import UsageError, ZooError, unknown
from zoo.pretrained import index
from zoo.pretrained.published import Published
from zoo.recipe import Resolved, resolve
from zoo.recipe.overrides import flat
from zoo.runs import directory, listing, results
from zoo.runs.directory import Run

LEFT_OUT = ("training.seed", "data.origin")  # of a recipe: what differs between seeds, and words on where data is from


@dataclass(frozen=True)
class Entry:
    """One trained network: a run, a published folder, or one seed of a recorded result."""

    name: str  # as commands call it
    model: str
    dataset: str
    seed: int
    recipe: Resolved | None  # None: it is not known any more
    fingerprint: str
    metrics: Mapping[str, Any]  # metrics.json
    params: int
    epochs: int
    seconds: float | None
    date: str
    smoke: bool
    run: Run | None  # its folder, where it has one

    @property
    def identity(self) -> str:
        """What it has in common with the same one by another name."""
        return f"{self.name} {self.seed}" if self.run is None else str(self.run.folder.resolve())

    @property
    def test(self) -> dict[str, float]:
        """The metrics of the test split that are numbers."""
        return {name: value for name, value in self.metrics["test"].items() if not isinstance(value, str)}

    @property
    def is_run(self) -> bool:
        """Whether it is a run of the user's, and no published folder or recorded result."""
        return self.run is not None and not isinstance(self.run, Published)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Its recipe as one table without the seed; empty where it is not known."""
        told = flat(self.recipe.model_dump(mode="json", exclude_none=True)) if self.recipe else {}
        return {key: value for key, value in told.items() if key not in LEFT_OUT}


class Found(NamedTuple):
    """Entries in the order in which they are named, and what was passed over, with the reason."""

    entries: list[Entry]
    passed_over: dict[str, str]


def read(names: Sequence[str]) -> Found:
    """The entries behind names: runs, folders of runs, globs of both, published folders, and MODEL:DATASET.

    Of a folder that holds several runs they are the newest that is done and the other seeds of its recipe.

    Raises:
        UsageError: a name that nothing has, or of all that is named nothing can be compared.
    """
    entries: dict[str, Entry] = {}
    passed_over: dict[str, str] = {}
    for name in _expanded(names):
        try:
            found = list(_of(name, passed_over))
        except ZooError as error:
            if not Path(name).exists() and not _is_record(name):
                raise
            passed_over[name] = str(error).splitlines()[0]
            continue
        entries |= {entry.identity: entry for entry in found}
    if not entries:
        reason = next(iter(passed_over.values()), "nothing is named")
        raise UsageError(f"nothing to compare: {reason}\nsee what there is: zoo runs, zoo results")
    return Found(list(entries.values()), passed_over)


def _is_record(name: str) -> bool:
    return ":" in name and not Path(name).exists()


def _expanded(names: Sequence[str]) -> Iterator[str]:
    known = [*_rows(), *index.entries()] if any(map(_is_record, names)) else []
    for name in names:
        if not _is_record(name):
            yield from listing.expanded([name])
        elif has_magic(name) and (matches := [one for one in known if fnmatchcase(one, name)]):
            yield from dict.fromkeys(matches)
        elif name in known:
            yield name
        else:
            raise unknown("recorded result", name, known, "see them with: zoo results, zoo weights ls")


def _rows() -> dict[str, dict[str, Any]]:
    return {f"{row['model']}:{row['dataset']}": row for row in results.rows()}


def _of(name: str, passed_over: dict[str, str]) -> Iterator[Entry]:
    """The entries behind one name; what is passed over in a folder is added to `passed_over`."""
    if _is_record(name):
        if row := _rows().get(name):
            yield from _of_row(name, row)
        else:
            yield _of_run(Published(index.folder(name)))
        return
    folder = Path(name)
    if not folder.is_dir():
        raise UsageError(f"{folder} is no run directory")
    if (folder / "weights.npz").is_file():
        yield _of_run(Published(folder))
    elif listing.is_run(folder):
        yield _of_run(Run(folder))
    else:
        yield from _of_stamps(folder, passed_over)


def _of_stamps(folder: Path, passed_over: dict[str, str]) -> Iterator[Entry]:
    """Of the runs in a folder the newest that is done, and before it the other seeds of its recipe."""
    done = []
    for stamp in directory.stamps(folder):
        try:
            done.append(_of_run(Run(stamp)))
        except ZooError as error:
            passed_over[str(stamp)] = str(error).splitlines()[0]
    if not done:
        deeper = next((run.parent for run in listing.below(folder) if run.parent != folder), None)
        raise UsageError(f"{folder} holds no finished run" + (f"; {deeper} does" if deeper else ""))
    newest = done[-1]
    yield from (entry for entry in done if entry.settings == newest.settings and entry.smoke == newest.smoke
                and entry.fingerprint == newest.fingerprint)  # fmt: skip


def _of_run(run: Run) -> Entry:
    if not isinstance(run, Published) and not run.is_done:
        raise UsageError(f"the run in {run.folder} did not finish: {run.info['exit']}")
    info, recipe = run.info, run.recipe
    return Entry(
        run.name, recipe.model, recipe.dataset, recipe.training.seed, recipe, info.get("fingerprint", ""), run.metrics,
        info.get("params", 0), info.get("epochs", 0), info.get("seconds"), info.get("date", ""),
        bool(info.get("smoke")), run,
    )  # fmt: skip


def _of_row(name: str, row: Mapping[str, Any]) -> Iterator[Entry]:
    """A recorded result, seed by seed; its recipe is today's, unless that has changed since."""
    recipe = None if results.staleness(dict(row)) else resolve(row["model"], row["dataset"])[0]
    if recipe is not None and recipe.training.precision == "auto":
        precision = {"precision": row.get("precision", "float32")}
        recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update=precision)})
    for seed, value in zip(row["seeds"], row["values"], strict=True):
        yield Entry(
            name, row["model"], row["dataset"], seed, recipe, row["fingerprint"], {"test": {row["metric"]: value}},
            row["params"], row["epochs"], row["seconds"], row["date"], False, None,
        )  # fmt: skip
