"""Several inputs and targets: checked one by one, and read from a table whose cells may name image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data import csvfile, folder, indicators, missing
from zoo.data.cache import cached, fingerprint, on_disk
from zoo.data.config import Data, Input, Target
from zoo.data.examples import AT_ONCE, Examples, Source, Splits, conform_inputs, conform_targets, streams
from zoo.data.fields import Field
from zoo.data.reading import Reading
from zoo.data.splitting import split
from zoo.data.table import Table, read_table
from zoo.errors import UsageError, unknown
from zoo.files.names import file_name

if TYPE_CHECKING:
    pass

ROW = "{row}"  # in a name of files: the number of the row, from 1
NUMBERS = "numbers"  # what the columns of a table are called that are neither pictures nor targets


def conformed(source: Source, data: Data, where: str, targets: Sequence[Field]) -> Splits:
    """The source's examples, each input and target checked by its own description, and split.

    Raises:
        UsageError: sizes or shapes that the recipe does not say. ZooError: a row that is not what it should be.
    """

    def part(examples: Examples | None, name: str) -> Examples | None:
        if examples is None:
            return None
        inputs = {
            key: conform_inputs(array, data.of_input(key) if data.inputs else data, f"{where}, {name}: {key}")
            for key, array in examples.inputs.items()
        }
        found = {
            field.name: conform_targets(
                examples.targets[field.name], data.of_target(field.name), f"{where}, {name}: {field.name}", field.role
            )
            for field in targets
        }
        return Examples(inputs, found)

    train = part(source.train, "train")
    assert train is not None
    parts = Source(train, part(source.test, "test"), part(source.validation, "validation"))
    return split(parts, data, where, "value")  # by chance alone: shares of several targets cannot be kept at once


def read(path: Path, data: Data) -> Source:
    """All rows of a table, as `data` describes its inputs and targets; images are decoded once and kept.

    Raises:
        UsageError: a column or a picture that is not there, cells that are not what the recipe says; each is named.
    """
    table = _named(read_table(path, _expected(data)), data, with_targets=True)
    if data.missing:
        table = missing.kept(table, data.missing, _expected(data), ())
    targets = {}
    for name in data.targets:
        one = data.of_target(name)
        column = csvfile.label_column(table, one.label)
        targets[name] = csvfile.labels(table, column, one, "label" if one.class_names else "value")
    return Source(Examples(_inputs(table, data), targets))


def read_examples(path: Path, data: Data) -> dict[str, Any]:
    """The inputs of the rows of a table to predict on, by name; columns of targets are passed over.

    Raises:
        UsageError: as `read`.
    """
    return _inputs(_named(read_table(path, _expected(data)), data, with_targets=False), data)


def _expected(data: Data) -> tuple[str, ...]:
    """Columns that a header has one of at least."""
    inputs = [name for one in _described(data).values() for name in _columns_of(one, data)]
    return (*inputs, *(one.label or name for name, one in data.targets.items()))


def _described(data: Data) -> Mapping[str, Input]:
    """The inputs, also where one is described by the data itself."""
    if data.inputs:
        return data.inputs
    shape, names = data.input_shape, data.feature_names
    return {"x": Input(kind="tabular", input_shape=shape, feature_names=names, categories=data.categories)}


def _columns_of(one: Input, data: Data) -> tuple[str, ...]:
    if one.kind == "image":
        return (one.column,) if one.column else ()
    return csvfile.feature_columns(_alone(one, data))


def _alone(one: Input, data: Data) -> Data:
    return data.model_copy(update={**one.model_dump(exclude={"column", "files"}), "inputs": {}})


def _named(table: Table, data: Data, with_targets: bool) -> Table:
    """The table with names for its columns: without a header they stand in the recipe's order, targets last."""
    if table.header:
        return table
    names = _expected(data)
    if not with_targets and len(table.names) == len(names) - len(data.targets):
        names = names[: len(table.names)]
    if len(table.names) != len(names):
        raise UsageError(
            f"{table.path} has no header and {len(table.names)} columns, the recipe names {len(names)}\n"
            f"they are, in this order: {', '.join(names)}"
        )
    return replace(table, names=names)


def _inputs(table: Table, data: Data) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in _described(data).items():
        if absent := next((column for column in _columns_of(one, data) if column not in table.names), None):
            has = ", ".join(table.names[:12])
            raise unknown(f"column of {table.path}", absent, table.names, f"it has: {has}; the input {name} needs it")
        alone = _alone(one, data)
        if one.kind == "image":
            found[name] = _images(picture_files(table, one, name), alone, f"{table.path.stem}-{name}")
        else:
            found[name] = csvfile.features(table, alone, csvfile.feature_columns(alone))
    return found


def picture_files(table: Table, one: Input, name: str) -> list[Path]:
    """The files of an input's images, row by row; paths are those from the table's folder on.

    Raises:
        UsageError: the recipe says neither a column nor a name of files; an empty cell; files that are not there.
    """
    if one.column:
        csvfile.refuse_missing(table, (one.column,))
        cells = table.column(one.column)
    elif one.files and ROW in one.files:
        cells = [one.files.replace(ROW, str(row)) for row in range(1, len(table.rows) + 1)]
    else:
        raise UsageError(
            f"where are the pictures of the input {name}? set data.inputs.{name}.column to the column of their paths,\n"
            f'or data.inputs.{name}.files to what they are called: "{ROW}_front.jpg"'
        )
    files = [table.path.parent / cell for cell in cells]
    gone = [row for row, file in enumerate(files) if not file.is_file()]
    if gone:
        where = f"column {one.column!r}" if one.column else f"input {name}"
        more = f" ({len(gone):,} such rows)" if len(gone) > 1 else ""
        raise UsageError(
            f"{table.path}, line {table.lines[gone[0]]}, {where}: there is no picture {files[gone[0]]}{more}\n"
            "put it there, or remove the row"
        )
    return files


def _images(files: list[Path], data: Data, name: str) -> Any:
    """uint8 (n, *data.input_shape), in memory or, where there are too many, on disk."""
    import numpy as np

    key = f"{file_name(name)}-{fingerprint(files, data.input_shape, [str(file) for file in files])}"

    def part(start: int, stop: int) -> Examples:
        found = folder.read_files(files[start:stop], data)
        return Examples(found, np.zeros(len(found), "int32"))  # the cache keeps pairs

    if not streams(len(files), data):
        return cached(key, lambda: Source(part(0, len(files)))).train.x
    parts = (part(start, start + AT_ONCE) for start in range(0, len(files), AT_ONCE))
    return on_disk(key, (len(files), *data.input_shape), "uint8", lambda: parts).x


def picture_columns(table: Table) -> list[str]:
    """Columns whose cells are names of image files."""

    def share(name: str) -> float:
        cells = table.column(name)
        return sum(cell.lower().endswith(folder.SUFFIXES) for cell in cells) / len(cells)

    return [name for name in table.names if share(name) >= csvfile.MOSTLY]


def suits(table: Table, label: str | None) -> bool:
    """Whether a table has a column of pictures, or labels `a,b` that are not just columns of 0 and 1."""
    labels = _labels(table, label)
    known = len(labels) > 1 and set(labels) <= set(table.names)
    return bool(picture_columns(table)) or (known and not all(_holds_flags(table, name) for name in labels))


def _labels(table: Table, label: str | None) -> list[str]:
    if label is None:
        return [table.names[-1]]
    return [label] if label in table.names else [name.strip() for name in label.split(",")]


def _holds_flags(table: Table, name: str) -> bool:
    cells = table.column(name)
    return sum(indicators.is_flag(cell) for cell in cells) >= csvfile.MOSTLY * len(cells)


def infer(table: Table, reading: Reading) -> Data:
    """A description of a table with pictures or several labels: label (`price,style`) is learnt, or the last column.

    Every column of paths of images is an input, the other columns together are one more.

    Raises:
        UsageError: no such label column, a missing cell or picture, text in a column of numbers.
    """
    label, pictures = reading.label, picture_columns(table)
    wanted = [csvfile.label_column(table, name) for name in _labels(table, label)]
    if both := next((name for name in wanted if name in pictures), None):
        raise UsageError(f"{table.path}: column {both!r} holds pictures, it cannot be the label\nname another: --label")
    missing.refuse_other(reading.missing, ("drop",), "several inputs or targets")
    if reading.missing:
        table = missing.kept(table, reading.missing, table.names, wanted)
    csvfile.refuse_missing(table, table.names)
    inputs = {_plain(name): _picture_input(table, name) for name in pictures}
    rest = [name for name in table.names if name not in (*pictures, *wanted)]
    if rest:
        names, categories = csvfile.described_features(table, rest)
        inputs[NUMBERS] = Input(kind="tabular", input_shape=(len(names),), feature_names=names, categories=categories)
    if not inputs:
        raise UsageError(f"{table.path}: all columns are labels, nothing is left to predict from")
    targets = {}
    for name in wanted:
        called = _plain(name) if _plain(name) not in inputs else f"{_plain(name)}_target"
        targets[called] = _target(table, name)
    facts: dict[str, Any] = {
        "missing": reading.missing or "",
        "inputs": inputs,
        "targets": targets,
        "train": len(table.rows),
        **reading.shares(),
    }
    return Data(source=f"csv:{table.path}", **facts)


def _picture_input(table: Table, column: str) -> Input:
    one = Input(kind="image", input_shape=(1, 1, 1), input_dtype="uint8", column=column)
    shape = folder.common_shape(picture_files(table, one, column))
    return one.model_copy(update={"input_shape": shape})


def _target(table: Table, column: str) -> Target:
    """Classes or values, as `csvfile.infer` tells them apart; values are scaled by the power of ten of their spread."""
    import numpy as np

    classes = csvfile.class_names(table, column)
    if classes:
        return Target(task="label", num_classes=len(classes), class_names=classes, label=column)
    spread = float(np.std(csvfile.numbers(table, column)))
    return Target(task="value", scale=10.0 ** floor(log10(spread)) if spread > 0 else 1.0, label=column)


def _plain(name: str) -> str:
    """A column's name as that of an input or a target: `List price` -> `list_price`."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"column_{plain}".strip("_")
