"""The calls in a functional config: on what each layer of the network is called when Keras puts it together.

A layer that is called on constants computes with them while the model is loaded, as much as the file asks for. So every
call has a symbolic tensor among its arguments; what else stands there are a few plain values.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.safety.names import ARRAYS, is_array
from zoo.safety.refusals import refused

MOST_PLAIN = 1_000  # numbers, words and the like in one call
LONGEST_WORD = 1_000  # characters


def check_call(path: Path, call: Any, most: int) -> list[str]:
    """The names of the layers whose outputs a layer is called on; no whole number in the call is larger than `most`."""
    if not isinstance(call, dict) or call.keys() != {"args", "kwargs"}:
        raise refused(path, "a layer's call is not written as Keras writes it")
    found: list[str] = []
    plain = 0
    for value in _values(path, [call["args"], call["kwargs"]]):
        if isinstance(value, dict):
            found.append(_origin(path, value))
        else:
            plain += 1
        if plain > MOST_PLAIN or _is_large(value, most):
            raise refused(path, "a layer is called on a large constant")
    if not found:
        raise refused(path, "a layer is called on constants alone, and would compute while it is loaded")
    return found


def _values(path: Path, waiting: list[Any]) -> Iterator[Any]:
    """Every symbolic tensor, as a table, and every plain value among a call's arguments."""
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif not isinstance(value, dict):
            yield value
        elif "class_name" not in value:
            waiting += [*value, *value.values()]
        elif value["class_name"] == "__keras_tensor__":
            yield value
        elif value["class_name"] == "__slice__" or (value["class_name"] in ARRAYS and is_array(value)):
            waiting.append(value.get("config"))
        elif value["class_name"] != "__ellipsis__":
            raise refused(path, f"a layer is called on {value['class_name']!r:.100}, which is no plain value")


def _is_large(value: Any, most: int) -> bool:
    if isinstance(value, str):
        return len(value) > LONGEST_WORD
    return isinstance(value, int) and abs(value) > most


def _origin(path: Path, tensor: dict[str, Any]) -> str:
    config = tensor.get("config")
    history = config.get("keras_history") if isinstance(config, dict) else None
    if not isinstance(history, list) or [type(part) for part in history] != [str, int, int]:
        raise refused(path, "a layer is called on a tensor that comes from no layer")
    return history[0]
