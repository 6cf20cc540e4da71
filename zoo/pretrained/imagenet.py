"""ImageNet weights of `keras.applications`: Keras says which file with which checksum, and reads it; we fetch it.

Keras' own download has no time limit, takes any address and falls back to a shared folder. Here a file counts only
with the checksum that Keras pins (MD5 or SHA-256; no SHA-256 is published for the older ones), and is fetched over
https alone, from a host that was asked for first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from zoo.data.network import fetch, reachable
from zoo.errors import MissingError, UsageError, ZooError
from zoo.files import WEIGHTS, opened, read_json, replacing
from zoo.pretrained.applications import SOURCES, Source
from zoo.pretrained.names import weight_names
from zoo.safety import scan_weights

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger("zoo")
DEVIATION = (0.229, 0.224, 0.225)  # of ImageNet's red, green and blue, from 0 to 1
PINS = Path(__file__).with_name("imagenet.json")  # written by scripts/pins
MEAN = (0.485, 0.456, 0.406)
KINDS = {"conv2d": "", "batch_normalization": "_norm"}  # of Keras' names -> end of ours
NUMBERED = re.compile(rf"^({'|'.join(KINDS)})(?:_(\d+))?/(.+)$")


class Wanted(NamedTuple):
    """A file of weights: its name, where Keras has it, its checksum ("" if Keras pins none), about how large it is."""

    name: str
    url: str
    digest: str
    megabytes: float


class _AskedError(Exception):
    """Keras asked for a file."""


def of_model(name: str, knobs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The arrays for a model of the catalogue, by their names in it.

    Raises:
        UsageError: there are none for this model; MissingError: they are not to be had.
    """
    if name not in SOURCES:
        raise UsageError(f"there are no ImageNet weights for {name}, only for {', '.join(SOURCES)}\n"
                         "as a base of vgg_transfer: for every network of keras.applications")  # fmt: skip
    source = SOURCES[name]
    top = knobs.get("include_top", True)
    return carried(source, arrays(source.application, include_top=top, as_made=bool(source.numbered)))


def carried(source: Source, theirs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of Keras' network under the names of ours, their axes in our order; `put` compares the shapes.

    Raises:
        UsageError: weights that were trained behind other pixels than `source.sees` says.
    """
    found = {}
    theirs = _without_biases(theirs) if source.biases else theirs
    theirs = _by_number(source.numbered, theirs) if source.numbered else theirs
    for name, array in theirs.items():
        if source.inside and name.startswith(f"{source.inside}/"):
            _refuse_other_pixels(source, name, array)
            continue
        for pattern, ours in source.names.items():
            name = re.sub(pattern, ours, name)
        axes = next((axes for end, axes in source.axes.items() if name.endswith(end)), None)
        found[name] = array if axes is None else _in_order(array, axes)
    return found


def _without_biases(theirs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same network without the biases of its convolutions: what they add, the normalisation takes off again."""
    found = {name: array for name, array in theirs.items() if not name.endswith("_conv/bias")}
    for name in theirs.keys() - found.keys():
        mean = name.replace("_conv/bias", "_bn/moving_mean")
        found[mean] = found[mean] - theirs[name]
    return found


def _by_number(ours: Sequence[str], theirs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of conv2d_7 and batch_normalization_7 under the name of our convolution and of its normalisation."""
    found = {}
    for name, array in theirs.items():
        if matched := NUMBERED.match(name):
            name = f"{ours[int(matched[2] or 0)]}{KINDS[matched[1]]}/{matched[3]}"
        found[name] = array
    return found


def _in_order(array: np.ndarray, axes: Sequence[int]) -> np.ndarray:
    """An array's axes in another order; those that are left out have the length 1."""
    left_out = [axis for axis in range(array.ndim) if axis not in axes]
    return array.transpose([*left_out, *axes]).reshape([array.shape[axis] for axis in axes])


def _refuse_other_pixels(source: Source, name: str, array: np.ndarray) -> None:
    """What Keras scales by inside of its network has to be what our preprocessing scales by."""
    wanted = {"mean": MEAN, "variance": tuple(deviation**2 for deviation in DEVIATION)}.get(name.split("/")[-1])
    if wanted and not all(abs(one - other) < 1e-3 for one, other in zip(array.ravel(), wanted, strict=True)):
        numbers = ", ".join(f"{value:.3f}" for value in array.ravel())
        raise UsageError(
            f"the weights of {source.application} were trained on other pixels than ours: their {name} is {numbers}, "
            f"ours {', '.join(f'{value:.3f}' for value in wanted)}"
        )


def arrays(
    application: str, include_top: bool = False, given: Path | None = None, as_made: bool = False
) -> dict[str, np.ndarray]:
    """Every weight of a network of `keras.applications` by name, from `given`, Keras' cache, or the network.

    `as_made`: layers without a name of their own are numbered in the order in which Keras makes them.

    Raises:
        UsageError: the file is not the one that Keras means, or holds more than numbers.
        MissingError: it is not there and cannot be fetched.
    """
    import keras

    path = file(application, include_top, given)
    with _in_place_of_get_file(lambda *where, **named: str(path)):
        try:
            model = getattr(keras.applications, application)(weights="imagenet", include_top=include_top)
        except Exception as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise UsageError(f"{path} does not hold weights of {application}: {why[:200]}") from error
    found = dict(zip(weight_names(model, as_made), model.get_weights(), strict=True))
    if application.startswith("EfficientNetB"):  # with these weights Keras scales by 1 / sqrt(deviation) once more
        found["normalization/variance"] = found["normalization/variance"] * DEVIATION
    return found


def file(application: str, include_top: bool = False, given: Path | None = None) -> Path:
    """The checked file of weights; `given` is taken in place of Keras' cache.

    Raises:
        UsageError: a file with another checksum; MissingError: not there and not to be had.
    """
    wanted = pinned(application, include_top)
    path = given or cache() / wanted.name
    if not path.exists():
        if given:
            raise UsageError(f"there is no file {given}")
        _fetch(wanted, path)
    _check(path, wanted)
    return path


def cache() -> Path:
    """Where Keras keeps such files."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def pinned(application: str, include_top: bool) -> Wanted:
    """Which file Keras would load, as `ask` once found out, so that nobody waits for TensorFlow to hear that it is
    missing; a test compares."""
    return Wanted(**read_json(PINS)[application + (" with top" if include_top else "")])


def ask(application: str, include_top: bool) -> Wanted:
    """Which file Keras would load, without loading or building anything of size."""
    import keras

    from zoo.catalogue.inspect import skeleton

    build = partial(getattr(keras.applications, application), include_top=include_top)
    count = skeleton(partial(build, weights=None)).count_params()
    with _in_place_of_get_file(_note):
        try:
            skeleton(partial(build, weights="imagenet"))
        except _AskedError as asked:
            name, url, digest = asked.args
            return Wanted(name, url, digest, round(count * 4 / 1e6, 1))
    raise UsageError(f"keras.applications.{application} knows no ImageNet weights")


def _note(*where: str, **named: Any) -> str:
    facts = dict(zip(("fname", "origin"), where, strict=False)) | named
    raise _AskedError(facts["fname"], facts["origin"], facts.get("file_hash") or "")


@contextmanager
def _in_place_of_get_file(answer: Callable[..., str]) -> Iterator[None]:
    """While Keras builds a model, `answer` stands where it would download a file."""
    from keras.src.utils import file_utils

    usual, file_utils.get_file = file_utils.get_file, answer
    try:
        yield
    finally:
        file_utils.get_file = usual


def _check(path: Path, wanted: Wanted) -> None:
    if wanted.digest and _digest(path, wanted.digest) != wanted.digest:
        raise UsageError(
            f"{path} is not Keras' {wanted.name}: its checksum differs from the pinned {wanted.digest}\n"
            "remove it, or put the right file in its place"
        )
    if not wanted.digest:
        scan_weights(path)
        log.warning("note: Keras pins no checksum for %s; it was looked through, not compared", wanted.name)


def _digest(path: Path, like: str) -> str:
    """The checksum of a file by the algorithm that a pinned one's length tells: 32 digits are MD5, 64 SHA-256."""
    with opened(path, WEIGHTS) as content:
        return hashlib.file_digest(content, "md5" if len(like) == 32 else "sha256").hexdigest()


def _fetch(wanted: Wanted, path: Path) -> None:
    host = urlsplit(wanted.url).hostname or ""
    if urlsplit(wanted.url).scheme != "https" or not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{64}", wanted.digest):
        raise _missing(wanted, path, "Keras pins no checksum for it, so it is not fetched")
    if reason := reachable(host):
        raise _missing(wanted, path, f"no network ({reason})")
    log.warning("note: fetching %s (%.0f MB) from %s", wanted.name, wanted.megabytes, host)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            fetch(wanted.url, temporary, most=int(2e6 * wanted.megabytes) + 2**20)
            if _digest(temporary, wanted.digest) != wanted.digest:
                raise _missing(wanted, path, f"what {host} sent has another checksum; nothing of it is kept")
    except (OSError, ZooError) as error:
        raise error if isinstance(error, MissingError) else _missing(wanted, path, str(error)) from error


def _missing(wanted: Wanted, path: Path, why: str) -> MissingError:
    return MissingError(
        f"the ImageNet weights {wanted.name} (about {wanted.megabytes:,.0f} MB) are not there: {why}\n"
        f"from {wanted.url}\n"
        f"put the file into {path.parent}, or say where it is: --weights PATH"
    )
