"""How a model is written in each format, for inputs of given shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.export import onnx_erfc
from zoo.export.table import Form

if TYPE_CHECKING:
    import keras

Shapes = Mapping[str, tuple[int | None, ...]]  # of each input, with the batch axis; None: open


def input_shapes(model: keras.Model, form: Form, lengths: Mapping[str, int]) -> Shapes:
    """Shapes of the inputs by name; axes that `form` does not leave open are one example, or so many steps."""

    def sides(tensor: keras.KerasTensor) -> list[int | None]:
        return [lengths[tensor.name] if side is None and not form.any_length else side for side in tensor.shape[1:]]

    return {tensor.name: (None if form.any_batch else 1, *sides(tensor)) for tensor in model.inputs}


def write_keras(model: keras.Model, path: Path, shapes: Shapes) -> None:
    """The model whole, without its optimiser; of any shape."""
    model.save(path)


def write_saved_model(model: keras.Model, path: Path, shapes: Shapes) -> None:
    """A folder with the function `serve`. Keras' own exporter would write every weight twice."""
    import tensorflow as tf

    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    module.serve = tf.function(lambda x: model(x, training=False), input_signature=_signature(model, shapes))
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})


def write_onnx(model: keras.Model, path: Path, shapes: Shapes) -> None:
    """By Keras and tf2onnx."""
    onnx_erfc.teach()
    with _numbers_in_the_graph(model):
        _settled(model).export(path, format="onnx", verbose=False, input_signature=_signature(model, shapes))


@contextmanager
def _numbers_in_the_graph(model: keras.Model) -> Iterator[None]:
    """While it lasts, layers that standardise hold arrays: tensors tf2onnx would take for further inputs."""
    import keras
    import numpy as np

    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Normalization)]
    held = [(layer.mean, layer.variance) for layer in layers]
    for layer in layers:
        layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)
    try:
        yield
    finally:
        for layer, (mean, variance) in zip(layers, held, strict=True):
            layer.mean, layer.variance = mean, variance


def write_litert(model: keras.Model, path: Path, shapes: Shapes) -> None:
    """By Keras and TensorFlow's converter."""
    _settled(model).export(path, format="litert", verbose=False, input_signature=_signature(model, shapes))


def _settled(model: keras.Model) -> keras.Model:
    """The model with training off for good: of a nested one Keras would write dropout that drops."""
    import keras

    return keras.Model(model.input, model(model.input, training=False))


def _signature(model: keras.Model, shapes: Shapes) -> list[Any]:
    import tensorflow as tf

    specs = {tensor.name: tf.TensorSpec(shapes[tensor.name], tensor.dtype, tensor.name) for tensor in model.inputs}
    return [specs] if isinstance(model.input, dict) else list(specs.values())


def in_float32(model: keras.Model) -> keras.Model:
    """The same network with the same weights, computing in float32 throughout."""
    import keras

    config = keras.saving.serialize_keras_object(model)
    twin = keras.saving.deserialize_keras_object(_with_float32(config), safe_mode=True)
    twin.set_weights(model.get_weights())
    return twin


def _with_float32(config: Any) -> Any:
    if isinstance(config, list | tuple):
        return type(config)(map(_with_float32, config))
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return config | {"config": {"name": "float32"}}
    return {key: _with_float32(value) for key, value in config.items()}
