"""Large images in tiles that overlap: what a network says of an image of any size, from inputs of one size.

After Ronneberger et al. 2015, figure 2 (overlap-tile): each tile is seen with a margin of its surroundings and answered
for without it, and beyond the border the image goes on as in a mirror. So the answers of all tiles, side by side, cover
each pixel of the image once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.data.fields import VOID

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data


@dataclass(frozen=True)
class Grid:
    """How images of one size are cut: tiles of `tile` pixels, of which `margin` on each side are surroundings."""

    image: tuple[int, int]  # height, width
    tile: tuple[int, int]
    margin: int

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width that one tile answers for."""
        return self.tile[0] - 2 * self.margin, self.tile[1] - 2 * self.margin

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.image[0] // self.inner[0]), -(-self.image[1] // self.inner[1])

    @property
    def count(self) -> int:
        """Tiles of an image."""
        return self.shape[0] * self.shape[1]

    def places(self) -> Iterator[tuple[int, int]]:
        """Top and left of what each tile answers for, row by row."""
        for row in range(self.shape[0]):
            for column in range(self.shape[1]):
                yield row * self.inner[0], column * self.inner[1]


def grid(data: Data, size: tuple[int, int] | None = None) -> Grid:
    """The grid of a recipe's images, or of one image of another size (height, width)."""
    tile = (data.input_shape[0], data.input_shape[1])
    masks = data.masks
    return Grid(size or (masks and masks.image_size) or tile, tile, masks.margin if masks else 0)


def cut(image: np.ndarray, grid: Grid) -> np.ndarray:
    """The tiles (tiles, height, width, channels) of an image (height, width, channels) no larger than the grid's."""
    import numpy as np

    return _windows(np.pad(image, _around(image.shape, grid), mode="symmetric"), grid)


def cut_mask(mask: np.ndarray, grid: Grid) -> np.ndarray:
    """The tiles (tiles, height, width, 1) of a mask (height, width); beyond its border they say nothing (VOID)."""
    import numpy as np

    return _windows(np.pad(mask, _around(mask.shape, grid)[:2], constant_values=VOID)[..., None], grid)


def _around(shape: tuple[int, ...], grid: Grid) -> list[tuple[int, int]]:
    """Pixels to add before and behind each axis, so that every tile is full."""
    sides = zip(shape, grid.shape, grid.inner, strict=False)
    return [*((grid.margin, grid.margin + many * inner - side) for side, many, inner in sides), (0, 0)]


def _windows(padded: np.ndarray, grid: Grid) -> np.ndarray:
    import numpy as np

    height, width = grid.tile
    return np.stack([padded[top : top + height, left : left + width] for top, left in grid.places()])


def joined(tiles: np.ndarray, grid: Grid) -> np.ndarray:
    """One image (height, width, ...) of the answers for its tiles (tiles, height, width, ...), margins cut off."""
    import numpy as np

    rows, columns = grid.shape
    inner = middle(tiles, grid.inner)
    inner = inner.reshape(rows, columns, *inner.shape[1:])
    whole = np.concatenate([np.concatenate(list(row), axis=1) for row in inner], axis=0)
    return whole[: grid.image[0], : grid.image[1]]


def middle(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The middle (n, *size, ...) of maps (n, height, width, ...) that are no smaller."""
    top, left = ((side - inner) // 2 for side, inner in zip(maps.shape[1:3], size, strict=True))
    return maps[:, top : top + size[0], left : left + size[1]]
