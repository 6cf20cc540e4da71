"""How a run begins: data and TensorFlow, the other workers, the network, and the checkpoint that it goes on from."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import tasks
from zoo.data import Splits, findings, sources
from zoo.data.examples import Source
from zoo.errors import UsageError
from zoo.recipe import Resolved
from zoo.runs import provenance
from zoo.runs.watching import Watcher
from zoo.training.distribution import cluster
from zoo.training.distribution.meeting import meet
from zoo.training.memory import refuse_too_large
from zoo.training.objects import Given

if TYPE_CHECKING:
    import keras

    from zoo.training.checkpoint import Checkpoint
    from zoo.training.fit import Fit

log = logging.getLogger("zoo")
SMOKE_STEPS = 5


def start(
    recipe: Resolved, watch: Watcher, smoke: bool, resuming: bool, require_gpu: bool, source: Source | None = None
) -> Splits:
    """Load the data and start TensorFlow; among several workers TensorFlow must meet the others before all else."""
    from zoo.training.environment import prepare

    refuse_too_large(recipe)
    group = cluster.find(recipe.training.strategy)
    if group is not None:
        watch.stage(f"meeting the other workers as worker {group.index} of {len(group.workers)}")
        meet(group).compare(provenance.common_facts(recipe, smoke) | {"--resume": resuming})
        watch.stage("starting TensorFlow")
        prepare(require_gpu)
        from zoo.training.distribution.workers import join

        join(group)
        watch.stage("loading data")
        return _splits(recipe, source)
    return load(recipe, watch, require_gpu, source)


def load(recipe: Resolved, watch: Watcher, require_gpu: bool, source: Source | None = None) -> Splits:
    """Load the data and start TensorFlow, which takes texts apart, and must know its devices by then."""
    from zoo.training.environment import prepare

    if recipe.data.text:
        watch.stage("starting TensorFlow")
        prepare(require_gpu)
    watch.stage("loading data")
    splits = _splits(recipe, source)
    if not recipe.data.text:
        watch.stage("starting TensorFlow")
        prepare(require_gpu)
    return splits


def _splits(recipe: Resolved, source: Source | None) -> Splits:
    """The examples; texts by the vocabulary of the network that the run starts from, where it starts from one."""
    if recipe.transfer is None or not recipe.data.text:
        return tasks.load(recipe.data, recipe.dataset, source=source)
    from zoo.pretrained.bases import known_vocabularies

    return tasks.load(recipe.data, recipe.dataset, known_vocabularies(recipe), source)


def note_findings(recipe: Resolved, splits: Splits) -> None:
    """What is to be known of own data before it is learnt from."""
    if sources.is_own(recipe.data):
        for line in findings.find(recipe.data, splits, tasks.of(recipe.data).class_names(recipe.data)):
            log.warning("note: %s", line)


def settle(recipe: Resolved, watch: Watcher) -> tuple[Resolved, str]:
    """The recipe with the precision that is really used, and the reason where this machine chose it.

    To be called once TensorFlow is started, and before `compare_data`.

    Raises:
        UsageError: another worker chooses another one.
    """
    from zoo.training.precision import settled

    recipe, choice = settled(recipe)
    if choice is None:
        return recipe, ""
    watch.stage(str(choice))
    group = cluster.find(recipe.training.strategy)
    if group is not None:
        meet(group).compare({"what --precision auto chooses": choice.precision})
    return recipe, choice.reason


def compare_data(recipe: Resolved, splits: Splits) -> None:
    """The last thing that several workers do before they build: see that all of them hold the same examples."""
    group = cluster.find(recipe.training.strategy)
    if group is not None:
        from zoo.training.state import checksums

        found = {name: hashlib.sha256(repr(some).encode()).hexdigest()[:8] for name, some in checksums(splits).items()}
        meeting = meet(group)
        meeting.compare({f"the checksum of the {name} examples": digest for name, digest in found.items()})
        meeting.close()


def make_fit(
    recipe: Resolved,
    splits: Splits,
    folder: Path | None,
    callbacks: Sequence[keras.callbacks.Callback],
    smoke: bool,
    given: Given,
) -> Fit:
    """What trains: the same on each of several workers, which keep no folder but for the chief."""
    given.refuse_beside(recipe)
    more = {"given": given} if given else {}
    return _fit_class(recipe)(recipe, splits, folder, callbacks, SMOKE_STEPS if smoke else None, **more)


def _fit_class(recipe: Resolved) -> type[Fit]:
    if recipe.transfer is not None:
        from zoo.pretrained.transfer import TransferFit

        return TransferFit
    from zoo.training.fit import Fit

    return Fit


def saved_state(folder: Path, watch: Watcher) -> Checkpoint | None:
    from zoo.training.checkpoint import newest

    saved, damaged = newest(folder / "checkpoints")
    if saved is not None and not all(isinstance(saved.facts.get(key), int) for key in ("epoch", "done")):
        raise UsageError(f"the checkpoint in {folder} does not say where the run stopped\nstart the run again")
    for line in damaged:
        watch.stage(f"passing over a damaged checkpoint: {line}")
    if saved is None and (folder / "head").is_dir():
        watch.stage("going on in the first phase")
    else:
        watch.stage(f"going on {position(saved)}")
    return saved


def position(saved: Checkpoint | None) -> str:
    if saved is None:
        return "from the start: it was stopped before its first checkpoint"
    return f"from epoch {saved.facts['epoch'] + 1}, step {saved.facts['done'] + 1}"
