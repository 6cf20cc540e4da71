"""Checks of how a model is built and written: its form, its size, what is in it and in its file."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.catalogue.inspect import skeleton
from zoo.checks.subject import CheckError, Subject, by_name, forward, joined, unchanged


def builds(subject: Subject) -> str:
    """Called without arguments it gives an uncompiled `keras.Model` with one finite output a batch, or some by name."""
    for knob in inspect.signature(subject.builder).parameters.values():
        if knob.default is knob.empty:
            raise CheckError(f"argument {knob.name!r} has no default")
    model = subject.model
    if not isinstance(model, keras.Model):
        raise CheckError(f"returned {type(model).__name__}, not a keras.Model")
    if model.compiled:
        raise CheckError("the model is compiled already; compiling is the trainer's business")
    if not isinstance(model.output, dict) and len(model.outputs or ()) != 1:
        raise CheckError(
            f"{len(model.outputs or ())} outputs, neither one nor a dict (a subclassed model must be built first)"
        )
    if not np.isfinite(forward(model, subject.inputs(2))).all():
        raise CheckError("the output is not finite")
    taken, given = (", ".join(map(_shape, tensors)) for tensors in (model.inputs, model.outputs))
    return f"{taken} -> {given}, {subject.activation} output"


def _shape(tensor: keras.KerasTensor) -> str:
    return "x".join(str(side or "?") for side in tensor.shape[1:])


def parameter_count(subject: Subject) -> str:
    """As many parameters as the record states."""
    counted = (skeleton(subject.builder) if subject.trial else subject.model).count_params()
    if subject.params not in (None, counted):
        raise CheckError(f"{counted:,} parameters, the record says {subject.params:,}")
    small = f"; the other checks use a build of {subject.model.count_params():,}" if subject.trial else ""
    return f"{counted:,}" + (" as recorded" if subject.params is not None else " (no record to compare)") + small


def saves(subject: Subject) -> str:
    """Written to a file and read back without trusting code in it, the model gives the same output."""
    x = subject.inputs(4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        subject.model.save(path)
        loaded = keras.models.load_model(path, compile=False, safe_mode=True)
    difference = float(np.abs(forward(loaded, x) - forward(subject.model, x)).max())
    if not difference <= 1e-6:
        raise CheckError(f"after save and load the output differs by {difference:.1e}")
    return "same output" if difference == 0 else f"output differs by {difference:.0e}"


def two_in_one(subject: Subject) -> str:
    """Two builds under different names go into one functional model, and each says there what it says alone."""
    if "name" not in inspect.signature(subject.builder).parameters:
        return "does not apply: the builder takes no name"
    names, x = ("first", "second"), subject.inputs(2)
    parts = [subject.build(name=name) for name in names]
    if [part.name for part in parts] != list(names):
        raise CheckError(f"asked for the name 'first', the model is called {parts[0].name!r}")
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=tensor.name), subject.model.input
    )
    both = keras.Model(inputs, [part(inputs) for part in parts])
    for part, output in zip(parts, both(x, training=False), strict=True):
        inside = {name: np.asarray(keras.ops.convert_to_numpy(one)) for name, one in by_name(output).items()}
        unchanged(forward(part, x), joined(inside), f"in one model {part.name} differs")
    return "same outputs in one model as alone"


def no_lambda(subject: Subject) -> str:
    """No Lambda layer anywhere: its code would be hidden in the saved file."""
    found = sorted(set(_lambdas(keras.saving.serialize_keras_object(subject.model))))
    if found:
        raise CheckError(f"Lambda {', '.join(found)}: write a registered layer instead")
    return "none"


def _lambdas(config: Any) -> Iterator[str]:
    """Names of the Lambda layers in a serialised model, however deep."""
    if isinstance(config, dict):
        if config.get("class_name") == "Lambda":
            yield repr(config["config"]["name"])
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for value in config:
            yield from _lambdas(value)
