"""Digits scattered over a canvas, with a box around each: made of scikit-learn's 8x8 digits by a rule and a seed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.data.boxes.arrays import most, packed
from zoo.data.examples import Examples, Source
from zoo.data.options import checked
from zoo.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data

OPTIONS = {"scattered": {"noise": 8.0, "digits": 6, "seed": 0}}  # name -> its options and their defaults
CLASSES = 10
FOR_TRAINING = 1400  # the first digits of scikit-learn's 1,797; test canvases are of the others
SMALLEST, LARGEST = 12, 32  # pixels of the longer side of a digit
GREY, BRIGHT = 90, (170, 250)  # of the canvas and of ink, before noise
FAINT = 0.25  # of full ink; what is fainter is not drawn, so that boxes end where ink does
OVERLAP = 0.3  # most that two boxes share: intersection over union
TRIES = 20  # to find a place for a digit, which is left out otherwise


class Digit(NamedTuple):
    """A digit as it is drawn: its class, the strength of its ink (height, width) from 0 to 1, and where it lies."""

    label: int
    ink: np.ndarray
    left: int
    top: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        height, width = self.ink.shape
        return self.left, self.top, self.left + width, self.top + height


def read(name: str, data: Data) -> Source:
    """`data.train` canvases and, drawn independently of them, `data.validation` and, of other digits, `data.test`.

    `scattered`: one to `digits` bright digits on grey, their longer side 12 to 32 pixels, under light noise. Each box
    ends where the digit's ink does. Boxes may overlap up to an IoU of 0.3; where ink meets ink, the brighter is seen.

    Raises:
        UsageError: no such option, an option outside its range, or data that is not grey images of ten classes with
            room for the boxes.
    """
    options = checked(f"generated:{name}", data.options, OPTIONS[name])
    _refuse_other(name, data, options)
    labels, images = _digits()
    known, new = slice(FOR_TRAINING), slice(FOR_TRAINING, None)
    train = _draw(data.train, labels[known], images[known], data, options, stream=0)
    test = _draw(data.test, labels[new], images[new], data, options, stream=1) if data.test else None
    if not data.validation:
        return Source(train, test)
    return Source(train, test, _draw(data.validation, labels[known], images[known], data, options, stream=2))


def _refuse_other(name: str, data: Data, options: dict[str, Any]) -> None:
    digits, least = options["digits"], LARGEST + 1
    if options["noise"] < 0 or digits < 1 or digits != int(digits):
        raise UsageError(
            f"data.options of generated:{name}: noise is a standard deviation in grey levels, at least 0; digits is "
            "the most there are on a canvas, a whole number from 1"
        )
    fits = data.kind == "image" and data.num_classes == CLASSES and data.input_shape[2:] == (1,)
    if not fits or min(data.input_shape[:2]) < least:
        raise UsageError(f"generated:{name} is grey images of {CLASSES} classes, at least {least}x{least}: [96, 96, 1]")
    if digits > most(data):
        raise UsageError(
            f"generated:{name} draws up to {digits:.0f} digits, the recipe says at most {most(data)} boxes\n"
            f"set it with: --set data.boxes.most={digits:.0f}"
        )


def _draw(
    count: int, labels: np.ndarray, images: np.ndarray, data: Data, options: dict[str, Any], stream: int
) -> Examples:
    """Canvases of these digits; `stream` keeps the random numbers of the parts apart."""
    import numpy as np

    random = np.random.default_rng([int(options["seed"]), stream])
    size, digits = data.input_shape[:2], int(options["digits"])
    x, edges, classes = np.zeros((count, *size, 1), "uint8"), [], []
    for canvas in x:
        placed = _scattered(labels, images, size, digits, random)
        canvas[..., 0] = _canvas(placed, size, options["noise"], random)
        edges.append(np.array([digit.box for digit in placed], "float64"))
        classes.append([digit.label for digit in placed])
    return Examples(x, packed(edges, classes, most(data)))


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """Labels (1797,) and images (1797, 8, 8) from 0 to 1."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.target, found.images / 16


def _scattered(
    labels: np.ndarray, images: np.ndarray, size: tuple[int, ...], most_digits: int, random: np.random.Generator
) -> list[Digit]:
    """One digit or more, each where its box overlaps no other by more than is allowed."""
    placed: list[Digit] = []
    for _ in range(random.integers(1, most_digits + 1)):
        number = int(random.integers(len(labels)))
        ink = _ink(images[number], int(random.integers(SMALLEST, LARGEST + 1)))
        for _ in range(TRIES):
            top, left = (int(random.integers(side - own + 1)) for side, own in zip(size, ink.shape, strict=True))
            digit = Digit(int(labels[number]), ink, left, top)
            if all(overlap(digit.box, other.box) <= OVERLAP for other in placed):
                placed.append(digit)
                break
    return placed


def _ink(image: np.ndarray, side: int) -> np.ndarray:
    """The ink of a digit (8, 8), enlarged so that its longer side has so many pixels; faint edges are then cut off."""
    import numpy as np
    from PIL import Image

    cut = _trimmed(image)
    height, width = (max(1, round(side * one / max(cut.shape))) for one in cut.shape)
    found = np.asarray(Image.fromarray(cut.astype("float32")).resize((width, height), Image.Resampling.BILINEAR))
    return _trimmed(np.where(found < FAINT, 0, found))


def _trimmed(ink: np.ndarray) -> np.ndarray:
    """Without the rows and columns around it that have none."""
    import numpy as np

    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _canvas(digits: list[Digit], size: tuple[int, ...], noise: float, random: np.random.Generator) -> np.ndarray:
    """Uint8 (height, width)."""
    import numpy as np

    canvas = np.full(size, float(GREY))
    for digit in digits:
        left, top, right, bottom = digit.box
        drawn = GREY + digit.ink * (random.uniform(*BRIGHT) - GREY)
        canvas[top:bottom, left:right] = np.maximum(canvas[top:bottom, left:right], drawn)
    canvas += random.normal(0.0, 1.0, canvas.shape) * noise
    return np.clip(canvas, 0, 255).round().astype("uint8")


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0, wide) * max(0, high)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)
