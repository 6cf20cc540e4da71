"""What a layer gives while its network computes, wherever in the network it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def noted(layer: Any, look: Callable[[Any], Any] | None = None) -> Iterator[list[Any]]:
    """While it lasts, a list takes what the layer gives at each of its calls; `look` is called with it first.

    The layer computes what it always does. Not for networks that were compiled into a graph before.
    """
    before, found = layer.call, list[Any]()

    def call(*inputs: Any, **options: Any) -> Any:  # Keras says by their names which options a layer has
        output = before(*inputs, **options)
        if look is not None:
            look(output)
        found.append(output)
        return output

    object.__setattr__(layer, "call", call)
    try:
        yield found
    finally:
        object.__delattr__(layer, "call")
