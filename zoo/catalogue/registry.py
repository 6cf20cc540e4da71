"""The catalogue: light records of every architecture, read without importing a framework.

A builder function is registered with its record by one decorator::

    @register("lenet", family="lenet", year=1998, paper="LeCun et al. 1998, ...", idea="...",
              inputs=("image",), tasks=("classification",), params=61_706)
    def lenet(input_shape=(32, 32, 1), num_classes=10): ...

Other packages add entries through the entry-point group `zoo.models`, whose value names a module (or a
function) that registers when it is imported. It is imported when one of its models is described or built; listing
knows it from a distance (see `zoo.catalogue.plugins`). One that breaks is kept in `broken()` and harms nothing else.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.catalogue import plugins
from zoo.catalogue.spec import KINDS, DataSpec
from zoo.errors import UsageError, unknown
from zoo.files import write_json
from zoo.native_output import silence

if TYPE_CHECKING:
    import keras

Builder = TypeVar("Builder", bound=Callable[..., Any])


@dataclass(frozen=True)
class ModelRecord:
    """What the catalogue knows of one architecture without building it."""

    name: str
    family: str
    year: int
    paper: str
    idea: str
    inputs: tuple[str, ...]  # kinds of data it takes, of zoo.spec.KINDS
    tasks: tuple[str, ...]  # of zoo.tasks
    params: int  # of the default build; a test recomputes it
    builder: Callable[..., keras.Model] = field(repr=False)
    min_size: int | None = None  # smallest height and width of an image
    fixed_shape: tuple[int, ...] | None = None  # the only input shape it takes
    published: Mapping[str, str] = field(default_factory=dict)  # what the paper states -> the number
    deviations: tuple[str, ...] = ()  # where we differ from the paper
    defaults: Mapping[str, Any] = field(default_factory=dict)  # its own training defaults, weakest of all
    trial: Mapping[str, Any] = field(default_factory=dict)  # knobs of a small build, where the default one is too large
    no_xla: str = ""  # why XLA cannot compile its training, where it cannot
    auxiliary: Mapping[str, float] = field(default_factory=dict)  # outputs that only training knows -> their weight
    origin: str = "zoo"  # the plug-in it came from

    @property
    def knobs(self) -> dict[str, Any]:
        """The builder's keyword arguments and their defaults, without `name`, which changes nothing but a name."""
        return {name: default for name, default in _arguments(self.builder).items() if name != "name"}


MOST_LAYERS = 200  # of one knob; a model file of many more would not be read (zoo.safety)

_records: dict[str, ModelRecord] = {}
_distant: dict[str, EntryPoint] = {}  # models of plug-ins that are not imported yet; their records have no builder
_broken: dict[str, str] = {}
_loaded = False
_origin = "zoo"


def register(
    name: str,
    *,
    family: str,
    year: int,
    paper: str,
    idea: str,
    inputs: tuple[str, ...],
    tasks: tuple[str, ...],
    params: int,
    min_size: int | None = None,
    fixed_shape: tuple[int, ...] | None = None,
    published: Mapping[str, str] | None = None,
    deviations: tuple[str, ...] = (),
    defaults: Mapping[str, Any] | None = None,
    trial: Mapping[str, Any] | None = None,
    no_xla: str = "",
    auxiliary: Mapping[str, float] | None = None,
) -> Callable[[Builder], Builder]:
    """Put the decorated builder into the catalogue under `name` (`arch`, `arch.variant`, `arch.variant.size`).

    `trial` are knobs of a small build of the same form, for a network too large for a test to train and to save.
    `no_xla` says why XLA cannot compile its training; then `--jit on` is refused with it.
    `auxiliary` names outputs that learn the same target as the other one, with the weight of their loss; they are left
    away when the training is over.

    Raises:
        UsageError: the name is taken or malformed, a kind or task is unknown, or the builder has an
            argument without a default.
    """

    def add(builder: Builder) -> Builder:
        import_module("zoo.models")  # the zoo's own names come first; plug-ins wait for the first question
        _refuse_bad_record(name, inputs, builder)
        _records[name] = ModelRecord(
            name, family, year, paper, idea, tuple(inputs), tuple(tasks), params, builder, min_size,
            fixed_shape, dict(published or {}), tuple(deviations), dict(defaults or {}), dict(trial or {}), no_xla,
            dict(auxiliary or {}), _origin,
        )  # fmt: skip
        _distant.pop(name, None)
        return builder

    return add


def _refuse_bad_record(name: str, inputs: tuple[str, ...], builder: Builder) -> None:
    if name in _records and name not in _distant:
        raise UsageError(f"model {name!r} is already registered (by {_records[name].origin}); choose another name")
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", name):
        raise UsageError(f"model name {name!r} is not of the form arch, arch.variant or arch.variant.size (a-z 0-9 _)")
    for value in inputs:
        if value not in KINDS:
            raise unknown("kind of input", value, KINDS, f"known: {', '.join(KINDS)}")
    for argument, default in _arguments(builder).items():
        if default is inspect.Parameter.empty:
            raise UsageError(f"model {name!r}: builder argument {argument!r} needs a default")


def _arguments(builder: Callable[..., Any]) -> dict[str, Any]:
    return {p.name: p.default for p in inspect.signature(builder).parameters.values()}


def _load() -> None:
    """Import the zoo's own models and look at the plug-ins, once."""
    global _loaded
    if _loaded:
        return
    _loaded = True
    import_module("zoo.models")
    _broken.update(plugins.load("zoo.models", _load_plugin, _enter))


def _enter(point: EntryPoint, origin: str, records: list[dict[str, Any]]) -> None:
    """Take what a plug-in registers into the catalogue, without its builders."""
    for name in (record["name"] for record in records):
        if name in _records:
            raise UsageError(f"model {name!r} is already registered (by {_records[name].origin})")
    for record in records:
        tuples = {key: tuple(record[key]) for key in ("inputs", "tasks", "deviations")}
        shape = {"fixed_shape": record["fixed_shape"] and tuple(record["fixed_shape"])}
        where = {"origin": origin, "builder": _not_here}
        _records[record["name"]] = ModelRecord(**{**record, **tuples, **shape, **where})
        _distant[record["name"]] = point


def _not_here() -> keras.Model:
    raise AssertionError("a builder of a plug-in that was not imported")


def _load_plugin(point: Any, origin: str) -> None:
    """Import what registers; of a plug-in that breaks nothing is kept."""
    global _origin
    before, distant = dict(_records), dict(_distant)
    _origin = origin
    try:
        point.load()
    except BaseException:
        _records.clear()
        _records.update(before)
        _distant.clear()
        _distant.update(distant)
        raise
    finally:
        _origin = "zoo"


def tell(name: str, value: str, group: str, answer: str) -> None:
    """In a process of its own: import a plug-in, and write what it registers or what is wrong with it."""
    global _loaded
    _loaded = True  # it may ask for the models that there are; other plug-ins are none of its business
    import_module("zoo.models")
    own, wrong = set(_records), ""
    try:
        _load_plugin(EntryPoint(name, value, group), name)
    except (Exception, SystemExit) as error:
        wrong = f"{type(error).__name__}: {error}"
    found = [asdict(replace(record, builder=_not_here)) for key, record in _records.items() if key not in own]
    for record in found:
        del record["builder"]
    plain = json.loads(json.dumps(found, default=str))
    write_json(Path(answer), {"records": plain, "wrong": wrong})


def broken() -> dict[str, str]:
    """Plug-ins that failed to load: `entry point of package` -> what went wrong."""
    _load()
    return dict(_broken)


def describe(name: str) -> ModelRecord:
    """The record of `name`.

    Raises:
        UsageError: no such model; the nearest names are given.
    """
    _load()
    if not isinstance(name, str):
        raise UsageError(f"a model is given by its name, not by a {type(name).__name__}\nsee them all with: zoo ls")
    if name not in _records:
        raise unknown("model", name, _records, "see them all with: zoo ls")
    if name in _distant:
        _bring_here(name)
    return _records[name]


def _bring_here(name: str) -> None:
    """Import the plug-in that a model is of.

    Raises:
        UsageError: it breaks, or does not register this model any more.
    """
    point, wrong = _distant[name], ""
    try:
        with silence():
            _load_plugin(point, plugins.package(point))
    except (Exception, SystemExit) as error:
        wrong = f"{type(error).__name__}: {error}"
    if name in _distant:
        wrong = _broken[plugins.called(point)] = wrong or f"it does not register {name} any more"
        raise UsageError(f"model {name!r} is of a plug-in that is broken, {plugins.called(point)}\n{wrong}")


def glance(name: str) -> ModelRecord:
    """The record of a listed model; of a plug-in's that was not imported yet, all but its builder."""
    _load()
    return _records[name]


def list_models(
    pattern: str = "*",
    *,
    family: str | None = None,
    task: str | None = None,
    inputs: str | None = None,
    year: int | tuple[int, int] | None = None,
) -> list[str]:
    """Names that match a glob and every filter given, in natural order; `year` is one year or (first, last)."""
    _load()
    first, last = (year, year) if isinstance(year, int) else (year or (0, 9999))
    found = [
        r.name
        for r in _records.values()
        if fnmatchcase(r.name, pattern)
        and family in (None, r.family)
        and (task is None or task in r.tasks)
        and (inputs is None or inputs in r.inputs)
        and first <= r.year <= last
    ]
    return sorted(found, key=_natural)


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Sort key under which `vgg.11` comes before `vgg.100`."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def build(model: str, /, *, name: str | None = None, **knobs: Any) -> keras.Model:
    """Build `model` with its default knobs, or with the given ones: an uncompiled `keras.Model`.

    `name` is what the network is called, where the builder's own choice would stand twice in a larger one.

    Raises:
        UsageError: no such model, or it has no such knob (the nearest names are given), or a knob's value is
            of no use to it.
    """
    record = describe(model)
    for knob in knobs:
        if knob not in record.knobs:
            raise unknown(f"knob of {model}", knob, record.knobs, f"it has: {', '.join(record.knobs)}")
    if name is not None:
        if "name" not in _arguments(record.builder):
            raise UsageError(f"{model} (of {record.origin}) cannot be given a name: its builder has no argument `name`")
        knobs["name"] = name
    if mistakes := beyond_reason(knobs):
        raise UsageError(f"{model} cannot be built with {mistakes[0]}")
    try:
        with _as_published():
            return record.builder(**knobs)
    except ValueError as error:
        said = ", ".join(f"{knob}={value!r}" for knob, value in knobs.items())
        raise UsageError(
            f"{model} cannot be built with {said or 'its defaults'}\n{str(error).splitlines()[0]}"
        ) from error


def beyond_reason(knobs: Mapping[str, Any]) -> list[str]:
    """What is wrong with knobs whose type is right: nothing is left after dropout, or the layers are too many."""
    return _rates_beyond(knobs) + _layers_beyond(knobs)


def _layers_beyond(knobs: Mapping[str, Any]) -> list[str]:
    counts = {name: value for name, value in knobs.items() if name == "num_layers" and isinstance(value, int)}
    counts |= {name: len(value) for name, value in knobs.items() if isinstance(value, list | tuple)}
    return [
        f"{name}: {count:,} layers take minutes to build and more to train; at most {MOST_LAYERS}"
        for name, count in counts.items()
        if count > MOST_LAYERS
    ]


def _rates_beyond(knobs: Mapping[str, Any]) -> list[str]:
    """A rate that drops everything leaves nothing to learn from."""
    rates = {name: rate for name, rate in knobs.items() if name.endswith("dropout") and isinstance(rate, int | float)}
    return [f"{name} = {rate}: a rate of dropout is at least 0 and below 1" for name, rate in rates.items()
            if not 0 <= rate < 1]  # fmt: skip


@contextmanager
def _as_published() -> Iterator[None]:
    """While a model is built: float32 and channels last, whatever keras.json says; a policy that was set holds."""
    import keras

    config = keras.config
    before = config.floatx(), config.image_data_format()
    config.set_floatx("float32")
    config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        config.set_floatx(before[0])
        config.set_image_data_format(before[1])


def misfit(record: ModelRecord, spec: DataSpec) -> str | None:
    """Why the model cannot take this data, or None if it can. Looks at plain data only."""
    if spec.kind not in record.inputs:
        return f"{record.name} takes {' or '.join(record.inputs)}, {spec.name} is {spec.kind}"
    if spec.input_kinds and not set(spec.input_kinds) & set(record.inputs):
        return f"{record.name} takes {' or '.join(record.inputs)}, the inputs of {spec.name} are {spec.input_kinds[0]}"
    if spec.task not in record.tasks:
        return f"{record.name} does {' or '.join(record.tasks)}, {spec.name} is {spec.task}"
    if record.fixed_shape and tuple(spec.input_shape) != record.fixed_shape:
        return f"{record.name} takes input {_shape(record.fixed_shape)} only, got {_shape(spec.input_shape)}"
    if record.min_size and spec.kind == "image" and min(spec.input_shape[:2]) < record.min_size:
        least = f"{record.min_size}x{record.min_size}"
        return f"{record.name} needs images of at least {least}, got {_shape(spec.input_shape)}"
    return None


def fitting(spec: DataSpec) -> list[str]:
    """Names of the models that can take this data."""
    return [name for name in list_models() if misfit(glance(name), spec) is None]


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
