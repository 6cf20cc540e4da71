"""The reliability diagram: accuracy by confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from zoo.drawing.style import COLOURS, SOFT, calm, figure, heading

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability(rows: Sequence[Mapping[str, float]], error: float) -> Figure:
    """Accuracy over confidence, the probability of the predicted class, and how many examples there are of each.

    `rows` have `confidence`, `accuracy` and `examples`; `error` is the expected calibration error.
    """
    sure, right, examples = ([row[key] for row in rows] for key in ("confidence", "accuracy", "examples"))
    drawn = figure(6.2, 5.2)
    above, below = drawn.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    calm(above).plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
    above.plot(sure, right, "o-", color=COLOURS[0])
    above.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
    calm(below).bar(sure, examples, width=0.06, color=COLOURS[0], alpha=0.85)
    below.set(xlabel="confidence (probability of the predicted class)", ylabel="examples")
    heading(
        drawn,
        f"expected calibration error {error:.3f}",
        "dashed: perfectly calibrated",
    )
    return drawn
