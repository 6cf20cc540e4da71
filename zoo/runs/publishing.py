"""Hand a finished run on as a folder without code, and check the weights that the zoo brings along."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from zoo import data
from zoo.catalogue import metrics
from zoo.data import sources
from zoo.errors import MissingError, UsageError, VerificationError
from zoo.files import replacing, sha256, write_text
from zoo.pretrained import arrays, index
from zoo.pretrained.bases import no_base
from zoo.pretrained.card import PLACE, card
from zoo.pretrained.published import CONSTANTS, Published, constants, core_weights, differences
from zoo.recipe import Resolved, fingerprint, list_recipes, load_recipe, resolve
from zoo.runs import directory
from zoo.runs.directory import Run
from zoo.runs.scoring import rescore

KEPT_FACTS = ("model", "dataset", "seed", "fingerprint", "date", "versions", "params", "epochs", "input_mean",
              "loss_from")  # fmt: skip
MOST_LOST = 0.001  # of a perfect result, by rounding weights
SLACK = 0.0005  # of a perfect result, between machines: 5 of 10,000 examples
UNKNOWN = "unknown"


def publish(run: Run, folder: Path, licence: str = UNKNOWN, data_licence: str = UNKNOWN, half: bool = False) -> Path:
    """Write a finished run as a folder to hand on (see `zoo.pretrained.published`); whole or not at all.

    `half` stores float16, after scoring what it gives on the test split: accuracy may fall by 0.001, BLEU by 0.1, and
    what is an error may grow by 0.5 %, no more.

    Raises:
        UsageError: the folder is there already, or the run is damaged.
        MissingError: `half`, and the test split is not at hand.
        VerificationError: half precision costs more accuracy than that.
    """
    from zoo.training.environment import prepare

    if folder.exists():
        raise UsageError(f"{folder} exists already; nothing is overwritten\nname another folder, or remove it")
    prepare()

    found = core_weights(run)
    known = {f"{CONSTANTS}{name}": array for name, array in constants(run).items()}
    facts = {key: run.info[key] for key in KEPT_FACTS if key in run.info}
    facts |= {"licence": licence, "data_licence": data_licence, "dtype": "float16" if half else "float32"}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with replacing(folder) as temporary:
        temporary.mkdir()
        arrays.write(temporary / "weights.npz", (arrays.halved(found) if half else found) | known)
        directory.write_recipe(temporary, _without_places(run.recipe))
        if (run.folder / "vocabulary.json").exists():
            shutil.copy2(run.folder / "vocabulary.json", temporary)
        _seal(temporary, facts, run.metrics)
        if half:
            _seal(temporary, facts, _scored(Published(temporary), run))
        write_text(temporary / "README.md", card(Published(temporary), folder.name, _told(run.recipe)))
        names = sorted(path.name for path in temporary.iterdir())
        write_text(temporary / "SHA256SUMS", "".join(f"{sha256(temporary / name)}  {name}\n" for name in names))
    return folder


def _without_places(recipe: Resolved) -> Resolved:
    """The recipe with own files, and weights that it started from, by their names alone.

    Where they lie here is nobody's business. A place that a recipe of the zoo names is the same on every
    machine: it lies in the folder of raw files.
    """
    if recipe.transfer and Path(recipe.transfer.weights).is_absolute():
        start = recipe.transfer.model_copy(update={"weights": Path(recipe.transfer.weights).name})
        recipe = recipe.model_copy(update={"transfer": start})
    shipped = recipe.dataset in list_recipes() and load_recipe(recipe.dataset).data.source == recipe.data.source
    return recipe if shipped else recipe.model_copy(update={"data": sources.without_places(recipe.data)})


class Next(NamedTuple):
    """What can be done with a published folder: a command, what it does, and what stands for FILE in it."""

    does: str
    command: str
    file: str = ""


def following(recipe: Resolved, folder: str) -> list[Next]:
    """The commands that score a published folder and start from it. Own data is not in it: it is given by FILE."""
    told, data = sources.wanted(recipe.data), "--data FILE" if without_data(recipe) else ""
    found = [Next("score", f"zoo eval {folder} {data}".rstrip(), told if data else "")]
    if not no_base(recipe.data):
        other = "other examples, labelled in the same way" if data else ""
        found.append(Next("fine-tune", f"zoo finetune {folder} {data or 'DATASET'}", other))
    return found


def without_data(recipe: Resolved) -> bool:
    """Whether the data of a run is not to be found by its recipe on another machine."""
    return sources.is_own(recipe.data) or _without_places(recipe).data != recipe.data


def _told(recipe: Resolved) -> list[str]:
    """What the card says of these commands, a line each."""
    return [f"{one.command}{f'   # FILE: {one.file}' if one.file else ''}" for one in following(recipe, PLACE)]


def _seal(folder: Path, facts: Mapping[str, Any], measured: Mapping[str, Any]) -> None:
    directory.record_metrics(folder, measured)
    directory.record(folder, {**facts, "exit": "done"})


def _scored(half: Published, run: Run) -> dict[str, Any]:
    before, found = run.metrics, rescore(half, None, "test", run.recipe.data)
    name = metrics.headline(before["test"])
    then, now = before["test"][name], found["metrics"][name]
    metric = metrics.find(name)
    if metric.loss_from(then, now) > metric.slack(then, MOST_LOST):
        raise VerificationError(
            f"in half precision the {name} goes from {then:.4f} to {now:.4f}\n"
            "publish in single precision: leave --half away"
        )
    return {"test": found["metrics"]} | {key: found[key] for key in ("examples_scored", "examples_in_split")}


def index_of(folders: list[Path]) -> dict[str, dict[str, Any]]:
    """What index.json says of published folders, by `MODEL:DATASET`."""
    return dict(sorted(_entry(folder) for folder in folders))


def _entry(folder: Path) -> tuple[str, dict[str, Any]]:
    published = Published(folder)
    info, file = published.info, folder / "weights.npz"
    kept = ("model", "dataset", "seed", "fingerprint", "date", "params", "epochs", "dtype", "licence", "data_licence")
    facts = {key: info[key] for key in kept}
    facts |= {"folder": folder.name, "sha256": sha256(file), "bytes": file.stat().st_size}
    facts |= {"source": published.recipe.data.source, "metrics": published.metrics}
    return f"{info['model']}:{info['dataset']}", facts


class Verdict(NamedTuple):
    """What was found about weights of the zoo: `wrong` is empty if they hold; `notes` say what was and was not done."""

    name: str
    wrong: list[str]
    notes: list[str]


def verify(names: list[str]) -> Iterator[Verdict]:
    """Each file against its SHA-256, and the recorded metrics against the whole test split where it is at hand.

    `names` are weights of the zoo, or published folders by their paths.

    Raises:
        UsageError: there are no weights of that name.
    """
    folders = [Path(name) if Path(name).is_dir() else index.folder(name) for name in names]
    for name, folder in zip(names, folders, strict=True):
        yield _verdict(name, folder)


def _verdict(name: str, folder: Path) -> Verdict:
    wrong, notes = differences(folder), list[str]()
    if not wrong and name in index.entries() and sha256(folder / "weights.npz") != index.entry(name)["sha256"]:
        wrong.append(f"{folder}/weights.npz differs from the SHA-256 in the index")
    if wrong:
        return Verdict(name, wrong, notes)
    published, entry = Published(folder), _entry(folder)[1]
    if _is_older(entry):
        notes.append("recipe or builder changed since they were trained")
    if not data.status(published.recipe.data).ready:
        return Verdict(name, wrong, [*notes, f"not scored: {entry['dataset']} is not at hand"])
    try:
        found = rescore(published, None, "test")
    except MissingError as error:
        return Verdict(name, wrong, [*notes, f"not scored: {str(error).splitlines()[0]}"])
    recorded = entry["metrics"]
    for key, then in recorded["test"].items():
        now = found["metrics"].get(key, math.nan)
        if isinstance(then, float) and not abs(now - then) <= metrics.find(key).slack(then, SLACK):
            wrong.append(f"test {key} is {now:.4f}, recorded is {then:.4f}")
    if found["examples_scored"] != recorded["examples_in_split"]:
        wrong.append(f"{found['examples_scored']} examples scored, recorded are {recorded['examples_in_split']}")
    shown = ", ".join(f"{key} {value:.4f}" for key, value in found["metrics"].items() if isinstance(value, float))
    return Verdict(name, wrong, [*notes, f"test {shown} on {found['examples_scored']:,} examples"])


def _is_older(entry: Mapping[str, Any]) -> bool:
    """Whether today's recipe would train something else; False where there is no recipe of that name."""
    try:
        return fingerprint(resolve(entry["model"], entry["dataset"])[0]) != entry["fingerprint"]
    except UsageError:
        return False
