"""Foreign model files, looked through before Keras sees them: a model file can carry code, and can ask for any memory.

Only `.keras` archives are read, and of these only what Keras itself writes: three plain members (and assets), layers
of Keras and of the zoo by name, numbers in proportion to the weights that are there, weights as plain arrays. What is
not known to be harmless is refused, with the reason; nothing in the file is imported, called, unpacked or allocated.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import UsageError
from zoo.files import WEIGHTS, opened
from zoo.safety.archive import Part, check_directory, check_members
from zoo.safety.config import check_config
from zoo.safety.refusals import damaged, refused
from zoo.safety.weights import check_weights

if TYPE_CHECKING:
    import keras

MOST_NUMBER = 1_000_000  # a size in a layer's config, unless the file holds as many weights
SIGNS = (  # how a file begins -> what it is, and why it is not read
    (b"\x89HDF\r\n\x1a\n", "an HDF5 model (.h5), a format that can carry Python code"),
    (b"\x80", "a pickle, which runs code when it is read"),
    (b"PK\x03\x04", "an archive"),
)


def load_model(path: str | Path) -> keras.Model:
    """A `.keras` file as a model, uncompiled, after `scan` found nothing in it. Knows the layers of Keras and the zoo.

    Raises:
        UsageError: it is not there, damaged, or holds what is refused.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"there is no file {path}")
    elements = scan(path)
    import keras

    import zoo.layers  # noqa: F401  registers the zoo's layers, so that the file's names are known
    from zoo.safety.building import bounded

    try:
        with bounded(path, elements) as bounds:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except UsageError:
        raise
    except Exception as error:
        if bounds.fault:
            raise bounds.fault from error
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path} does not load: {why[:300]}\nwas it written by this version of zoo?") from error


def refuse_other_formats(path: Path) -> None:
    """Refuse what a user may give in place of a run directory: a model of another format, or alone.

    Raises:
        UsageError: a file, or a SavedModel folder; what it is and why it is not read.
    """
    if (path / "saved_model.pb").exists():
        raise refused(path, "a SavedModel, a TensorFlow program, which can read and write files")
    if path.is_file():
        begin = _begin(path)
        what = next((what for sign, what in SIGNS[:2] if begin.startswith(sign)), "a file, not a run directory")
        raise refused(path, what)


def scan(path: Path) -> int:
    """Look through a model file without unpacking it; the number of weights in it.

    Raises:
        UsageError: it is no `.keras` archive, damaged, or holds what is refused; the reason is named.
    """
    if not path.is_file():
        raise refused(path, "no plain file")
    begin = _begin(path)
    if not begin.startswith(b"PK\x03\x04"):
        raise next(
            (refused(path, what) for sign, what in SIGNS if begin.startswith(sign)),
            damaged(path, "it is empty" if not begin else "it is no archive"),
        )
    try:
        check_directory(path)
        with opened(path, WEIGHTS) as file, zipfile.ZipFile(file) as archive:
            check_members(path, archive)
            elements = check_weights(path, Part(file, archive.getinfo("model.weights.h5")))
            config = json.loads(archive.read("config.json"))
    except UsageError:
        raise
    except Exception as error:  # whatever the bytes of a foreign file set off, they are its fault
        raise damaged(path, f"{type(error).__name__}: {error}") from error
    if not isinstance(config, dict):
        raise damaged(path, "config.json is no table")
    check_config(path, config, max(elements, MOST_NUMBER))
    return elements


def scan_weights(path: Path) -> int:
    """Look through an HDF5 file of weights (`.h5` without a model); the number of weights in it.

    Raises:
        UsageError: it is damaged, or holds anything but plain arrays of numbers.
    """
    try:
        with opened(path, WEIGHTS) as file:
            return check_weights(path, Part(file))
    except UsageError:
        raise
    except Exception as error:  # whatever the bytes of a foreign file set off, they are its fault
        raise damaged(path, f"{type(error).__name__}: {error}") from error


def _begin(path: Path) -> bytes:
    with opened(path, WEIGHTS) as file:
        return file.read(8)
