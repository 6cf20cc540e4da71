"""Points made by a formula and a seed: the textbook problems that show what a unit, or a hidden layer, can do.

Sequence tasks made by a rule are in `zoo.data.sources.generated_text`, images with masks in
`zoo.data.sources.generated_images`, images with boxes in `zoo.data.sources.generated_boxes`; all are found here by
their names as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from zoo.data.examples import Examples, Source
from zoo.data.options import checked
from zoo.data.sources import generated_blocks, generated_boxes, generated_images, generated_text
from zoo.data.sources.source import DataSource
from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import numpy as np

    from zoo.data.config import Data
    from zoo.data.fields import Role

OPTIONS: dict[str, dict[str, Any]] = {  # name -> its options and their defaults
    "line": {},
    "and": {"noise": 0.0, "seed": 0},
    "or": {"noise": 0.0, "seed": 0},
    "xor": {"noise": 0.0, "seed": 0},
    "circles": {"noise": 0.05, "seed": 0, "inner": 0.5},
    "moons": {"noise": 0.1, "seed": 0},
    "spirals": {"noise": 0.02, "seed": 0, "turns": 1.5},
    "topics": {"features": 50, "labels": 2, "length": 60, "seed": 0},
    "blocks": {"noise": 20.0, "seed": 0},
    "sine": {"noise": 0.1, "seed": 0, "period": 25.0},
}
NAMES = (*OPTIONS, *generated_text.TASKS, *generated_images.OPTIONS, *generated_boxes.OPTIONS)


def read(name: str, data: Data) -> Source:
    """`data.train` points and, drawn independently of them, `data.test` points; of a series all steps as one part.

    Raises:
        UsageError: no such set, no such option, an option outside its range, or another kind of data.
    """
    if name in generated_text.TASKS:
        return generated_text.read(name, data)
    if name in generated_images.OPTIONS:
        return generated_images.read(name, data)
    if name in generated_boxes.OPTIONS:
        return generated_boxes.read(name, data)
    options = options_of(name, data.options)
    kind = {"sine": "series", "blocks": "mixed"}.get(name, "tabular")
    if data.kind != kind:
        raise UsageError(f"generated:{name} is {kind}; the recipe says data.kind = {data.kind!r}")
    if name == "line":
        return _line(data)
    if name == "topics":
        return _topics(data, options)
    if name == "sine":
        return Source(_sine(sum(data.parts().values()), options))
    if name == "blocks":
        return generated_blocks.read(data, options)
    make = _SHAPES.get(name, _corners(name))
    train = _draw(make, data.train, options, stream=0)
    return Source(train, _draw(make, data.test, options, stream=1) if data.test else None)


def options_of(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a set of points or of a wave.

    Raises:
        UsageError: no such set or option, or a value outside its range.
    """
    if name not in OPTIONS:
        raise unknown("generated dataset", name, NAMES, f"known: {', '.join(NAMES)}")
    options = checked(f"generated:{name}", given, OPTIONS[name])
    for key, value in given.items():
        if key == "noise" and value < 0:
            raise UsageError(f"data.options.noise = {value} is negative; the standard deviation of what is added")
        if key == "turns" and value <= 0:
            raise UsageError(f"data.options.turns = {value} is not positive; it is how often each arm winds round")
        if key == "inner" and not 0 < value < 1:
            raise UsageError(
                f"data.options.inner = {value} is not between 0 and 1: the inner radius, where the outer is 1"
            )
        if key in ("features", "labels", "length") and not 1 <= value <= 10_000:
            raise UsageError(f"data.options.{key} = {value} is not between 1 and 10,000")
        if key == "period" and value <= 1:
            raise UsageError(f"data.options.period = {value} is not above 1; it is how many steps a wave takes")
    return options


def _line(data: Data) -> Source:
    """y = x at 1, 2, 3, 4, 6, and the point in the gap, 5, to test on."""
    import numpy as np

    if (data.train, data.test) not in ((5, 0), (5, 1)):
        raise UsageError("generated:line has 5 training points and 1 test point: set data.train = 5, data.test = 1")
    train, test = np.float32([1, 2, 3, 4, 6]), np.float32([5])
    return Source(Examples(train[:, None], train), Examples(test[:, None], test) if data.test else None)


def _topics(data: Data, options: dict[str, Any]) -> Source:
    """Documents about any number of topics, by scikit-learn's `make_multilabel_classification`.

    x (n, features) are counts of words, `length` of them on average; y (n, topics) says which of `data.num_classes`
    topics a document is about, `labels` of them on average.
    """
    from sklearn.datasets import make_multilabel_classification

    x, y = make_multilabel_classification(
        data.train + data.test, int(options["features"]), n_classes=data.num_classes or 2,
        n_labels=options["labels"], length=options["length"], random_state=int(options["seed"]),
    )  # fmt: skip
    whole = Examples(x.astype("float32"), y)
    return Source(whole.cut(slice(data.train)), whole.cut(slice(data.train, None)) if data.test else None)


def _sine(steps: int, options: dict[str, Any]) -> Examples:
    """A wave of height 1 that takes `period` steps, with noise added to each: x (steps, 1), y the same values (steps,).

    The best that a forecast can do is to be off by the noise.
    """
    import numpy as np

    noise = np.random.default_rng(int(options["seed"])).normal(0.0, 1.0, steps) * options["noise"]
    values = (np.sin(2 * np.pi * np.arange(steps) / options["period"]) + noise).astype(np.float32)
    return Examples(values[:, None], values)


def _draw(make: Callable[..., tuple[Any, Any]], count: int, options: dict[str, Any], stream: int) -> Examples:
    """Points of a shape, then noise; `stream` keeps the random numbers of training and test apart."""
    import numpy as np

    random = np.random.default_rng([int(options["seed"]), stream])
    x, y = make(count, options, random)  # (count, 2), (count,)
    x = x + random.normal(0.0, 1.0, x.shape) * options["noise"]
    return Examples(x.astype(np.float32), y)


def _corners(name: str) -> Callable[..., tuple[Any, Any]]:
    """The truth table's four points, (0, 0), (0, 1), (1, 0), (1, 1), again and again."""

    def make(count: int, options: dict[str, Any], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        a, b = np.arange(count) // 2 % 2, np.arange(count) % 2
        y = {"and": a & b, "or": a | b, "xor": a ^ b}[name]
        return np.stack([a, b], axis=1).astype(float), y

    return make


def _circles(count: int, options: dict[str, Any], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Class 0 on the circle of radius 1, class 1 on the one of radius `inner`."""
    import numpy as np

    y = np.arange(count) % 2
    angle = random.uniform(0, 2 * np.pi, count)
    radius = np.where(y == 0, 1.0, options["inner"])
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


def _moons(count: int, options: dict[str, Any], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles of radius 1, the second turned over and moved by (1, 0.5) so that they interlock."""
    import numpy as np

    y = np.arange(count) % 2
    angle = random.uniform(0, np.pi, count)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(y[:, None] == 0, upper, lower), y


def _spirals(count: int, options: dict[str, Any], random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two arms that wind `turns` times round the origin, half a turn apart (after Lang and Witbrock 1988)."""
    import numpy as np

    y = np.arange(count) % 2
    along = np.sqrt(random.uniform(0.01, 1.0, count))  # radius; the root spreads points evenly along the arm
    angle = 2 * np.pi * options["turns"] * along + np.pi * y
    return np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1), y


_SHAPES = {"circles": _circles, "moons": _moons, "spirals": _spirals}


class Generated(DataSource):
    scheme = "generated"
    holds_several = True
    form = "generated:NAME"
    no_script = ""

    def read(self, address: str, data: Data, target: Role) -> Source:
        return read(address, data)


SOURCE = Generated()
