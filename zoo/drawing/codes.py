"""Images and their codes: given and restored, new ones, the way between two, and the plane of a code of two numbers.

Images are pixels from 0 to 1, (n, height, width, channels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.drawing.style import INK, SOFT, bare, calm, colour, figure, heading, names_or_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GAP = 1  # pixels between two images
CELL = 0.62  # inches


def rows(images: Mapping[str, np.ndarray]) -> Figure:
    """A row of images under each name, those below each other belonging together."""
    return _strips(list(images), list(images.values()), "what was given, and what was made of it")


def walks(stages: Sequence[np.ndarray]) -> Figure:
    """A row for each walk: what the decoder makes of codes on the straight line between those of two images."""
    return _strips([""] * len(stages), stages, "on the straight line between the codes of two test images")


def _strips(names: Sequence[str], strips: Sequence[np.ndarray], title: str) -> Figure:
    longest = max(map(len, strips))
    drawn = figure(CELL * longest + 0.9, (CELL + 0.12) * len(strips) + 0.5)
    heading(drawn, title)
    for axes, name, strip in zip(drawn.subplots(len(strips), 1, squeeze=False)[:, 0], names, strips, strict=True):
        _show(axes, mosaic(strip[None]))
        axes.set_ylabel(name, rotation=0, ha="right", va="center", color=INK, fontsize=9)
    return drawn


def sheet(images: np.ndarray) -> Figure:
    """New images, ten in a row."""
    across = min(10, len(images))
    down = len(images) // across
    drawn = figure(CELL * across + 0.3, CELL * down + 0.5)
    heading(drawn, "what the decoder makes of codes drawn from the standard normal")
    _show(drawn.add_subplot(), mosaic(images[: across * down].reshape(down, across, *images.shape[1:])))
    return drawn


def grid(images: np.ndarray) -> Figure:
    """What the decoder makes of every place of a plane, (rows, columns, height, width, channels)."""
    drawn = figure(7.0, 7.3)
    heading(drawn, "what the decoder makes of each place in the plane of codes")
    _show(drawn.add_subplot(), mosaic(images))
    return drawn


def scatter(codes: np.ndarray, labels: np.ndarray, class_names: Sequence[str] = ()) -> Figure:
    """Where each image lies in the plane, (n, 2), in the colour of its class."""
    drawn = figure(6.6, 5.6)
    heading(drawn, f"the codes of {len(codes):,} test images")
    axes = calm(drawn.add_subplot())
    names = names_or_numbers(class_names, int(np.max(labels)) + 1)
    size = 14 if len(codes) < 1000 else 4
    for i, name in enumerate(names):
        of_class = codes[np.ravel(labels) == i]
        shade = colour(i) if i < 8 else ("#222222", "#A6CE39")[i % 2]
        axes.scatter(of_class[:, 0], of_class[:, 1], s=size, color=shade, alpha=0.6, linewidths=0, label=name)
    axes.set(xlabel="first number of the code", ylabel="second number")
    if len(names) > 1:
        axes.legend(
            frameon=False, fontsize=9, labelcolor=INK, markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5)
        )
    axes.tick_params(colors=SOFT)
    return drawn


def mosaic(images: np.ndarray) -> np.ndarray:
    """Images (rows, columns, height, width, channels) side by side with gaps: (height, width, channels)."""
    down, across, height, width, channels = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)))
    whole = padded.transpose(0, 2, 1, 3, 4).reshape(down * (height + GAP), across * (width + GAP), channels)
    return whole[:-GAP, :-GAP]


def _show(axes: Axes, image: np.ndarray) -> None:
    one = image[..., 0] if image.shape[-1] == 1 else image
    bare(axes).imshow(np.clip(one, 0, 1), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
