"""Which learning rate to begin with: the range test on a recipe, and its picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.errors import UsageError
from zoo.files import write_bytes
from zoo.recipe import Resolved
from zoo.runs import beginning
from zoo.runs.watching import Watcher

if TYPE_CHECKING:
    from zoo.training.range_test import Range

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 200


def find(
    recipe: Resolved,
    watch: Watcher | None = None,
    *,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    count: int = STEPS,
    picture: Path | None = None,
) -> Range:
    """Try rates from `lowest` to `highest` on a network with new weights, a step each; nothing of it is kept.

    Args:
        recipe: model and data; its schedule, warm-up and number of epochs do not matter.
        watch: is told of the stages.
        lowest: rate of the first step.
        highest: rate of the last, if the loss does not diverge before.
        count: steps in all.
        picture: a new PNG file for the curve.

    Raises:
        UsageError: bad rates, or the file is there; ZooError: the loss is no number at the lowest rates.
    """
    if picture is not None and picture.exists():
        raise UsageError(f"{picture} exists already; nothing is overwritten\nname another file with --out")
    watch = watch or Watcher()
    splits = beginning.load(recipe, watch, require_gpu=False)
    settled, _ = beginning.settle(recipe, watch)
    from zoo.training import range_test

    watch.stage(f"{count} steps at rates from {lowest:g} to {highest:g}, until the loss diverges")
    found = range_test.tested(_told(range_test.steps(settled, splits, lowest, highest, count), count, watch))
    if picture is not None:
        from zoo.drawing.rates import range_curve
        from zoo.drawing.style import png

        title = f"{recipe.model} on {recipe.dataset}, {recipe.training.optimizer}"
        write_bytes(picture, png(range_curve(*found, recipe.training.learning_rate, title)))
    return found


def _told(steps: Iterator[tuple[float, float]], count: int, watch: Watcher) -> Iterator[tuple[float, float]]:
    """The same steps; a quarter of them done is said."""
    for number, (rate, loss) in enumerate(steps, start=1):
        if number % max(1, count // 4) == 0:
            watch.stage(f"{number} of {count} steps, rate {rate:.2g}, loss {loss:.4g}")
        yield rate, loss
