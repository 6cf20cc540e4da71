"""What other packages add through entry points: one that breaks is told by name and harms nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any


def load(group: str, add: Callable[[Any, str], None]) -> dict[str, str]:
    """Let `add` load each entry point of a group; it is told the package that it comes from.

    Returns:
        the plug-ins that do not load, or that `add` refuses: `entry point of package` -> what went wrong.
    """
    broken = {}
    for point in entry_points(group=group):
        origin = point.dist.name if point.dist else point.name
        try:
            add(point, origin)
        except (Exception, SystemExit) as error:
            broken[f"{point.name} of {origin}"] = f"{type(error).__name__}: {error}"
    return broken
