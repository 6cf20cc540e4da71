"""Own data whose test or validation part lies in files of its own, read as the training part is."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.reading import Reading
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.sources.source import DataSource

log = logging.getLogger("zoo.data")


def added(data: Data, reading: Reading, found: DataSource) -> Data:
    """The description of a training part with the test and validation parts that `reading` names, read once.

    `found` is the source that reads all of them.

    Raises:
        UsageError: a part is not there, or unlike the training part: what is foreign in it is named.
    """
    if not (reading.test or reading.validation):
        return data
    path, said = data.source.partition(":")[2], {}
    if data.test or data.validation:
        raise UsageError(f"{path} has a test or validation part of its own\nleave out --test and --validation")
    if data.kind == "series" and not reading.test:
        raise UsageError(f"{path} is a series: --validation needs --test\nthe steps to test on come after the others")
    for name, given in (("validation", reading.validation), ("test", reading.test)):
        if given:
            source = address(found.scheme, given)
            place = source.partition(":")[2]
            count = found.count(place, data, data.task)  # type: ignore[arg-type]  # the role, so far
            data = found.including(place, data)
            data = data.model_copy(update={f"{name}_source": source, name: count, f"{name}_share": 0.0})
            said[name] = place
    _note(data, path, said)
    return data


def _note(data: Data, path: str, said: dict[str, str]) -> None:
    told = [f"{name} {said[name]} ({getattr(data, name):,})" if name in said else f"{name} held out of {path}"
            for name in ("validation", "test")]  # fmt: skip
    log.warning("note: parts: train %s (%s), %s; columns, classes and vocabulary are those of the training part",
                path, f"{data.train:,}", ", ".join(told))  # fmt: skip


def address(scheme: str, path: str) -> str:
    """The source of own data by its path, or by two paths with a comma between them.

    Raises:
        UsageError: it is not there.
    """
    whole = Path(path).expanduser()
    each = [whole] if whole.exists() else [Path(half).expanduser() for half in path.split(",")]
    if gone := [str(one) for one in each if not one.exists()]:
        raise UsageError(f"no such file or folder: {', '.join(gone)}")
    return f"{scheme}:{','.join(str(one.absolute()) for one in each)}"
