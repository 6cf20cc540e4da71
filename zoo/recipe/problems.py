"""Turn what pydantic found into one line a mistake: the key's path, what is wrong, the nearest valid key."""

from __future__ import annotations

import types
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from zoo.errors import UsageError, nearest

Model = TypeVar("Model", bound=BaseModel)


def validate(schema: type[Model], value: dict[str, Any], where: str) -> Model:
    """`schema` filled from `value`.

    Raises:
        UsageError: with every mistake at once, one a line.
    """
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise refusal(where, [_line(schema, detail) for detail in error.errors()]) from None


def refusal(where: str, lines: list[str]) -> UsageError:
    """One error for all the mistakes of one recipe."""
    head = f"{where}: {len(lines)} mistakes" if len(lines) > 1 else where
    return UsageError(f"{head}\n" + "\n".join(f"  {line}" for line in dict.fromkeys(lines)))


def _line(schema: type[BaseModel], detail: Any) -> str:
    location = [str(part) for part in detail["loc"]]
    path = ".".join(location) or "recipe"
    if detail["type"] == "extra_forbidden":
        return f"{path}: unknown key{_did_you_mean(location[-1], _keys(schema, location[:-1]))}"
    if detail["type"] == "missing":
        return f"{path}: missing"
    message = detail["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    given = detail["input"]
    if isinstance(given, dict):
        return f"{path}: {message}"
    close = _did_you_mean(given, detail["ctx"]["expected"].replace(" or ", ", ").replace("'", "").split(", ")) if (
        detail["type"] == "literal_error" and isinstance(given, str)
    ) else ""  # fmt: skip
    return f"{path}: {message} (got {_shown(given)}){close}"


def _shown(value: Any) -> str:
    """A value as it was given, cut to what a line can hold."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of more than 4,300 digits
        return "a number of thousands of digits"
    return text if len(text) <= 100 else f"{text[:80]}..."


def _did_you_mean(name: str, known: list[str]) -> str:
    close = nearest(name, known, 1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known)}" if known else ""


def _keys(schema: type[BaseModel], path: list[str]) -> list[str]:
    """Keys allowed in the section that `path` leads to."""
    for name in path:
        field = schema.model_fields.get(name)
        if field is None:
            return []
        sections = [
            kind for kind in _unpack(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)
        ]
        if not sections:
            return []
        schema = sections[0]
    return list(schema.model_fields)


def _unpack(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
