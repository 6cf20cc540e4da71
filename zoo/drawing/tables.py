"""Tables of examples that stand beside the pictures, as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.drawing.outcome import most_confident_mistakes, sureness
from zoo.drawing.style import names_or_numbers, number

MOST_ROWS, MOST_COLUMNS = 12, 8
SHOWN = 200  # characters of a long text, from its beginning and from its end


def mistake_table(
    x: np.ndarray,
    y: np.ndarray,
    shares: np.ndarray,
    classes: Sequence[str],
    features: Sequence[str],
    texts: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """The most confident mistakes on tables and texts: `true`, `predicted`, `sure`, and `values` by feature name.

    `shares` (n, classes) are the probabilities, or scores, of the classes.
    """
    columns = names_or_numbers(features, int(np.prod(np.shape(x)[1:])))[:MOST_COLUMNS]
    return [
        {
            "true": classes[int(np.ravel(y)[i])],
            "predicted": classes[int(shares[i].argmax())],
            "sure": sureness(shares, i),
            "values": {"text": shortened(str(texts[i]))}
            if texts is not None
            else {name: number(float(value)) for name, value in zip(columns, np.ravel(x[i]), strict=False)},
        }
        for i in most_confident_mistakes(y, shares, MOST_ROWS)
    ]


def shortened(text: str) -> str:
    """The beginning and the end of a long text."""
    return text if len(text) <= 2 * SHOWN else f"{text[:SHOWN]} … {text[-SHOWN:]}"
