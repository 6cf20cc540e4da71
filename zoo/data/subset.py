"""Some classes of a source, or some examples of each class: the same ones in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Source
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data


def of_classes(source: Source, data: Data) -> Source:
    """The examples whose class is one of `data.classes`, which become classes 0, 1, ... in the order given there."""
    if not data.classes:
        return source
    train, test, validation = (part and _of_classes(part, data.classes) for part in source)
    assert train is not None
    return Source(train, test, validation)


def _of_classes(part: Examples, classes: tuple[int, ...]) -> Examples:
    import numpy as np

    wanted = np.asarray(classes)
    rows = np.flatnonzero(np.isin(part.y, wanted))
    order = np.argsort(wanted)
    return Examples(part.x.take(rows, axis=0), order[np.searchsorted(wanted[order], part.y[rows])].astype("int32"))


def few(part: Examples, data: Data, where: str) -> Examples:
    """`data.examples_a_class` examples of each class, drawn by `data.split_seed`; more contain those of fewer.

    Raises:
        UsageError: a class has fewer.
    """
    import numpy as np

    if not data.examples_a_class:
        return part
    order = np.random.default_rng(data.split_seed).permutation(len(part))
    kept: list[Any] = []
    for label in range(data.num_classes or 2):
        rows = order[part.y[order] == label][: data.examples_a_class]
        if len(rows) < data.examples_a_class:
            name = data.class_names[label] if data.class_names else label
            raise UsageError(
                f"{where}: class {name} has {len(rows):,} examples to train on, "
                f"data.examples_a_class asks for {data.examples_a_class:,}\ntake fewer, or all: leave it away"
            )
        kept.append(rows)
    rows = np.sort(np.concatenate(kept))
    return part.of(rows)
