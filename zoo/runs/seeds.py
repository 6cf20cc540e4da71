"""Several seeds of one recipe, one after the other in one process, each a run of its own.

Each comes out as it would alone: what a process keeps from one network to the next is cleared between them, and the
examples, which hang on no seed, are loaded once. A seed that was trained before, by the same recipe, code and versions,
is not trained again, and one that was stopped is gone on with: so a sweep that was stopped goes on by the same command.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zoo.data import sources
from zoo.data.rawfiles import locate
from zoo.errors import MissingError, UsageError, ZooError
from zoo.recipe import Resolved, fingerprint
from zoo.runs import directory, job, listing, provenance
from zoo.runs.beginning import note_findings, start
from zoo.runs.directory import Run
from zoo.runs.finishing import Outcome
from zoo.runs.watching import Watcher
from zoo.training.distribution import cluster
from zoo.training.signals import Stopped

if TYPE_CHECKING:
    from zoo.data import Splits
    from zoo.data.config import Data

log = logging.getLogger("zoo")
SILENT = Watcher()
NOT_REPEATED = ("given", "callbacks")  # facts of runs with objects that no recipe holds


class Ways(NamedTuple):
    """How each seed is run; see `zoo.runs.job.execute`."""

    smoke: bool = False
    watch: Watcher = SILENT
    require_gpu: bool = False
    baseline: bool | None = None


class Sweep(NamedTuple):
    """What the seeds came to, by seed."""

    outcomes: dict[int, Outcome]
    failed: dict[int, str]


def train(recipe: Resolved, seeds: Sequence[int], out: Path | None, ways: Ways, notes: Sequence[str] = ()) -> Sweep:
    """Train a recipe with several seeds; a seed that fails is named, and the others go on.

    Args:
        out: the folder of the runs, `seed-N` each; where runs go otherwise if not given.
        notes: on the recipe, which are told once.

    Raises:
        UsageError: bad input, or several workers; MissingError: data or devices missing; Stopped: a signal came.
    """
    if cluster.find(recipe.training.strategy) is not None:
        raise UsageError("several seeds are trained one after the other, by one process\nstart each: --seed N")
    sweep, splits = Sweep({}, {}), None
    for note in notes:
        log.warning("note: %s", note)
    for number, seed in enumerate(seeds, start=1):
        one = recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})
        ways.watch.another(f"seed {seed}, {number} of {len(seeds)}")
        found = made(one, out, ways)
        try:
            if found is not None:
                sweep.outcomes[seed] = _again(found, ways)
            else:
                splits = splits or _load(one, ways)
                sweep.outcomes[seed] = _train(one, out, splits, ways)
        except (UsageError, MissingError, Stopped):  # of all seeds, and not of this one
            raise
        except ZooError as error:
            sweep.failed[seed] = str(error).splitlines()[0]
            ways.watch.stage(f"seed {seed} failed: {sweep.failed[seed]}")
    return sweep


def _load(recipe: Resolved, ways: Ways) -> Splits:
    splits = start(recipe, ways.watch, ways.smoke, False, ways.require_gpu)
    note_findings(recipe, splits)
    return splits


def _train(recipe: Resolved, out: Path | None, splits: Splits, ways: Ways) -> Outcome:
    """A seed anew, in a process as it is at its start."""
    _clear()
    folder = job.place(out and _of_seed(out, recipe), recipe)
    outcome = job.execute(recipe, folder, splits=splits, **ways._asdict())
    assert outcome is not None  # None is of several workers
    return outcome


def _again(run: Run, ways: Ways) -> Outcome:
    """What a seed came to that was trained before, gone on with where it was stopped."""
    if run.is_done and (run.folder / "report.html").exists():
        ways.watch.stage(f"trained before: {run.folder}")
        return Outcome(run.folder, run.recipe, run.metrics, run.info["params"], run.info["seconds"])
    _clear()
    outcome = job.resume(run.folder, ways.watch, require_gpu=ways.require_gpu)
    assert outcome is not None
    return outcome


def _clear() -> None:
    """Forget the networks before: Keras numbers what is called alike in one process."""
    from zoo.training.environment import import_keras

    import_keras()
    import keras

    keras.utils.clear_session()


def _of_seed(out: Path, recipe: Resolved) -> Path:
    return out / f"seed-{recipe.training.seed}"


def made(recipe: Resolved, out: Path | None, ways: Ways) -> Run | None:
    """The run that this recipe has made before, done or stopped; the newest that is done, if there are several.

    Raises:
        UsageError: another process is at it; in `out` is another run in its place.
    """
    if out is not None:
        folder = _of_seed(out, recipe)
        if not folder.exists():
            return None
        if not _is_of(Run(folder), recipe, ways):
            raise UsageError(f"{folder} holds something else than this run\nchoose another --out, or leave it away")
        return _free(Run(folder))
    same = [Run(stamp) for stamp in directory.stamps(directory.home(recipe))]
    same = [run for run in same if _is_of(run, recipe, ways)]
    done = [run for run in same if run.is_done]
    begun = [run for run in same if any((run.folder / state).is_dir() for state in ("checkpoints", "head"))]
    return _free((done or begun)[-1]) if done or begun else None


def _free(run: Run) -> Run:
    if listing.is_held(run.folder):
        seed = run.recipe.training.seed
        raise UsageError(f"another process trains seed {seed}, in {run.folder}\nwait for it, or leave that seed out")
    return run


def _is_of(run: Run, recipe: Resolved, ways: Ways) -> bool:
    """Whether a run is what the recipe would make now: by the same code and versions, on data that is as it was."""
    try:
        info, kept = run.info, run.recipe
        if recipe.training.precision == "auto":
            settled = {"precision": kept.training.precision}
            recipe = recipe.model_copy(update={"training": recipe.training.model_copy(update=settled)})
        return (
            kept == recipe
            and info.get("smoke", False) == ways.smoke
            and info.get("baseline") == ways.baseline
            and info.get("versions") == provenance.versions()
            and not any(fact in info for fact in NOT_REPEATED)
            and info.get("fingerprint") == fingerprint(recipe)
            and not _changed_since(recipe.data, datetime.fromisoformat(info["date"]).timestamp())
        )
    except (ZooError, KeyError, ValueError):  # damaged, or of an earlier version
        return False


def _changed_since(data: Data, then: float) -> bool:
    """Whether one of the user's own files that the data is read from was changed after that."""
    own = [source for source in (data.source, data.test_source, data.validation_source) if sources.is_own_file(source)]
    for path in (locate(name) for source in own for name in source.partition(":")[2].split(",")):
        inside = path.rglob("*") if path.is_dir() else ()
        if any(file.lstat().st_mtime > then for file in (path, *inside) if file.exists()):
            return True
    return False
