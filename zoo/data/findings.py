"""Checks of own data before training: classes that a part lacks, duplicates across parts, columns that leak the label.

Each is one line in plain words. Nothing is changed or left out because of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Splits, class_counts, is_stored

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

MOST_ROWS = 20_000  # that are looked at for columns that give the label away
MOST_COLUMNS = 200
ALL_OF_IT = 0.995  # of the labels or of the order of values, from which on one column says everything
COMMON = 0.98  # share of the most frequent class from which on any column seems to say everything
SHOWN = 3


def find(data: Data, splits: Splits, class_names: Sequence[str]) -> list[str]:
    """All that is found; `class_names` are those of the only target, empty where it has no classes."""
    found = list(_small_classes(splits, class_names))
    if data.series is None and (data.text is None or splits.raw is not None):  # windows are cut out of one whole
        found += _copies(splits)
    if data.kind == "tabular" and not data.several_labels and not data.targets:
        found += _telling_columns(data, splits.train, bool(class_names))
    return found


def duplicates(splits: Splits) -> int:
    """Examples that are exact copies of another one, in whichever part."""
    raw = splits.raw or splits
    if any(is_stored(array) for part in raw for array in part.inputs.values()):
        return 0
    keys = [key for part in raw for key in _keys(part)]
    return len(keys) - len(set(keys))


def _small_classes(splits: Splits, names: Sequence[str]) -> Iterator[str]:
    """Classes of which a part has no example, or no box."""
    if not names or isinstance(splits.train.y, Mapping) or splits.train.y.ndim not in (1, 3):
        return
    what = "boxes" if splits.train.y.ndim == 3 else "examples"
    counts = {part: class_counts(examples, names) for part, examples in splits.by_name().items() if len(examples)}
    for name in names:
        absent = [part for part, found in counts.items() if not found[name]]
        if absent:
            total = sum(found[name] for found in counts.values())
            yield f"class {name!r} has {total:,} {what}, too few to be in every part: none in {' and '.join(absent)}"


def _copies(splits: Splits) -> Iterator[str]:
    """Examples of later parts that an earlier one has as well, to the last digit."""
    raw = splits.raw or splits
    if any(is_stored(array) for part in raw for array in part.inputs.values()):
        return
    seen = set(_keys(raw.train))
    for part in ("validation", "test"):
        examples = raw.by_name()[part]
        keys = _keys(examples)
        copies = [row for row, key in enumerate(keys) if key in seen]
        if copies:
            some = "; ".join(_told(examples, row) for row in copies[:SHOWN])
            yield (
                f"{len(copies):,} of {len(examples):,} {part} examples are exact copies of training examples"
                + (f", such as: {some}" if some else "")
            )


def _keys(examples: Examples) -> list[Any]:
    """For each example something that is equal only for copies."""
    columns = [_hashable(array) for array in examples.inputs.values()]
    return list(zip(*columns, strict=True))


def _hashable(array: np.ndarray) -> list[Any]:
    import numpy as np

    if array.dtype == object or not len(array):
        return array.tolist()
    rows = np.ascontiguousarray(array).reshape(len(array), -1)
    return [hash(row.tobytes()) for row in rows] if rows.shape[1] else []


def _told(examples: Examples, row: int) -> str:
    """An example in short: the start of a text, the first numbers of a row; nothing of an image."""
    array = next(iter(examples.inputs.values()))
    if array.dtype == object:
        text = " ".join(str(array[row]).split())
        return repr(text if len(text) <= 40 else f"{text[:40]}...")
    if array.ndim != 2:
        return ""
    return ", ".join(f"{value:g}" for value in array[row][:4]) + (" ..." if array.shape[1] > 4 else "")


def _telling_columns(data: Data, train: Examples, has_classes: bool) -> Iterator[str]:
    """Columns from each of which alone the label follows, or nearly."""
    import numpy as np

    x, y = train.x[:MOST_ROWS], np.asarray(train.y[:MOST_ROWS])
    if is_stored(train.x) or x.shape[1] > MOST_COLUMNS or len(x) < 20 or len(np.unique(y)) < 2:
        return
    if has_classes and np.bincount(y).max() > COMMON * len(y):
        return
    names = data.feature_names or tuple(f"column {i + 1}" for i in range(x.shape[1]))
    for name, column in zip(names, x.T, strict=True):
        share = _share_told(column, y) if has_classes else _order_told(column, y)
        if share >= ALL_OF_IT:
            what = f"{share:.1%} of the labels" if has_classes else "nearly all of the values to predict"
            yield (
                f"column {name!r} alone gives away {what}: is it a copy of the label, or the number of sorted rows? "
                "If it is not known where you predict, leave it out"
            )


def _share_told(column: np.ndarray, y: np.ndarray) -> float:
    """Labels that a small tree finds from one column in rows that it was not made from, as a share."""
    import numpy as np
    from sklearn.model_selection import cross_val_score
    from sklearn.tree import DecisionTreeClassifier

    classes, least = len(np.unique(y)), int(np.unique(y, return_counts=True)[1].min())
    if least < 2 or np.ptp(column) == 0:
        return 0.0
    tree = DecisionTreeClassifier(max_leaf_nodes=2 * classes, random_state=0)
    order = np.random.default_rng(0).permutation(len(y))
    return float(cross_val_score(tree, column[order, None], y[order], cv=min(3, least)).mean())


def _order_told(column: np.ndarray, y: np.ndarray) -> float:
    """How well the order of the values follows that of a column: Spearman's rank correlation, its sign left out."""
    import numpy as np
    from scipy.stats import spearmanr

    return 0.0 if np.ptp(column) == 0 else float(abs(spearmanr(column, y).statistic))
