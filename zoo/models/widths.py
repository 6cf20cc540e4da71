"""One factor on all filters and units of a network."""

from __future__ import annotations

from zoo.errors import UsageError


def scaled(units: int, width: float) -> int:
    """`units` times `width`, rounded, at least one.

    Raises:
        UsageError: a width that is not above 0.
    """
    refuse_factor("width", width)
    return max(1, round(units * width))


def refuse_factor(knob: str, factor: float) -> None:
    """Refuse a factor on sizes that leaves nothing of them.

    Raises:
        UsageError: it is not above 0.
    """
    if factor <= 0:
        raise UsageError(f"{knob} is a factor above 0, not {factor}")
