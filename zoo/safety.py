"""Foreign model files, looked through before Keras sees them: a model file can carry code, and can ask for any memory.

Only `.keras` archives are read, and of these only what Keras itself writes: three plain members (and assets), layers
of Keras and of the zoo by name, numbers in proportion to the weights that are there, weights as plain arrays. What is
not known to be harmless is refused, with the reason; nothing in the file is imported, called, unpacked or allocated.
"""

from __future__ import annotations

import json
import math
import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from io import SEEK_CUR, SEEK_END, SEEK_SET, RawIOBase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

from zoo.errors import UsageError

if TYPE_CHECKING:
    import h5py
    import keras

MEMBERS = {"metadata.json": 2**20, "config.json": 2**23, "model.weights.h5": 2**63}  # name -> most bytes
MOST_NUMBER = 1_000_000  # a size in a layer's config, unless the file holds as many weights
MOST_OBJECTS = 100_000  # groups and arrays in the weights
SLACK = 1_000_000  # variables' elements beyond those in the file: states that Keras makes by itself

# Every layer of keras.layers but Lambda (code), TFSMLayer, JaxLayer, FlaxLayer, TorchModuleWrapper (foreign programs).
LAYER_NAMES = """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average
    AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D
    AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
    Bidirectional CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D
    Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Cropping1D
    Cropping2D Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense
    Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization GroupedQueryAttention HashedCrossing Hashing Identity InputLayer IntegerLookup LSTM LSTMCell
    LayerNormalization LeakyReLU Masking MaxNumBoundingBoxes MaxPooling1D MaxPooling2D MaxPooling3D Maximum
    MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization
    RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
    RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
    RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram
    SeparableConv1D SeparableConv2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization TimeDistributed
    UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
LAYERS = frozenset(LAYER_NAMES.split())
MODELS = frozenset({"Functional", "Sequential"})
MODEL_MODULES = frozenset({"keras", "keras.models", "keras.src.models.functional", "keras.src.models.sequential"})
PARTS = frozenset({"keras.initializers", "keras.regularizers", "keras.constraints", "keras.dtype_policies"})
OPERATIONS = frozenset(f"keras.src.ops.{name}" for name in ("core", "image", "linalg", "math", "nn", "numpy"))
VALUES = frozenset({"__keras_tensor__", "__tensor__", "__numpy__", "__ellipsis__", "__slice__"})
NOT_SIZES = frozenset({"seed", "salt", "shared_object_id", "vocabulary", "value", "mask_value", "max_value"})
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

    try:
        with _no_more_than(path, elements):
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except UsageError:
        raise
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"{path} does not load: {why[:300]}\nwas it written by this version of zoo?") from error


def refuse_other_formats(path: Path) -> None:
    """Refuse what a user may give in place of a run directory: a model of another format, or alone.

    Raises:
        UsageError: a file, or a SavedModel folder; what it is and why it is not read.
    """
    if (path / "saved_model.pb").exists():
        raise _refused(path, "a SavedModel, a TensorFlow program, which can read and write files")
    if path.is_file():
        begin = _begin(path)
        what = next((what for sign, what in SIGNS[:2] if begin.startswith(sign)), "a file, not a run directory")
        raise _refused(path, what)


def scan(path: Path) -> int:
    """Look through a model file without unpacking it; the number of weights in it.

    Raises:
        UsageError: it is no `.keras` archive, damaged, or holds what is refused; the reason is named.
    """
    if not path.is_file():
        raise _refused(path, "no plain file")
    begin = _begin(path)
    if not begin.startswith(b"PK\x03\x04"):
        raise next(
            (_refused(path, what) for sign, what in SIGNS if begin.startswith(sign)),
            _damaged(path, "it is empty" if not begin else "it is no archive"),
        )
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            _members(path, archive)
            elements = _weights(path, _Part(file, archive.getinfo("model.weights.h5")))
            config = json.loads(archive.read("config.json"))
    except UsageError:
        raise
    except Exception as error:  # whatever the bytes of a foreign file set off, they are its fault
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if not isinstance(config, dict):
        raise _damaged(path, "config.json is no table")
    _config(path, config, max(elements, MOST_NUMBER))
    return elements


def scan_weights(path: Path) -> int:
    """Look through an HDF5 file of weights (`.h5` without a model); the number of weights in it.

    Raises:
        UsageError: it is damaged, or holds anything but plain arrays of numbers.
    """
    try:
        with path.open("rb") as file:
            return _weights(path, _Part(file))
    except UsageError:
        raise
    except Exception as error:  # whatever the bytes of a foreign file set off, they are its fault
        raise _damaged(path, f"{type(error).__name__}: {error}") from error


def _begin(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _refused(path: Path, what: str) -> UsageError:
    return UsageError(
        f"{path} is refused: {what}\nzoo reads what it wrote: run directories with a model.keras, zoo run makes them"
    )


def _damaged(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is damaged: {why}\nput the file back as it was, or repeat the run")


def _members(path: Path, archive: zipfile.ZipFile) -> None:
    """Names, kinds and sizes first; then every byte against its checksum."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(set(names)) < len(names):
        raise _refused(path, "two members of the archive have one name")
    for info in infos:
        _member(path, info)
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise _refused(path, "the members of the archive claim more bytes than the file has")
    if missing := set(MEMBERS) - set(names):
        raise ValueError(f"there is no {min(missing)} in it")
    if (bad := archive.testzip()) is not None:
        raise ValueError(f"the checksum of {bad} does not agree")


def _member(path: Path, info: zipfile.ZipInfo) -> None:
    name, parts = info.filename, PurePosixPath(info.filename).parts
    kind = stat.S_IFMT(info.external_attr >> 16)
    if name.startswith("/") or ".." in parts or "\\" in name or ":" in name or info.orig_filename != name:
        raise _refused(path, f"a member's name leads out of the archive: {name!r}")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, f"the member {name!r} is a link or device")
    if name not in MEMBERS and parts[0] != "assets":
        raise _refused(path, f"it holds {name!r}, which is no part of a model")
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise _refused(path, f"the member {name!r} is compressed, which Keras never does")
    if info.file_size > MEMBERS.get(name, 2**28):
        raise _refused(path, f"the member {name!r} has {info.file_size:,} bytes")


class _Part(RawIOBase):
    """An uncompressed member of an archive, read where it lies; without `info` the whole file."""

    def __init__(self, file: BinaryIO, info: zipfile.ZipInfo | None = None) -> None:
        if info is None:
            self.file, self.start, self.size, self.place = file, 0, file.seek(0, SEEK_END), 0
            return
        file.seek(info.header_offset + 26)
        name, extra = struct.unpack("<HH", file.read(4))
        self.file, self.start, self.size, self.place = file, info.header_offset + 30 + name + extra, info.file_size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        self.place = offset + {SEEK_SET: 0, SEEK_CUR: self.place, SEEK_END: self.size}[whence]
        return self.place

    def tell(self) -> int:
        return self.place

    def readinto(self, buffer: Any) -> int:
        self.file.seek(self.start + self.place)
        data = self.file.read(min(len(buffer), max(self.size - self.place, 0)))
        buffer[: len(data)] = data
        self.place += len(data)
        return len(data)


def _weights(path: Path, part: _Part) -> int:
    """Plain arrays in plain groups, as large as what is stored of them; how many numbers they are without the
    optimiser's."""
    import h5py

    elements, seen = 0, set()
    with h5py.File(part, "r") as top:
        groups: list[tuple[str, h5py.Group]] = [("", top)]
        while groups:
            where, group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise _refused(path, f"the weights hold a link, {where}/{name}")
                child = group[name]
                seen.add(h5py.h5o.get_info(child.id).addr)
                if len(seen) > MOST_OBJECTS or len(where) > 4000:
                    raise _refused(path, "the weights hold more groups than any model has, or a circle of them")
                if isinstance(child, h5py.Group):
                    groups.append((f"{where}/{name}", child))
                else:
                    _array(path, child, f"{where}/{name}")
                    elements += 0 if where.startswith("/optimizer") else math.prod(child.shape)
    return elements


def _array(path: Path, array: Any, name: str) -> None:
    import h5py

    if not isinstance(array, h5py.Dataset) or array.dtype.kind not in "fiubV" or array.dtype.hasobject:
        raise _refused(path, f"the weights hold something else than numbers, {name}")
    if array.external or array.is_virtual or array.id.get_create_plist().get_nfilters():
        raise _refused(path, f"the weights {name} are kept in another file, or packed by a filter")
    if array.id.get_storage_size() < array.nbytes:
        stored = array.id.get_storage_size()
        raise _refused(path, f"the weights {name} claim {array.nbytes:,} bytes, {stored:,} are there")


def _config(path: Path, config: dict[str, Any], most: int) -> None:
    """Every object in the config is known by name, every number in proportion."""
    plugins = {point.module.split(".")[0] for point in entry_points(group="zoo.models")}
    waiting: list[tuple[str, Any]] = [("", {**config, "compile_config": None})]  # how it was trained is not read
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value and not _is_known(value, plugins):
                module, name = value.get("module"), value["class_name"]
                raise _refused(path, f"it asks for {module}.{name}, which is no layer of Keras or of the zoo")
            if isinstance(value.get("vocabulary"), str):
                raise _refused(path, f"it names a file to read: vocabulary {value['vocabulary']!r}")
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(key, item) for item in value]
        elif isinstance(value, int) and abs(value) > most and key not in NOT_SIZES:
            raise _refused(path, f"{key} is {value:,}, and there are not so many weights in it")


def _is_known(item: dict[str, Any], plugins: set[str]) -> bool:
    module, name, registered = item.get("module"), item["class_name"], item.get("registered_name")
    if name in VALUES:
        return True
    if not isinstance(module, str) or not isinstance(name, str) or "config" not in item:
        return False
    if name == "function":
        return module == "builtins" and registered in (None, name) and _is_ours(item["config"], plugins)
    if module.split(".")[0] in {"zoo", *plugins}:
        if module.startswith("zoo."):
            return module.startswith("zoo.layers.") and registered == f"zoo>{name}"
        return isinstance(registered, str) and registered.rpartition(">")[2] == name
    if registered not in (None, name):
        return False
    return (
        (module == "keras.layers" and name in LAYERS)
        or (module in MODEL_MODULES and name in MODELS)
        or (module in PARTS | OPERATIONS and re.fullmatch(r"[A-Za-z0-9]+", name) is not None)
        or (module == "keras" and name == "DTypePolicy")
    )


def _is_ours(function: Any, plugins: set[str]) -> bool:
    """A function registered by the zoo or a plug-in; those of Keras stand in a config as plain words."""
    return isinstance(function, str) and function.rpartition(">")[0] in {"zoo", *plugins}


@contextmanager
def _no_more_than(path: Path, elements: int) -> Iterator[None]:
    """While Keras builds the model, refuse variables beyond what the file's weights fill, before they are made."""
    import keras

    left, make = 2 * elements + SLACK, keras.Variable.__init__

    def counted(self: Any, initializer: Any, shape: Any = None, *more: Any, **named: Any) -> None:
        nonlocal left
        if callable(initializer) and shape is not None:
            left -= math.prod(shape)
        if left < 0:
            raise _refused(path, f"its layers ask for more variables than the {elements:,} weights in it")
        make(self, initializer, shape, *more, **named)

    keras.Variable.__init__ = counted
    try:
        yield
    finally:
        keras.Variable.__init__ = make
