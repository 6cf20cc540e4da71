"""Some classes of a source, or some examples of each class: the same ones in every run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo.data.examples import Examples, Source
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data


def of_classes(source: Source, data: Data) -> Source:
    """The examples whose class is one of `data.classes`, which become classes 0, 1, ... in the order given there."""
    if not data.classes:
        return source
    train, test, validation = (part and _of_classes(part, data.classes) for part in source)
    assert train is not None
    return Source(train, test, validation)


def _of_classes(part: Examples, classes: tuple[int, ...]) -> Examples:
    rows, labels = rows_of_classes(part.y, classes)
    return Examples(part.x.take(rows, axis=0), labels)


def rows_of_classes(y: np.ndarray, classes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the examples of some classes, and their labels: 0, 1, ... in the order of `classes`."""
    import numpy as np

    rows = np.flatnonzero(np.isin(y, classes))
    order = np.argsort(classes)
    return rows, order[np.searchsorted(np.sort(classes), y[rows])].astype("int32")


def few(part: Examples, data: Data, where: str) -> Examples:
    """`data.examples_a_class` examples of each class, drawn by `data.split_seed`; more contain those of fewer.

    Raises:
        UsageError: a class has fewer.
    """
    import numpy as np

    if not data.examples_a_class:
        return part
    for label, members in enumerate(np.bincount(part.y, minlength=data.num_classes or 2)):
        if members < data.examples_a_class:
            name = data.class_names[label] if data.class_names else label
            raise UsageError(
                f"{where}: class {name} has {members:,} examples to train on, "
                f"data.examples_a_class asks for {data.examples_a_class:,}\ntake fewer, or all: leave it away"
            )
    return part.of(some_of_each_class(part.y, data.examples_a_class, data.split_seed))


def some_of_each_class(y: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Row numbers of `count` examples of each class, in their order; those of a smaller count are among them."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(y))
    return np.sort(np.concatenate([order[y[order] == label][:count] for label in np.unique(y)]))
