"""What learners without a network scored on the test rows of a run, each a row of `name`, `metric` and `value`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.catalogue import metrics

Rows = Sequence[Mapping[str, Any]]


def best(rows: Rows) -> Mapping[str, Any]:
    """The row that scored best."""
    higher = metrics.find(rows[0]["metric"]).higher_is_better
    return max(rows, key=lambda row: row["value"] if higher else -row["value"])


def line(rows: Rows) -> str:
    """All of them: `logistic regression 97.37%, gradient boosting 96.49%`."""
    return ", ".join(f"{row['name']} {text(row)}" for row in rows)


def text(row: Mapping[str, Any]) -> str:
    """A row's value as people read it: a share in per cent, an error by its name."""
    metric = metrics.find(row["metric"])
    return metric.text(row["value"]) if metric.is_share else f"{row['metric']} {metric.text(row['value'])}"


def verdict(rows: Rows, measured: Mapping[str, Any]) -> str:
    """Whether a network that measured so much is worth it beside these learners."""
    first = best(rows)
    metric = metrics.find(first["metric"])
    said = f"{first['name']} has {text(first)}, the network {metric.text(measured[metric.name])}"
    differ = metric.text(measured[metric.name]) != metric.text(first["value"])  # and not by rounding alone
    if differ and metric.is_better(measured[metric.name], first["value"]):
        return f"the network is ahead: {said}"
    return f"the network is not worth it here: {said}"
