"""Why a network says what it says: maps over images, and the patches that excite the channels of a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgb

from zoo.drawing.outcome import picture
from zoo.drawing.style import DIVERGING, FAINT, INK, SOFT, bare, figure, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 1.55  # inches of an image
COLOURED = 0.62  # of a pixel is the map's colour, the rest the image
MOST_CHANNELS = 32
LEAST = 0.01  # what full colour stands for at least where covering pixels changes next to nothing
GAP = 0.08  # of a patch's side, between patches


class Shown(NamedTuple):
    """An image (height, width, channels) with maps over it (height, width) by what they are, and what stands at it."""

    image: np.ndarray
    maps: Mapping[str, np.ndarray]
    title: str
    note: str = ""


def explained(shown: Sequence[Shown], title: str, note: str = "") -> Figure:
    """A column an image: the image, below it its maps. Red speaks for the class, blue against it, white says nothing.

    A map whose name begins with `occlusion` has the scale of its row, any other its own.
    """
    kinds = list(shown[0].maps)
    drawn = figure(max(SIDE * len(shown) + 1.5, 6.4), (SIDE + 0.12) * (1 + len(kinds)) + 1.15)
    drawn.set_layout_engine("compressed")  # the images of one column below each other
    widths = [*[1.0] * len(shown), 0.08]
    grid = drawn.subplots(1 + len(kinds), len(widths), squeeze=False, width_ratios=widths)
    grid[0][-1].axis("off")
    for axes, one in zip(grid[0], shown, strict=False):
        picture(axes, one.image)
        axes.set_title(f"{one.title}\n{one.note}" if one.note else one.title, fontsize=8, color=INK, pad=3)
    for line, kind in zip(grid[1:], kinds, strict=True):
        own = not kind.startswith("occlusion")
        largest = max(LEAST, *(float(np.abs(one.maps[kind]).max()) for one in shown))
        for axes, one in zip(line, shown, strict=False):
            scale = (float(np.abs(one.maps[kind]).max()) or 1.0) if own else largest
            bare(axes).imshow(over(one.image, one.maps[kind] / scale), interpolation="nearest")
        line[0].set_ylabel(kind, fontsize=9, color=SOFT)
        _bar(drawn, line[-1], 1.0 if own else largest, own)
    grid[0][0].set_ylabel("image", fontsize=9, color=SOFT)
    heading(drawn, title, note)
    return drawn


def _bar(drawn: Figure, axes: Axes, largest: float, own: bool) -> None:
    ends = {0.0: "0", largest: "most"} if own else {-largest: "", 0.0: "0", largest: f"{100 * largest:.2g} %"}
    colours = ScalarMappable(Normalize(-largest, largest), DIVERGING)
    bar = drawn.colorbar(colours, cax=axes, ticks=list(ends))
    bar.ax.set_ylim(min(ends), largest)
    bar.ax.set_yticklabels([text or f"-{ends[largest]}" for text in ends.values()])
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0, labelcolor=INK)


def over(image: np.ndarray, map_: np.ndarray) -> np.ndarray:
    """A map (height, width) between -1 and 1 in colours over a pale image: (height, width, 3)."""
    light = lightness(image)[..., None]
    return COLOURED * colormaps[DIVERGING](0.5 + 0.5 * map_)[..., :3] + (1 - COLOURED) * light


def lightness(image: np.ndarray) -> np.ndarray:
    """How light the pixels are drawn, 0 to 1: of one channel, as everywhere here, high values are dark."""
    image = np.asarray(image, dtype=float)
    low, high = image.min(), image.max()
    image = (image - low) / ((high - low) or 1)
    return 1 - image[..., 0] if image.shape[-1] == 1 else image.mean(axis=-1)


def patches(channels: Sequence[Sequence[np.ndarray]], values: np.ndarray, title: str, note: str = "") -> Figure:
    """For each channel a strip of the patches that excite it, the strongest first; `values` is (channels, patches)."""
    shown = channels[:MOST_CHANNELS]
    columns = 1 if len(shown) < 3 else 2
    rows = -(-len(shown) // columns)
    drawn = figure(5.4 * columns, (5.0 / max(map(len, shown)) + 0.28) * rows + 0.8)
    grid = drawn.subplots(rows, columns, squeeze=False).ravel(order="F")
    for axes in grid[len(shown) :]:
        axes.axis("off")
    for number, (axes, one) in enumerate(zip(grid, shown, strict=False)):
        bare(axes).imshow(strip(one), interpolation="nearest")
        for spine in axes.spines.values():
            spine.set_visible(False)
        high, low = float(values[number].max()), float(values[number].min())
        says = f"channel {number + 1}: {high:.3g} to {low:.3g}" if high > 0 else f"channel {number + 1}: never above 0"
        axes.set_title(says, fontsize=8, color=INK, pad=2, loc="left")
    left = f"the first {MOST_CHANNELS} of {len(channels)} channels; " if len(channels) > MOST_CHANNELS else ""
    heading(drawn, title, left + note)
    return drawn


def strip(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Patches (height, width, channels) side by side as colours on grey, those at an image's edge in their size."""
    height, width = (max(part.shape[axis] for part in parts) for axis in (0, 1))
    # small patches are enlarged, so that the gap between them is a whole number of pixels
    times = max(1, round(24 / max(height, width)))
    gap = max(1, round(GAP * width * times))
    whole = np.full((height * times + 2 * gap, (width * times + gap) * len(parts) + gap, 3), to_rgb(FAINT))
    for at, part in enumerate(parts):
        colours = _colours(part).repeat(times, axis=0).repeat(times, axis=1)
        left = gap + at * (width * times + gap)
        whole[gap : gap + colours.shape[0], left : left + colours.shape[1]] = colours
    return whole


def _colours(part: np.ndarray) -> np.ndarray:
    """A patch as colours: bytes on their own scale of 0 to 255, so that a dull patch looks dull."""
    part = np.asarray(part)
    low, high = (0.0, 255.0) if part.dtype == np.uint8 else (float(part.min()), float(part.max()))
    scaled = (part.astype(float) - low) / ((high - low) or 1)
    return np.repeat(1 - scaled, 3, axis=-1) if part.shape[-1] == 1 else scaled[..., :3]
