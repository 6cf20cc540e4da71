"""Resolve a run, look what its script needs, fill in the template, write the folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo import tasks
from zoo.catalogue import registry
from zoo.data import sources
from zoo.data.config import Data
from zoo.data.reading import AS_FOUND, Reading, flag
from zoo.eject.facts import facts
from zoo.eject.lifting import lift
from zoo.eject.literal import literal
from zoo.eject.reading import reading as code_that_reads
from zoo.eject.transfer import lifted, refuse_other_bases
from zoo.errors import UsageError
from zoo.files import replacing, write_text
from zoo.pretrained import bases
from zoo.recipe import Resolved, rerun, resolve
from zoo.runs.directory import newest, recipe_toml
from zoo.tasks.task import Task


@dataclass(frozen=True)
class Ejected:
    """What was written, and what a script cannot take along."""

    script: Path
    recipe: Path
    packages: str  # to install
    notes: tuple[str, ...]


def eject(
    model: str,
    dataset: str,
    folder: Path,
    sets: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    start: Mapping[str, Any] | None = None,
    reading: Reading = AS_FOUND,
    own: Data | None = None,
) -> Ejected:
    """Write `zoo run MODEL DATASET` as a script, `train.py`, and its recipe, into a new folder.

    The script has the builder's own code and the same rows, order of batches, augmentation, schedule and evaluation:
    with the same seed and versions its losses are those of the run.

    Args:
        model: a name of the registry.
        dataset: a recipe's name or path, or `tfds:NAME`; of own data, which `own` describes, what it is called.
        sets, options: as of `zoo.recipe.resolve`.
        start: of vgg_transfer: `base`, `weights` and `freeze`, as of `zoo.pretrained.bases`.
        reading: what is said of own data or of `tfds:NAME`; of own data `own` follows it already.

    Raises:
        UsageError: unknown names, a folder that holds something, or a run that is not written as a script.
        MissingError: a table or texts of TensorFlow Datasets that are not prepared.
    """
    _refuse_place(folder)
    if reading.said and own is None and not sources.is_address(dataset):
        raise UsageError(f"{flag(reading.said[0])} goes with --data PATH or tfds:NAME; a recipe says what its data is")
    if own is None and sources.is_address(dataset):
        own = tasks.infer(dataset, wanted=registry.describe(model).tasks, reading=reading)
    recipe, notes = _resolve(model, dataset, sets, options, own, start or {})
    given = {flag(name): getattr(reading, name) for name in reading.said}
    given |= {f"--{key.replace('_', '-')}": value for key, value in {**(start or {}), **(options or {})}.items()}
    said = [
        model,
        *(["--data", own.source.partition(":")[2]] if own and sources.is_own_file(own.source) else [dataset]),
    ]
    for option, value in given.items():
        said += [] if value is None else [option, str(value)]
    said += [part for one in sets for part in ("--set", one)]
    return _write(recipe, notes, dataset, shlex.join(said), folder)


def eject_run(run: Path, folder: Path, sets: Sequence[str] = (), options: Mapping[str, Any] | None = None) -> Ejected:
    """The same of a run that was made, or of its recipe.toml: with its own recipe, on the data that it was trained on.

    Raises:
        UsageError: no such run, and as `eject`.
    """
    _refuse_place(folder)
    place = run if run.suffix == ".toml" else newest(run) / "recipe.toml"
    recipe, notes = rerun(place, sets, options)
    if recipe.transfer and recipe.model != bases.TRANSFER:
        raise UsageError(
            f"{run} started from {recipe.transfer.weights}, which a script without zoo cannot read\n"
            "export the trained network instead: zoo export RUN --format keras"
        )
    return _write(recipe, notes, recipe.dataset, str(place), folder)


def _refuse_place(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already and is not empty; nothing is overwritten\nname another folder")
    if not folder.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {folder.parent} to write {folder.name} into")


def _write(recipe: Resolved, found: Sequence[str], dataset: str, said: str, folder: Path) -> Ejected:
    refuse(recipe)
    notes = list(found)
    text, told = script(recipe, dataset, said)
    with replacing(folder) as temporary:
        temporary.mkdir()
        write_text(temporary / "train.py", text)
        write_text(temporary / "recipe.toml", recipe_toml(recipe))
    notes += [f"put {name} beside the script; it is at {origin}" for name, origin in told["reading"].files.items()]
    if recipe.callbacks.tensorboard:
        notes.append("the script writes no files for TensorBoard")
    return Ejected(folder / "train.py", folder / "recipe.toml", told["packages"], tuple(notes))


def _resolve(
    model: str,
    dataset: str,
    sets: Sequence[str],
    options: Mapping[str, Any] | None,
    own: Data | None,
    start: Mapping[str, Any],
) -> tuple[Resolved, list[str]]:
    if model != bases.TRANSFER:
        if any(value is not None for value in start.values()):
            raise UsageError(f"--base, --weights and --freeze go with {bases.TRANSFER}")
        return resolve(model, dataset, sets, options, own)
    base = bases.find(start.get("base") or "VGG16", start.get("weights"))
    if base.weights == "imagenet":  # the script fetches them itself
        base = replace(base, unseen=True)
    return bases.resolve_start(
        base, dataset, new_network=True, freeze=start.get("freeze"), sets=sets, options=options, data=own
    )


def refuse(recipe: Resolved) -> None:
    """Raise UsageError for what is not written as a script, with the reason."""
    if recipe.transfer:
        refuse_other_bases(recipe)
    task = tasks.of(recipe.data)
    own = {"targets": "targets", "steps": "steps", "scorer": "a scorer"}
    found = [words for name, words in own.items() if getattr(type(task), name) is not getattr(Task, name)]
    found += ["several metrics"] if len(task.logged(recipe.data, str(recipe.training.loss))) > 1 else []
    found += ["weights of examples"] if recipe.training.class_weights != "none" else []
    if registry.describe(recipe.model).auxiliary:
        found += ["auxiliary outputs"]
    if reason := task.no_script or (found and f"its task has {found[0]} of its own, which zoo alone knows"):
        raise UsageError(
            f"{recipe.model} on {recipe.dataset} is not written as a script: {reason}\n"
            "use the model by its builder instead: from zoo.models import ..."
        )
    if found := [words for words, asked in _asked(recipe).items() if asked]:
        raise UsageError(f"not written as a script: scripts do not know {found[0]}\nleave it away")
    told = recipe.callbacks
    monitors = [one.monitor for one in (told.early_stopping, told.checkpoint, told.reduce_on_plateau) if one]
    if found := [name for name in monitors if name != "loss" and not name.startswith("val_")]:
        raise UsageError(
            f"not written as a script: a callback goes by {found[0]} in training; scripts know loss and val_... alone\n"
            f"try val_{found[0]}"
        )
    if recipe.training.precision == "auto":
        raise UsageError(
            "not written as a script: precision auto is chosen by the machine that a run starts on\n"
            "say one: --precision float32, mixed_bfloat16 or mixed_float16"
        )
    if recipe.training.strategy in ("mirrored", "multi-worker"):
        raise UsageError(
            f"not written as a script: strategy {recipe.training.strategy} needs zoo\n"
            "use the model by its builder instead: from zoo.models import ..."
        )


def _asked(recipe: Resolved) -> dict[str, bool]:
    """What scripts do not know of a recipe's keys, and whether this recipe asks for it."""
    training = recipe.training
    return {
        "training.label_smoothing": bool(training.label_smoothing),
        "training.averaging": training.averaging is not None,
        "training.test_flips": training.test_flips,
        "augmentation.flip = 'alternate'": recipe.augmentation.flip == "alternate",
    }


def script(recipe: Resolved, dataset: str = "", said: str = "") -> tuple[str, dict[str, Any]]:
    """The text of train.py for a resolved recipe, and the facts in it.

    `dataset` is its name or the path of its recipe, `said` what stands behind `zoo run`, for the script's head.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    network = lifted() if recipe.transfer else lift(registry.describe(recipe.model).builder)
    if "class PatchWhitening" in network.code and recipe.knobs.get("whitening", True):
        raise UsageError(
            "not written as a script: zoo computes the first layer from the training split\n"
            "say --set knobs.whitening=false, or use the model by its builder: from zoo.models import ..."
        )
    dataset = dataset or recipe.dataset
    told = facts(recipe, code_that_reads(recipe.data), network, dataset, said or f"{recipe.model} {dataset}")
    environment = Environment(
        loader=PackageLoader("zoo.eject", "."),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        finalize=lambda value: literal(value) if isinstance(value, float) else value,
    )
    kind = "transfer" if recipe.transfer else "texts" if recipe.data.text else "train"
    return environment.get_template(f"{kind}.py.jinja").render(told), told
