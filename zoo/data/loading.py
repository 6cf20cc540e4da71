"""One door to every source: `tfds:`, `sklearn:`, `generated:`, `stdlib:`, `folder:`, `arrays:`, `csv:`, `pairs:`.

`memory:` is what was given in Python; whoever loads it has it at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zoo.data.examples import Source
from zoo.data.rawfiles import locate, missing
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.fields import Role

SOURCES = ("tfds", "sklearn", "generated", "stdlib", "folder", "arrays", "csv", "pairs", "memory")
TABLES = (".csv", ".tsv", ".txt", ".data")
HOLDS = {  # of a source the kinds of data that it can be read as; the others say it themselves
    "stdlib": ("text",),
    "pairs": ("text-pair",),
    "sklearn": ("tabular", "image"),
    "arrays": ("tabular", "image"),
    "memory": ("tabular", "image"),
    "folder": ("image", "text"),
    "csv": ("tabular", "text", "series"),
}
READ_AS = {"table": "tabular", "text": "text", "pairs": "text-pair", "series": "series"}  # what an own file can be


class Status(NamedTuple):
    """Where a dataset lies: `ready` to load without a network, its folder or file, MiB there, MiB to download."""

    ready: bool
    place: str
    size_mb: float
    download_mb: float


def read(data: Data, target: Role = "label") -> Source:
    """What the source holds, before it is checked, split or encoded: texts are strings, a series is one part.

    `target` is the role of what is predicted: class ids, values, or (of one long text) tokens.

    Raises:
        UsageError: the source's content is bad.
        MissingError: the source is not there and cannot be fetched.
    """
    scheme, rest = scheme_and_rest(data.source)
    if data.kind not in HOLDS.get(scheme, (data.kind,)):
        raise UsageError(f"{data.source} is {' or '.join(HOLDS[scheme])}; the recipe says data.kind = {data.kind!r}")
    if scheme == "tfds":
        from zoo.data import prepared, tfds_source

        return tfds_source.read(prepared.Address.parse(rest), data, target)
    if scheme == "sklearn":
        from zoo.data import embedded

        return embedded.read(rest)
    if scheme == "generated":
        from zoo.data import generated

        return generated.read(rest, data)
    if scheme == "stdlib":
        from zoo.data import stdlib_source

        return stdlib_source.read(rest, data)
    if scheme == "pairs":
        from zoo.data import pairs

        return pairs.read(rest, data)
    if scheme == "memory":
        from zoo.data import given

        raise given.refusal(data.source)
    return _read_own(locate(rest), data, target)


def _read_own(path: Path, data: Data, target: Role) -> Source:
    """An own folder, or a table of any kind."""
    from zoo.data import arrays, csvfile, folder, masks, series, textfiles

    if not path.exists():
        raise missing([path], data)
    if data.source.startswith("arrays:"):
        return arrays.read(path, data)
    if path.is_dir() and target == "mask":
        return masks.read(path, data)
    if path.is_dir():
        return textfiles.read_folder(path, data) if data.kind == "text" else folder.read(path, data)
    if data.kind == "text":
        return textfiles.read_texts(path, data, target)
    return series.read(path, data) if data.kind == "series" else csvfile.read(path, data, target)


def scheme_and_rest(source: str) -> tuple[str, str]:
    """`("tfds", "mnist")` of `tfds:mnist`.

    Raises:
        UsageError: no such kind of source.
    """
    scheme, _, rest = source.partition(":")
    if scheme not in SOURCES or not rest:
        raise unknown(
            "source", source, SOURCES,
            "a source is tfds:NAME, sklearn:NAME, generated:NAME, stdlib:source, folder:PATH, arrays:PATH, csv:PATH "
            "or pairs:PATH",
        )  # fmt: skip
    return scheme, rest


def infer(source: str, label: str | None = None, kind: str | None = None) -> Data:
    """A description of data without a recipe: `csv:PATH`, `folder:PATH`, `arrays:PATH`, `pairs:PATH`,
    `tfds:NAME/CONFIG` (prepared), `sklearn:NAME`. `kind` says what a table is, of READ_AS; without it, that is found
    out, and told in a note. The description's `task` is the role of what is predicted until `zoo.tasks` decides.

    A fifth is held out for testing where the source has no test split, then a tenth of the rest for validation.

    Raises:
        UsageError: bad content, or a source that has no sizes of its own.
        MissingError: a TensorFlow Datasets name that is not prepared.
    """
    scheme, rest = scheme_and_rest(source)
    if scheme == "tfds":
        from zoo.data import prepared, tfds_source

        return tfds_source.infer(prepared.Address.parse(rest), label)
    if scheme == "sklearn":
        from zoo.data import embedded

        return embedded.infer(rest)
    if scheme == "pairs":
        from zoo.data import pairs

        return pairs.infer(rest)
    if scheme == "memory":
        from zoo.data import given

        raise given.refusal(source)
    if scheme == "arrays":
        from zoo.data import arrays

        return arrays.infer(Path(rest))
    if scheme == "folder":
        from zoo.data import folder, masks, textfiles

        if masks.folders(Path(rest)):
            return masks.infer(Path(rest))
        return textfiles.infer_folder(Path(rest)) if textfiles.holds_texts(Path(rest)) else folder.infer(Path(rest))
    if scheme == "csv":
        return _infer_table(Path(rest), label, kind)
    raise UsageError(
        f"{source} needs a recipe for its sizes; take the one named {rest if rest != 'source' else scheme}"
    )


def _infer_table(path: Path, label: str | None, kind: str | None) -> Data:
    """What a table is, from what stands in it, unless it is said."""
    from zoo.data import csvfile, series, textfiles
    from zoo.data.table import read_table

    if kind == "table":
        return csvfile.infer(path, label)
    table = read_table(path, tuple(label.split(",")) if label else ())
    if kind == "series" or (kind is None and series.looks_like(table, label)):
        return series.infer(table, label, asked=kind is not None)
    if kind == "text" or (kind is None and textfiles.text_column(table, label)):
        return textfiles.infer_table(table, label, asked=kind is not None)
    return csvfile.infer(path, label)


def from_path(path: str | Path, label: str | None = None, kind: str | None = None) -> Data:
    """A description of own data, by its absolute path: it holds wherever it is used again.

    A folder of images or of .txt files, a sub-folder a class, or one with x.npy and y.npy, or one with images/ and
    masks/ whose files have the same names; a table; a file of
    tab-separated pairs of texts, or two files whose lines belong together, `a.en,a.de`. `kind` says what a table is
    where that is not found out rightly.

    Raises:
        UsageError: no such file, or none of these; a label column given where there is none; no such kind.
    """
    if kind is not None and kind not in READ_AS:
        raise unknown("kind of data", kind, READ_AS, f"known: {', '.join(READ_AS)}")
    if scheme := _pairs(str(path), label, kind):
        if label:
            raise UsageError(
                f"{path}: pairs of texts have no label column, the second text is learnt; leave out --label"
            )
        return infer(scheme)
    path = Path(path).expanduser()
    if path.is_dir():
        if label:
            raise UsageError(f"{path} is a folder: its sub-folders' names are the labels; leave out --label")
        if kind:
            raise UsageError(f"{path} is a folder: what it is follows from the files in it; leave out --as")
        return infer(f"{_kind_of_folder(path)}:{path.absolute()}")
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
    if path.suffix.lower() not in TABLES:
        raise UsageError(
            f"{path} is neither a folder of images or texts nor a table ({', '.join(TABLES)})\n"
            "pairs of texts: a .tsv, a .zip with one, or two files: --data FIRST,SECOND"
        )
    return infer(f"csv:{path.absolute()}", label, kind)


def _kind_of_folder(path: Path) -> str:
    from zoo.data import arrays

    return "arrays" if (path / arrays.FIRST).exists() else "folder"


def _pairs(path: str, label: str | None, kind: str | None) -> str | None:
    """The source of pairs of texts that a path stands for, or None."""
    from zoo.data import pairs

    whole, halves = Path(path).expanduser(), [Path(half).expanduser() for half in path.split(",")]
    if len(halves) == 2 and not whole.exists() and all(half.is_file() for half in halves):
        return f"pairs:{halves[0].absolute()},{halves[1].absolute()}"
    if not whole.is_file():
        return None
    found = whole.suffix.lower() in (".tsv", ".txt") and not label and pairs.looks_like(whole)
    is_pairs = kind == "pairs" or (kind is None and (whole.suffix.lower() == ".zip" or found))
    return f"pairs:{whole.absolute()}" if is_pairs else None


def read_examples(data: Data, path: str | Path | Sequence[str | Path]) -> np.ndarray:
    """Raw examples to predict on, in the form `load` gives them: image files or folders of them, a CSV's rows,
    or those of .npy files.

    Images: uint8 (n, height, width, channels), files of a folder sorted by name. Tables: float32 (n, features); a label
    column is passed over. Series: the last window of each file, float32 (n, window, columns).

    Raises:
        UsageError: no such file, or one that does not fit the data; it is named.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if missing := [str(one) for one in paths if not one.exists()]:
        raise UsageError(f"no such file or folder: {', '.join(missing)}")
    import numpy as np

    if all(one.suffix == ".npy" for one in paths) and data.kind in ("image", "tabular"):
        from zoo.data import arrays

        return np.concatenate([arrays.read_inputs(one, data) for one in paths])
    if data.kind == "image":
        from zoo.data import folder

        return folder.read_files(folder.image_files(paths), data)

    from zoo.data import csvfile, series

    if data.series:
        return np.concatenate([series.last_window(one, data) for one in paths])
    return np.concatenate([csvfile.read_features(one, data) for one in paths])


def status(data: Data) -> Status:
    """Whether the data lies ready, and where; imports nothing heavy."""
    scheme, rest = scheme_and_rest(data.source)
    if scheme == "tfds":
        from zoo.data import prepared

        found = prepared.find(prepared.Address.parse(rest))
        if found is None:
            return Status(False, str(prepared.data_dir()), 0.0, data.download_mb)
        return Status(True, str(found.folder), _mib(found.files), data.download_mb)
    if scheme in ("folder", "arrays", "csv", "pairs"):
        wanted = _own_files(scheme, rest, data)
        where = wanted[0] if len(wanted) == 1 else wanted[0].parent
        files = [f for path in wanted for f in ([path] if path.is_file() else path.rglob("*")) if f.is_file()]
        return Status(all(path.exists() for path in wanted), str(where), _mib(files), 0.0)
    if scheme == "memory":
        return Status(False, "given in Python", 0.0, 0.0)
    place = {"sklearn": "scikit-learn", "stdlib": "this Python's library"}.get(scheme, "made on the spot")
    return Status(True, place, 0.0, 0.0)


def _own_files(scheme: str, rest: str, data: Data) -> list[Path]:
    """The files or the folder that a source needs."""
    if scheme != "pairs":
        return [locate(rest)]
    from zoo.data import pairs

    return [path for part in pairs.files(rest, data).values() for path in part]


def _mib(files: Sequence[Path]) -> float:
    return round(sum(file.stat().st_size for file in files) / 2**20, 2)


def prepare(data: Data) -> Status:
    """Make the data ready: download and check what comes from TensorFlow Datasets, look that the rest is there.

    Raises:
        MissingError: no network, a failed download, a folder that cannot be written.
        UsageError: an own file or folder that is not there; a MissingError if the recipe says where to get it.
    """
    scheme, rest = scheme_and_rest(data.source)
    if scheme == "tfds":
        from zoo.data import prepared, tfds_source

        tfds_source.prepare(prepared.Address.parse(rest), data.download_mb)
    if scheme == "memory":
        from zoo.data import given

        raise given.refusal(data.source)
    state = status(data)
    if not state.ready:
        raise missing([path for path in _own_files(scheme, rest, data) if not path.exists()], data)
    return state
