"""Images made by a rule and a seed, with the class of each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Source
from zoo.data.options import checked
from zoo.data.tiles import cut, cut_mask, grid
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

OPTIONS = {"shapes": {"noise": 30.0, "shapes": 6, "seed": 0}}  # name -> its options and their defaults
SMALLEST, LARGEST = 5, 12  # pixels from the middle of a shape to its side
GREY, BRIGHT, DARK = 110, (150, 230), (0, 70)  # of the background and of shapes, before noise


def read(name: str, data: Data) -> Source:
    """The tiles of `data.train` images and, drawn independently of them, of `data.test` and `data.validation` images.

    `shapes`: discs (class 1) and squares (class 2) that lie over each other, lighter or darker than what is behind,
    under noise.

    Raises:
        UsageError: no such option, an option outside its range, or data that is not images of three classes.
    """
    options = checked(f"generated:{name}", data.options, OPTIONS[name])
    if options["noise"] < 0 or options["shapes"] < 1 or options["shapes"] != int(options["shapes"]):
        raise UsageError(
            "data.options of generated:shapes: noise is a standard deviation in grey levels, at least 0; shapes is how "
            "many there are in an image, a whole number from 1"
        )
    if data.kind != "image" or data.num_classes != 3 or data.input_shape[-1] != 1:
        raise UsageError("generated:shapes is grey images of 3 classes: background, disc, square")
    counts = (data.train, data.test, data.validation)
    train, test, validation = (_draw(count, data, options, stream) for stream, count in enumerate(counts))
    return Source(train, test if data.test else None, validation if data.validation else None)


def _draw(count: int, data: Data, options: dict[str, Any], stream: int) -> Examples:
    import numpy as np

    cuts = grid(data)
    x, y = (np.zeros((0, *cuts.tile, 1), "uint8") for _ in range(2))
    random = np.random.default_rng([int(options["seed"]), stream])
    drawn = [_shapes(cuts.image, options, random) for _ in range(count)]
    x = np.concatenate([x, *(cut(image[..., None], cuts) for image, _ in drawn)])
    y = np.concatenate([y, *(cut_mask(mask, cuts) for _, mask in drawn)])
    return Examples(x, y)


def _shapes(
    size: tuple[int, int], options: dict[str, Any], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """An image and its mask, both (height, width) uint8; later shapes lie over earlier ones."""
    import numpy as np

    rows, columns = np.mgrid[: size[0], : size[1]]
    image, mask = np.full(size, float(GREY)), np.zeros(size, "uint8")
    for _ in range(int(options["shapes"])):
        down, right, side = random.uniform(0, size[0]), random.uniform(0, size[1]), random.uniform(SMALLEST, LARGEST)
        kind, light = random.integers(1, 3), random.uniform(*(BRIGHT if random.random() < 0.5 else DARK))
        away = np.abs(rows - down), np.abs(columns - right)
        inside = np.hypot(*away) < side if kind == 1 else np.maximum(*away) < side
        image[inside], mask[inside] = light, kind
    image += random.normal(0.0, 1.0, size) * options["noise"]
    return np.clip(image, 0, 255).astype("uint8"), mask
