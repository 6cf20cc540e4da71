"""Blocks seen from above and weighed: two inputs and two targets, of which none can be had from one input alone.

A block is a disc, a square or a triangle cut from a plank. `picture` shows its outline, somewhere and turned anyhow;
`measures` are its height in cm and its density in g/cm3. The class `sort` is the outline and the material, wood below
0.9 g/cm3 and plastic above; the value `mass` in g is area times height times density.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Source
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

SIDE = 24  # pixels of a picture, one to 5 mm
PIXEL = 0.25  # cm2
FIELDS = {"picture", "measures"}, {"sort", "mass"}
WOOD, PLASTIC = (0.4, 0.85), (0.95, 1.4)  # g/cm3
INK, PAPER = 200, 40  # grey values


def read(data: Data, options: dict[str, Any]) -> Source:
    """`data.train` blocks and, drawn independently of them, `data.test` blocks.

    Raises:
        UsageError: the recipe names other inputs or targets.
    """
    if (set(data.inputs), set(data.targets)) != FIELDS:
        raise UsageError(
            "generated:blocks has the inputs picture and measures and the targets sort and mass\n"
            "give each of them a table, such as [data.inputs.picture]"
        )
    test = _draw(data.test, options, stream=1) if data.test else None
    return Source(_draw(data.train, options, stream=0), test)


def _draw(count: int, options: dict[str, Any], stream: int) -> Examples:
    """`stream` keeps the random numbers of training and test apart."""
    import numpy as np

    random = np.random.default_rng([int(options["seed"]), stream])
    outline, material = random.integers(0, 3, count), random.integers(0, 2, count)
    low, high = np.array([WOOD, PLASTIC])[material].T
    density, height = random.uniform(low, high), random.uniform(1.0, 4.0, count)
    masks = _outlines(outline, random)  # (count, side, side)
    noise = random.normal(0.0, options["noise"], masks.shape)
    picture = np.clip(np.where(masks, INK, PAPER) + noise, 0, 255).round().astype("uint8")
    mass = masks.sum(axis=(1, 2)) * PIXEL * height * density
    return Examples(
        {"picture": picture[..., None], "measures": np.stack([height, density], axis=1).astype("float32")},
        {"sort": outline + 3 * material, "mass": mass.astype("float32")},
    )


def _outlines(outline: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Which pixels lie inside of discs (0), squares (1) and triangles (2): (count, side, side)."""
    import numpy as np

    count = len(outline)
    radius, angle = random.uniform(5.0, 8.0, count), random.uniform(0, 2 * np.pi, count)
    middle = random.uniform(radius, SIDE - 1 - radius, (2, count))  # the whole block is in the picture
    rows, columns = np.mgrid[:SIDE, :SIDE]
    down = rows - middle[0][:, None, None]
    across = columns - middle[1][:, None, None]
    distance, direction = np.hypot(down, across), np.arctan2(down, across) - angle[:, None, None]
    corners = np.array([1, 4, 3])[outline][:, None, None]
    sector = 2 * np.pi / corners
    from_axis = np.mod(direction, sector) - sector / 2  # to the middle of the nearest side
    side = radius[:, None, None] * np.cos(np.pi / corners)  # how far the sides are from the middle
    return np.where(corners == 1, distance <= radius[:, None, None], distance * np.cos(from_axis) <= side)
