"""The trained model: raw example in, preprocessing inside, then the network from the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

import zoo.layers
from zoo import tasks
from zoo.catalogue import registry
from zoo.data import Examples, missing
from zoo.data.config import Steps
from zoo.data.fields import Field
from zoo.errors import UsageError
from zoo.recipe import Resolved, offers
from zoo.training.auxiliary import without

ADAPTED = 2000  # images


def make_model(recipe: Resolved, train: Examples, auxiliary: bool = False) -> keras.Model:
    """Preprocessing layers and the registry's network in one functional model that takes raw examples.

    `auxiliary`: with the outputs, by name, that only training knows.

    Texts come as token ids (batch, time), of pairs as `{"source": ids, "target": ids}`. Standardisation takes its
    mean and variance from `train`, the training split alone; a series' forecasts are brought back to its own units. A
    layer that whitens patches is adapted to the first of the training images, as they come out of the preprocessing.
    """
    core = build_core(recipe, auxiliary)
    model = assemble(recipe, core, constants(recipe, train))
    for layer in core.layers:
        if isinstance(layer, zoo.layers.PatchWhitening):
            before = model.layers[model.layers.index(core) - 1].output
            seen = keras.Model(model.input, keras.Model(core.input, layer.input)(before))
            layer.adapt(np.asarray(seen(train.x[:ADAPTED]), "float32"))
    return model


def assemble(
    recipe: Resolved, core: keras.Model, known: Mapping[str, np.ndarray], in_units: bool = True
) -> keras.Model:
    """The preprocessing that a recipe describes and a network behind it; `known` are its `constants`.

    `in_units` brings what was predicted of scaled targets back to their own units; features have none.
    """
    fields = tasks.of(recipe.data).fields(recipe.data).inputs
    inputs = _raw_inputs(fields)
    if isinstance(inputs, dict):
        looked_at = [field for field in fields if field.name in core.input]  # a network need not look at all of them
        seen = {field.name: _preprocessed(inputs[field.name], field, recipe, known) for field in looked_at}
    else:
        seen = _preprocess(_filled(inputs, recipe), fields[0], recipe.preprocessing, known)
    outputs = core({"x": seen} if isinstance(core.input, dict) and not isinstance(inputs, dict) else seen)
    if in_units and recipe.data.targets:
        outputs = {name: _in_units(output, name, recipe) for name, output in outputs.items()}
    elif in_units and not isinstance(outputs, dict):
        outputs = _unscaled(outputs, inputs, recipe, known)
    return keras.Model(inputs, outputs, name=f"{core.name}_on_{_identifier(recipe.dataset)}")


def constants(recipe: Resolved, train: Examples) -> dict[str, np.ndarray]:
    """What preprocessing takes from the training split: `mean` and `variance` of the inputs, where the recipe
    standardises them, and of a series' targets `target_mean` and `target_deviation`; of several inputs `NAME/mean`."""
    if recipe.data.inputs:
        each = {name: _input_constants(recipe.preprocessing.of(name), array) for name, array in train.inputs.items()}
        return {f"{name}/{key}": array for name, found in each.items() for key, array in found.items()}
    found = _input_constants(recipe.preprocessing, train.x)
    if recipe.preprocessing.targets == "standardize" or (found and tasks.of(recipe.data).scales_targets):
        found["target_mean"] = np.asarray(train.y.mean(), "float32")
        found["target_deviation"] = np.asarray(max(train.y.std(), 1e-6), "float32")
    return found


def _input_constants(steps: Steps, x: Any) -> dict[str, np.ndarray]:
    if steps.standardize in ("none", "window"):
        return {}
    mean, variance = moments(x, steps.rescale or 1.0, per_feature=steps.standardize == "feature")
    return {"mean": mean, "variance": variance}


def constants_in(model: keras.Model) -> dict[str, np.ndarray]:
    """The `constants` inside a model of `assemble`."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            owner = layer.name.removesuffix("standardize").removesuffix("_")  # one of several inputs
            prefix = f"{owner}/" if owner else ""
            found |= {f"{prefix}{key}": layer.get_config()[key] for key in ("mean", "variance")}
        elif isinstance(layer, keras.layers.Rescaling) and layer.name in ("forecast", "in_units"):
            found |= {"target_mean": layer.offset, "target_deviation": layer.scale}
    return {key: np.asarray(value, "float32") for key, value in found.items()}


def core_of(model: keras.Model) -> keras.Model:
    """The registry's network inside a model of `make_model`."""
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def _raw_inputs(fields: Sequence[Field]) -> Any:
    shapes = {field.name: (None, *field.shape[1:]) if field.ragged else field.shape for field in fields}
    if len(fields) == 1 and fields[0].name == "x":
        return keras.Input(shapes[fields[0].name], dtype=fields[0].dtype, name="raw")
    return {field.name: keras.Input(shapes[field.name], dtype=field.dtype, name=field.name) for field in fields}


def build_core(recipe: Resolved, auxiliary: bool = False) -> keras.Model:
    """The registry's network for this recipe's data: input shape and output layer come from the spec.

    `auxiliary`: with the outputs that only training knows.
    """
    record = registry.describe(recipe.model)
    # a score model (hinge, perceptron rule) fixes its own output and has no such knob
    core = registry.build(record.name, **{k: v for k, v in offers(recipe).items() if k in record.knobs} | recipe.knobs)
    return core if auxiliary else without(core, record.auxiliary)


def _filled(x: keras.KerasTensor, recipe: Resolved) -> keras.KerasTensor:
    """A table's rows with what the training part says in place of missing cells, where the recipe fills some."""
    cells = missing.inside(recipe.data)
    return zoo.layers.MissingCells(*cells, name="missing_cells")(x) if cells else x


def _preprocessed(
    x: keras.KerasTensor, field: Field, recipe: Resolved, known: Mapping[str, np.ndarray]
) -> keras.KerasTensor:
    """One of several inputs after its own steps."""
    own = {key.removeprefix(f"{field.name}/"): array for key, array in known.items()}
    return _preprocess(x, field, recipe.preprocessing.of(field.name), own, f"{field.name}_")


def _preprocess(
    x: keras.KerasTensor, field: Field, steps: Steps, known: Mapping[str, np.ndarray], prefix: str = ""
) -> keras.KerasTensor:
    """`prefix` is what the layers' names begin with."""
    layers = keras.layers
    if not field.is_numeric:
        return x
    if steps.standardize == "window":
        return zoo.layers.WindowScaling(name=f"{prefix}standardize")(x)
    if steps.pad:
        x = layers.ZeroPadding2D(steps.pad, name=f"{prefix}pad")(x)  # (batch, height + 2 pad, width + 2 pad, channels)
    if steps.resize:
        x = layers.Resizing(*steps.resize, name=f"{prefix}resize")(x)  # (batch, *resize, channels)
    if steps.rescale:
        x = layers.Rescaling(1.0 / steps.rescale, name=f"{prefix}rescale")(x)
    if steps.standardize != "none":
        axis = -1 if steps.standardize == "feature" else None
        mean, variance = known["mean"], known["variance"]
        x = layers.Normalization(axis=axis, mean=mean, variance=variance, name=f"{prefix}standardize")(x)
    return x if x.dtype == "float32" else layers.Rescaling(1.0, name=f"{prefix}to_float")(x)


def _unscaled(
    outputs: keras.KerasTensor, raw: Any, recipe: Resolved, known: Mapping[str, np.ndarray]
) -> keras.KerasTensor:
    """Forecasts of a standardised series, and values that were standardised for the network, in their own units."""
    follow = tasks.of(recipe.data).scales_targets
    how = recipe.preprocessing.standardize if follow else recipe.preprocessing.targets
    if how == "window":
        return zoo.layers.WindowUnscaling(name="forecast")([outputs, raw])
    if how == "none":
        return outputs
    mean, deviation = float(known["target_mean"]), float(known["target_deviation"])
    name = "forecast" if follow else "in_units"
    return keras.layers.Rescaling(deviation, mean, dtype="float32", name=name)(outputs)


def _in_units(output: keras.KerasTensor, name: str, recipe: Resolved) -> keras.KerasTensor:
    """What a head gives, in the units of its target."""
    scale = recipe.data.targets[name].scale
    return output if scale == 1.0 else keras.layers.Rescaling(scale, dtype="float32", name=f"{name}_in_units")(output)


def moments(x: np.ndarray, divisor: float = 1.0, per_feature: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the training split, over everything or for each entry of the last axis.

    The variance of what is the same in all examples, to float32, is 1: it comes out as 0, and what is a hair different
    elsewhere as a hair.
    """
    axes = tuple(range(x.ndim - 1)) if per_feature else None
    mean, deviation = x.mean(axes, dtype="float64") / divisor, x.std(axes, dtype="float64") / divisor
    deviation = np.where(deviation <= 1e-7 * np.abs(mean), 1.0, np.maximum(deviation, 1e-6))
    return mean.astype("float32"), deviation.astype("float32") ** 2


def _identifier(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def body_and_head(core: keras.Model, same: bool) -> tuple[list[keras.layers.Layer], list[keras.layers.Layer]]:
    """The layers that come from a base, and those that give the output; `same`: the base's own, not `vgg_transfer`."""
    head = head_layers(core) if same else core.layers[core.layers.index(core.get_layer("pool")) + 1 :]
    return _flat([layer for layer in core.layers if layer not in head]), head


def head_layers(core: keras.Model) -> list[keras.layers.Layer]:
    """The output layer, and the dropout in front of it, which only training knows."""
    found = [core.layers[-1]]
    for layer in reversed(core.layers[:-1]):
        if not isinstance(layer, keras.layers.Dropout) or layer.output is not found[0].input:
            break
        found.insert(0, layer)
    return found


def features(core: keras.Model) -> keras.Model:
    """The network without its last layer, or network: what that one sees, with the same weights; no dropout before it.

    Raises:
        UsageError: there are several outputs, or several inputs of the last layer.
    """
    if isinstance(core.output, dict | list):
        raise UsageError(f"{core.name} has several outputs: there is no one output layer that could be left away")
    seen = _made_from(core.output)
    while len(seen) == 1 and isinstance(seen[0]._keras_history.operation, keras.layers.Dropout):
        seen = _made_from(seen[0])
    if len(seen) != 1:
        raise UsageError(f"{core.name} has no output layer that could be left away: its last one sees several inputs")
    return keras.Model(core.input, seen[0], name=core.name)


def _made_from(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    made = tensor._keras_history
    return list(made.operation._inbound_nodes[made.node_index].input_tensors)


def _flat(layers: Sequence[keras.layers.Layer]) -> list[keras.layers.Layer]:
    """The layers, those of nested networks in the place of the networks."""
    found = []
    for layer in layers:
        found += _flat(layer.layers) if isinstance(layer, keras.Model) else [layer]
    return found
