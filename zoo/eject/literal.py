"""Values as Python writes them by hand: strings in double quotes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

WIDTH = 100  # columns of a call that stays on one line


class Code(str):
    """An expression, which stands for itself."""


def literal(value: Any) -> str:
    """The source of a string, number, None, tuple, list, mapping or expression."""
    if isinstance(value, Code):
        return value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list):
        items = ", ".join(map(literal, value))
        return f"[{items}]" if isinstance(value, list) else f"({items}{',' if len(value) == 1 else ''})"
    return repr(value).replace("e+", "e")  # as formatters write it


def call(function: str, arguments: Mapping[str, Any], indent: int = 4) -> str:
    """The source of a call with keyword arguments, in a line so far indented: on one line if it is short."""
    words = [f"{name}={literal(value)}" for name, value in arguments.items()]
    line = f"{function}({', '.join(words)})"
    if len(line) <= WIDTH:
        return line
    margin = " " * indent
    return f"{function}(\n" + "".join(f"{margin}    {word},\n" for word in words) + f"{margin})"
