"""The lines of a script that read a source: each gives a pair (x, y) of arrays, in the source's own order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.data import prepared
from zoo.data.config import Data
from zoo.data.tfds_features import choose
from zoo.eject.lifting import Imports, lift_name
from zoo.eject.literal import literal
from zoo.errors import MissingError, UsageError

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


@dataclass(frozen=True)
class Reading:
    """Code that reads a source, and the expressions that give its parts."""

    code: str
    train: str = "read()"
    test: str = ""
    validation: str = ""
    imports: Imports = field(default_factory=dict)


def reading(data: Data) -> Reading:
    """How a script reads what `zoo.data.load` reads.

    Raises:
        UsageError: a source that is not written into scripts; MissingError: a table of TensorFlow Datasets whose
            columns are known only once it is prepared.
    """
    scheme, _, name = data.source.partition(":")
    if scheme == "sklearn":
        return _sklearn(name, data)
    if scheme == "generated":
        return _generated(name, data)
    if scheme == "tfds":
        return _tfds(name, data)
    raise UsageError(
        f"{data.source}: scripts read TensorFlow Datasets, scikit-learn's sets and generated points, not own files\n"
        "eject a recipe of those (zoo data ls) and put your own lines into its function `read`"
    )


def _sklearn(name: str, data: Data) -> Reading:
    imports: Imports = {"sklearn": {"datasets"}}
    if name == "digits":
        return Reading(DIGITS, imports=imports)
    options = "scaled=False" if name == "diabetes" else ""
    code = TABLE.format(name=name, columns=data.input_shape[0], options=options, dtype=_dtype(data))
    return Reading(code, imports=imports)


def _dtype(data: Data) -> str:
    return "float32" if data.task == "regression" else "int32"


def _generated(name: str, data: Data) -> Reading:
    from zoo.data import generated

    if name == "line":
        return Reading(LINE, "read([1, 2, 3, 4, 6])", "read([5])")
    options = {**generated.OPTIONS[name], **data.options}
    own = f"_{name}" if hasattr(generated, f"_{name}") else "_corners"  # the truth tables are made by one function
    lifted = lift_name("zoo.data.generated", own)
    make = own if own != "_corners" else f"_corners({literal(name)})"
    code = POINTS.format(seed=int(options["seed"]), make=make, options=literal(options), noise=options["noise"])
    train, test = f"read({data.train}, stream=0)", f"read({data.test}, stream=1)"
    return Reading(f"{lifted.code}\n\n\n{code}", train, test, imports=lifted.imports)


def _tfds(name: str, data: Data) -> Reading:
    code = _images(name, data) if data.kind == "image" else _rows(name, data)
    imports: Imports = {"tensorflow_datasets as tfds": {""}}
    test, validation = (f"read({literal(split)})" for split in (data.test_split, data.validation_split))
    return Reading(code, 'read("train")', test, validation, imports)


def _images(name: str, data: Data) -> str:
    if data.label:
        raise UsageError(f"{data.source} with data.label = {data.label!r}: scripts read the set's own labels")
    info = _info(name)
    if info and tuple(info.features[info.supervised_keys[0]].shape) != data.input_shape:
        raise UsageError(f"{data.source}: its images are resized while they are read, which scripts do not do")
    shape = f"(n, {', '.join(map(str, data.input_shape))})"
    return IMAGES.format(name=name, dtype=data.input_dtype, shape=shape, labels=_dtype(data))


def _rows(name: str, data: Data) -> str:
    info = _info(name)
    if info is None:
        raise MissingError(
            f"tfds:{name} is not prepared, and its columns are known only then\n"
            f"prepare it first: zoo data prepare tfds:{name}"
        )
    pair = choose(info, data.label, name)
    table = f"table[{literal(pair.source)}]" if pair.source else "table"
    features = sorted(pair.input.items()) if isinstance(pair.input, Mapping) else [("", pair.input)]
    lines = [f"        {_column(f'{table}[{literal(key)}]' if key else table, feature)}," for key, feature in features]
    return ROWS.format(
        columns=data.input_shape[0], name=name, lines="\n".join(lines), label=pair.label, dtype=_dtype(data)
    )


def _column(cells: str, feature: Any) -> str:
    """Cells as columns (n, k): a class one-hot, a number by itself, a vector as it is."""
    if classes := getattr(feature, "num_classes", None):
        return f"np.eye({classes})[{cells}]"
    return cells if feature.shape else f"{cells}[:, None]"


def _info(name: str) -> Any:
    """What TensorFlow Datasets says of a set that lies prepared, else None."""
    from zoo.data import tfds_source

    address = prepared.Address.parse(name)
    found = prepared.find(address)
    return tfds_source.open_builder(address, found).info if found else None
