"""What the lines that read tables and images share with those that read texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo import tasks
from zoo.data.config import Data
from zoo.data.sources import tfds_prepared
from zoo.eject.lifting import Imports
from zoo.errors import MissingError, UsageError


@dataclass(frozen=True)
class Reading:
    """Code that reads a source, and the expressions that give its parts."""

    code: str
    train: str = "read()"
    test: str = ""
    validation: str = ""
    imports: Imports = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # that have to lie beside the script -> where to get them


def dtype(data: Data) -> str:
    """Of labels or values."""
    return tasks.of(data).target(data).dtype


def refusal(data: Data, why: str) -> UsageError:
    """The error for data that no script reads."""
    return UsageError(
        f"{data.source}: {why}\n"
        "put your own lines into the function `read` of another script, or use the builder: from zoo.models import ..."
    )


def prepared_info(name: str) -> Any:
    """What TensorFlow Datasets says of a prepared set.

    Raises:
        MissingError: it is not prepared.
    """
    from zoo.data.sources import tfds

    address = tfds_prepared.Address.parse(name)
    found = tfds_prepared.find(address)
    if found is None:
        raise MissingError(
            f"tfds:{name} is not prepared, and its features are known only then\n"
            f"prepare it first: zoo data prepare tfds:{name}"
        )
    return tfds.open_builder(address, found).info
