"""What a convolutional net has learned to look for, and what it sees in one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.catalogue.inspect import flat_layers, is_convolution
from zoo.catalogue.noting import noted
from zoo.drawing.outcome import picture
from zoo.drawing.style import DIVERGING, INK, SEQUENTIAL, bare, figure, heading

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

MOST = 64  # filters or maps in one picture


def first_convolution(model: keras.Model) -> Any | None:
    """The first two-dimensional convolution in the model or a model inside it; None if there is none."""
    return next((layer for layer in flat_layers(model) if is_convolution(layer)), None)


def kernel_of(layer: Any) -> np.ndarray:
    """The layer's filters `(height, width, input channels, filters)` as an array."""
    from keras import ops

    return np.asarray(ops.convert_to_numpy(layer.dense_kernel() if hasattr(layer, "dense_kernel") else layer.kernel))


def filters(kernel: np.ndarray, title: str = "filters of the first layer") -> Figure:
    """Filters `(height, width, channels, filters)`, each as a picture of its weights.

    One channel: blue is negative, white zero, red positive, one scale for all. Three channels: as colours around
    grey. Other numbers of channels: one row a filter, one column a channel.
    """
    height, width, channels, count = kernel.shape
    largest = float(np.abs(kernel).max()) or 1.0
    shown = min(count, MOST)
    per_channel = channels not in (1, 3)
    columns = min(channels, 16) if per_channel else min(shown, 8)
    rows = min(shown, 16) if per_channel else -(-shown // columns)
    drawn = figure(max(1.1 * columns + (0 if channels == 3 else 0.9), 4.5), 1.1 * rows + 0.75)
    grid = drawn.subplots(rows, columns, squeeze=False)
    painted = None
    for index, axes in enumerate(grid.ravel()):
        which, channel = divmod(index, columns) if per_channel else (index, 0)
        if which >= shown:
            axes.axis("off")
        elif channels == 3:
            bare(axes).imshow(0.5 + 0.5 * kernel[..., which] / largest, interpolation="nearest")
        else:
            weights = kernel[..., channel, which]
            painted = bare(axes).imshow(weights, cmap=DIVERGING, vmin=-largest, vmax=largest, interpolation="nearest")
    if painted is not None:
        bar = drawn.colorbar(painted, ax=grid, shrink=0.9, aspect=9 * rows, ticks=[-largest, 0, largest], format="%.2f")
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=8, length=0, labelcolor=INK)
    first = f"the first {shown} of " if shown < count else ""
    note = ": a row is a filter, a column an input channel" if per_channel else ""
    over = "1 channel" if channels == 1 else f"{channels} channels"
    heading(drawn, title, f"{first}{count} windows of {height}x{width} over {over}{note}")
    return drawn


def response(model: keras.Model, image: np.ndarray, layer: Any) -> np.ndarray:
    """What `layer`, anywhere in the model, answers to one raw image `(height, width, channels)`; no batch axis.

    Raises:
        ValueError: the model does not call the layer.
    """
    from keras import ops

    with noted(layer) as found:
        model(np.asarray(image)[None], training=False)
    if not found:
        raise ValueError(f"layer {layer.name} takes no part in what {model.name} computes")
    return np.asarray(ops.convert_to_numpy(ops.cast(found[-1], "float32")))[0]


def feature_maps(model: keras.Model, image: np.ndarray, layer: Any = None) -> Figure:
    """One raw image `(height, width, channels)` and its maps in a layer, by default the first convolution.

    Raises:
        ValueError: the model has no two-dimensional convolution.
    """
    layer = layer or first_convolution(model)
    if layer is None:
        raise ValueError(f"{model.name} has no two-dimensional convolution")
    maps = response(model, image, layer)  # (height, width, maps)
    height, width, count = maps.shape
    shown = min(count, MOST)
    columns = shown + 1 if shown < 9 else 8
    rows = -(-(shown + 1) // columns)
    drawn = figure(max(1.35 * columns, 5.5), 1.5 * rows + 0.7)
    grid = drawn.subplots(rows, columns, squeeze=False).ravel()
    picture(grid[0], image)
    grid[0].set_title("input", fontsize=9, color=INK, pad=3)
    for index, axes in enumerate(grid[1:]):
        if index >= shown:
            axes.axis("off")
            continue
        bare(axes).imshow(maps[..., index], cmap=SEQUENTIAL, interpolation="nearest")
        axes.set_title(f"map {index + 1}", fontsize=9, color=INK, pad=3)
    first = f"the first {shown} of " if shown < count else ""
    note = f"{first}{count} maps of {height}x{width}, each on its own scale: yellow is high"
    heading(drawn, f"what {layer.name} sees", note)
    return drawn
