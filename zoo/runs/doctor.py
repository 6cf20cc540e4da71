"""Looks at everything a run leans on and says what is wrong: versions, devices, data folders, optional packages."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from zoo.errors import DISTRIBUTION, pip_install


class Finding(NamedTuple):
    """One thing looked at: `ok`, `note` (works, but know it) or `wrong` (mend it)."""

    what: str
    state: str
    detail: str


def examine() -> list[Finding]:
    """All findings, in the order in which a reader wants them. Imports TensorFlow and runs one operation a device."""
    groups: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python, _packages, _both_tensorflows, _devices, _keras_json, _data, _raw_files, _space, _tensorboard, _plugins,
    )  # fmt: skip
    return [finding for group in groups for finding in group()]


def _python() -> Iterator[Finding]:
    fine = (3, 11) <= tuple(map(int, platform.python_version_tuple()[:2])) < (3, 14)
    yield Finding("python", "ok" if fine else "wrong", f"{platform.python_version()} on {platform.platform()}")


def _packages() -> Iterator[Finding]:
    """Versions of what zoo requires, against the ranges that it declares where it is installed."""
    from packaging.requirements import Requirement

    for name, wanted in _requirements().items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield Finding(name, "wrong", f"missing; pip install '{wanted}'")
            continue
        fits = Requirement(wanted).specifier.contains(found, prereleases=True)
        yield Finding(name, "ok" if fits else "wrong", found if fits else f"{found} is outside {wanted}")


def _requirements() -> dict[str, str]:
    try:
        declared = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        declared = ["tensorflow", "keras", "tensorflow-datasets", "importlib_resources", "click", "rich", "pydantic"]
    plain = [entry for entry in declared if "extra ==" not in entry]
    return {re.split(r"[<>=!~\[ ;]", entry)[0]: entry for entry in plain}


def _both_tensorflows() -> Iterator[Finding]:
    names = {"tensorflow", "tensorflow-cpu", "tensorflow-intel", "tf-nightly"}
    found = sorted({(d.metadata["Name"] or "").lower() for d in distributions()} & names)
    if len(found) > 1:
        yield Finding(
            "tensorflow twice", "wrong", f"{' and '.join(found)} overwrite each other; keep one: pip uninstall"
        )


def _devices() -> Iterator[Finding]:
    from zoo.errors import ZooError
    from zoo.training.environment import prepare

    try:
        prepare()
    except ZooError as error:
        yield Finding("tensorflow starts", "wrong", str(error).splitlines()[0])
        return
    import tensorflow as tf

    for device in tf.config.list_logical_devices():
        try:
            with tf.device(device.name):
                answer = float(tf.reduce_sum(tf.matmul(tf.ones((64, 64)), tf.ones((64, 64)))))
            fine = answer == 64.0**3
            yield Finding(device.name, "ok" if fine else "wrong", f"64x64 product {'right' if fine else answer}")
        except (tf.errors.OpError, RuntimeError) as error:
            yield Finding(device.name, "wrong", str(error).splitlines()[0])
    if not tf.config.list_physical_devices("GPU"):
        yield Finding("gpu", "note", f"none seen; with an NVIDIA card: {pip_install('gpu')}")


def _keras_json() -> Iterator[Finding]:
    path = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras.json"
    if path.exists():
        text = path.read_text(encoding="utf-8", errors="replace")
        usual = '"float32"' in text and '"channels_last"' in text
        yield Finding(
            str(path),
            "ok" if usual else "note",
            "usual" if usual else "sets an unusual type or layout; zoo run overrides it",
        )


def _data() -> Iterator[Finding]:
    folder = Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
    if not folder.is_dir():
        yield Finding("data folder", "note", f"{folder} does not exist yet; zoo run lenet digits needs none")
        return
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name != "downloads")
    yield Finding("data folder", "ok", f"{folder}: {', '.join(names) or 'empty'}")
    if not os.access(folder, os.W_OK):
        yield Finding("data folder", "note", f"{folder} is read-only: what lies there works, new downloads do not")


def _raw_files() -> Iterator[Finding]:
    from zoo.data import rawfiles

    folder = rawfiles.folder()
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    missing = f"{folder} does not exist; only for recipes whose files are fetched by hand (zoo data ls)"
    yield Finding("raw files", "ok", f"{folder}: {', '.join(names) or 'empty'}" if folder.is_dir() else missing)


def _space() -> Iterator[Finding]:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    yield Finding("disk", "ok" if free > 1 else "wrong", f"{free:.1f} GiB free here")


def _tensorboard() -> Iterator[Finding]:
    there = find_spec("tensorboard") is not None
    yield Finding(
        "tensorboard",
        "ok" if there else "note",
        "installed" if there else f"not installed: {pip_install('tensorboard')}",
    )


def _plugins() -> Iterator[Finding]:
    from zoo import recipe, tasks
    from zoo.catalogue import registry
    from zoo.data import sources

    for name, why in [pair for part in (registry, tasks, sources, recipe) for pair in part.broken().items()]:
        yield Finding(f"plug-in {name}", "wrong", why)
