"""Any dataset of TensorFlow Datasets: found, prepared (downloaded) or read, and decoded into arrays once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.data.cache import cached, fingerprint, on_disk
from zoo.data.config import Data, Text
from zoo.data.examples import AT_ONCE, DEFAULT_IMAGE, Examples, Source, streams
from zoo.data.fields import Role
from zoo.data.network import reachable
from zoo.data.rawfiles import refuse_empty
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import DataSource, Status, mib
from zoo.data.sources.tfds_download import download
from zoo.data.sources.tfds_features import Pair, choose, columns, picker
from zoo.data.sources.tfds_prepared import (
    MIB,
    Address,
    Prepared,
    damaged,
    data_dir,
    download_facts,
    find,
    refuse_odd_files,
    refuse_unknown,
)
from zoo.data.text import corpus
from zoo.data.text.counting import SPECIAL, measured, unmeasured
from zoo.errors import MissingError, first_line, unknown
from zoo.files.names import file_name
from zoo.native_output import quiet_stderr

log = logging.getLogger("zoo.data")
CHARACTERS = 256  # of a window, for a language model of a set without a recipe; words are as of own texts


def read(address: Address, data: Data, target: Role = "label") -> Source:
    """The `train` split and, where `data.test` and `data.validation` are set, those splits, which the set may call
    otherwise (`data.test_split`, `data.validation_split`); downloaded if need be, cached once decoded.

    Texts are arrays of strings, HTML line breaks in them blanks, and are not cached: TensorFlow reads them each time.
    Where tokens are the target they are one text, joined by line feeds.

    Raises:
        UsageError: TensorFlow Datasets knows no such name; the set lacks a split or a feature.
        MissingError: not there and no network; damaged; the download fails.
    """
    found = find(address) or prepare(address, data.download_mb)
    splits = _splits(data)
    for split in splits.values():
        _refuse_no_split(split, found)
    if data.kind == "text":
        return _decode(address, found, data, splits, target)
    state = fingerprint(
        found.files, data.kind, data.task, data.input_shape, data.label, data.feature_names, tuple(splits.values())
    )
    key = f"tfds-{file_name(found.name)}-{found.version}-{state}"
    if any(streams(found.splits[split], data) for split in splits.values()):
        return Source(**{name: _on_disk(key, split, address, found, data, target) for name, split in splits.items()})
    return cached(key, lambda: _decode(address, found, data, splits, target))


def _on_disk(key: str, split: str, address: Address, found: Prepared, data: Data, target: Role) -> Examples:
    """A split that does not fit into memory."""
    shape = (found.splits[split], *data.input_shape)
    return on_disk(f"{key}-{split}", shape, data.input_dtype, lambda: _batches(address, found, data, split, target))


def _splits(data: Data) -> dict[str, str]:
    """Which of the zoo's parts is which split of the set."""
    splits = {"train": "train"}
    splits |= {"test": data.test_split} if data.test else {}
    return splits | ({"validation": data.validation_split} if data.validation else {})


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
    download(import_tfds(), address)
    found = find(address)
    if found is None:
        raise MissingError(f"{address}: prepared, but not found in {data_dir() / address.name}; look with: zoo doctor")
    return found


def _amount(mib: float) -> str:
    return f"{mib:,.2f} MiB" if mib else "size not known"


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


def _decode(address: Address, found: Prepared, data: Data, splits: Mapping[str, str], target: Role) -> Source:
    import numpy as np

    parts = {}
    for name, split in splits.items():
        batches = list(_batches(address, found, data, split, target))
        part = Examples(*(np.concatenate(column) for column in zip(*batches, strict=True)))
        parts[name] = _texts(part, f"{found.name}, {split}", target) if data.kind == "text" else part
    return Source(parts["train"], parts.get("test"), parts.get("validation"))


def _batches(address: Address, found: Prepared, data: Data, split: str, target: Role) -> Iterator[Examples]:
    """All examples of a split, a thousand at a time."""
    builder = open_builder(address, found)
    import tensorflow as tf

    again = "" if data.kind == "text" else ", once; the next run reads it from the cache"
    log.info("decoding %s, %s%s", found.name, split, again)
    pick = picker(choose(builder.info, data.label, found.name), data, found.name, target)
    pairs = builder.as_dataset(split=split, shuffle_files=False).map(pick, tf.data.AUTOTUNE)
    try:
        for x, y in pairs.batch(AT_ONCE).prefetch(2).as_numpy_iterator():
            yield Examples(x, y)
    except (tf.errors.DataLossError, tf.errors.NotFoundError, tf.errors.InvalidArgumentError) as error:
        raise damaged(_bad_file(found, split), found.folder, address, first_line(error)) from error


def _texts(part: Examples, where: str, target: Role) -> Examples:
    """Bytes to strings: one an example, or a single one where tokens are the target."""
    import numpy as np

    texts = [content.decode().replace("<br />", " ") for content in part.x]
    if target == "tokens":
        return Examples(np.array(["\n".join(texts)], object), np.zeros(1, np.int32))
    refuse_empty(texts, where)
    return Examples(np.array([text.strip() for text in texts], object), part.y)


def open_builder(address: Address, found: Prepared) -> Any:
    """The read-only builder of a prepared folder."""
    refuse_odd_files(found, address)
    tfds = import_tfds()
    try:
        return tfds.builder_from_directory(found.folder)
    except Exception as error:
        raise damaged(found.folder / "features.json", found.folder, address, first_line(error)) from error


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


def infer(address: Address, label: str | None = None, tokens: str | None = None) -> Data:
    """A description of a prepared dataset from what its folder says; images of differing sizes become 64x64.

    Texts are read for it, to count their tokens: these `tokens`, "word" or "character", where they are said. A test
    split whose labels are withheld (-1) is passed over for the validation split.

    Raises:
        UsageError: unknown name or feature, or input that is neither image nor text nor table.
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
    _refuse_no_split("train", found)
    log.info("looking at what %s holds", found.name)
    info = open_builder(address, found).info
    pair = choose(info, label, found.name)
    if pair.is_text:
        return _infer_text(address, found, pair, label, tokens)
    names = () if pair.is_image else tuple(column.name for column in columns(pair, found.name))
    test = found.splits.get("test", 0)
    return Data(
        source=f"tfds:{address}",
        kind="image" if pair.is_image else "tabular",
        task=_target(pair),
        input_shape=_image_shape(pair.input) if pair.is_image else (len(names),),
        input_dtype="uint8" if pair.is_image else "float32",
        num_classes=pair.classes,
        class_names=tuple(pair.target.names) if pair.classes else (),
        feature_names=names,
        label=label,
        train=found.splits["train"],
        test=test,
        test_share=0.0 if test else 0.2,
        download_mb=round(int(info.download_size or 0) / MIB, 2),
    )


def _target(pair: Pair) -> Role:
    """The role of what is predicted; of one long text its own tokens."""
    if pair.label is None:
        return "tokens"
    return "value" if pair.classes is None else "label"


def _infer_text(address: Address, found: Prepared, pair: Pair, label: str | None, tokens: str | None) -> Data:
    """Labelled texts, or one text, with their tokens counted: of one text characters if nothing else is said."""
    data = Data(
        source=f"tfds:{address}",
        kind="text",
        task=_target(pair),
        input_shape=(CHARACTERS,),
        input_dtype="int32",
        num_classes=pair.classes,
        class_names=tuple(pair.target.names) if pair.classes else (),
        label=label,
        stratify="on" if pair.classes else "auto",
        train=found.splits["train"],
        test=found.splits.get("test", 0),
        validation=found.splits.get("validation", 0),
        test_share=0.0 if "test" in found.splits else 0.2,
        text=Text(tokens="character", vocab_size=SPECIAL + 1),
    )
    source = read(address, data, _target(pair))
    if pair.label is None:
        return _described(data, source, unmeasured((), asked=tokens or "character"))
    if source.test and source.validation and (source.test.y == -1).all():
        source = Source(source.train, source.validation)
        data = data.model_copy(update={"test": data.validation, "test_split": "validation", "validation": 0})
    return measured(data.model_copy(update={"text": unmeasured(source.train.x, asked=tokens)}), source, str(address))


def _described(data: Data, source: Source, text: Text) -> Data:
    """One text a part, measured in tokens; what is held out of the training text adds none to the vocabulary."""
    found = {n: corpus.tokens_of(part.x[0], text) for n, part in source._asdict().items() if part is not None}
    window = CHARACTERS if text.tokens == "character" else corpus.WINDOW["word"]
    data = data.model_copy(update={"input_shape": (window,), **{name: len(part) for name, part in found.items()}})
    size = corpus.vocabulary_size(found["train"][: data.parts()["train"]], text)
    return data.model_copy(update={"text": text.model_copy(update={"vocab_size": size})})


def _image_shape(feature: Any) -> tuple[int, ...]:
    shape = tuple(feature.shape)
    return (*DEFAULT_IMAGE[:2], shape[2] or DEFAULT_IMAGE[2]) if None in shape else shape


def _refuse_no_split(split: str, found: Prepared) -> None:
    if split not in found.splits:
        raise unknown(f"split of {found.name}", split, found.splits, f"it has: {', '.join(found.splits)}")


class Tfds(DataSource):
    scheme = "tfds"
    form = "tfds:NAME"
    downloads = True
    streams = True
    goes_by = ("label", "tokens")
    packages = ("tensorflow-datasets", "importlib_resources")  # which the former needs and does not name
    no_script = ""

    def read(self, address: str, data: Data, target: Role) -> Source:
        return read(Address.parse(address), data, target)

    def infer(self, address: str, reading: Reading = AS_FOUND) -> Data:
        return infer(Address.parse(address), reading.label, reading.tokens)

    def why_no_script(self, address: str, data: Data) -> str:
        if data.kind != "image":
            return ""
        if data.label:
            return f"scripts read the set's own labels, not data.label = {data.label!r}"
        parsed = Address.parse(address)
        found = find(parsed)
        pair = choose(open_builder(parsed, found).info, None, found.name) if found else None
        if pair is None or tuple(pair.input.shape) == data.input_shape:
            return ""
        return "its images are resized while they are read, which scripts do not do"

    def status(self, address: str, data: Data | None = None) -> Status:
        found, download_mb = find(Address.parse(address)), data.download_mb if data else 0.0
        if found is None:
            return Status(False, str(data_dir()), 0.0, download_mb)
        return Status(True, str(found.folder), mib(found.files), download_mb)

    def prepare(self, address: str, data: Data | None = None) -> Status:
        prepare(Address.parse(address), data.download_mb if data else 0.0)
        return self.status(address, data)


SOURCE = Tfds()
