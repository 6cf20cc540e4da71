"""Give a network's weights the values of arrays, each by its name and shape: all or none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError
from zoo.pretrained.names import weight_names

if TYPE_CHECKING:
    import keras
    import numpy as np

NAMED = 3  # of the arrays that do not fit, so many are named


def head(model: keras.Model) -> tuple[str, ...]:
    """The name of the layer that gives the output, where it has weights of its own."""
    return (model.layers[-1].name,) if model.layers[-1].weights else ()


def refuse_others(build: Callable[[], keras.Model], given: Mapping[str, np.ndarray], source: str) -> None:
    """Build a network without memory for its weights, and see that exactly the arrays in `given` go into it.

    Raises:
        UsageError: as `put`.
    """
    from zoo.catalogue.inspect import skeleton

    network = skeleton(build)
    wanted = {path: tuple(weight.shape) for path, weight in zip(weight_names(network), network.weights, strict=True)}
    there = {path: array.shape for path, array in given.items()}
    wrong = [f"{path} is {there.get(path, 'not')} there, {wanted.get(path, 'not')} here"
             for path in {**wanted, **there} if there.get(path) != wanted.get(path)]  # fmt: skip
    if wrong:
        raise _others(source, network.name, wrong)


def _others(source: str, name: str, wrong: Sequence[str]) -> UsageError:
    more = f"; and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
    return UsageError(
        f"the weights in {source} are not those of this {name}: {'; '.join(wrong[:NAMED])}{more}\n"
        "take weights of the same network, or build it with the knobs that they were trained with"
    )


def put(model: keras.Model, given: Mapping[str, np.ndarray], source: str, new: Collection[str] = ()) -> list[str]:
    """Give a network the arrays in `given`, all or none; layers in `new` keep what they have.

    A first convolution that sees another number of channels is adapted as timm does: for one channel the kernel is
    summed over its channels, for n its channels are taken in turn and multiplied by (channels there) / n, which keeps
    the outputs' scale.

    Returns:
        What was done beside copying, a line each.

    Raises:
        UsageError: an array is missing, left over, of another shape, no floats where these are meant, or not finite;
            names and shapes are given.
    """
    import numpy as np

    here = dict(zip(weight_names(model), model.weights, strict=True))
    wanted = {path: weight for path, weight in here.items() if _layer(path) not in new}
    left = {path: array for path, array in given.items() if _layer(path) not in new}
    first, values, notes = _first_kernel(here), dict[str, Any](), []
    wrong = [f"{path} {array.shape} is there and not here" for path, array in left.items() if path not in wanted]
    for path, weight in wanted.items():
        if path not in left:
            wrong.append(f"{path} {tuple(weight.shape)} is here and not there")
            continue
        array, shape = left[path], tuple(weight.shape)
        if path == first and array.shape != shape and array.shape[:2] + array.shape[3:] == shape[:2] + shape[3:]:
            notes.append(f"{path} is adapted from {array.shape[2]} channels to {shape[2]}")
            array = with_channels(array, shape[2])
        if array.shape != shape:
            wrong.append(f"{path} is {array.shape} there, {shape} here")
        elif array.dtype.kind != "f" and "float" in str(weight.dtype):
            wrong.append(f"{path} is {array.dtype} there, {weight.dtype} here")
        elif not np.isfinite(array).all():
            wrong.append(f"{path} holds values that are no finite numbers")
        values[path] = array
    if wrong:
        raise _others(source, model.name, wrong)
    for path, weight in wanted.items():
        weight.assign(values[path])
    _take_over(model)
    return notes


def _take_over(model: keras.Model) -> None:
    """Normalisation to fixed moments computes with a copy of them, made when it is told to."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization) and layer.weights:
            layer.finalize_state()


def _layer(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _first_kernel(weights: Mapping[str, Any]) -> str | None:
    """The name of the first two-dimensional convolution's kernel."""
    return next((name for name, weight in weights.items() if name.endswith("/kernel") and len(weight.shape) == 4), None)


def with_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """A kernel (height, width, before, filters) for another number of input channels, as timm makes it."""
    import numpy as np

    before = kernel.shape[2]
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)  # (height, width, 1, filters)
    turns = np.arange(channels) % before
    return kernel[:, :, turns] * np.asarray(before / channels, kernel.dtype)  # (height, width, channels, filters)
