"""Every key of a recipe with its type, its default and a line of what it is: read off the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from zoo.data.config import Section
from zoo.recipe.schema import Recipe, Transfer

PLAIN = {int: "integer", float: "number", str: "text", bool: "true or false", NoneType: "absent"}


@dataclass(frozen=True)
class Key:
    """One key: `training.clip_norm`, number above 0, absent when not given."""

    name: str
    type: str
    default: str
    text: str


def list_keys() -> list[Key]:
    """All keys in the order of the sections; NAME stands for a name that the recipe chooses."""
    return [*_of(Recipe, ""), *_of(Transfer, "transfer.")]


def _of(section: type[Section], prefix: str) -> Iterator[Key]:
    for name, field in section.model_fields.items():
        inner, suffix = _table(field.annotation)
        if inner is None:
            yield Key(prefix + name, _type(field.annotation, field.metadata), _default(field), field.description or "")
        else:
            yield from _of(inner, f"{prefix}{name}.{suffix}")


def _table(annotation: Any) -> tuple[type[Section] | None, str]:
    """The section that a key holds, if it holds one: by itself, or one for each name."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation, ""
    args = get_args(annotation)
    if get_origin(annotation) is dict:
        return _table(args[1])[0], "NAME."
    if get_origin(annotation) is Annotated or NoneType in args:
        return _table(args[0])
    return None, ""


def _type(annotation: Any, limits: Any = ()) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(args[0], args[1:])
    if origin is Literal:
        return " | ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in args)
    if origin in (Union, UnionType):
        return " | ".join(_type(arg) for arg in args if arg is not NoneType)
    if origin is tuple:
        return f"list of {_type(args[0])}" if args[-1] is Ellipsis else f"{len(args)} x {_type(args[0])}"
    if origin is dict:
        return f"table of {_type(args[1])}"
    return PLAIN.get(annotation, "any value") + _limits(limits)


def _limits(limits: Any) -> str:
    """` above 0`, ` from 0, below 1`: a bound that is no more than what an integer can hold is not said."""
    found = []
    for one in [inner for limit in limits for inner in getattr(limit, "metadata", [limit])]:
        for attribute, word in (("gt", "above"), ("ge", "from"), ("lt", "below"), ("le", "to")):
            value = getattr(one, attribute, None)
            if value is not None and value < 2**31 - 1:
                found.append(f" {word} {value}")
    return ",".join(found)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default in ((), {}, ""):
        return "-"
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
