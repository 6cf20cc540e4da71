"""Which layers of a trained network learn on: none, the last blocks, or all. Batch normalisation never does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras


def blocks(layers: Sequence[Any]) -> list[list[Any]]:
    """Layers with weights in groups, from the input on.

    A block is what computes maps of one size: it ends where a pool or a stride makes them smaller, as VGG's blocks and
    ResNet's stages do. Behind the maps each dense layer is a block, with what normalises or bends its outputs.
    """
    weighted = [layer for layer in layers if layer.weights]
    found: list[list[Any]] = []
    before = None
    for layer, size in zip(weighted, _sizes(weighted), strict=True):
        if size != before or (not size and hasattr(layer, "kernel")):
            found.append([])
        found[-1].append(layer)
        before = size
    return found


def _sizes(layers: Sequence[Any]) -> list[int]:
    """Positions in each layer's maps, 0 for a vector; or in larger maps that come after it.

    So a branch that looks at the maps as a whole, such as squeeze and excitation, ends no block.
    """
    shapes = [layer.output.shape[1:-1] for layer in layers]
    sizes = [math.prod(side or 1 for side in shape) if shape else 0 for shape in shapes]
    return [max(sizes[i:]) for i in range(len(sizes))]


def freeze(layers: Sequence[Any], learning: int | None = 0) -> list[str]:
    """Let the last `learning` blocks of `layers` learn, None: all of them; the other layers keep their weights.

    Batch normalisation keeps its weights and its moments in any case: moments of a few new batches would undo what the
    layers behind it have learnt.

    Returns:
        The names of the layers that learn.

    Raises:
        UsageError: there are not so many blocks.
    """
    found = blocks(layers) if learning else []  # networks of texts or series have none
    if learning and learning > len(found):
        raise UsageError(f"{learning} last blocks are to learn, the network has {len(found)} (--freeze none frees all)")
    last = [layers] if learning is None else found[len(found) - learning :]
    free = {id(layer) for block in last for layer in block if layer.weights}
    for layer in layers:
        layer.trainable = id(layer) in free and not _normalises(layer)
    return [layer.name for layer in layers if layer.trainable]


def _normalises(layer: keras.layers.Layer) -> bool:
    import keras

    return isinstance(layer, keras.layers.BatchNormalization)
