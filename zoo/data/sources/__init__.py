"""Sources of data: one object each, one module each, found by the scheme of an address, such as `tfds:mnist`.

Other packages add sources through the entry-point group `zoo.sources`, whose value names a `DataSource`. One that
breaks is kept in `broken()` and harms nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalogue import plugins
from zoo.catalogue.spec import KINDS
from zoo.data.examples import Source
from zoo.data.reading import AS_FOUND, Reading
from zoo.data.sources.source import DataSource, FileSource, Status
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.data.fields import Role

OURS = ("tfds", "sklearn", "generated", "stdlib", "folder", "arrays", "csv", "pairs", "text", "memory")  # modules here


def names() -> tuple[str, ...]:
    """The scheme of every source."""
    return (*OURS, *(source.scheme for source in _theirs().objects))


def named(scheme: str) -> DataSource:
    """The source of a scheme that is one of `names()`."""
    if scheme in OURS:
        found: DataSource = import_module(f"{__name__}.{scheme}").SOURCE
        return found
    return next(source for source in _theirs().objects if source.scheme == scheme)


def of(source: str) -> tuple[DataSource, str]:
    """The source of `tfds:mnist`, and the address `mnist`.

    Raises:
        UsageError: there is no such source.
    """
    scheme, _, address = source.partition(":")
    if scheme not in names() or not address:
        forms = [named(name).form for name in names() if named(name).form]
        raise unknown("source", source, names(), f"a source is {', '.join(forms[:-1])} or {forms[-1]}")
    return named(scheme), address


def is_address(text: str) -> bool:
    """Whether a text begins with the scheme of a source, as `tfds:mnist` does."""
    scheme, colon, _ = text.partition(":")
    return bool(colon) and scheme in names()


def mistakes(data: Data) -> list[str]:
    """What a recipe's [data] may not say for its source."""
    if data.stream != "on" or any(one.kind == "image" for one in data.inputs.values()):
        return []
    can = sorted(name for name in names() if named(name).streams)
    if data.source.partition(":")[0] in can:
        return []
    return [f"stream = 'on' is for {', '.join(can)} sources: {data.source} is small, or a text"]


def title(source: str) -> str:
    """What a dataset is called of which nothing but the source is known.

    Raises:
        UsageError: there is no such source.
    """
    found, address = of(source)
    return found.title(address)


def is_own_file(source: str) -> bool:
    """Whether this is the address of a user's own files."""
    return is_address(source) and isinstance(of(source)[0], FileSource)


def broken() -> dict[str, str]:
    """Plug-ins whose sources are left out: `entry point of package` -> what went wrong."""
    return dict(_theirs().broken)


@cache
def _theirs() -> plugins.Brought[DataSource]:
    """The sources of other packages, and those that broke."""
    return plugins.brought(
        "zoo.sources",
        DataSource,
        what="source",
        key="scheme",
        pattern="[a-z][a-z0-9_]+",
        taken=OURS,
        refuse=_refuse_bad,
    )


def _refuse_bad(source: DataSource) -> None:
    if type(source).read is DataSource.read or not isinstance(getattr(source, "form", None), str):
        raise UsageError(f"the source {source.scheme!r} has no method `read`, or no `form`")
    if bad := [kind for kind in source.kinds if kind not in KINDS]:
        raise unknown("kind of data", bad[0], KINDS, f"known: {', '.join(KINDS)}")


def read(data: Data, target: Role = "label") -> Source:
    """What the source holds, before it is checked, split or encoded: texts are strings, a series is one part.

    `target` is the role of what is predicted: class ids, values, or (of one long text) tokens.

    Raises:
        UsageError: the source's content is bad.
        MissingError: the source is not there and cannot be fetched.
    """
    source, address = of(data.source)
    if source.kinds and data.kind not in source.kinds:
        raise UsageError(f"{data.source} is {' or '.join(source.kinds)}; the recipe says data.kind = {data.kind!r}")
    if data.targets and not source.holds_several:
        raise UsageError(f"{data.source} has one input and one target; several are read from csv:PATH tables")
    if others := data.part_sources():
        train = read(data.of_part(data.source), target).train
        held = {name: read(data.of_part(other), target).train for name, other in others.items()}
        return Source(train, held.get("test"), held.get("validation"))
    return source.read(address, data, target)


def infer(source: str, label: str | None = None, kind: str | None = None, reading: Reading = AS_FOUND) -> Data:
    """A description of data without a recipe: `csv:PATH`, `folder:PATH`, `arrays:PATH`, `pairs:PATH`, `text:PATH`,
    `tfds:NAME/CONFIG` (prepared), `sklearn:NAME`. `reading` says what is not to be found out from the files, and
    `label` and `kind` two things of it by themselves; what is found out is told in a note. The description's `task` is
    the role of what is predicted until `zoo.tasks` decides. Nothing that is said goes unheard: it is refused where it
    does nothing.

    A fifth is held out for testing where the source has no test split, then a tenth of the rest for validation.

    Raises:
        UsageError: bad content, a source that has no sizes of its own, or something said that is not for such data.
        MissingError: a TensorFlow Datasets name that is not prepared.
    """
    from zoo.data.sources import parts

    found, address = of(source)
    reading = reading.of(label, kind)
    reading.refuse_others(found.goes_by, source)
    described = found.infer(address, reading)
    reading.refuse_unused(described, found.goes_by)
    return parts.added(described, reading, found)


def is_own(data: Data) -> bool:
    """Whether data are a user's own files or arrays, which nobody has looked through."""
    found = of(data.source)[0]
    return not data.origin and (isinstance(found, FileSource) or found.scheme == "memory")


def wanted(data: Data) -> str:
    """What labelled examples of a user's own look like that a model of this data can be scored on."""
    return of(data.source)[0].wanted(data)


def without_places(data: Data) -> Data:
    """The data with own files by their names alone."""
    named = {}
    for key in ("source", "test_source", "validation_source"):
        if given := getattr(data, key):
            source, address = of(given)
            named[key] = f"{source.scheme}:{source.without_place(address)}"
    return data.model_copy(update=named)


def status(data: Data) -> Status:
    """Whether the data lies ready, and where; imports nothing heavy."""
    source, address = of(data.source)
    return source.status(address, data)


def prepare(data: Data) -> Status:
    """Make the data ready: download and check what comes from TensorFlow Datasets, look that the rest is there.

    Raises:
        MissingError: no network, a failed download, a folder that cannot be written.
        UsageError: an own file or folder that is not there; a MissingError if the recipe says where to get it.
    """
    source, address = of(data.source)
    return source.prepare(address, data)


def read_examples(data: Data, path: str | Path | Sequence[str | Path]) -> Any:
    """Raw examples to predict on, in the form `load` gives them; see `DataSource.read_examples`.

    Raises:
        UsageError: no such file, or one that does not fit the data; it is named.
    """
    paths = [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]
    if missing := [str(one) for one in paths if not one.exists()]:
        raise UsageError(f"no such file or folder: {', '.join(missing)}")
    return of(data.source)[0].read_examples(paths, data)
