"""Own tables: a CSV file becomes rows of numbers, text columns one-hot, and a label column classes or a target."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import indicators, missing
from zoo.data.config import Data
from zoo.data.examples import GROUP, WEIGHT, Examples, Source
from zoo.data.fields import Role
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.splitting import fitted_to_groups, split
from zoo.data.table import Table, is_number, read_table, refuse_cells, refuse_missing, table_text
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("zoo.data")
MOST_CLASSES = 20  # whole numbers with more values than this are a quantity, not classes
MOST_CATEGORIES = 100  # different texts in a column that is to be one-hot encoded
MOSTLY = 0.9  # share of numbers above which a column is one of numbers, and other cells in it are mistakes


def infer(path: Path, reading: Reading = AS_FOUND) -> Data:
    """A description of a table: the label is the last column unless named; the rest are features in file order.

    A column is of numbers, or of text and then one-hot. A label of text, or of few whole numbers, makes classes (two of
    them: a binary task); other numbers make a regression. Several columns of 0 and 1 (`label="red,round"`), or one
    whose cells hold names parted by `|`, are several labels an example.

    Raises:
        UsageError: no such label column, a missing cell, text in a column of numbers, a text column of too many values,
            a label with one value only; and whatever `read_table` refuses.
    """
    whole, label = reading.selected(read_table(path, reading.labels), beside=True), reading.label
    several = indicators.find(whole, label)
    targets = several.columns if several else (label_column(whole, label),)
    columns = [name for name in whole.names if name not in (*targets, *reading.beside)]
    missing.refuse_other(reading.missing, missing.OF_TABLES, "a table")
    way = reading.missing or ""
    if way:
        whole = missing.kept(whole, way, columns, targets)
    gaps = list(missing.counts(whole, columns)) if way == "flag" else []
    fills = missing.statistics(whole, way, columns) if way not in ("", "drop") else {}
    table = missing.filled(whole, fills, gaps)
    refuse_missing(table, table.names)
    features = [name for name in table.names if name not in (*targets, *reading.beside)]
    names, categories = described_features(table, features)
    classes = several.names if several else class_names(table, targets[0])
    found = Data(
        source=f"csv:{path}",
        kind="tabular",
        task="label" if classes else "value",
        input_shape=(len(names),),
        num_classes=len(classes) or None,
        class_names=classes,
        feature_names=names,
        label=targets[0] if len(targets) == 1 else None,
        several_labels=several is not None,
        label_separator=several.separator if several else "",
        categories=categories,
        missing=way,  # type: ignore[arg-type]  # one of OF_TABLES
        fills=fills,
        group=reading.group,
        weight=reading.weight,
        stratify="on" if classes else "auto",
        train=len(table.rows),
        **reading.shares(),
    )
    if found.group:
        found = fitted_to_groups(found, read(path, found, found.task).train)  # type: ignore[arg-type]  # the role, so far
    return _filled_by_training(found, whole) if fills else found


def _filled_by_training(data: Data, table: Table) -> Data:
    """The same with the statistics of the rows that are trained on; a category that is in no such row stays known."""
    import numpy as np

    source = read(Path(data.source.partition(":")[2]), data, data.task)  # type: ignore[arg-type]  # the role, so far
    numbered = Examples(np.arange(len(table.rows)), source.train.targets, source.train.beside)
    train = split(source._replace(train=numbered), data, data.source, data.task).train.x  # type: ignore[arg-type]
    rows = [table.rows[i] for i in sorted(train.tolist())]
    fills = missing.statistics(replace(table, rows=rows), data.missing, list(data.fills))
    missing.note(table, fills, data.missing)
    return data.model_copy(update={"fills": fills})


def described_features(table: Table, columns: Sequence[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Names of the features that columns become, and of those of text the values."""
    categories = {name: categories_of(table, name) for name in columns if not _is_numeric(table, name)}
    return expanded(columns, categories), categories


def read(path: Path, data: Data, target: Role = "label") -> Source:
    """All rows of the file, as `data` describes them.

    Raises:
        UsageError: a column is missing, or a cell is; text in a column of numbers; a text or class not in `data`.
    """
    table = read_table(path, feature_columns(data))
    targets = indicators.columns(data) if data.several_labels else (label_column(table, data.label),)
    table = missing.seen_to(table, data, feature_columns(data), targets)
    x = features(table, data, _present(table, data, targets))
    return Source(Examples(x, labels(table, targets[0], data, target), beside(table, data)))


def beside(table: Table, data: Data) -> dict[str, np.ndarray]:
    """The columns that say what each row counts and what it belongs to, where the file has them.

    Raises:
        UsageError: a missing cell, or a weight that is no number above 0.
    """
    import numpy as np

    found: dict[str, np.ndarray] = {}
    there = [name for name in (data.group, data.weight) if name in table.names]
    refuse_missing(table, [str(name) for name in there])
    if data.group in there:
        found[GROUP] = np.array(table.column(str(data.group)), object)
    if data.weight in there:
        cells = table.column(str(data.weight))
        bad = [not (is_number(cell) and 0 < float(cell) < np.inf) for cell in cells]
        refuse_cells(table, str(data.weight), bad, "is no weight: a number above 0", "mend the cell, or remove its row")
        found[WEIGHT] = numbers(table, str(data.weight))
    return found


def _by_name(table: Table, wanted: Sequence[str], data: Data) -> bool:
    """Whether columns are found by their names: those of a header, or numbered ones up to the last of training."""
    numbered = bool(data.feature_names) and table.names[-1] in (*wanted, data.label)
    return set(wanted) <= set(table.names) and (table.header or numbered)


def _present(table: Table, data: Data, targets: Sequence[str]) -> list[str]:
    """The columns of the features: by their names where there is a header, else all but those of the targets.

    Raises:
        UsageError: a column is missing; others are passed over.
    """
    wanted = feature_columns(data)
    if not (_by_name(table, wanted, data) or (table.header and set(wanted) & set(table.names))):
        return [name for name in table.names if name not in (*targets, data.group, data.weight)]
    if absent := [name for name in wanted if name not in table.names]:
        named = ", ".join(map(repr, absent[:3]))
        raise UsageError(f"{table.path} has no column {named}\nit has: {', '.join(table.names[:12])}")
    return list(wanted)


def note_others(path: Path, data: Data) -> None:
    """Say which columns of a part's file are none of those that are learnt from."""
    wanted = feature_columns(data)
    table = read_table(path, wanted)
    targets = indicators.columns(data) if data.several_labels else (label_column(table, data.label),)
    others = [name for name in table.names if name not in (*wanted, *targets)]
    if others and table.header:
        log.warning("note: %s: passed over, since not learnt from: %s", path, ", ".join(others[:12]))


def labels(table: Table, column: str, data: Data, target: Role = "label") -> np.ndarray:
    """The label column as class ids int32 or, of the role value, as float32: (rows,); several labels (rows, labels).

    Raises:
        UsageError: a missing cell, a class not in `data`, text in a column of numbers.
    """
    import numpy as np

    if data.several_labels:
        return indicators.read(table, data)
    refuse_missing(table, (column,))
    if target == "value":
        return numbers(table, column)
    ids = {name: i for i, name in enumerate(data.class_names)}
    known = [_class_name(cell) if cell not in ids else cell for cell in table.column(column)]
    refuse_cells(
        table,
        column,
        [cell not in ids for cell in known],
        "is not one of the classes",
        f"mend the label; the classes are {', '.join(data.class_names[:8])}",
    )
    return np.array([ids[cell] for cell in known], np.int32)


def read_features(path: Path, data: Data) -> np.ndarray:
    """The rows of a file to predict on, float32 (n, features); a label column is passed over, other columns too.

    With a header columns are found by name, without one by place.

    Raises:
        UsageError: as `read`.
    """
    wanted = feature_columns(data)
    table = read_table(path, wanted) if len(wanted) > 1 else read_narrow(path, wanted)
    plain = missing.in_file(wanted, data)
    if not table.header and len(table.names) == len(plain):
        table = replace(table, names=plain)
    table = missing.seen_to(table, data, wanted)
    if _by_name(table, wanted, data):
        return features(table, data, list(wanted))
    if table.header and set(wanted) & set(table.names):
        absent = next(name for name in wanted if name not in table.names)
        raise UsageError(
            f"{path} has no column {absent!r}; it has: {', '.join(table.names[:12])}\n"
            f"the model needs: {', '.join(wanted)}"
        )
    names = list(table.names)
    if data.several_labels and len(names) > len(wanted):
        names = [name for name in names if name not in indicators.columns(data)]
    if len(names) == len(wanted) + 1:  # the label's place: where it was in training, else last
        names.remove(data.label if data.label in names else names[-1])
    if len(names) != len(wanted):
        raise UsageError(
            f"{path} has {len(table.names)} columns, the model needs {len(wanted)}: {', '.join(wanted)}\n"
            "a header with these names lets them stand in any order"
        )
    return features(table, data, names)


def read_narrow(path: Path, expected: tuple[str, ...]) -> Table:
    """A file for a model of one column, which may have one number a line and then is no table for `read_table`.

    Raises:
        UsageError: as `read_table`.
    """
    lines = table_text(path).splitlines()
    if any(separator in line for line in lines for separator in ",;\t|"):
        return read_table(path, expected)
    cells = [(line.strip(), i + 1) for i, line in enumerate(lines) if line.strip()]
    header = bool(cells) and not is_number(cells[0][0])
    name = cells[0][0] if header else "column 1"
    kept = cells[1:] if header else cells
    if not kept:
        raise UsageError(f"{path} is empty")
    return Table(path, (name,), [[cell] for cell, _ in kept], [line for _, line in kept], header)


def label_column(table: Table, label: str | None) -> str:
    """The column named `label`, or the last one.

    Raises:
        UsageError: there is none of that name.
    """
    if label is None:
        return table.names[-1]
    if label not in table.names:
        has = ", ".join(table.names[:12]) + (" ..." if len(table.names) > 12 else "")
        raise unknown(f"column of {table.path}", label, table.names, f"it has: {has}")
    return label


def feature_columns(data: Data) -> tuple[str, ...]:
    """Names of the columns behind the features: a text column's `sex=female`, `sex=male` are one."""
    if not data.feature_names:
        return tuple(f"column {i + 1}" for i in range(data.input_shape[0]))
    owner = {f"{name}={value}": name for name, values in data.categories.items() for value in values}
    return tuple(dict.fromkeys(owner.get(name, name) for name in data.feature_names))


def expanded(columns: Sequence[str], categories: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The columns, those of text as one for each value."""
    return tuple(
        feature
        for name in columns
        for feature in ([f"{name}={value}" for value in categories[name]] if name in categories else [name])
    )


def _is_numeric(table: Table, name: str) -> bool:
    cells = table.column(name)
    share = sum(map(is_number, cells)) / len(cells)
    refuse_cells(
        table, name, [share >= MOSTLY and not is_number(cell) for cell in cells],
        "stands in a column of numbers", "mend the cell, or remove its row",
    )  # fmt: skip
    return share == 1


def categories_of(table: Table, name: str) -> tuple[str, ...]:
    """The values of a column of text.

    Raises:
        UsageError: too many for one-hot encoding.
    """
    values = sorted(set(table.column(name)))
    if len(values) > MOST_CATEGORIES:
        raise UsageError(
            f"{table.path}: column {name!r} is text with {len(values)} different values; one-hot encoding takes "
            f"{MOST_CATEGORIES}\nremove the column (names, tickets and the like tell a network nothing)"
        )
    return tuple(values)


def class_names(table: Table, name: str) -> tuple[str, ...]:
    """Names of the classes in the label column, or none where it is a quantity.

    Raises:
        UsageError: a missing cell, one value only, or texts that are no classes.
    """
    refuse_missing(table, (name,))
    cells = table.column(name)
    numeric = _is_numeric(table, name)
    values = set(map(_class_name, cells)) if numeric else set(cells)
    if len(values) == 1:
        raise UsageError(f"{table.path}: label column {name!r} has one value only, {values.pop()!r}: nothing to learn")
    if numeric:
        numbers = sorted(map(float, values))
        whole = all(number == int(number) for number in numbers if abs(number) < 1e15)
        is_quantity = not whole or len(values) > MOST_CLASSES or 2 * len(values) > len(cells)
        return () if is_quantity else tuple(map(_class_of, numbers))
    if len(values) == len(cells) or len(values) > 1000:
        raise UsageError(
            f"{table.path}: label column {name!r} has {len(values)} different texts in {len(cells)} rows: no classes\n"
            "name the right one with --label COLUMN"
        )
    return tuple(sorted(values))


def _class_name(cell: str) -> str:
    """`1`, `1.0` and `01` are one class."""
    return _class_of(float(cell)) if is_number(cell) else cell


def _class_of(number: float) -> str:
    return repr(number).removesuffix(".0")  # all digits, so that 1000001 and 1000002 stay two


def features(table: Table, data: Data, names: Sequence[str]) -> np.ndarray:
    """Columns `names` of the table as float32 (rows, features), text columns one-hot by `data.categories`."""
    import numpy as np

    wanted = feature_columns(data)
    if len(names) != len(wanted):
        raise UsageError(f"{table.path} has {len(names)} feature columns, the recipe says {len(wanted)}")
    refuse_missing(table, names)
    parts = []
    for name, column in zip(names, wanted, strict=True):
        if column in data.categories:
            values = {value: i for i, value in enumerate(data.categories[column])}
            cells = table.column(name)
            refuse_cells(
                table, name, [cell not in values for cell in cells],
                "is not one of the values in training", f"they are: {', '.join(list(values)[:8])}",
            )  # fmt: skip
            parts.append(np.eye(len(values), dtype=np.float32)[[values[cell] for cell in cells]])  # (rows, values)
        else:
            parts.append(numbers(table, name)[:, None])  # (rows, 1)
    return np.concatenate(parts, axis=1)


def numbers(table: Table, name: str) -> np.ndarray:
    """A column as float32 (rows,).

    Raises:
        UsageError: a cell that is no number; its line is named.
    """
    import numpy as np

    cells = table.column(name)
    refuse_cells(
        table, name, [not is_number(cell) for cell in cells],
        "stands in a column of numbers", "mend the cell, or remove its row",
    )  # fmt: skip
    return np.array([float(cell) for cell in cells], np.float32)
