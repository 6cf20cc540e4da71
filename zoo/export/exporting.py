"""Write, read back, compare, and only then give the file its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zoo.catalogue import registry
from zoo.errors import UsageError, VerificationError
from zoo.export import alone, formats, inputs, layer_code, writing
from zoo.export.formats import Apply, Format
from zoo.export.table import Form, forms
from zoo.files import replacing, write_json, write_text
from zoo.files.names import file_name
from zoo.files.opening import make_folder
from zoo.native_output import quiet_stderr
from zoo.pretrained import index
from zoo.runs.directory import Run

if TYPE_CHECKING:
    import keras

T = TypeVar("T")

# Of the largest output, so at most so much of a probability. Float32 sums in another order differ by some 1e-7 here, by
# 1e-5 in deep networks; a layer that a converter gets wrong or leaves out makes 1e-2 and more.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """How far a written model's outputs are from the run's model's."""

    form: Form
    difference: float  # the largest
    largest: float  # output of the run's model, by its absolute value

    @property
    def tolerance(self) -> float:
        """Largest difference that is let pass."""
        return TOLERANCE * self.largest


@dataclass(frozen=True)
class Exported:
    """A file or folder that was written, read back and compared."""

    path: Path
    bytes: int
    vocabulary: Path | None  # of a model of texts: what turns them into its ids
    layers: Path | None  # the code of the zoo's layers, which a Keras file of them needs
    comparison: Comparison
    takes: list[str]  # each input: `raw: uint8 (any, 28, 28, 1)`
    precision: str  # "", or what it computes in where the run computed in another
    compared_on: str
    runtime: str
    usage: list[str]  # Python that loads and runs it


def export(run: Run, format_name: str, out: Path | None = None) -> Exported:
    """Write a run's model in one of FORMATS; what the runtime refuses or computes otherwise is not kept.

    It goes to `out`, or to `export/MODEL-DATASET.SUFFIX` in the run directory; of weights that the zoo brings along to
    `MODEL-DATASET.SUFFIX` here.

    Raises:
        UsageError: no such format, or a place that is taken or cannot be.
        MissingError: a package is not installed.
        VerificationError: it cannot be written so, does not load, or its outputs differ.
    """
    kind, recipe = formats.find(format_name), run.recipe
    path, tried = _place(run, kind, out), forms(registry.describe(recipe.model), kind.name)
    kind.check_installed()
    from zoo.training.environment import prepare

    prepare()
    x, what = inputs.examples(recipe)
    if layer_code.MISSING_CELLS in layer_code.names(run.model):
        x, what = inputs.with_gaps(x), f"{what}, every second with an empty cell"
    make_folder(path.parent)
    model, note = run.model, ""
    if recipe.training.precision != "float32" and not kind.half:
        model, note = writing.in_float32(model), f"in float32 (the run: {recipe.training.precision})"
    comparison = write_checked(model, kind, path, tried, x, what)
    layers = write_layers(model, path, comparison.form, x) if kind.name == "keras" else None
    words = _write_words(run, path) if recipe.data.text else None
    takes, usage = _takes(model, comparison.form, x), kind.how_to_load(model, path, layers)
    return Exported(path, _size(path), words, layers, comparison, takes, note, what, kind.version, usage)


def _place(run: Run, kind: Format, out: Path | None) -> Path:
    name = file_name(f"{run.recipe.model}-{run.recipe.dataset}") + kind.suffix
    path = out or (Path(name) if run.name in index.entries() else run.folder / "export" / name)
    if path.suffix != kind.suffix:
        raise UsageError(f"--out {path}: a {kind.name} file ends in {kind.suffix}")
    for taken in (path, layer_code.place(path)) if kind.name == "keras" else (path,):
        if taken.exists():
            raise UsageError(f"{taken} exists already; nothing is overwritten\nchoose another place with --out PATH")
    if out and not path.absolute().parent.is_dir():
        raise UsageError(f"--out {path}: there is no folder {path.parent}")
    return path


def _write_words(run: Run, path: Path) -> Path:
    """What turns texts into ids, beside the file: tokenising is no part of the network."""
    words = path.with_name(f"{path.name}.vocabulary.json")
    write_json(words, run.vocabularies.as_json())
    return words


def _takes(model: keras.Model, form: Form, x: Any) -> list[str]:
    shapes = writing.input_shapes(model, form, inputs.lengths(model, x))
    sides = {name: ", ".join("any" if side is None else str(side) for side in shape) for name, shape in shapes.items()}
    return [f"{tensor.name}: {tensor.dtype} ({sides[tensor.name]})" for tensor in model.inputs]


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def write_checked(model: keras.Model, kind: Format, path: Path, tried: Sequence[Form], x: Any, what: str) -> Comparison:
    """Write the model in the first of the forms that loads and computes what it does; a file that does not is removed.

    Args:
        x: examples to compare on, one array or a dict.
        what: what they are, for messages.

    Raises:
        VerificationError: none of the forms does; the reason is the last one's.
    """
    *others, last = tried
    for form in others:
        try:
            return _write_checked(model, kind, path, form, x, what)
        except VerificationError:
            continue
    return _write_checked(model, kind, path, last, x, what)


def _write_checked(model: keras.Model, kind: Format, path: Path, form: Form, x: Any, what: str) -> Comparison:
    shapes = writing.input_shapes(model, form, inputs.lengths(model, x))
    with replacing(path) as temporary:
        _quietly(lambda: kind.write(model, temporary, shapes), f"this model cannot be written as {kind.name}")
        refused = f"{kind.runtime} refuses the {kind.name} file that was written"
        comparison = _quietly(lambda: compare(model, kind.open(temporary), form, x), refused)
        if not comparison.difference <= comparison.tolerance:  # also where one of them is not a number
            raise VerificationError(
                f"{kind.runtime} computes something else from the {kind.name} file: outputs differ by "
                f"{comparison.difference:.1e}, {comparison.tolerance:.0e} is let pass ({what})\n"
                "the file is removed; what is known to work: zoo export --formats"
            )
    return comparison


def write_layers(model: keras.Model, path: Path, form: Form, x: Any) -> Path | None:
    """The code of the zoo's layers beside a Keras file of them, after file and code gave the same without zoo.

    None: there are none, and Keras alone reads the file. File and code are removed where they do not do.

    Raises:
        VerificationError: they do not load in a process without zoo, or compute something else there.
    """
    registered = layer_code.names(model)
    if not registered:
        return None
    layers, pieces = layer_code.place(path), list(_pieces(x, form))
    try:
        write_text(layers, layer_code.source(registered, path.name))
        refused = f"Keras without zoo refuses {path.name} and {layers.name}"
        answers = iter(_quietly(lambda: alone.outputs(path, layers, pieces), refused))
        comparison = _quietly(lambda: compare(model, lambda piece: next(answers), form, x), refused)
        if not comparison.difference <= comparison.tolerance:
            raise VerificationError(
                f"Keras without zoo computes something else from {path.name} and {layers.name}: outputs differ by "
                f"{comparison.difference:.1e}\nboth files are removed"
            )
    except BaseException:
        for written in (path, layers):
            written.unlink(missing_ok=True)
        raise
    return layers


def _quietly(action: Callable[[], T], trouble: str) -> T:
    """Do it without the chatter of native libraries.

    Raises:
        VerificationError: `trouble`, and the first line of what went wrong; OSError as it is.
    """
    with quiet_stderr():
        try:
            return action()
        except Exception as error:
            cause = error
    if isinstance(cause, OSError):
        raise cause
    why = next((line.strip() for line in str(cause).splitlines() if line.strip()), type(cause).__name__)
    raise VerificationError(
        f"{trouble}: {why[:200]}\nnothing is kept; what is known to work: zoo export --formats"
    ) from cause


def compare(model: keras.Model, apply: Apply, form: Form, x: Any) -> Comparison:
    """Outputs of a loaded file beside the model's own: together, alone, and shortened, as far as the form allows.

    Of several outputs the one that is furthest off is told of.
    The model's own are those of a graph, as in training: called eagerly, Keras' Resizing rounds to whole pixels.
    """
    import tensorflow as tf

    @partial(tf.function, reduce_retracing=True)
    def forward(examples: Any) -> list[tf.Tensor]:
        return [tf.cast(output, "float32") for output in tf.nest.flatten(model(examples, training=False))]

    found = [Comparison(form, 0.0, 0.0) for _ in model.outputs]
    for piece in _pieces(x, form):
        wanted, got = [output.numpy() for output in forward(piece)], tf.nest.flatten(apply(piece))
        if len(got) != len(wanted):
            raise ValueError(f"{len(got)} outputs where {len(wanted)} are due")
        found = [_worse(*three) for three in zip(found, wanted, got, strict=True)]
    return max(found, key=lambda one: one.difference / max(one.largest, 1e-30))


def _worse(so_far: Comparison, wanted: np.ndarray, got: np.ndarray) -> Comparison:
    """What was seen of one output by now."""
    if not np.isfinite(wanted).all():
        raise ValueError("the run's own model gives outputs that are not finite")
    if got.shape != wanted.shape:
        raise ValueError(f"an output of shape {got.shape} where {wanted.shape} is due")
    difference = float(np.nan_to_num(np.abs(got - wanted), nan=np.inf).max())
    largest = float(np.abs(wanted).max())
    return replace(so_far, difference=max(so_far.difference, difference), largest=max(so_far.largest, largest))


def _pieces(x: Any, form: Form) -> Iterator[Any]:
    if form.any_batch:
        yield x
    for row in range(1 if form.any_batch else inputs.count(x)):
        yield inputs.part(x, slice(row, row + 1))
    if form.any_length and inputs.has_tokens(x):
        yield inputs.part(x, slice(None if form.any_batch else 1), share=0.5)
