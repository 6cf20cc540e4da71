"""What is said of a model file that is not read."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import UsageError


def refused(path: Path, what: str) -> UsageError:
    """The file holds what might do harm, or is of another format."""
    return UsageError(
        f"{path} is refused: {what}\nzoo reads what it wrote: run directories with a model.keras, zoo run makes them"
    )


def damaged(path: Path, why: str) -> UsageError:
    """The file is not whole."""
    return UsageError(f"{path} is damaged: {why}\nput the file back as it was, or repeat the run")
