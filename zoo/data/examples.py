"""What every source hands over: raw examples `x` with their labels `y`, checked before anything is trained on them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.errors import UsageError, ZooError

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

    from zoo.data.config import Data
    from zoo.data.fields import Role
    from zoo.data.text.encoding import Vocabularies

DEFAULT_IMAGE = (64, 64, 3)  # height, width, channels where the images of a set differ in size
AT_ONCE = 1000  # examples that are decoded together
COPIES = 3  # of a set in memory: as read, as split, and on the device


WEIGHT, GROUP = "weight", "group"
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, init=False)
class Examples:
    """Examples as named arrays of as many rows each: input fields and target fields.

    Most have one of each, called `x` and `y`; an array given in place of a mapping is that one. Images: `x` uint8
    (n, height, width, channels). Tables: float32 (n, features). `y` is (n,): int32 class ids, 0 or 1 for two classes,
    float32 values. Text: `x` int32 token ids (n, length), padded with 0; of pairs the inputs are `source` and
    `target`. Where tokens are predicted `y` is ids as well, (n, length). Series: `x` float32 (n, window, columns),
    `y` (n, horizon). What a source gives of text, before it is encoded, is arrays of strings.
    """

    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    beside: Mapping[str, Any]  # what is neither seen nor predicted: WEIGHT in the loss, GROUP that is not parted

    def __init__(self, inputs: Any, targets: Any, beside: Mapping[str, Any] = NOTHING) -> None:
        object.__setattr__(self, "beside", beside)
        object.__setattr__(self, "inputs", inputs if isinstance(inputs, Mapping) else {"x": inputs})
        object.__setattr__(self, "targets", targets if isinstance(targets, Mapping) else {"y": targets})

    @property
    def x(self) -> Any:
        """The only input's array, or all inputs by name."""
        return only(self.inputs)

    @property
    def y(self) -> Any:
        """The only target's array, or all targets by name."""
        return only(self.targets)

    def __iter__(self) -> Iterator[Any]:
        """x, then y."""
        return iter((self.x, self.y))

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def of(self, rows: np.ndarray) -> Examples:
        """These rows; of examples that stay on disk nothing is read."""
        parts = (*self.sides, self.beside)
        return Examples(*({k: array.take(rows, axis=0) for k, array in part.items()} for part in parts))

    def cut(self, rows: slice) -> Examples:
        """A slice of the rows."""
        parts = (*self.sides, self.beside)
        return Examples(*({name: array[rows] for name, array in part.items()} for part in parts))

    @property
    def sides(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Inputs and targets."""
        return self.inputs, self.targets

    def as_dataset(self) -> tf.data.Dataset:
        """The examples as a `tf.data.Dataset` of single pairs `(x, y)`, in their order: shuffle and batch it yourself.

        `x` and `y` are as above without the first axis; of pairs `x` is a dict. Examples on disk are read as they come.
        """
        import tensorflow as tf

        if not is_stored(self.x):
            return tf.data.Dataset.from_tensor_slices((self.x, self.y))
        told = [tf.TensorSpec(array.shape[1:], array.dtype) for array in self]
        found = tf.data.Dataset.from_generator(lambda: _one_by_one(self), output_signature=tuple(told))
        return found.apply(tf.data.experimental.assert_cardinality(len(self.y)))


def _one_by_one(examples: Examples) -> Iterator[tuple[Any, Any]]:
    """One example after the other, of those on disk block by block."""
    done = 0
    for block in examples.x.blocks():
        yield from zip(block, examples.y[done : done + len(block)], strict=True)
        done += len(block)


def only(arrays: Mapping[str, Any]) -> Any:
    """The array of a mapping that has one called x or y and nothing else, or the mapping."""
    (name, *more) = arrays or ("",)
    return arrays[name] if name in ("x", "y") and not more else arrays


@dataclass(frozen=True)
class Splits:
    """Three disjoint parts of a dataset, except where a recipe says that they are the same few points.

    Beside texts as ids stand the vocabularies that made them, and the texts themselves.
    """

    train: Examples
    validation: Examples
    test: Examples
    vocabularies: Vocabularies | None = None
    raw: Splits | None = None

    def __iter__(self) -> Iterator[Examples]:
        return iter((self.train, self.validation, self.test))

    def by_name(self) -> dict[str, Examples]:
        """The three parts by their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class Source(NamedTuple):
    """What a source gives: its training part and, where it has them, its own test and validation parts."""

    train: Examples
    test: Examples | None = None
    validation: Examples | None = None


def conform(part: Examples, data: Data, where: str, target: Role = "label") -> Examples:
    """The same examples in the types that `data` and the role of their target promise.

    Raises:
        UsageError: wrong shape.
        ZooError: a label outside the classes, a feature or target that is not finite; the first such row (counted
            from 0) is named.
    """
    return Examples(conform_inputs(part.x, data, where), conform_targets(part.y, data, where, target), part.beside)


def conform_inputs(given: Any, data: Data, where: str) -> Any:
    """The array of an input in the type that `data` promises; what stays on disk stays there.

    Raises:
        UsageError: wrong shape.
        ZooError: a feature that is not finite; the first such row (counted from 0) is named.
    """
    import numpy as np

    stays = is_stored(given)
    x = given if stays else np.asarray(given, data.input_dtype)
    if x.shape[1:] != tuple(data.input_shape):
        raise UsageError(
            f"{where}: an example has shape {list(x.shape[1:])}, the recipe says {list(data.input_shape)}\n"
            f"set it with: --set data.input_shape={str(list(x.shape[1:])).replace(' ', '')}"
        )
    first = 0
    for block in () if x.dtype.kind != "f" else x.blocks() if stays else [x]:
        _refuse_nan(block, data, where, first)
        first += len(block)
    return x


def conform_targets(y: np.ndarray, data: Data, where: str, target: Role = "label") -> np.ndarray:
    """Class ids int32, of several labels an example 0 and 1 (n, labels); of the role value, values float32, and of the
    role boxes these, see `zoo.data.boxes.arrays`.

    Raises:
        UsageError: boxes of another shape. ZooError: a label outside the classes, a target that is not finite, a box
            that is none; the first such row is named.
    """
    import numpy as np

    from zoo.data.boxes import arrays

    y = np.asarray(y)
    if target == "boxes":
        return arrays.conformed(y, data, where)
    if target == "label" and data.several_labels:
        return _flags(y, data.num_classes or 2, where)
    return _values(y, where) if target == "value" else _class_ids(y, data.num_classes or 2, where)


def _refuse_nan(x: np.ndarray, data: Data, where: str, first: int) -> None:
    """`first` is the number of the first row."""
    import numpy as np

    if x.dtype.kind != "f" or np.isfinite(x).all():
        return
    row, *feature = np.argwhere(~np.isfinite(x))[0].tolist()
    name = data.feature_names[feature[0]] if data.feature_names and len(feature) == 1 else feature
    raise ZooError(
        f"{where}: row {first + row}, feature {name} is {x[row, *feature]} "
        f"({int((~np.isfinite(x)).sum())} such values)\n"
        "remove the rows or fill the values in the source; zoo guesses none"
    )


def _values(y: np.ndarray, where: str) -> np.ndarray:
    import numpy as np

    if not np.isfinite(y).all():
        row = int(np.flatnonzero(~np.isfinite(y))[0])
        raise ZooError(f"{where}: row {row}, the value to predict is {y[row]}\nremove the row from the source")
    return y.astype(np.float32)


def _class_ids(y: np.ndarray, classes: int, where: str) -> np.ndarray:
    import numpy as np

    bad = ~((y >= 0) & (y < classes) & (y == np.floor(y)))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ZooError(
            f"{where}: row {row} has label {y[row]}; with {classes} classes labels are whole numbers "
            f"0 to {classes - 1} ({int(bad.sum())} such rows)\nmend the source, or set data.num_classes"
        )
    return y.astype(np.int32)


def _flags(y: np.ndarray, labels: int, where: str) -> np.ndarray:
    import numpy as np

    if y.shape[1:] != (labels,):
        raise UsageError(f"{where}: an example has labels of shape {y.shape[1:]}, the recipe says {labels} of them")
    bad = ~((y == 0) | (y == 1)).all(axis=1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ZooError(
            f"{where}: row {row} has labels {y[row].tolist()}: each is 0 or 1 ({int(bad.sum())} such rows)\n"
            "mend the source"
        )
    return y.astype(np.int32)


def class_counts(part: Examples, names: Sequence[str]) -> dict[str, int]:
    """How many examples, pixels or boxes of each of the classes that are called so; empty without classes."""
    import numpy as np

    if not names:
        return {}
    if part.y.ndim == 2:  # several labels an example
        return dict(zip(names, part.y.sum(axis=0).tolist(), strict=True))
    if part.y.ndim == 3:  # boxes
        ids = part.y[..., 4]
        return dict(zip(names, np.bincount(ids[ids >= 0].astype(int), minlength=len(names)).tolist(), strict=True))
    counts = np.zeros(len(names), "int64")
    for block in part.y.blocks() if is_stored(part.y) else [part.y]:
        counts += np.bincount(np.ravel(block), minlength=len(names))[: len(names)]
    return dict(zip(names, counts.tolist(), strict=True))


def is_stored(x: Any) -> bool:
    """Whether examples stay on disk and are read batch by batch."""
    return hasattr(x, "blocks")


def streams(count: int, data: Data) -> bool:
    """Whether so many examples are to stay on disk: as `data.stream` says, or where they would fill the memory.

    Raises:
        UsageError: they would, and are not to; or a thousand would.
    """
    example = (4 if data.input_dtype == "float32" else 1) * math.prod(data.input_shape)
    need, have = count * example, memory()
    told = f"of {list(data.input_shape)}, and as much again to split; this machine has {have / 2**30:.1f} GiB"
    if 2 * min(count, AT_ONCE) * example > have:
        some = min(count, AT_ONCE) * example / 2**30
        raise UsageError(
            f"{data.source} needs {some:.1f} GiB as arrays for {min(count, AT_ONCE):,} examples {told}\n"
            "take smaller ones: --set data.input_shape=[64,64,3]"
        )
    if data.stream == "off" and 2 * need > have:
        raise UsageError(
            f"{data.source} needs {need / 2**30:.1f} GiB as arrays {told}\nleave it on disk: --set data.stream=on"
        )
    return data.stream == "on" or (data.stream == "auto" and COPIES * need > have)


def memory() -> int:
    """Bytes that this process may have: the machine's, or less in a container."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        path = Path("/sys/fs/cgroup") / name
        if path.is_file() and (text := path.read_text().strip()).isdigit():
            limits.append(int(text))
    return min(limits)
