"""Own texts with their classes: a column of a table, or a folder with one sub-folder of .txt files a class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data import indicators, missing
from zoo.data.config import Data
from zoo.data.csvfile import beside, class_names, label_column, labels
from zoo.data.examples import Examples, Source
from zoo.data.fields import Role
from zoo.data.folder import scan
from zoo.data.rawfiles import read_text
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.splitting import fitted_to_groups
from zoo.data.table import Table, is_number, read_table
from zoo.data.text.counting import measured, unmeasured
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("zoo.data")
SUFFIXES = (".txt",)
WORDS = 3  # on average in a column of texts; names of categories have fewer
MOST_BESIDE = 2  # columns beside text and label (ids, dates) of what is taken for a table of texts


def text_column(table: Table, label: str | None) -> str | None:
    """The column that makes a table one of texts: hardly any said twice, of several words, with little beside it."""
    found = _texts(table, label)
    rest = [name for name in table.names if name not in (*found, label)]
    if not found or not (label or rest) or len(rest) - (label is None) > MOST_BESIDE:
        return None
    return max(found, key=lambda name: sum(map(len, table.column(name))))


def _texts(table: Table, label: str | None) -> list[str]:
    def is_text(cells: list[str]) -> bool:
        different, words = len(set(cells)), sum(len(cell.split()) for cell in cells)
        return 2 * different > len(cells) and words >= WORDS * len(cells) and not all(map(is_number, cells))

    return [name for name in table.names if name != label and is_text(table.column(name))]


def infer_table(table: Table, reading: Reading) -> Data:
    """A description of a table of texts: the label is the last column but the text's, unless named.

    Raises:
        UsageError: no column of texts, or no label; an empty text; whatever a label column is refused for.
    """
    label = reading.label
    column = reading.text_column or text_column(table, label) or _longest(table, label)
    others = [name for name in table.names if name != column and name not in reading.beside]
    several = indicators.find(table, label or others[-1])
    targets = several.columns if several else (label_column(table, label or others[-1]),)
    missing.refuse_other(reading.missing, ("drop",), "texts")
    if reading.missing:
        table = missing.kept(table, reading.missing, (column,), targets)
    classes = several.names if several else class_names(table, targets[0])
    _note(table, column, targets, asked=reading.kind is not None, beside=reading.beside)
    data = Data(
        source=f"csv:{table.path}",
        kind="text",
        task="label" if classes else "value",
        input_shape=(1,),
        input_dtype="int32",
        num_classes=len(classes) or None,
        class_names=classes,
        feature_names=(column,),
        missing=reading.missing or "",  # type: ignore[arg-type]  # drop, or nothing
        label=targets[0] if len(targets) == 1 else None,
        several_labels=several is not None,
        label_separator=several.separator if several else "",
        group=reading.group,
        weight=reading.weight,
        stratify="on" if classes else "auto",
        train=len(table.rows),
        **reading.shares(),
        text=unmeasured(table.column(column), asked=reading.tokens),
    )
    source = _from_table(table, data, "label" if classes else "value")
    return measured(fitted_to_groups(data, source.train) if data.group else data, source, str(table.path))


def _longest(table: Table, label: str | None) -> str:
    """The column with the most in it, for a table that was said to be one of texts."""
    names = [name for name in table.names if name != label]
    return max(names, key=lambda name: sum(map(len, table.column(name))))


def _note(table: Table, column: str, targets: Sequence[str], asked: bool, beside: Sequence[str] = ()) -> None:
    others = [name for name in table.names if name not in (column, *targets, *beside)]
    left = f"; passed over: {', '.join(others)}" if others else ""
    if others or not asked:
        log.warning(
            "note: %s is taken as texts: column %r, classes in %r%s (others: --label COLUMN; a table: --as table)",
            table.path, column, ", ".join(targets), left,
        )  # fmt: skip


def read_texts(path: Path, data: Data, target: Role = "label") -> Source:
    """The texts of column `data.feature_names[0]`, an array of strings, with their labels.

    Raises:
        UsageError: no such column, an empty text or label, a label that is not one of the classes; the line is named.
    """
    several = indicators.columns(data) if data.several_labels else ()
    expected = (*data.feature_names, *([data.label] if data.label else several))
    return _from_table(read_table(path, expected), data, target)


def _from_table(table: Table, data: Data, target: Role = "label") -> Source:
    import numpy as np

    column = label_column(table, data.feature_names[0] if data.feature_names else table.names[0])
    if data.missing:
        table = missing.kept(
            table, data.missing, (column,), indicators.columns(data) if data.several_labels else (str(data.label),)
        )
    texts = table.column(column)
    empty = [line for line, text in zip(table.lines, texts, strict=True) if not text]
    if empty:
        more = f" ({len(empty):,} such rows)" if len(empty) > 1 else ""
        raise UsageError(f"{table.path}, line {empty[0]}, column {column!r}: the text is empty{more}\nremove the row")
    return Source(Examples(np.array(texts, object), _targets(table, data, target), beside(table, data)))


def _targets(table: Table, data: Data, target: Role) -> np.ndarray:
    column = "" if data.several_labels else label_column(table, data.label)
    return labels(table, column, data, target)


def holds_texts(path: Path) -> bool:
    """Whether the sub-folders of a folder hold .txt files and no images."""
    from zoo.data import folder

    files = [file for file in folder.below(path) if file.parent != path]
    suffixes = {file.suffix.lower() for file in files}
    return bool(suffixes & set(SUFFIXES)) and not suffixes & set(folder.SUFFIXES)


def infer_folder(path: Path, reading: Reading = AS_FOUND) -> Data:
    """A description of a folder of texts: a class a sub-folder, names in alphabetical order.

    Raises:
        UsageError: no class folder, one only, an empty one, an empty text, a file that is not UTF-8.
    """
    names, files, ids = scan(path, SUFFIXES, "texts")
    source = _from_files(files, ids)
    data = Data(
        source=f"folder:{path}",
        kind="text",
        task="label",
        input_shape=(1,),
        input_dtype="int32",
        num_classes=len(names),
        class_names=names,
        stratify="on",
        train=len(files),
        **reading.shares(),
        text=unmeasured(source.train.x, asked=reading.tokens),
    )
    return measured(data, source, str(path))


def read_folder(path: Path, data: Data) -> Source:
    """The texts of all .txt files, an array of strings, with the ids of their classes.

    Raises:
        UsageError: as `infer_folder`; other classes than the recipe's.
    """
    _, files, ids = scan(path, SUFFIXES, "texts", data.class_names)
    return _from_files(files, ids)


def _from_files(files: list[Path], ids: list[int]) -> Source:
    import numpy as np

    return Source(Examples(np.array([_whole(file) for file in files], object), np.array(ids, np.int32)))


def _whole(file: Path) -> str:
    text = read_text(file).strip()
    if not text:
        raise UsageError(f"{file} is empty\nremove it, or fill it")
    return text
