"""The lines of a script that read a source: each gives a pair (x, y) of arrays, in the source's own order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo import tasks
from zoo.data import sources
from zoo.data.config import Data
from zoo.data.sources.tfds_features import choose
from zoo.eject.lifting import Imports, lift_name
from zoo.eject.literal import literal
from zoo.eject.reading_own import reading_own
from zoo.eject.reading_parts import Reading, dtype, prepared_info, refusal
from zoo.eject.reading_texts import reading_texts

LINE = '''def read(points):
    """Points on the line y = x."""
    x = np.array(points, "float32")
    return x[:, None], x'''
POINTS = '''def read(count, stream):
    """So many points; `stream` keeps the random numbers of training and test apart."""
    random = np.random.default_rng([{seed}, stream])
    x, y = {make}(count, {options}, random)
    x = x + random.normal(0.0, 1.0, x.shape) * {noise}
    return x.astype("float32"), y.astype("int32")'''
DIGITS = '''def read():
    """All digits, uint8 (1797, 8, 8, 1), their 17 shades of grey spread over 0 to 255, and labels (1797,)."""
    digits = datasets.load_digits()
    pixels = (digits.images * (255 / 16)).round().astype("uint8")
    return pixels[..., None], digits.target.astype("int32")'''
TABLE = '''def read():
    """All rows, float32 (n, {columns}), and what is to be predicted (n,)."""
    table = datasets.load_{name}({options})
    return table.data.astype("float32"), table.target.astype("{dtype}")'''
WAVE = '''def read():
    """A wave of height 1 with noise, (time, 1)."""
    noise = np.random.default_rng({seed}).normal(0.0, 1.0, {steps}) * {noise}
    return (np.sin(2 * np.pi * np.arange({steps}) / {period}) + noise).astype("float32")[:, None]'''
CELLS = '''def read():
    """Steps in time, float32 (time, columns); what is forecast is the first column."""
    with open("{file}", newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    return np.array([[row[name] for name in {names}] for row in rows], "float32")'''
IMAGES = '''def read(split):
    """A whole split, in its own order: images {dtype} {shape} and labels (n,)."""
    images, labels = tfds.as_numpy(tfds.load("{name}", split=split, as_supervised=True, batch_size=-1))
    return images, labels.astype("{labels}")'''
ROWS = '''def read(split):
    """A whole split, in its own order: rows float32 (n, {columns}), and what is to be predicted (n,)."""
    table = tfds.as_numpy(tfds.load("{name}", split=split, batch_size=-1))
    columns = [
{lines}
    ]
    return np.concatenate(columns, axis=1).astype("float32"), table["{label}"].astype("{dtype}")'''


def reading(data: Data) -> Reading:
    """How a script reads what `zoo.data.load` reads.

    Raises:
        UsageError: a source that is not written into scripts; MissingError: a table of TensorFlow Datasets whose
            columns are known only once it is prepared.
    """
    found = _whole(data)
    if not data.classes:
        return found
    train, test, validation = (part and f"of_classes(*{part})" for part in (found.train, found.test, found.validation))
    return replace(found, train=train, test=test, validation=validation)


def _whole(data: Data) -> Reading:
    """The same with all classes of the source."""
    source, name = sources.of(data.source)
    if why := source.why_no_script(name, data):
        raise refusal(data, why)
    if sources.is_own_file(data.source):
        return _fetched(name, data) if data.origin else reading_own(data)
    return reading_texts(data) if data.text else READERS[source.scheme](name, data)


def _fetched(name: str, data: Data) -> Reading:
    """A series in a file that is fetched by hand, put beside the script."""
    code = CELLS.format(file=Path(name).name, names=literal(data.feature_names))
    return Reading(code, imports={"csv": {""}}, files={Path(name).name: data.origin})


def _sklearn(name: str, data: Data) -> Reading:
    imports: Imports = {"sklearn": {"datasets"}}
    if name == "digits":
        return Reading(DIGITS, imports=imports)
    options = "scaled=False" if name == "diabetes" else ""
    code = TABLE.format(name=name, columns=data.input_shape[0], options=options, dtype=dtype(data))
    return Reading(code, imports=imports)


def _generated(name: str, data: Data) -> Reading:
    from zoo.data.sources import generated

    options = generated.options_of(name, data.options)
    if name == "sine":
        return Reading(WAVE.format(**options, steps=sum(data.parts().values())))
    if name == "line":
        return Reading(LINE, "read([1, 2, 3, 4, 6])", "read([5])")
    own = f"_{name}" if hasattr(generated, f"_{name}") else "_corners"  # the truth tables are made by one function
    lifted = lift_name("zoo.data.sources.generated", own)
    make = own if own != "_corners" else f"_corners({literal(name)})"
    code = POINTS.format(seed=int(options["seed"]), make=make, options=literal(options), noise=options["noise"])
    train, test = f"read({data.train}, stream=0)", f"read({data.test}, stream=1)"
    return Reading(f"{lifted.code}\n\n\n{code}", train, test, imports=lifted.imports)


def _tfds(name: str, data: Data) -> Reading:
    code = _images(name, data) if tasks.of(data).fields(data).inputs[0].has_pixels else _rows(name, data)
    imports: Imports = {"tensorflow_datasets as tfds": {""}}
    test, validation = (f"read({literal(split)})" for split in (data.test_split, data.validation_split))
    return Reading(code, 'read("train")', test, validation, imports)


READERS = {"sklearn": _sklearn, "generated": _generated, "tfds": _tfds}


def _images(name: str, data: Data) -> str:
    shape = f"(n, {', '.join(map(str, data.input_shape))})"
    return IMAGES.format(name=name, dtype=data.input_dtype, shape=shape, labels=dtype(data))


def _rows(name: str, data: Data) -> str:
    pair = choose(prepared_info(name), data.label, name)
    table = f"table[{literal(pair.source)}]" if pair.source else "table"
    features = sorted(pair.input.items()) if isinstance(pair.input, Mapping) else [("", pair.input)]
    lines = [f"        {_column(f'{table}[{literal(key)}]' if key else table, feature)}," for key, feature in features]
    return ROWS.format(
        columns=data.input_shape[0], name=name, lines="\n".join(lines), label=pair.label, dtype=dtype(data)
    )


def _column(cells: str, feature: Any) -> str:
    """Cells as columns (n, k): a class one-hot, a number by itself, a vector as it is."""
    if classes := getattr(feature, "num_classes", None):
        return f"np.eye({classes})[{cells}]"
    return cells if feature.shape else f"{cells}[:, None]"
