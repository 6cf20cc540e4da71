"""The layers of a network that give maps, (batch, rows, columns, channels), and where in the image their units look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.catalogue.inspect import (
    Key,
    Sight,
    Sights,
    flat_layers,
    graph,
    is_convolution,
    is_model,
    through,
    widest,
)  # fmt: skip
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import keras
    import numpy as np

MOST_NAMED = 12  # layers in one message
PASSED_ON = ("Pooling", "Dropout", "ZeroPadding", "Cropping", "Subsampling")  # what only passes maps on


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
        before = (widest(branches) if branches else None) if node.sources else given
        if is_model(node.layer):
            found, last = _follow(node.layer, before, target)
            if found is not False:
                return found, last
        else:
            last = before and (through(node.layer, before) or _evenly(node.layer, before))
        known[node.key] = last
        if node.layer is target:
            return last, last
    return False, last


def _evenly(layer: Any, before: Sights) -> Sights | None:
    """Sights behind a layer without a window that keeps the size of maps, or brings them to another one."""
    kind = type(layer).__name__
    try:
        came, went = (_first(tensors).shape for tensors in (layer.input, layer.output))
    except AttributeError:
        return None
    if len(went) != 4 or len(came) != 4 or "Transpose" in kind or kind.startswith("Global") or None in came[1:3]:
        return None
    return tuple(
        see if old == new else Sight(see.start, see.step * old / new, see.field + see.step * max(old / new - 1, 0))
        for see, old, new in zip(before, came[1:3], went[1:3], strict=True)
    )


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
