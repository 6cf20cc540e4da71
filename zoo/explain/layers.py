"""The layers of a network that give maps, (batch, rows, columns, channels), and where in the image their units look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.catalogue.inspect import POINTWISE, Key, flat_layers, graph, is_convolution, is_model
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import keras
    import numpy as np

MOST_NAMED = 12  # layers in one message
PASSED_ON = ("Pooling", "Dropout", "ZeroPadding", "Cropping", "Subsampling")  # what only passes maps on


class Sight(NamedTuple):
    """What the units of a layer see along one side: unit i the pixels from `start + step * i`, `field` of them."""

    start: float = 0.0
    step: float = 1.0
    field: float = 1.0

    def pixels(self, unit: int, side: int) -> tuple[int, int]:
        """First pixel that a unit sees and the one behind its last, those outside of the image left out."""
        first = round(self.start + self.step * unit)
        return min(max(first, 0), side - 1), max(min(first + round(self.field), side), 1)


Sights = tuple[Sight, Sight]  # along the height and along the width


def with_maps(model: keras.Model) -> list[Any]:
    """The layers from the first convolution on whose output has rows and columns, in order."""
    layers = flat_layers(model)
    first = next((at for at, layer in enumerate(layers) if is_convolution(layer)), len(layers))
    return [layer for layer in layers[first:] if _gives_maps(layer)]


def _gives_maps(layer: Any) -> bool:
    try:
        shape = layer.output.shape
    except AttributeError:  # several outputs, or called more than once
        return False
    return len(shape) == 4 and all(side is None or side > 1 for side in shape[1:3])


def last_with_maps(model: keras.Model) -> Any:
    """The last layer that makes maps of its own, pools and dropout left out: what Grad-CAM looks at.

    Raises:
        UsageError: the network has no convolution.
    """
    found = [layer for layer in with_maps(model) if not any(word in type(layer).__name__ for word in PASSED_ON)]
    if not found:
        raise UsageError(
            f"{model.name} has no convolution, and so no maps that Grad-CAM could weigh\n"
            "occlusion works for any network: --method occlusion"
        )
    return found[-1]


def named(model: keras.Model, name: str) -> Any:
    """The layer with maps that is called so; `outer/inner`, as `zoo show` has it, goes as well.

    Raises:
        UsageError: there is none, or it gives no maps.
    """
    wanted, known = name.rpartition("/")[2], [layer.name for layer in with_maps(model)]
    for layer in with_maps(model):
        if layer.name == wanted:
            return layer
    there = f"maps come from: {', '.join(known[:MOST_NAMED])}{', ...' if len(known) > MOST_NAMED else ''}"
    if not known:
        raise UsageError(f"{model.name} has no convolution: none of its layers gives maps")
    if any(layer.name == wanted for layer in flat_layers(model)):
        raise UsageError(f"layer {name!r} of {model.name} gives no maps\n{there}")
    raise unknown(f"layer of {model.name}", name, known, there)


def sights(model: keras.Model, layer: Any) -> Sights | None:
    """What the units of a layer see of the raw image, along its height and width.

    None where that is no window that moves by even steps, as behind a layer that looks at all positions at once. Where
    branches meet, the widest window counts. Behind borders that a layer adds a window may begin before the image.
    """
    found = _follow(model, (Sight(), Sight()), layer)[0]
    return found if isinstance(found, tuple) else None


def _follow(model: keras.Model, given: Sights | None, target: Any) -> tuple[Any, Sights | None]:
    """The target's sights (False where it is not in this model) and those of the model's last layer."""
    known: dict[Key, Sights | None] = {}
    last: Sights | None = None
    for node in graph(model):
        if not node.linked:
            return None, None
        branches = [one for key in node.sources if (one := known.get(key))]
        before = _widest(branches) if node.sources else given
        if is_model(node.layer):
            found, last = _follow(node.layer, before, target)
            if found is not False:
                return found, last
        else:
            last = before and _through(node.layer, before)
        known[node.key] = last
        if node.layer is target:
            return last, last
    return False, last


def _widest(branches: list[Sights]) -> Sights | None:
    return max(branches, key=lambda one: one[0].field) if branches else None


def _through(layer: Any, before: Sights) -> Sights | None:
    """Sights behind a layer."""
    kind = type(layer).__name__
    if kind == "InputLayer":
        return before
    try:
        came, went = (_first(tensors).shape[1:3] for tensors in (layer.input, layer.output))
    except AttributeError:
        return None
    if len(_first(layer.output).shape) != 4 or "Transpose" in kind or kind.startswith("Global") or None in came:
        return None
    window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    one, two = (_along(layer, kind, window, axis, before[axis], came[axis], went[axis]) for axis in (0, 1))
    return (one, two) if one and two else None


def _along(layer: Any, kind: str, window: Any, axis: int, see: Sight, came: int, went: int) -> Sight | None:
    """One side: `came` and `went` are its units before and behind the layer."""
    start, step, field = see
    if kind in ("ZeroPadding2D", "Cropping2D"):
        border = layer.padding[axis][0] if kind == "ZeroPadding2D" else -layer.cropping[axis][0]
        return Sight(start - step * border, step, field)
    if window is None:
        if kind in POINTWISE or came == went:
            return see
        return Sight(start, step * came / went, field + step * max(came / went - 1, 0))  # resized, or some left out
    size, stride = _of(window, axis), _of(getattr(layer, "strides", None) or 1, axis)
    size = (size - 1) * _of(getattr(layer, "dilation_rate", 1), axis) + 1
    added = max((went - 1) * stride + size - came, 0) if getattr(layer, "padding", "valid") == "same" else 0
    return Sight(start - step * (added // 2), step * stride, field + step * (size - 1))


def _of(value: Any, axis: int) -> int:
    return int(value) if isinstance(value, int) else int(value[axis])


def _first(tensors: Any) -> Any:
    return tensors[0] if isinstance(tensors, (list, tuple)) else tensors


def over_image(maps: np.ndarray, seen: Sights | None, size: tuple[int, int]) -> np.ndarray:
    """Maps (n, rows, columns) laid over images, (n, height, width): each unit in the middle of what it sees, bilinear.

    Beyond the outermost units their values go on. Without `seen` the maps are stretched to the image.
    """
    import numpy as np

    for axis, side in zip((1, 2), size, strict=True):
        units = maps.shape[axis]
        step = side / units
        see = seen[axis - 1] if seen else Sight(0.0, step, step)
        at = (np.arange(side) + 0.5 - see.start - see.field / 2) / see.step
        at = np.clip(at, 0, units - 1)
        low = np.minimum(np.floor(at).astype(int), max(units - 2, 0))
        high = np.minimum(low + 1, units - 1)
        share = (at - low).reshape([-1 if one == axis else 1 for one in range(3)])
        maps = maps.take(low, axis) * (1 - share) + maps.take(high, axis) * share
    return maps
