"""While Keras builds a model that was looked through: what it makes is counted, and stopped before memory is taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import UsageError
from zoo.safety.refusals import refused

SLACK = 1_000_000  # variables' elements beyond those in the file: states that Keras makes by itself
MOST_TENSORS = 100_000  # symbolic ones, a few for each call of a layer


class Bounds:
    """What is left for a model of so many weights; `fault` is what went beyond it, whatever Keras made of the error."""

    def __init__(self, path: Path, elements: int) -> None:
        self.path, self.elements = path, elements
        self.numbers, self.tensors = 2 * elements + SLACK, MOST_TENSORS
        self.fault: UsageError | None = None

    def variable(self, shape: Any) -> None:
        self.numbers -= math.prod(shape)
        if self.numbers < 0:
            self._stop(f"its layers ask for more variables than the {self.elements:,} weights in it")

    def tensor(self) -> None:
        self.tensors -= 1
        if self.tensors < 0:
            self._stop(f"its layers give more than {MOST_TENSORS:,} outputs")

    def assigned(self, variable: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.dtype.kind in "iub" and "float" in str(variable.dtype):
            self._stop(f"the weights of {variable.path} are {value.dtype}, not floats")

    def _stop(self, what: str) -> None:
        self.fault = refused(self.path, what)
        raise self.fault


@contextmanager
def bounded(path: Path, elements: int) -> Iterator[Bounds]:
    """While it lasts, Keras makes no variables, outputs or assignments beyond the bounds of a model file."""
    import keras

    bounds = Bounds(path, elements)
    make, assign, outline = keras.Variable.__init__, keras.Variable.assign, keras.KerasTensor.__init__

    def make_variable(self: Any, initializer: Any, shape: Any = None, *more: Any, **named: Any) -> None:
        if callable(initializer) and shape is not None:
            bounds.variable(shape)
        make(self, initializer, shape, *more, **named)

    def assign_variable(self: Any, value: Any) -> Any:
        bounds.assigned(self, value)
        return assign(self, value)

    def make_tensor(self: Any, *more: Any, **named: Any) -> None:
        bounds.tensor()
        outline(self, *more, **named)

    with ExitStack() as stack:
        stack.enter_context(_in_place(keras.Variable, "__init__", make_variable))
        stack.enter_context(_in_place(keras.Variable, "assign", assign_variable))
        stack.enter_context(_in_place(keras.KerasTensor, "__init__", make_tensor))
        yield bounds


@contextmanager
def _in_place(owner: type, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """`function` in the place of a method, which may be inherited."""
    own = vars(owner).get(name)
    setattr(owner, name, function)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)
