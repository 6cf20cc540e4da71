"""The trained model: raw example in, preprocessing inside, then the network from the registry."""

from __future__ import annotations

import keras
import numpy as np

from zoo import registry
from zoo.recipe import Resolved, model_spec


def make_model(recipe: Resolved, x_train: np.ndarray) -> keras.Model:
    """Preprocessing layers and the registry's network in one functional model that takes raw examples.

    Standardisation takes its mean and variance from `x_train`, the training split alone.
    """
    inputs = keras.Input(recipe.data.input_shape, dtype=recipe.data.input_dtype, name="raw")
    core = build_core(recipe)
    outputs = core(_preprocess(inputs, recipe, x_train))
    return keras.Model(inputs, outputs, name=f"{core.name}_on_{_identifier(recipe.dataset)}")


def build_core(recipe: Resolved) -> keras.Model:
    """The registry's network for this recipe's data: input shape and output layer come from the spec."""
    record, spec = registry.describe(recipe.model), model_spec(recipe)
    num_classes, classifier_activation = spec.head()
    offered = {
        "input_shape": spec.input_shape,
        "num_classes": num_classes,
        "classifier_activation": classifier_activation,
    }
    # a score model (hinge, perceptron rule) fixes its own output and has no such knob
    return registry.build(record.name, **{k: v for k, v in offered.items() if k in record.knobs} | recipe.knobs)


def _preprocess(x: keras.KerasTensor, recipe: Resolved, x_train: np.ndarray) -> keras.KerasTensor:
    steps, layers = recipe.preprocessing, keras.layers
    if steps.pad:
        x = layers.ZeroPadding2D(steps.pad, name="pad")(x)  # (batch, height + 2 pad, width + 2 pad, channels)
    if steps.resize:
        x = layers.Resizing(*steps.resize, name="resize")(x)  # (batch, *resize, channels)
    if steps.rescale:
        x = layers.Rescaling(1.0 / steps.rescale, name="rescale")(x)
    if steps.standardize != "none":
        mean, variance = _moments(x_train, steps.rescale or 1.0, per_feature=steps.standardize == "feature")
        axis = -1 if steps.standardize == "feature" else None
        x = layers.Normalization(axis=axis, mean=mean, variance=variance, name="standardize")(x)
    return x if x.dtype == "float32" else layers.Rescaling(1.0, name="to_float")(x)


def _moments(x: np.ndarray, divisor: float, per_feature: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the training split, over everything or for each entry of the last axis."""
    axes = tuple(range(x.ndim - 1)) if per_feature else None
    mean, deviation = x.mean(axes, dtype="float64") / divisor, x.std(axes, dtype="float64") / divisor
    return mean.astype("float32"), np.maximum(deviation, 1e-6).astype("float32") ** 2


def _identifier(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)
