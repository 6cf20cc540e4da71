"""Images whose pixels are 0 or 255 and nothing between, as models of probabilities want them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zoo.data.examples import AT_ONCE, Examples, Source, is_stored

if TYPE_CHECKING:
    import numpy as np

WAYS = ("none", "threshold", "sample")


def binarized(source: Source, how: str, seed: int) -> Source:
    """The same images (uint8), each pixel 0 or 255.

    `threshold` takes 128 and above for 255. `sample` draws each pixel once, 255 with the probability that its grey
    value is of 255, so that the mean of many drawings is the grey image (Salakhutdinov and Murray 2008; the binarised
    MNIST that Larochelle handed on was made so, by other draws). The draws follow from the seed, the part and the row
    alone. Images that stay on disk are written anew into the cache.
    """
    if how == "none":
        return source
    test, validation = (part and _part(part, how, [seed, number]) for number, part in enumerate(source[1:], start=1))
    return Source(_part(source.train, how, [seed, 0]), test, validation)


def _part(part: Examples, how: str, seed: list[int]) -> Examples:
    import numpy as np

    blocks = _blocks(part, how, seed)
    if is_stored(part.x):
        from zoo.data.cache import fingerprint, on_disk

        name = f"binarized-{fingerprint([part.x.path], part.x.shape, how, seed)}"
        return on_disk(name, part.x.shape, "uint8", lambda: blocks)
    return Examples(np.concatenate([block.x for block in blocks]), part.y)


def _blocks(part: Examples, how: str, seed: list[int]) -> Iterator[Examples]:
    import numpy as np

    random = np.random.default_rng(seed)
    for start in range(0, len(part), AT_ONCE):
        x, y = part.x[start : start + AT_ONCE], part.y[start : start + AT_ONCE]
        yield Examples(_drawn(x, random) if how == "sample" else np.where(x >= 128, 255, 0).astype("uint8"), y)


def _drawn(x: np.ndarray, random: np.random.Generator) -> Any:
    return (255 * (random.random(x.shape, "float32") < x / 255)).astype("uint8")
