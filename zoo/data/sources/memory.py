"""Data given in Python: arrays `(x, y)`, a `tf.data.Dataset` of such pairs, or a dict of those by the part's name.

It lives in memory and is not kept with a run: the recipe says `memory:arrays` or `memory:dataset` of where it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.data.arrays import describe, one_or_several
from zoo.data.config import Data
from zoo.data.examples import COPIES, Examples, Source, memory
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import DataSource, Status
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.fields import Role

PARTS = ("train", "test", "validation")
AT_ONCE = 256  # examples of a dataset of single ones that are read together
AGAIN = "arrays in Python, which a run does not keep\npass them again: zoo.run(MODEL, (x, y))"


def refusal(source: str) -> UsageError:
    """What is said where the data of a `memory:` source is asked for and nobody passed it."""
    return UsageError(f"{source}: the data was given as {AGAIN}")


def is_dataset(given: Any) -> bool:
    """Whether this is a `tf.data.Dataset`, without importing TensorFlow."""
    return hasattr(given, "element_spec") and hasattr(given, "cardinality")


def read(given: Any) -> tuple[Data, Source]:
    """A description of what was given, and its examples.

    Args:
        given: `(x, y)`; a finite `tf.data.Dataset` of such pairs, of single examples or of batches; or
            `{"train": ..., "test": ..., "validation": ...}` of these, the last two as they please. `x` are images
            (n, height, width[, channels]) or rows (n, features); `y` (n,) are class ids or, if floating-point,
            quantities; whole numbers 0 and 1 (n, labels) are several labels an example. Without a test part a fifth is
            held out, then a tenth of the rest for validation.

    Raises:
        UsageError: neither of these, no arrays of numbers, other lengths, no examples, or an endless dataset.
    """
    parts = dict(given) if isinstance(given, Mapping) else {"train": given}
    if "train" not in parts or not set(parts) <= set(PARTS):
        raise UsageError(
            "data in a dict has the keys train, test and validation, the first of them always, "
            f"not {', '.join(map(str, parts))}"
        )
    source = "memory:dataset" if is_dataset(parts["train"]) else "memory:arrays"
    found = {name: _pair(part, name) for name, part in parts.items()}
    data = describe(source, found, lambda name, letter: f"{letter} of the {name} part")
    return data, Source(found["train"], found.get("test"), found.get("validation"))


def _pair(given: Any, part: str) -> Examples:
    import numpy as np

    if is_dataset(given):
        return _materialised(given, part)
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise UsageError(
            f"the {part} data is a {type(given).__name__}\n"
            "give a pair of arrays (x, y), or a tf.data.Dataset of such pairs"
        )
    x, y = (
        _numbers(np.asarray(array), f"{letter} of the {part} part") for array, letter in zip(given, "xy", strict=True)
    )
    if not x.ndim or not y.ndim or len(x) != len(y) or not len(y):
        raise UsageError(
            f"the {part} part has x of shape {x.shape} and y of shape {y.shape}: one row an example in both"
        )
    return Examples(x[..., None] if x.ndim == 3 else x, one_or_several(y, f"y of the {part} part"))


def _numbers(array: np.ndarray, what: str) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{what} is an array of {array.dtype}, not of numbers")
    return array.astype("int32") if array.dtype.kind in "bu" and array.dtype != "uint8" else array


def _materialised(dataset: Any, part: str) -> Examples:
    """All examples of a dataset as arrays.

    Raises:
        UsageError: it has no end, holds something else than pairs, or would fill the memory.
    """
    import numpy as np

    count = int(dataset.cardinality())
    if count == -1:  # tf.data.INFINITE_CARDINALITY
        raise UsageError(
            f"the {part} dataset has no end (repeat() without a count?)\ntake a finite one: dataset.take(n)"
        )
    spec = dataset.element_spec
    if not isinstance(spec, tuple) or len(spec) != 2 or any(not hasattr(one, "shape") for one in spec):
        raise UsageError(
            f"the {part} dataset holds {spec}, not pairs (x, y) of tensors\nmap it: dataset.map(lambda ...)"
        )
    pieces, taken, have = [], 0, memory()
    for x, y in (dataset if _batched(spec) else dataset.batch(AT_ONCE)).as_numpy_iterator():
        pieces.append((x, y))
        taken += x.nbytes + y.nbytes
        if (COPIES - 1) * taken > have:
            raise UsageError(
                f"the {part} dataset does not fit the memory: {taken / 2**30:.1f} GiB were read of it, and a run needs "
                f"as much again\nsave it as x.npy and y.npy: zoo run MODEL --data FOLDER reads these from disk"
            )
    if not pieces:
        raise UsageError(f"the {part} dataset is empty")
    return _pair(tuple(np.concatenate(column) for column in zip(*pieces, strict=True)), part)


def _batched(spec: Any) -> bool:
    """Whether a dataset's elements are batches: their labels have an axis, as long as that of the examples."""
    x, y = (one.shape for one in spec)
    return bool(y.rank) and bool(x.rank) and x[0] == y[0]


class Memory(DataSource):
    """Whoever loads such data has it at hand; what is asked for here is no longer there."""

    scheme = "memory"
    form = ""  # nobody writes it
    no_script = "a script cannot read what was given in Python"
    kinds = ("tabular", "image")

    def read(self, address: str, data: Data, target: Role) -> Source:
        raise refusal(f"{self.scheme}:{address}")

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        raise refusal(f"{self.scheme}:{address}")

    def wanted(self, data: Data) -> str:
        return "a folder with x.npy and y.npy"

    def status(self, address: str, data: Data | None = None) -> Status:
        return Status(False, "given in Python", 0.0, 0.0)

    def prepare(self, address: str, data: Data | None = None) -> Status:
        raise refusal(f"{self.scheme}:{address}")


SOURCE = Memory()
