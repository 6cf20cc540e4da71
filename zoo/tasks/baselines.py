"""What a network has to beat: simple learners of scikit-learn, on the rows that it learns from and is tested on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from zoo.data.config import Data
from zoo.data.examples import Splits, is_stored

SECONDS = 10.0  # that a baseline may take where nobody asked for it
# in a second, on one slow core: letters of texts, cells of tables by the number of classes, pixels of images
LETTERS, LINEAR_CELLS, BOOSTED_CELLS, PIXELS = 1_000_000, 1_000_000, 150_000, 20_000_000


class Baseline(NamedTuple):
    """A learner without a network."""

    name: str
    seconds: float  # that it takes, as far as the sizes say
    make: Callable[[], BaseEstimator]


def of_classes(data: Data, splits: Splits) -> list[Baseline]:
    """For texts, tables and images with one class an example."""
    x, classes = _inputs(splits, "train"), data.num_classes or 2
    if isinstance(x, Mapping) or is_stored(x):
        return []
    if data.text:
        return [Baseline("TF-IDF with logistic regression", _letters(x) / LETTERS, lambda: _texts(_logistic()))]
    if data.kind == "image":
        return [Baseline("nearest class mean", x.size / PIXELS, lambda: make_pipeline(_flat(), NearestCentroid()))]
    trees = 1 if classes == 2 else classes  # that boosting grows in a round
    return [
        Baseline("logistic regression", x.size * classes / LINEAR_CELLS, lambda: _scaled(_logistic())),
        Baseline(
            "gradient boosting", x.size * trees / BOOSTED_CELLS, lambda: HistGradientBoostingClassifier(random_state=0)
        ),
    ]


def of_values(data: Data, splits: Splits) -> list[Baseline]:
    """For texts and tables with a value to predict."""
    x = _inputs(splits, "train")
    if isinstance(x, Mapping) or is_stored(x) or data.kind == "image":
        return []
    if data.text:
        return [Baseline("TF-IDF with ridge regression", _letters(x) / LETTERS, lambda: _texts(Ridge()))]
    return [
        Baseline("ridge regression", x.size / LINEAR_CELLS, lambda: _scaled(Ridge())),
        Baseline("gradient boosting", x.size / BOOSTED_CELLS, lambda: HistGradientBoostingRegressor(random_state=0)),
    ]


def scored(found: Sequence[Baseline], splits: Splits, metric: str, asked: bool) -> list[dict[str, Any]]:
    """What the baselines score on the test part: learnt on the training part alone; all if asked, else the quick ones.

    `metric` is accuracy, or the mean absolute error.
    """
    rows = []
    for baseline in found:
        if asked or baseline.seconds <= SECONDS:
            with warnings.catch_warnings(action="ignore"):  # of steps that did not suffice, of pixels that never vary
                learner = baseline.make().fit(_inputs(splits, "train"), splits.train.y)
                said, y = learner.predict(_inputs(splits, "test")), splits.test.y
            value = np.mean(said == y) if metric == "accuracy" else np.abs(said - y).mean(dtype="float64")
            rows.append({"name": baseline.name, "metric": metric, "value": float(value)})
    return rows


def _inputs(splits: Splits, part: str) -> Any:
    """Texts before they are encoded, other inputs as they are."""
    return (splits.raw or splits).by_name()[part].x


def _letters(texts: Sequence[str]) -> int:
    return sum(map(len, texts))


def _logistic() -> LogisticRegression:
    return LogisticRegression(max_iter=1000)


def _texts(last: BaseEstimator) -> BaseEstimator:
    return make_pipeline(TfidfVectorizer(), last)


def _scaled(last: BaseEstimator) -> BaseEstimator:
    return make_pipeline(StandardScaler(), last)


def _flat() -> FunctionTransformer:
    return FunctionTransformer(_rows)


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype("float32")
