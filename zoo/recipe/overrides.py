"""What is said on the command line, as tables that are laid over a recipe's."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.errors import UsageError, nearest

SECTIONS = ("knobs", "data", "preprocessing", "augmentation", "training", "callbacks", "transfer")


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables laid over each other; where both have a table under one key, these are laid over each other too."""
    if not isinstance(below, Mapping):  # no table, which the schema is going to refuse
        return below
    result = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = lay_over(result[key], value) if both else value
    return result


def command_line(sets: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """The command line as nested tables; `--set` values are TOML, or plain text where that fails.

    Of the options `early_stopping` and `best` are for [callbacks], the others for [training].
    """
    said: dict[str, Any] = {}
    given = {key: value for key, value in options.items() if value is not None}
    if callbacks := _callbacks(given.pop("early_stopping", None), given.pop("best", None)):
        said["callbacks"] = callbacks
    if given:
        said["training"] = given
    for item in sets:
        key, equals, text = item.partition("=")
        if not equals or not all(key.split(".")) or "." not in key:
            raise UsageError(
                f"--set {item!r}: say SECTION.KEY=VALUE, such as training.clip_norm=1.0 or knobs.dropout=0.5"
            )
        nested: Any = toml_value(text)
        for part in reversed(key.split(".")):
            nested = {part: nested}
        said = lay_over(said, nested)
    _refuse_sections(said)
    return said


def _callbacks(patience: int | None, best: bool | None) -> dict[str, Any]:
    """What --early-stopping (0: never) and --best say; a table that is None is switched off."""
    said: dict[str, Any] = {}
    if patience is not None:
        said["early_stopping"] = {"patience": patience} if patience else None
    if best is not None:
        said["checkpoint"] = {} if best else None
    return said


def last_epoch_kept(callbacks: Mapping[str, Any]) -> dict[str, Any]:
    """The same callbacks; where the best epoch is said not to be kept, early stopping does not bring it back either."""
    stop = callbacks.get("early_stopping")
    if callbacks.get("checkpoint", {}) is not None or not isinstance(stop, Mapping):
        return dict(callbacks)
    return {**callbacks, "early_stopping": {**stop, "restore_best": False}}


def toml_value(text: str) -> Any:
    """A value as TOML reads it, or the text itself: also of numbers too long and of tables too deep to be read."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _refuse_sections(said: Mapping[str, Any]) -> None:
    for section in said:
        if section not in SECTIONS:
            close = nearest(section, SECTIONS, 1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(SECTIONS)}"
            raise UsageError(f"--set {section}: unknown section; {hint}")


def flat(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """A table of tables as one, with the path of each key."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{path}{key}.") if isinstance(value, Mapping) else {f"{path}{key}": value}
    return found
