"""Options of a source, as `data.options` gives them, checked against the defaults that the source states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.errors import UsageError, unknown


def checked(source: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """All of `known`, with what is given in place of the defaults; a default's type is the type it has to have.

    Raises:
        UsageError: no such option, a value of another type, a seed that is no whole number from 0 to 2,147,483,647.
    """
    from zoo.data.config import MOST

    for key, value in given.items():
        if key not in known:
            raise unknown(f"option of {source}", key, known, f"it has: {', '.join(known) or 'none'}")
        if wanted := _unlike(value, known[key]):
            raise UsageError(f"data.options.{key} = {value!r} is not {wanted}")
        if key == "seed" and not (0 <= value <= MOST and value == int(value)):
            raise UsageError(f"data.options.seed = {value:g} is not a whole number from 0 to {MOST}")
    return {**known, **given}


def _unlike(value: Any, default: Any) -> str | None:
    """What the value would have to be, or None if it is."""
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, str):
        return None if isinstance(value, str) and value else "a text"
    return "a number" if isinstance(value, bool | str) else None
