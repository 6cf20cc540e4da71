"""One factor on all filters and units of a network."""

from __future__ import annotations

from zoo.errors import UsageError


def scaled(units: int, width: float) -> int:
    """`units` times `width`, rounded, at least one.

    Raises:
        UsageError: a width that is not above 0.
    """
    if width <= 0:
        raise UsageError(f"width is a factor above 0, not {width}")
    return max(1, round(units * width))
