"""The lines of a script that read own files: a table, texts, a series, images, plain text, pairs of texts, arrays.

A table is read by Python's own csv module; whether that gives what zoo reads is looked at here, with the file itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zoo.data import csvfile, missing
from zoo.data.config import Data
from zoo.data.table import DELIMITERS, MISSING, Table, is_number, read_table, table_text
from zoo.eject.lifting import Imports, Lifted, lift_name
from zoo.eject.literal import literal
from zoo.eject.reading_parts import Reading, dtype, refusal

CELLS = '''def read_columns(path):
    """The columns of a table: cells as text, by the column's name."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file, {dialect})]
    rows = [row for row in rows if any(row)]
{names}
{kept}    return dict(zip(names, zip(*rows, strict=True), strict=True))'''
HEADER = "    names = rows.pop(0)"
NUMBERED = '    names = [f"column {i + 1}" for i in range(len(rows[0]))]'
KEPT = """    needed = [names.index(name) for name in {needed}]
    rows = [row for row in rows if not any(row[i].lower() in MISSING for i in needed)]
"""
TABLE = '''def read(path):
    """Rows of a table: x float32 (n, {count}), of a text 0 and 1 for each of its values, and y {dtype} (n,)."""
    cells, features = read_columns(path), []
    for name in COLUMNS:
{filled}        if name in CATEGORIES:
            features += [[cell == value for cell in cells[name]] for value in CATEGORIES[name]]
        else:
            features.append([float(cell) for cell in cells[name]])
    x = np.ascontiguousarray(np.array(features, "float32").T)  # (n, {count})
    answers = cells[{label}]
    return x, {labels}'''
FLAGGED = """            flags[f"{name} missing"] = [cell.lower() in MISSING for cell in cells[name]]
"""
FILLED = f"""        if name in FILLS:
{FLAGGED}            cells[name] = [FILLS[name] if cell.lower() in MISSING else cell for cell in cells[name]]
"""
TEXTS = '''def read(path):
    """Texts (n,) and what is to be predicted of each, (n,)."""
    cells = read_columns(path)
    answers = cells[{label}]
    return np.array(cells[{text}], object), {labels}'''
SERIES = '''def read(path):
    """Steps in time, float32 (time, {count}); what is forecast is the first column."""
    cells = read_columns(path)
    return np.stack([np.array(cells[name], "float32") for name in {names}], axis=1)'''
FILES = '''def files_of(folder, suffixes):
    """The files of each class, the sub-folders' names, sorted, and which class each is of."""
    files, labels = [], []
    for label, name in enumerate(CLASSES):
        inside = [path for path in sorted(Path(folder, name).rglob("*")) if path.suffix.lower() in suffixes]
        shown = [path for path in inside if not any(part.startswith((".", "__MACOSX")) for part in path.parts)]
        files, labels = files + shown, labels + [label] * len(shown)
    return files, np.array(labels, "int32")'''
IMAGES = '''def read(folder):
    """Images uint8 (n, {height}, {width}, {channels}) and their classes (n,)."""
    files, labels = files_of(folder, {suffixes})
    images = [np.asarray(fitted(Image.open(file), {mode}, ({width}, {height}))) for file in files]
    return np.stack(images).reshape(-1, {height}, {width}, {channels}), labels'''
TEXT_FILES = '''def read(folder):
    """Texts (n,), a file each, and their classes (n,)."""
    files, labels = files_of(folder, (".txt",))
    return np.array([file.read_bytes().decode("utf-8-sig").strip() for file in files], object), labels'''
WHOLE = '''def read(path):
    """The text of a file, or of all text files of a folder."""
    files = sorted(file for file in Path(path).rglob("*.txt") if not file.name.startswith(".")) or [Path(path)]
    return "\\n".join(file.read_bytes().decode("utf-8-sig") for file in files).replace("\\r\\n", "\\n")'''
PAIRS = '''def lines_of(path):
    """The lines of a text; only a line feed ends one."""
    lines = Path(path).read_bytes().decode("utf-8-sig").removesuffix("\\n").split("\\n")
    return [line.removesuffix("\\r") for line in lines]


def read(*paths):
    """Texts (n,) and targets (n,): two files whose lines belong together, or one with a tab between them."""
    if len(paths) == 1:
        x, y = zip(*[line.split("\\t")[:2] for line in lines_of(*paths)], strict=True)
    else:
        x, y = map(lines_of, paths)
    return np.array([text.strip() for text in x], object), np.array([text.strip() for text in y], object)'''
ARRAYS = '''def read(folder, part=""):
    """The arrays of a part, x {kind} (n, {shape}) and y {dtype} (n,)."""
    x, y = (np.load(Path(folder, f"{{letter}}{{part}}.npy")) for letter in "xy")
    return x.reshape(len(x), {shape}).astype("{kind}"), y.astype("{dtype}")'''
WIDTH = 120
PATHS: Imports = {"pathlib": {"Path"}}


def reading_own(data: Data) -> Reading:
    """How a script reads the own files of `data`.

    Raises:
        UsageError: a table that Python's csv module reads otherwise than zoo.
    """
    return READERS[data.source.partition(":")[0]](data)


def _places(data: Data) -> dict[str, str]:
    """What is read for each part, by the part's name."""
    return {"train": _place(data.source)} | {name: _place(source) for name, source in data.part_sources().items()}


def _named(name: str, value: list[str] | Mapping[str, Any]) -> str:
    """A constant: on one line if it is short, else with an item a line."""
    line = f"{name} = {literal(value)}"
    if len(line) <= WIDTH:
        return line
    items = [literal(item) for item in value]
    if isinstance(value, Mapping):
        items = [f"{key}: {literal(item)}" for key, item in zip(items, value.values(), strict=True)]
    opened, closed = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
    return "\n".join([f"{name} = {opened}", *(f"    {item}," for item in items), closed])


def _place(source: str) -> str:
    return source.partition(":")[2]


def _calls(data: Data, code: str, imports: Imports) -> Reading:
    """A reading of one path a part."""
    parts = {name: f"read({literal(place)})" for name, place in _places(data).items()}
    return Reading(code, parts["train"], parts.get("test", ""), parts.get("validation", ""), imports)


# tables


def _csv(data: Data) -> Reading:
    return _series(data) if data.series else _texts(data) if data.text else _table(data)


def _table(data: Data) -> Reading:
    columns = csvfile.feature_columns(data)
    plain = missing.in_file(columns, data)
    flags = [name for name in columns if name not in plain]
    count, lines = data.input_shape[0], [_named("COLUMNS", list(columns))]
    lines.append(_named("CATEGORIES", {name: list(values) for name, values in data.categories.items()}))
    if data.fills:
        lines += ["# What missing cells become, by the training part.", _named("FILLS", dict(data.fills))]
    labels, lifted = _labels(data)
    filled = FILLED if data.fills else ""
    code = TABLE.format(count=count, dtype=dtype(data), filled=filled, labels=labels, label=literal(data.label))
    if flags:
        code = code.replace("features = read_columns(path), []", "features, flags = read_columns(path), [], {}")
        code = code.replace("        if name in CATEGORIES:", "        if name in flags:\n"
                            "            features.append(flags[name])\n        elif name in CATEGORIES:")  # fmt: skip
    else:
        code = code.replace(
            '            flags[f"{name} missing"] = [cell.lower() in MISSING for cell in cells[name]]\n', ""
        )
    return _of_tables(data, "\n".join(lines), code, lifted, plain if data.missing == "drop" else ())


def _texts(data: Data) -> Reading:
    labels, lifted = _labels(data)
    code = TEXTS.format(text=literal(data.feature_names[0]), labels=labels, label=literal(data.label))
    return _of_tables(data, "", code, lifted, data.feature_names if data.missing == "drop" else ())


def _series(data: Data) -> Reading:
    code = SERIES.format(count=data.input_shape[-1], names=literal(list(data.feature_names)))
    found = _of_tables(data, "", code, Lifted(), None)
    parts = [part for part in (found.train, found.validation, found.test) if part]
    train = parts[0] if len(parts) == 1 else f"np.concatenate([{', '.join(parts)}])"
    return Reading(found.code, train, imports=found.imports)


def _labels(data: Data) -> tuple[str, Lifted]:
    """The expression that makes y of `answers`, and what of the zoo it leans on."""
    lifted = Lifted()
    if not data.class_names:
        return 'np.array(answers, "float32")', lifted
    if any(map(is_number, data.class_names)):  # 1, 1.0 and 01 are one class
        lift_name("zoo.data.csvfile", "_class_name", lifted)
        return 'np.array([CLASSES.index(_class_name(cell)) for cell in answers], "int32")', lifted
    return 'np.array([CLASSES.index(cell) for cell in answers], "int32")', lifted


def _of_tables(data: Data, constants: str, code: str, lifted: Lifted, needed: tuple[str, ...] | None) -> Reading:
    """The reading of tables; of `needed` columns no cell may be missing, of the label in any case; None: not asked."""
    tables = {place: read_table(Path(place), _expected(data)) for place in _places(data).values()}
    dialects = {_dialect(data, Path(place), table) for place, table in tables.items()}
    headers = {table.header for table in tables.values()}
    if len(dialects) > 1 or len(headers) > 1:
        raise refusal(data, "its parts are written in different ways: separator or header")
    names = HEADER if headers.pop() else NUMBERED
    kept, lines = "", [constants] if constants else []
    if needed is not None and data.missing:
        kept = KEPT.format(needed=literal([*needed, str(data.label)]))
    if data.missing:
        lines.insert(0, f"MISSING = {literal(sorted(MISSING))}  # in lower case")
    if data.class_names:
        lines.insert(0, _named("CLASSES", list(data.class_names)))
    cells = CELLS.format(dialect=dialects.pop(), names=names, kept=kept)
    blocks = ["\n".join(lines), lifted.code, cells, code]
    return _calls(data, "\n\n\n".join(filter(None, blocks)), {**lifted.imports, "csv": {""}})


def _expected(data: Data) -> tuple[str, ...]:
    return (*csvfile.feature_columns(data), *([data.label] if data.label else []))


def _dialect(data: Data, path: Path, table: Table) -> str:
    """How Python's csv reader is told to read what zoo reads."""
    wanted = [list(table.names), *table.rows] if table.header else table.rows
    for delimiter in DELIMITERS:
        for quotes in (True, False):
            told = {"delimiter": delimiter, "skipinitialspace": True} | ({} if quotes else {"quoting": csv.QUOTE_NONE})
            try:
                rows = list(csv.reader(io.StringIO(table_text(path), newline=""), **told))  # type: ignore[arg-type]
            except csv.Error:
                continue
            if [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)] == wanted:
                more = "" if quotes else ", quoting=csv.QUOTE_NONE"
                return f"delimiter={literal(delimiter)}, skipinitialspace=True{more}"
    raise refusal(data, "it is no table that Python's csv module takes apart in the same way")


# folders, texts and arrays


def _folder(data: Data) -> Reading:
    classes = _named("CLASSES", list(data.class_names))
    if data.text:
        return _calls(data, f"{classes}\n\n\n{FILES}\n\n\n{TEXT_FILES}", PATHS)
    from zoo.data.folder import SUFFIXES, image_mode

    height, width, channels = data.input_shape
    lifted = lift_name("zoo.data.folder", "fitted")
    code = IMAGES.format(
        height=height, width=width, channels=channels, suffixes=literal(SUFFIXES), mode=literal(image_mode(channels))
    )
    blocks = "\n\n\n".join([classes, lifted.code, FILES, code])
    return _calls(data, blocks, {**lifted.imports, **PATHS, "PIL": {"Image", "ImageOps"}})


def _corpus(data: Data) -> Reading:
    return _calls(data, WHOLE, PATHS)


def _pairs(data: Data) -> Reading:
    places = {name: _files(place) for name, place in _places(data).items()}
    parts = {name: f"read({', '.join(literal(str(file)) for file in files)})" for name, files in places.items()}
    return Reading(PAIRS, parts["train"], parts.get("test", ""), parts.get("validation", ""), PATHS)


def _files(place: str) -> list[Path]:
    return [Path(place)] if Path(place).exists() else [Path(one) for one in place.split(",")]


def _arrays(data: Data) -> Reading:
    shape = ", ".join(map(str, data.input_shape))
    code = ARRAYS.format(kind=data.input_dtype, shape=shape, dtype=dtype(data))
    if data.part_sources():
        return _calls(data, code, PATHS)
    place = literal(_place(data.source))
    return Reading(
        code, f"read({place})", f'read({place}, "_test")', f'read({place}, "_validation")', PATHS,
    )  # fmt: skip


READERS: dict[str, Callable[[Data], Reading]] = {
    "csv": _csv, "folder": _folder, "text": _corpus, "pairs": _pairs, "arrays": _arrays,
}  # fmt: skip
