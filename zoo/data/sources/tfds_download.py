"""TensorFlow Datasets' download, made fit for bad networks and several processes: it waits its turn, gives up on a
server that is silent or slow, leaves no half-made folder and fails in a few lines."""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from zoo.data.network import IDLE, cause, limited
from zoo.data.sources.tfds_prepared import Address, data_dir, find
from zoo.errors import MissingError, UsageError, first_line
from zoo.files import sha256
from zoo.files.leftovers import discard, untouched

log = logging.getLogger("zoo.data")
FORGOTTEN = 3_600.0  # seconds without a change, after which nobody downloads or unpacks there any more
RETRIES = 1


def download(tfds: Any, address: Address) -> None:
    """Download and prepare `address` with the module `tfds`, unless another process has done it meanwhile.

    Raises:
        UsageError: no such configuration or version.
        MissingError: the folder cannot be written, the download fails or differs from what is registered.
    """
    with _turn(address):
        if find(address):
            return
        for leftover in (data_dir() / address.name).rglob("incomplete.*"):  # of a process that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        for leftover in _forgotten():
            discard(leftover)
        if not sys.stderr.isatty():
            tfds.disable_progress_bar()
        with limited(), _impatience(), redirect_stdout(sys.stderr):  # TFDS prints its progress; stdout is for results
            _prepare(tfds, address)


def _forgotten() -> list[Path]:
    """What killed processes left in the folder that all datasets share: half downloads, half unpacked archives.

    Whose they are TensorFlow Datasets does not say; a server that sends nothing for so long was given up.
    """
    folder = data_dir() / "downloads"
    found = [*folder.glob("*.tmp.*"), *folder.glob("extracted/incomplete.*")]
    return [path for path in found if untouched([path], FORGOTTEN)]


def _prepare(tfds: Any, address: Address) -> None:
    try:
        builder = tfds.builder(str(address), data_dir=data_dir())
    except (ValueError, AssertionError) as error:  # an unknown configuration or version
        raise UsageError(f"tfds:{address}: {first_line(error)}") from error
    except Exception as error:  # whatever TFDS and its file systems raise
        raise _failed(address, cause(error)) from error
    _drop_bad_downloads(builder)
    try:
        builder.download_and_prepare()
    except Exception as error:
        raise _failed(address, cause(error)) from error


def _drop_bad_downloads(builder: Any) -> None:
    """TensorFlow Datasets takes a file that was downloaded before as it is; what differs from its registered checksum
    is removed here, so that it is fetched again."""
    for facts in (data_dir() / "downloads").rglob("*.INFO"):
        file = facts.with_suffix("")
        registered = [builder.url_infos[url].checksum for url in _urls(facts) if url in builder.url_infos]
        if file.is_file() and registered and sha256(file) not in registered:
            log.warning("note: %s, downloaded before, is damaged; downloading it again", file)
            file.unlink()
            facts.unlink()


def _urls(facts: Path) -> list[str]:
    """Where a cached download came from, as TensorFlow Datasets noted beside it."""
    try:
        return list(json.loads(facts.read_text(encoding="utf-8"))["urls"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _failed(address: Address, why: str) -> MissingError:
    return MissingError(
        f"{address} could not be prepared: {why}\n"
        f"in {data_dir()} (TFDS_DATA_DIR sets the folder); nothing half-made is used\n"
        f"try again: zoo data prepare tfds:{address}"
    )


@contextmanager
def _turn(address: Address) -> Iterator[None]:
    """One process at a time prepares a dataset; the lock ends with the process that holds it."""
    path = data_dir() / f".zoo-{address.name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    except OSError as error:
        raise _failed(address, f"{error.strerror}: {_culprit(path)}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            log.warning("note: another process prepares %s; waiting for it", address)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _culprit(path: Path) -> Path:
    """The nearest folder that exists: the one that cannot be written."""
    return next(parent for parent in path.parents if parent.exists())


@contextmanager
def _impatience() -> Iterator[None]:
    """Give `requests` the limit for connecting and the few retries that TensorFlow Datasets does not give."""
    from requests import adapters
    from urllib3.util.retry import Retry

    class Impatient(adapters.HTTPAdapter):
        def __init__(self, max_retries: Retry) -> None:
            super().__init__(max_retries=max_retries.new(total=RETRIES))

        def send(self, request, stream=False, timeout=None, **options):  # type: ignore[no-untyped-def]
            return super().send(request, stream=stream, timeout=timeout or IDLE, **options)

    patient, adapters.HTTPAdapter = adapters.HTTPAdapter, Impatient  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        adapters.HTTPAdapter = patient  # type: ignore[misc]
