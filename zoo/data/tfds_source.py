"""Any dataset of TensorFlow Datasets: found, prepared (downloaded) or read, and decoded into arrays once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.cache import cached, fingerprint
from zoo.data.config import Data
from zoo.data.examples import Examples, Source
from zoo.data.network import reachable
from zoo.data.prepared import MIB, Address, Prepared, damaged, data_dir, download_facts, find, refuse_unknown
from zoo.errors import MissingError, UsageError, unknown
from zoo.quiet import quiet_stderr

if TYPE_CHECKING:
    import tensorflow as tf


def read(address: Address, data: Data) -> Source:
    """The `train` split and, if `data.test` is set, the `test` split; downloaded if need be, cached once decoded.

    Raises:
        UsageError: TensorFlow Datasets knows no such name; the set lacks a split or a feature.
        MissingError: not there and no network; damaged; the download fails.
    """
    found = find(address) or prepare(address, data.download_mb)
    splits = ("train", "test") if data.test else ("train",)
    for split in splits:
        if split not in found.splits:
            raise unknown(f"split of {found.name}", split, found.splits, f"it has: {', '.join(found.splits)}")
    state = fingerprint(found.files, data.kind, data.task, data.input_shape, data.label, splits)
    key = f"tfds-{found.name.replace('/', '-')}-{found.version}-{state}"
    return cached(key, lambda: _decode(address, found, data, splits))


def prepare(address: Address, download_mb: float = 0.0) -> Prepared:
    """Download and write the dataset where it is not there yet; TensorFlow Datasets checks each file's checksum.

    Raises:
        UsageError: no such name or configuration.
        MissingError: no network (known within seconds), the download fails or is not what was registered, or the
            folder cannot be written.
    """
    if found := find(address):
        return found
    refuse_unknown(address.name)
    size, host = download_facts(address.name)
    if why := reachable(host):
        raise MissingError(
            f"{address} is not prepared, and there is no network to download it ({why})\n"
            f"looked in {data_dir() / address.name} (TFDS_DATA_DIR sets the folder); "
            f"the download: {_amount(download_mb or size)}\n"
            "with no download at all: zoo run lenet digits"
        )
    _download(address)
    found = find(address)
    if found is None:
        raise MissingError(f"{address}: prepared, but not found in {data_dir() / address.name}; look with: zoo doctor")
    return found


def _amount(mib: float) -> str:
    return f"{mib:,.2f} MiB" if mib else "size not known"


def _download(address: Address) -> None:
    tfds = import_tfds()
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    try:
        tfds.builder(str(address), data_dir=data_dir()).download_and_prepare()
    except (KeyboardInterrupt, SystemExit):
        raise
    except ValueError as error:  # an unknown configuration or version, among others
        raise UsageError(f"tfds:{address}: {_first_line(error)}") from error
    except Exception as error:
        raise MissingError(
            f"{address} could not be prepared: {type(error).__name__}: {_first_line(error)}\n"
            f"in {data_dir()}; nothing half-made is used; try again: zoo data prepare tfds:{address}"
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200]


def import_tfds() -> Any:
    """TensorFlow Datasets, as quiet as it can be made.

    Raises:
        MissingError: it does not import.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet_stderr():
            import tensorflow as tf
            import tensorflow_datasets as tfds

            tf.config.list_physical_devices()  # says its lines about devices here, and not later
    except ImportError as error:
        raise MissingError(
            f"TensorFlow or TensorFlow Datasets does not import: {error}\nlook with: zoo doctor"
        ) from error
    return tfds


def _decode(address: Address, found: Prepared, data: Data, splits: tuple[str, ...]) -> Source:
    builder = open_builder(address, found)
    import tensorflow as tf

    pick = _picker(builder.info, data, found.name)
    parts = []
    for split in splits:
        _refuse_too_big(found, data, split)
        try:
            parts.append(_arrays(builder.as_dataset(split=split, shuffle_files=False).map(pick, tf.data.AUTOTUNE)))
        except (tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as error:
            raise damaged(_bad_file(found, split), found.folder, address, _first_line(error)) from error
    return Source(*parts)


def open_builder(address: Address, found: Prepared) -> Any:
    """The read-only builder of a prepared folder."""
    tfds = import_tfds()
    try:
        return tfds.builder_from_directory(found.folder)
    except Exception as error:
        raise damaged(found.folder / "features.json", found.folder, address, _first_line(error)) from error


def _arrays(pairs: tf.data.Dataset) -> Examples:
    """All examples of a dataset of (x, y), collected a thousand at a time."""
    import numpy as np

    batches = list(pairs.batch(1000).prefetch(2).as_numpy_iterator())
    return Examples(*(np.concatenate(column) for column in zip(*batches, strict=True)))


def _bad_file(found: Prepared, split: str) -> Path:
    """The first record file of a split that does not read to its end."""
    import tensorflow as tf

    files = [path for path in found.files if f"-{split}." in path.name]
    for path in files:
        try:
            for _ in tf.data.TFRecordDataset(str(path)):
                pass
        except tf.errors.OpError:
            return path
    return files[0] if len(files) == 1 else found.folder


def _refuse_too_big(found: Prepared, data: Data, split: str) -> None:
    """Arrays live in memory: say so before the machine swaps."""
    need = found.splits[split] * (4 if data.input_dtype == "float32" else 1)
    for size in data.input_shape:
        need *= size
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else need * 2
    if need * 2 > have:
        raise UsageError(
            f"{found.name}: {split} needs {need / 2**30:.1f} GiB as arrays of {list(data.input_shape)}, "
            f"and half as much again to split; this machine has {have / 2**30:.1f} GiB\n"
            "take smaller images: --set data.input_shape=[64,64,3]"
        )


def keys(info: Any, label: str | None, name: str) -> tuple[str, str]:
    """Names of the input and the label feature: the dataset's own choice, with the label as the user says.

    Raises:
        UsageError: no such feature, or the dataset has no choice of its own.
    """
    features = list(info.features)
    supervised = info.supervised_keys
    if label is not None and label not in features:
        raise unknown(f"feature of {name}", label, features, f"it has: {', '.join(features)}")
    if supervised and len(supervised) == 2 and all(isinstance(key, str) for key in supervised):
        return supervised[0], label or supervised[1]
    images = [key for key in features if type(info.features[key]).__name__ == "Image"]
    if label is None or not images:
        raise UsageError(f"{name} does not say what is input and what is label; it has: {', '.join(features)}")
    return images[0], label


def _picker(info: Any, data: Data, name: str) -> Callable[[Any], tuple[Any, Any]]:
    """The function that takes one decoded example to (x, y)."""
    import tensorflow as tf

    source, label = keys(info, data.label, name)
    feature = info.features[source]
    refuse_other_kind(feature, data.kind, name)
    target = tf.float32 if data.task == "regression" else tf.int64
    if data.kind == "image":
        return lambda example: (_fit_image(example[source], data.input_shape), tf.cast(example[label], target))
    return lambda example: (_row(example[source], feature), tf.cast(example[label], target))


def refuse_other_kind(feature: Any, kind: str, name: str) -> None:
    if (type(feature).__name__ == "Image") != (kind == "image"):
        raise UsageError(f"{name}: its input is {type(feature).__name__}, the recipe says data.kind = {kind!r}")
    if kind == "tabular":
        columns(feature, name)


def columns(feature: Any, name: str) -> list[tuple[str, int]]:
    """Columns of a table's row, in order: (name, values it takes), 1 for a number, more for a one-hot class.

    Raises:
        UsageError: a column that is neither a number nor a class.
    """
    parts = dict(feature) if hasattr(feature, "keys") else {"": feature}
    found = []
    for key, part in parts.items():
        if type(part).__name__ == "ClassLabel":
            found.append((key, int(part.num_classes)))
        elif (
            part.shape is not None and len(part.shape) <= 1 and None not in part.shape and part.np_dtype.kind in "biuf"
        ):
            found += [(f"{key}{i if part.shape else ''}", 1) for i in range(part.shape[0] if part.shape else 1)]
        else:
            raise UsageError(
                f"{name}: feature {key!r} is {type(part).__name__}; a table's columns are numbers or classes"
            )
    return found


def _row(value: Any, feature: Any) -> tf.Tensor:
    """One flat row of float32: numbers as they are, classes one-hot."""
    import tensorflow as tf

    if not hasattr(feature, "keys"):
        return tf.reshape(tf.cast(value, tf.float32), [-1])
    parts = []
    for key, part in feature.items():
        if type(part).__name__ == "ClassLabel":
            parts.append(tf.one_hot(value[key], part.num_classes))
        else:
            parts.append(tf.reshape(tf.cast(value[key], tf.float32), [-1]))
    return tf.concat(parts, axis=0)


def _fit_image(image: tf.Tensor, shape: tuple[int, ...]) -> tf.Tensor:
    """An image in the channels and the size that the recipe asks for, uint8."""
    import tensorflow as tf

    if image.shape[-1] == 3 and shape[2] == 1:
        image = tf.image.rgb_to_grayscale(image)
    elif image.shape[-1] == 1 and shape[2] == 3:
        image = tf.image.grayscale_to_rgb(image)
    if tuple(image.shape) == tuple(shape) and image.dtype == tf.uint8:
        return image
    resized = tf.image.resize(image, shape[:2], antialias=True)  # bilinear, float32
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


DEFAULT_IMAGE = (64, 64, 3)  # where images of a set differ in size


def infer(address: Address, label: str | None) -> Data:
    """A description of a prepared dataset from what its folder says; images of differing sizes become 64x64.

    Raises:
        UsageError: unknown name or feature, or input that is neither image nor table.
        MissingError: it is not prepared; sizes are known only then.
    """
    found = find(address)
    if found is None:
        refuse_unknown(address.name)
        size, _ = download_facts(address.name)
        raise MissingError(
            f"{address} is not prepared: its sizes are known only then (download: {_amount(size)})\n"
            f"looked in {data_dir() / address.name}\nprepare it: zoo data prepare tfds:{address}"
        )
    info = open_builder(address, found).info
    source, label_key = keys(info, label, found.name)
    feature, target = info.features[source], info.features[label_key]
    kind = "image" if type(feature).__name__ == "Image" else "tabular"
    refuse_other_kind(feature, kind, found.name)
    names = _feature_names(feature, found.name) if kind == "tabular" else ()
    classes = int(target.num_classes) if type(target).__name__ == "ClassLabel" else None
    test = found.splits.get("test", 0)
    return Data(
        source=f"tfds:{address}",
        kind=kind,
        task="regression" if classes is None else "binary" if classes == 2 else "classification",
        input_shape=_shape_of(feature) if kind == "image" else (len(names),),
        input_dtype="uint8" if kind == "image" else "float32",
        num_classes=classes,
        class_names=tuple(target.names) if classes else (),
        feature_names=names,
        label=label,
        train=found.splits.get("train", 0),
        test=test,
        test_share=0.0 if test else 0.2,
        download_mb=round(int(info.download_size or 0) / MIB, 2),
    )


def _shape_of(feature: Any) -> tuple[int, ...]:
    shape = tuple(feature.shape)
    return (*DEFAULT_IMAGE[:2], shape[2] or DEFAULT_IMAGE[2]) if None in shape else shape


def _feature_names(feature: Any, name: str) -> tuple[str, ...]:
    names = []
    for column, values in columns(feature, name):
        names += [column] if values == 1 else [f"{column}={value}" for value in feature[column].names]
    return tuple(names)
