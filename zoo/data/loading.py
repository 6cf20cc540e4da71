"""One door to every source: `tfds:`, `sklearn:`, `generated:`, `folder:` and `csv:`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zoo.data.examples import Source, Splits, conform
from zoo.data.splitting import split
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

SOURCES = ("tfds", "sklearn", "generated", "folder", "csv")


class Status(NamedTuple):
    """Where a dataset lies: `ready` to load without a network, its folder or file, MiB there, MiB to download."""

    ready: bool
    place: str
    size_mb: float
    download_mb: float


def load(data: Data, name: str) -> Splits:
    """Training, validation and test examples as NumPy arrays; the same rows in every run (see `zoo.data.splitting`).

    `name` is what messages call the dataset. A TensorFlow Datasets source is downloaded if it is not there.

    Raises:
        UsageError: the source's content is bad or is not what `data` says.
        MissingError: the source is not there and cannot be fetched.
    """
    source = _read(data)
    train = conform(source.train, data, _where(name, "train", source))
    test = conform(source.test, data, f"{name}, test") if source.test else None
    return split(Source(train, test), data, name)


def _where(name: str, part: str, source: Source) -> str:
    return f"{name}, {part}" if source.test else name


def _read(data: Data) -> Source:
    scheme, rest = parts(data.source)
    if scheme == "tfds":
        from zoo.data import prepared, tfds_source

        return tfds_source.read(prepared.Address.parse(rest), data)
    if scheme == "sklearn":
        from zoo.data import embedded

        return embedded.read(rest)
    if scheme == "generated":
        from zoo.data import generated

        return generated.read(rest, data)
    if scheme == "folder":
        from zoo.data import folder

        return folder.read(Path(rest), data)
    from zoo.data import csvfile

    return csvfile.read(Path(rest), data)


def parts(source: str) -> tuple[str, str]:
    """`("tfds", "mnist")` of `tfds:mnist`.

    Raises:
        UsageError: no such kind of source.
    """
    scheme, _, rest = source.partition(":")
    if scheme not in SOURCES or not rest:
        raise unknown(
            "source", source, SOURCES, "a source is tfds:NAME, sklearn:NAME, generated:NAME, folder:PATH or csv:PATH"
        )
    return scheme, rest


def infer(source: str, label: str | None = None) -> Data:
    """A description of data without a recipe: `csv:PATH`, `folder:PATH`, `tfds:NAME/CONFIG` (prepared), `sklearn:NAME`.

    A fifth is held out for testing where the source has no test split, then a tenth of the rest for validation.

    Raises:
        UsageError: bad content, or a generated source, which has no sizes of its own.
        MissingError: a TensorFlow Datasets name that is not prepared.
    """
    scheme, rest = parts(source)
    if scheme == "tfds":
        from zoo.data import prepared, tfds_source

        return tfds_source.infer(prepared.Address.parse(rest), label)
    if scheme == "sklearn":
        from zoo.data import embedded

        return embedded.infer(rest)
    if scheme == "folder":
        from zoo.data import folder

        return folder.infer(Path(rest))
    if scheme == "csv":
        from zoo.data import csvfile

        return csvfile.infer(Path(rest), label)
    raise UsageError(f"{source}: a generated set needs a recipe for its sizes; take the one named {rest}")


def from_path(path: str | Path, label: str | None = None) -> Data:
    """A description of an own CSV file or image folder, by its absolute path: it holds wherever it is used again.

    Raises:
        UsageError: no such file, or neither; a label column given for a folder.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        if label:
            raise UsageError(f"{path} is a folder: its sub-folders' names are the labels; leave out --label")
        return infer(f"folder:{path.absolute()}")
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
    if path.suffix.lower() not in (".csv", ".tsv", ".txt", ".data"):
        raise UsageError(f"{path} is neither a folder of images nor a table (.csv, .tsv, .txt, .data)")
    return infer(f"csv:{path.absolute()}", label)


def read_examples(data: Data, path: str | Path | Sequence[str | Path]) -> np.ndarray:
    """Raw examples to predict on, in the form `load` gives them: image files or folders of them, or a CSV's rows.

    Images: uint8 (n, height, width, channels), files of a folder sorted by name. Tables: float32 (n, features); a label
    column is passed over.

    Raises:
        UsageError: no such file, or one that does not fit the data; it is named.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if missing := [str(one) for one in paths if not one.exists()]:
        raise UsageError(f"no such file or folder: {', '.join(missing)}")
    if data.kind == "image":
        from zoo.data import folder

        return folder.read_files(folder.image_files(paths), data)
    import numpy as np

    from zoo.data import csvfile

    return np.concatenate([csvfile.read_features(one, data) for one in paths])


def status(data: Data) -> Status:
    """Whether the data lies ready, and where; imports nothing heavy."""
    scheme, rest = parts(data.source)
    if scheme == "tfds":
        from zoo.data import prepared

        found = prepared.find(prepared.Address.parse(rest))
        if found is None:
            return Status(False, str(prepared.data_dir()), 0.0, data.download_mb)
        return Status(True, str(found.folder), _mib(found.files), data.download_mb)
    if scheme in ("folder", "csv"):
        path = Path(rest)
        files = [f for f in path.rglob("*") if f.is_file()] if path.is_dir() else [path] if path.exists() else []
        return Status(path.exists(), str(path), _mib(files), 0.0)
    return Status(True, "scikit-learn" if scheme == "sklearn" else "made on the spot", 0.0, 0.0)


def _mib(files: Sequence[Path]) -> float:
    return round(sum(file.stat().st_size for file in files) / 2**20, 2)


def prepare(data: Data) -> Status:
    """Make the data ready: download and check what comes from TensorFlow Datasets, look that the rest is there.

    Raises:
        MissingError: no network, a failed download, a folder that cannot be written.
        UsageError: an own file or folder that is not there.
    """
    scheme, rest = parts(data.source)
    if scheme == "tfds":
        from zoo.data import prepared, tfds_source

        tfds_source.prepare(prepared.Address.parse(rest), data.download_mb)
    state = status(data)
    if not state.ready:
        raise UsageError(f"no such file or folder: {state.place}")
    return state
