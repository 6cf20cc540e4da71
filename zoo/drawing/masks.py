"""Images with a class for each pixel: what is true, what a network says, and where the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from zoo.data.fields import VOID
from zoo.drawing.style import COLOURS, FAINT, INK, SOFT, bare, captions, colour, figure, heading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIDE = 2.6  # inches of a picture
PAPER = "#f4f6f8"  # of the background class
WRONG = {"missed": COLOURS[1], "too much": COLOURS[0], "another class": INK}


class Segmented(NamedTuple):
    """An image (height, width, channels) with its true and its predicted class ids (height, width)."""

    image: np.ndarray
    true: np.ndarray
    said: np.ndarray


def segmentations(shown: Sequence[Segmented], class_names: Sequence[str], title: str, note: str = "") -> Figure:
    """A row an image: the image, the truth, the answer and the difference; class 0 is the background."""
    names = captions(class_names, len(class_names))
    drawn = figure(4 * SIDE, SIDE * len(shown) + 1.2)
    grid = drawn.subplots(len(shown), 4, squeeze=False)
    for line, one in zip(grid, shown, strict=True):
        _grey(line[0], one.image)
        bare(line[1]).imshow(painted(one.true, len(names)), interpolation="nearest")
        bare(line[2]).imshow(painted(one.said, len(names)), interpolation="nearest")
        bare(line[3]).imshow(difference(one.true, one.said), interpolation="nearest")
    for axes, head in zip(grid[0], ("image", "truth", "answer", "difference"), strict=True):
        axes.set_title(head, fontsize=10, color=INK)
    classes = {name: class_colour(i) for i, name in enumerate(names)}
    wrong = {what: shade for what, shade in WRONG.items() if what != "another class" or len(names) > 2}
    patches = [Patch(color=shade, label=name) for name, shade in (classes | wrong).items()]
    drawn.legend(handles=patches, loc="outside lower left", ncols=8, frameon=False, fontsize=9, labelcolor=SOFT)
    heading(drawn, title, note)
    return drawn


def sheet(images: np.ndarray, masks: np.ndarray, class_names: Sequence[str], title: str, note: str) -> Figure:
    """Images (n, height, width, channels) over their masks (n, height, width)."""
    names, columns = captions(class_names, len(class_names)), max(2, len(images))
    drawn = figure(1.5 * columns, 4.2)
    grid = drawn.subplots(2, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for upper, lower, image, mask in zip(*grid, images, masks, strict=False):
        _grey(upper, image)
        bare(lower).imshow(painted(mask, len(names)), interpolation="nearest")
    patches = [Patch(color=class_colour(i), label=name) for i, name in enumerate(names)]
    drawn.legend(handles=patches, loc="outside lower left", ncols=8, frameon=False, fontsize=9, labelcolor=SOFT)
    heading(drawn, title, note)
    return drawn


def class_colour(index: int) -> str:
    """Pale for the background, then the colours of all pictures."""
    return colour(index + 1) if index else PAPER


def painted(ids: np.ndarray, classes: int) -> np.ndarray:
    """Class ids (height, width) as colours (height, width, 3); grey where no class is known."""
    table = np.full((VOID + 1, 3), to_rgb(FAINT))
    table[:classes] = [to_rgb(class_colour(i)) for i in range(classes)]
    return table[ids]


def difference(true: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Colours (height, width, 3): what was missed, what was said too much, and pale where the answer is right."""
    shown = np.where((true > 0)[..., None], np.array(to_rgb(FAINT)), np.array(to_rgb("white")))
    known = true != VOID
    shown[known & (true > 0) & (said == 0)] = to_rgb(WRONG["missed"])
    shown[known & (true == 0) & (said > 0)] = to_rgb(WRONG["too much"])
    shown[known & (true > 0) & (said > 0) & (true != said)] = to_rgb(WRONG["another class"])
    return shown


def _grey(axes: Axes, image: np.ndarray) -> None:
    """An image as it is: light is light."""
    image = image[..., 0] if image.shape[-1] == 1 else image
    bare(axes).imshow(image, cmap="gray", vmin=0, vmax=255 if image.dtype == np.uint8 else None)
