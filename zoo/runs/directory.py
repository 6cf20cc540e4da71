"""Run directories: what one training left behind, written once and whole, read by eval, predict and report.

`runs/<model>-<dataset>/<stamp>/` holds recipe.toml (repeat it with `zoo run .../recipe.toml`), run.json (versions,
seed, devices, times, exit), history.csv, metrics.json, model.keras, pictures, report.html and log.txt.

run.json is written last and holds the SHA-256 of the files that are read again, and of itself: what is damaged or was
changed afterwards is refused by name. Pictures and the report may be edited freely.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import tomli_w

from zoo import safety
from zoo.data.text.encoding import Vocabularies
from zoo.errors import UsageError, ZooError
from zoo.files import JSON, leftovers, read_text, sha256, write_json, write_text
from zoo.files.names import file_name
from zoo.files.opening import descriptor, refuse_links
from zoo.recipe import Resolved, recorded
from zoo.runs import forms, saving

if TYPE_CHECKING:
    import keras

    from zoo.runs.explaining import Explained

log = logging.getLogger("zoo.runs")
CHECKED = (
    "recipe.toml", "history.csv", "metrics.json", "vocabulary.json", "model.keras", "weights.npz", "predictions.npz",
    "predictions.jsonl",
)  # fmt: skip


def place(out: Path | None, recipe: Resolved) -> Path:
    """Where a new run goes: `out`, or `runs/MODEL-DATASET/STAMP`; nothing is created yet.

    Raises:
        UsageError: the place is taken, or its nearest existing parent cannot be written.
    """
    folder = out or home(recipe) / datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise _taken(folder)
    parent = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):  # the system's own word; permissions alone do not say it
            return folder
    except OSError as error:
        raise UsageError(
            f"cannot write into {parent}: {error.strerror}\nchoose another place with --out DIR"
        ) from error


def home(recipe: Resolved) -> Path:
    """Where its runs go: `runs/MODEL-DATASET`; where that holds runs on other data or labels, a name that says more."""
    stem, data = f"{recipe.model}-{recipe.dataset}", recipe.data
    folder = Path("runs") / file_name(stem)
    if (there := _newest_recipe(folder)) is None or _data_of(there) == _data_of(recipe):
        return folder
    digest = hashlib.sha256(" ".join(_data_of(recipe)).encode()).hexdigest()[:8]
    label = data.label if data.label != there.data.label else None
    for word in filter(None, (label, Path(data.source.partition(":")[2]).parent.name)):
        folder = Path("runs") / file_name(f"{stem}-{word}")
        if (there := _newest_recipe(folder)) is None or _data_of(there) == _data_of(recipe):
            return folder
    return Path("runs") / file_name(f"{stem}-{digest}")


def _newest_recipe(folder: Path) -> Resolved | None:
    """Of the newest run in `runs/MODEL-DATASET`, if there is one that can be read."""
    return next((recipe for recipe in map(_recipe_of, reversed(stamps(folder))) if recipe), None)


def _data_of(recipe: Resolved) -> tuple[str, ...]:
    return (recipe.data.source, recipe.data.label or "", *(name for name in recipe.data.targets))


def _recipe_of(folder: Path) -> Resolved | None:
    """The recipe of a run that is there; None if it cannot be read."""
    try:
        return recorded(folder / "recipe.toml")
    except ZooError:
        return None


def stamps(folder: Path, holding: str = "recipe.toml") -> list[Path]:
    """The runs in `runs/MODEL-DATASET`, the newest last."""
    return sorted(path.parent for path in folder.glob(f"*/{holding}"))


def _taken(folder: Path) -> UsageError:
    return UsageError(f"output {folder} exists already; nothing is overwritten\nchoose another --out, or leave it away")


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a run directory for one process; the system lets go of it when the process ends, however it ends.

    What a killed process left half-written there is removed.

    Raises:
        UsageError: another process is writing there, or the folder holds links.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        refuse_links(folder)
        lock = os.fdopen(descriptor(folder / ".lock", os.O_RDWR | os.O_CREAT, folder), "r+")
    except OSError as error:
        raise UsageError(
            f"cannot write into {folder}: {error.strerror}\nchoose another place with --out DIR"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"another process is running in {folder}; wait for it, or choose another --out") from None
        leftovers.remove_all(folder)
        try:
            yield
        finally:
            (folder / ".lock").unlink(missing_ok=True)


def write_recipe(folder: Path, recipe: Resolved) -> None:
    """recipe.toml: the resolved recipe, which repeats the run.

    Raises:
        UsageError: another process made a run there in the meantime.
    """
    if (folder / "recipe.toml").exists():
        raise _taken(folder)
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
    """model.keras: raw input in, preprocessing inside; the same bytes for the same model."""
    path = folder / "model.keras"
    saving.save(model, path)
    return path


def write_vocabularies(folder: Path, vocabularies: Vocabularies) -> None:
    """vocabulary.json: what turns texts into the ids that the model takes, and back."""
    write_json(folder / "vocabulary.json", vocabularies.as_json())


@dataclass(frozen=True)
class Run:
    """A finished run, read from its directory."""

    folder: Path
    form: ClassVar[type[forms.RunFacts]] = forms.RunFacts  # of run.json

    @property
    def name(self) -> str:
        """What commands call it."""
        return str(self.folder)

    @cached_property
    def recipe(self) -> Resolved:
        """The resolved recipe that made it."""
        return recorded(self.whole("recipe.toml"))

    @cached_property
    def info(self) -> dict[str, Any]:
        """run.json, without its checksums."""
        return {key: value for key, value in self._sealed.items() if key not in ("files", "self")}

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of the files that belong to it, by name."""
        return dict(self._sealed.get("files", {}))

    @property
    def is_done(self) -> bool:
        """Whether it was trained and scored."""
        return self.info["exit"] == "done"

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """metrics.json."""
        return dict(forms.read(self.whole("metrics.json"), forms.Scored))

    @cached_property
    def history(self) -> dict[str, list[float]]:
        """history.csv as columns.

        Raises:
            UsageError: it is damaged.
        """
        path = self.whole("history.csv")
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path, JSON, self._foreign), newline="")))
            return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}
        except (ValueError, TypeError, KeyError, csv.Error) as error:
            raise _changed(path, f"it is no table of numbers ({error})") from error

    @cached_property
    def vocabularies(self) -> Vocabularies:
        """vocabulary.json, of a run on texts.

        Raises:
            UsageError: it is not there, damaged or changed.
        """
        return Vocabularies.from_json(forms.read(self.whole("vocabulary.json"), forms.BothVocabularies))

    @cached_property
    def model(self) -> keras.Model:
        """The trained network: raw examples in, as the data has them, preprocessing inside.

        `zoo.build(MODEL, weights=...)` gives the network without its preprocessing. The file is scanned before Keras
        sees it (see `zoo.safety`): run directories come from other people too.

        Raises:
            UsageError: model.keras is damaged, changed, or holds what a model of the zoo never does.
        """
        return safety.load_model(self.whole("model.keras"))

    def predict(
        self,
        given: Any,
        *,
        beam_width: int = 1,
        invert: bool = False,
        out: Path = Path(),
        skip_broken: bool = False,
    ) -> list[dict[str, Any]]:
        """What the model says of raw examples, in words: a row each; see `zoo.runs.predicting.predict`.

        A `Path` is a file or a folder, a string a text, an array holds examples.

        Raises:
            UsageError: examples that do not look like the training data.
        """
        from zoo.runs.predicting import predict

        return predict(self, given, beam_width=beam_width, invert=invert, out=out, skip_broken=skip_broken)

    def explain(
        self,
        given: Any,
        *,
        label: str | None = None,
        methods: Sequence[str] | None = None,
        layers: Sequence[str] = (),
        invert: bool = False,
    ) -> list[Explained]:
        """Which pixels of raw images speak for a class, of an image classifier; see `zoo.runs.explaining.explain`.

        Raises:
            UsageError: a run of something else, or images that do not look like the training data.
        """
        from zoo.runs.explaining import explain

        return explain(self, given, label=label, methods=methods, layers=layers, invert=invert)

    @cached_property
    def _sealed(self) -> dict[str, Any]:
        path = self.folder / "run.json"
        if self._foreign is not None and self._foreign.is_dir():
            refuse_links(self._foreign)
        if not path.exists():
            raise UsageError(
                f"the run in {self.folder} ended before it began: there is no run.json\n"
                f"start it again: zoo run {self.folder}/recipe.toml"
            )
        body: dict[str, Any] = forms.read(path, self.form)
        if ("self" in body or "files" in body) and body.get("self") != _digest(body):
            raise _changed(path, "it does not agree with its own SHA-256")
        return body

    @property
    def _foreign(self) -> Path | None:
        """The folder below which no link is followed."""
        return self.folder

    def whole(self, name: str) -> Path:
        """The path of one of the run's files, after its bytes agreed with run.json.

        Raises:
            UsageError: it is not there, or was changed.
        """
        path, wanted = self.folder / name, self.files.get(name)
        if not path.is_file():
            raise UsageError(f"{path} is not there any more\nrepeat the run: zoo run {self.folder}/recipe.toml")
        if wanted and sha256(path, self._foreign) != wanted:
            raise _changed(path, "its SHA-256 is not the one in run.json")
        return path


def note_of_change(recipe: Path) -> list[str]:
    """A note, if this is the recipe of a run directory and not as the run wrote it: on purpose, or damaged."""
    if not (recipe.parent / "run.json").exists():
        return []
    try:
        Run(recipe.parent).whole(recipe.name)
        return []
    except ZooError as error:
        return [str(error).splitlines()[0]]


def _changed(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} is damaged, or was changed after the run: {why}\n"
        "nothing is read from it; put the file back as it was, or run again"
    )


def _digest(body: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in body.items() if key != "self"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def load(path: str | Path) -> Run:
    """The run in a directory; of a folder that holds several stamps, the newest finished one.

    Raises:
        UsageError: no run there, or it did not finish.
    """
    folder = Path(path)
    safety.refuse_other_formats(folder)
    if not folder.is_dir():
        raise UsageError(f"no run directory {folder}\nmake one with: zoo run lenet digits")
    run = Run(newest(folder, "model.keras"))
    if run.info.get("exit") != "done":
        raise UsageError(
            f"the run in {run.folder} did not finish: {run.info.get('exit')}\n"
            f"go on with it: zoo run --resume {run.folder}"
        )
    return run


def newest(folder: Path, holding: str = "recipe.toml") -> Path:
    """The run in a directory itself; of a folder of several stamps, the newest that holds such a file.

    Where they are not all of the same data and label, a note says which was taken.

    Raises:
        UsageError: no run there.
    """
    if (folder / "recipe.toml").exists():
        return folder
    found = stamps(folder, holding)
    if not found:
        which = "finished run" if holding == "model.keras" else "run"
        raise UsageError(
            f"{folder} holds no {which} (no recipe.toml, no */{holding})\nstart one with: zoo run MODEL DATASET"
        )
    recipes = [recipe for recipe in map(_recipe_of, found) if recipe]
    if len({_data_of(recipe) for recipe in recipes}) > 1:
        data = recipes[-1].data
        label = f", label {data.label}" if data.label else ""
        said = (folder, found[-1].name, data.source, label)
        log.warning("note: runs on different data in %s; took the newest, %s: %s%s", *said)
    return found[-1]


def record(folder: Path, info: Mapping[str, Any]) -> None:
    """run.json: how the run was made and how it ended, and the SHA-256 of the files that are there by now."""
    body = dict(info) | {"files": {name: sha256(folder / name) for name in CHECKED if (folder / name).exists()}}
    body = json.loads(json.dumps(body))  # as it will be read: no tuples
    write_json(folder / "run.json", body | {"self": _digest(body)})


def record_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    """metrics.json: what was scored, on how many of how many examples."""
    write_json(folder / "metrics.json", dict(metrics))
