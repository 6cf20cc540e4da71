"""What scikit-learn says of a whole split, beside the loss and the metrics that training watches.

A mapping that goes into metrics.json: `numbers` by name (see `zoo.catalogue.metrics`), and where there are classes
`by_class`, a row a class, and `reliability`, a row for each tenth of how sure the network may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import metrics

Details = dict[str, Any]
BINS = 10  # of confidence, in a reliability diagram


def of_classes(
    y: np.ndarray, scores: np.ndarray, names: Sequence[str], train: np.ndarray, are_shares: bool = True
) -> Details:
    """Precision, recall and F1 of each class and their means, and how good the shares are as probabilities.

    Args:
        y: class ids (n,).
        scores: (n, classes), the highest says the class; one column for two classes is the second's.
        names: of the classes.
        train: class ids of the training part, whose most frequent class is what to say without a network.
        are_shares: whether scores are probabilities, so that they can be held against what came true.
    """
    if not np.isfinite(scores).all() or not len(y):
        return {}
    said = scores.argmax(axis=1)
    found = _averages(y, said, names)
    found["numbers"]["majority_accuracy"] = float((y == _most_frequent(train if len(train) else y)).mean())
    if scores.shape[1] == 2 and len(np.unique(y)) == 2:
        found["numbers"]["roc_auc"] = float(metrics.roc_auc_score(y, scores[:, 1]))
        found["numbers"]["average_precision"] = float(metrics.average_precision_score(y, scores[:, 1]))
    if are_shares:
        found["reliability"] = reliability(said == y, scores.max(axis=1))
        found["numbers"]["calibration_error"] = calibration_error(found["reliability"])
    return found


def of_labels(y: np.ndarray, said: np.ndarray, names: Sequence[str]) -> Details:
    """Precision, recall and F1 of each of several labels an example; `y` and `said` are 0 or 1, (n, labels)."""
    return {"by_class": _rows(y, said, names)} if len(y) else {}


def of_values(y: np.ndarray, said: np.ndarray, train: np.ndarray) -> Details:
    """Root mean squared error and R2, and the errors of the training part's mean, which needs no network."""
    if not np.isfinite(said).all() or not len(y):
        return {}
    y, said = y.ravel().astype("float64"), said.ravel().astype("float64")
    mean = np.full_like(y, (train if len(train) else y).mean(dtype="float64"))
    numbers = {
        "rmse": float(metrics.root_mean_squared_error(y, said)),
        "mean_mae": float(metrics.mean_absolute_error(y, mean)),
        "mean_rmse": float(metrics.root_mean_squared_error(y, mean)),
    }
    return {"numbers": numbers | ({"r2": float(metrics.r2_score(y, said))} if np.ptp(y) > 0 else {})}


def of_heads(found: Mapping[str, Details]) -> Details:
    """Those of several heads as one, with the head's name before what belongs to it."""
    numbers = {f"{head}_{name}": v for head, one in found.items() for name, v in one.get("numbers", {}).items()}
    rows = [row | {"name": f"{head}: {row['name']}"} for head, one in found.items() for row in one.get("by_class", ())]
    return {"numbers": numbers} | ({"by_class": rows} if rows else {})


def reliability(is_right: np.ndarray, confidence: np.ndarray) -> list[dict[str, float]]:
    """Examples by how sure the network was of its answer: their number, mean confidence and share of right answers."""
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    return [
        {
            "examples": int((bins == i).sum()),
            "confidence": float(confidence[bins == i].mean(dtype="float64")),
            "accuracy": float(is_right[bins == i].mean()),
        }
        for i in np.unique(bins)
    ]


def calibration_error(rows: Sequence[Mapping[str, float]]) -> float:
    """The expected calibration error: by how much confidence and share of right answers differ, on the average."""
    total = sum(row["examples"] for row in rows)
    return float(sum(row["examples"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / total)


def _averages(y: np.ndarray, said: np.ndarray, names: Sequence[str]) -> Details:
    """Means over the classes that are there or are said; recall, for the balanced accuracy, over those there."""
    rows = _rows(y, said, names)
    there = [row for i, row in enumerate(rows) if row["examples"] or (said == i).any()]
    means = {f"macro_{name}": float(np.mean([row[name] for row in there])) for name in ("precision", "recall", "f1")}
    balanced = float(np.mean([row["recall"] for row in rows if row["examples"]]))
    return {"numbers": {"balanced_accuracy": balanced, **means}, "by_class": rows}


def _rows(y: np.ndarray, said: np.ndarray, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = metrics.precision_recall_fscore_support(y, said, labels=range(len(names)), zero_division=0)
    return [
        {"name": str(name), "examples": int(count), "precision": float(p), "recall": float(r), "f1": float(f)}
        for name, p, r, f, count in zip(names, *columns, strict=True)
    ]


def _most_frequent(classes: np.ndarray) -> int:
    return int(np.bincount(classes.ravel()).argmax())
