"""Own arrays: a folder with `x.npy` and `y.npy`; `x_test.npy`, `y_test.npy`, `x_validation.npy` ... if it has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.config import Data
from zoo.data.examples import Examples, Source, conform_inputs, streams
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.stored import Stored

PARTS = {"train": "", "test": "_test", "validation": "_validation"}
FIRST = "x.npy"


def infer(path: Path) -> Data:
    """A description of a folder of arrays: images (n, height, width[, channels]) or rows (n, features).

    Whole numbers in `y` are classes, others are what is to be predicted; 0 and 1 in `y` (n, labels) are several labels
    a row.

    Raises:
        UsageError: a file that is missing, no array of numbers, or of another length than its fellow.
    """
    found = {name: _pair(path, suffix) for name, suffix in PARTS.items() if _is_there(path, suffix)}
    return describe(f"arrays:{path}", found, lambda part, letter: str(path / f"{letter}{PARTS[part]}.npy"))


def describe(source: str, found: Mapping[str, Any], called: Callable[[str, str], str]) -> Data:
    """A description of pairs `x`, `y` by the part's name; `called` is what messages call one of a part's arrays.

    Raises:
        UsageError: no images and no rows, classes below 0, or one class only.
    """
    (x, y), first, second = found["train"], called("train", "x"), called("train", "y")
    if len(x.shape) not in (2, 3, 4):
        raise UsageError(f"{first} has shape {x.shape}; images are (n, height, width, channels), rows (n, features)")
    if 0 in x.shape[1:]:
        raise UsageError(f"{first} has shape {x.shape}: its rows hold nothing")
    if y.dtype.kind == "i" and y.min() < 0:
        raise UsageError(
            f"{second} holds {y.min()}: whole numbers are classes, counted from 0\n"
            "save quantities as floating-point numbers: numpy.save(file, y.astype('float32'))"
        )
    shape = (*x.shape[1:], 1) if len(x.shape) == 3 else x.shape[1:]
    several = y.ndim == 2
    if several and y.max(initial=0) > 1:
        raise UsageError(f"{second} has shape {y.shape} and holds {y.max()}: several labels a row are each 0 or 1")
    classes = y.shape[1] if several else 0 if y.dtype.kind == "f" else int(y.max()) + 1
    if classes == 1:
        raise UsageError(f"{second} knows one class only: a network needs two to tell apart")
    return Data(
        source=source,
        kind="image" if len(shape) == 3 else "tabular",
        task="label" if classes else "value",
        input_shape=shape,
        input_dtype="uint8" if x.dtype == "uint8" and len(shape) == 3 else "float32",
        num_classes=classes or None,
        several_labels=several,
        train=len(y),
        test=len(list(found["test"])[1]) if "test" in found else 0,
        test_share=0.0 if "test" in found else 0.2,
        validation=len(list(found["validation"])[1]) if "validation" in found else 0,
    )


def read(path: Path, data: Data) -> Source:
    """The arrays; `x` stays on disk where `data.stream` says so or it would fill the memory.

    Raises:
        UsageError: as `infer`.
    """
    parts = {}
    for name, suffix in PARTS.items():
        if _is_there(path, suffix):
            x, y = _pair(path, suffix, data)
            parts[name] = Examples(x if streams(len(x), data) else x[:], y)
    return Source(parts["train"], parts.get("test"), parts.get("validation"))


def count(path: Path, data: Data) -> int:
    """Rows of a folder of arrays that is a part of `data`.

    Raises:
        UsageError: rows of another shape, a class that is not one of `data`, and what `infer` refuses.
    """
    x, y = _pair(path, "", data)
    if not _fits(x.shape[1:], data):
        raise UsageError(f"{path / FIRST} has rows of shape {x.shape[1:]}, the training part {data.input_shape}")
    if data.num_classes and not data.several_labels and (foreign := sorted({*y.tolist()} - {*range(data.num_classes)})):
        raise UsageError(
            f"{path / 'y.npy'} holds {', '.join(map(str, foreign[:3]))}: the training part has the classes 0 to "
            f"{data.num_classes - 1}\nmend the labels, or bring examples of these classes into the training part"
        )
    return len(y)


def _is_there(path: Path, suffix: str) -> bool:
    return not suffix or (path / f"x{suffix}.npy").exists() or (path / f"y{suffix}.npy").exists()


def _pair(path: Path, suffix: str, data: Data | None = None) -> tuple[Stored, np.ndarray]:
    """`x` as the rows that `data` asks for, unread, and `y` (n,) or (n, labels)."""
    from zoo.data.stored import Stored

    files = [path / f"{letter}{suffix}.npy" for letter in "xy"]
    for file in files:
        if not file.is_file():
            raise UsageError(f"there is no {file}\na folder of arrays has x.npy and y.npy, one row an example in both")
    x, labels = map(Stored, files)
    if len(x) != len(labels) or len(labels) == 0:
        raise UsageError(f"{files[0]} has {len(x):,} rows, {files[1]} {len(labels):,}\nthey belong together row by row")
    if data and _fits(x.shape[1:], data):
        x = Stored(files[0], data.input_shape, data.input_dtype)
    return x, one_or_several(labels[:], str(files[1]))


def one_or_several(y: np.ndarray, what: str) -> np.ndarray:
    """Targets as (n,), or as (n, labels) where each row has several labels, whole numbers.

    Raises:
        UsageError: another shape.
    """
    if y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iub":
        return y.astype("int32")
    if y.shape not in ((len(y),), (len(y), 1)):
        raise UsageError(
            f"{what} has shape {y.shape}: one number an example, (n,), or whole numbers 0 and 1, (n, labels)\n"
            "of one-hot indicators take the class ids: y.argmax(axis=1)"
        )
    return y.reshape(-1)


def _fits(row: tuple[int, ...], data: Data) -> bool:
    """Whether a row has the model's shape; grey images often leave out the 1."""
    return row == data.input_shape or (*row, 1) == data.input_shape


def read_inputs(path: Path, data: Data) -> np.ndarray:
    """The rows of an `.npy` file as a model takes them.

    Raises:
        UsageError: rows of another shape.
    """
    from zoo.data.stored import Stored

    found = Stored(path)
    if not _fits(found.shape[1:], data):
        raise UsageError(f"{path} has rows of shape {found.shape[1:]}, the model takes {tuple(data.input_shape)}")
    return Stored(path, data.input_shape, data.input_dtype)[:]


def given_inputs(given: Any, data: Data) -> Any:
    """Raw examples given in Python, an array or arrays by name, as a model takes them.

    Raises:
        UsageError: other names, or arrays of another shape or type. ZooError: a number that is not finite.
    """
    import numpy as np

    names = tuple(data.inputs) or ("x",)
    arrays = dict(given) if isinstance(given, Mapping) else {"x": given}
    if set(arrays) != set(names):
        wanted = f"a dict of the inputs {', '.join(names)}" if data.inputs else "an array"
        raise UsageError(f"the model takes {wanted}, not {', '.join(map(str, arrays))}")
    found = {}
    for name in names:
        one, array = (data.of_input(name) if data.inputs else data), np.asarray(arrays[name])
        if not array.ndim or not _fits(array.shape[1:], one):
            raise UsageError(f"{name} has shape {array.shape}, the model takes (n, *{tuple(one.input_shape)})")
        if not np.can_cast(array.dtype, one.input_dtype, "same_kind"):
            raise UsageError(f"{name} is an array of {array.dtype}, the model takes {one.input_dtype}")
        found[name] = conform_inputs(array.reshape(len(array), *one.input_shape), one, name)
    return found if data.inputs else found["x"]
