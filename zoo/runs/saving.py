"""A model as a `.keras` file whose bytes follow from the model alone, not from the process or the time."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.files import private_folder, writing

if TYPE_CHECKING:
    import keras

SHARED, SAVED = "shared_object_id", "date_saved"
NO_DATE = "1980-01-01@00:00:00"  # that of the members of the archive


def save(model: keras.Model, path: Path) -> None:
    """Write a model without its optimiser, which plain Keras does not know; identical models give identical files.

    Keras writes the time into the file, and names what layers share by its address in memory.
    """
    with writing(path) as file, private_folder() as private:
        written = private / "model.keras"
        with _uncompiled(model):
            model.save(written)
        with zipfile.ZipFile(written) as source, zipfile.ZipFile(file, "w") as target:
            for member in source.infolist():
                _copy(source, member, target)


def _copy(source: zipfile.ZipFile, member: zipfile.ZipInfo, target: zipfile.ZipFile) -> None:
    """A member under a fixed date, what is written in JSON without what differs from process to process."""
    plain: dict[str, Callable[[dict[str, Any]], Any]] = {"config.json": _numbered, "metadata.json": _undated}
    if member.filename in plain:
        content = json.dumps(plain[member.filename](json.loads(source.read(member))))
        target.writestr(zipfile.ZipInfo(member.filename), content)
        return
    info = zipfile.ZipInfo(member.filename)
    info.file_size = member.file_size
    with source.open(member) as old, target.open(info, "w") as new:
        shutil.copyfileobj(old, new, 2**20)


def _undated(metadata: dict[str, Any]) -> dict[str, Any]:
    return metadata | {SAVED: NO_DATE}


def _numbered(config: dict[str, Any]) -> Any:
    """Shared objects under 1, 2, 3 ... in the order in which they come; what is shared stays so."""
    numbers: dict[Any, int] = {}

    def walked(part: Any) -> Any:
        if isinstance(part, list):
            return [walked(item) for item in part]
        if not isinstance(part, dict):
            return part
        return {
            key: numbers.setdefault(value, len(numbers) + 1) if key == SHARED else walked(value)
            for key, value in part.items()
        }

    return walked(config)


@contextmanager
def _uncompiled(model: keras.Model) -> Iterator[None]:
    """While it lasts, the model is one that was never compiled."""
    if not model.compiled:
        yield
        return
    kept = model.compiled, model.optimizer
    model.compiled, model.optimizer = False, None
    try:
        yield
    finally:
        model.compiled, model.optimizer = kept
