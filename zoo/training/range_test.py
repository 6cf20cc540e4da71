"""The learning-rate range test: the loss of a few hundred steps, each at a higher rate than the one before.

Smith 2017, Cyclical learning rates for training neural networks, WACV, arXiv:1506.01186, section 3.3. The test ends
where the loss diverges, so that most of it is the part that matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from zoo.data import Splits
from zoo.errors import UsageError, ZooError
from zoo.recipe import Resolved
from zoo.training.fit import Fit

SMOOTHING = 0.9  # of the running mean of losses
DIVERGED = 4.0  # times the lowest loss so far, above the first one: higher rates say nothing more
FEWEST = 20  # steps before a loss counts as the lowest
FALL = 0.05  # share of its first value by which the loss has to fall somewhere, or no rate is any good


class Range(NamedTuple):
    """Rates, the loss of the batch at each, its running mean, and the rate to begin with; None: no loss fell."""

    rates: np.ndarray
    losses: np.ndarray
    smooth: np.ndarray
    suggestion: float | None


def steps(recipe: Resolved, splits: Splits, lowest: float, highest: float, count: int) -> Iterator[tuple[float, float]]:
    """The rate and the batch's loss of each step of a test on a network with new weights.

    Raises:
        UsageError: rates that do not rise, too few steps, or a network that starts from another's weights.
    """
    if not 0 < lowest < highest:
        raise UsageError(f"rates go from a lower one above 0 to a higher one, not from {lowest:g} to {highest:g}")
    if count < 2 * FEWEST:
        raise UsageError(f"{count} steps are too few for a curve; take {2 * FEWEST} or more")
    if recipe.transfer is not None:
        raise UsageError("a range test is of a network that starts from new weights; a finetuned one has two phases")
    training = recipe.training
    rising = {
        "schedule": "exponential",
        "warmup_epochs": 0.0,
        "learning_rate": lowest,
        "decay_rate": highest / lowest,
        "decay_epochs": (count - 1) / max(1, len(splits.train) // training.batch_size),
        "scale_learning_rate": False,
        "averaging": None,
    }
    fit = Fit(recipe.model_copy(update={"training": training.model_copy(update=rising)}), splits)
    for number, loss in enumerate(fit.one_by_one(count)):
        yield lowest * (highest / lowest) ** (number / (count - 1)), loss


def tested(found: Iterable[tuple[float, float]]) -> Range:
    """What the steps of a test show, as far as the loss does not diverge.

    Raises:
        ZooError: the very first losses are no numbers.
    """
    rates: list[float] = []
    losses: list[float] = []
    smooth: list[float] = []
    mean = 0.0
    for rate, loss in found:
        if not np.isfinite(loss):
            break
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        rates, losses = [*rates, rate], [*losses, loss]
        smooth = [*smooth, mean / (1 - SMOOTHING ** len(losses))]
        if len(smooth) > FEWEST and smooth[-1] > max(DIVERGED * min(smooth), 2 * smooth[0]):
            break
    if len(rates) <= FEWEST:
        raise ZooError(
            f"the loss is no number after {len(rates)} steps at the lowest rates\n"
            "look at the data: zoo data show; are its values scaled? --set preprocessing.standardize=feature"
        )
    arrays = np.array(rates), np.array(losses), np.array(smooth)
    return Range(*arrays, suggested(arrays[0], arrays[2]))


def suggested(rates: np.ndarray, smooth: np.ndarray) -> float | None:
    """A third of the rate at which the running mean of the loss is lowest; None where it never really falls.

    There the loss stops falling, which is too high a rate to begin with. The running mean lags behind the losses, by
    about ten steps.
    """
    least = int(np.argmin(smooth))
    lag = round(1 / (1 - SMOOTHING))
    if smooth[least] > smooth[0] - FALL * abs(smooth[0]):
        return None
    return float(rates[max(0, least - lag)] / 3)
