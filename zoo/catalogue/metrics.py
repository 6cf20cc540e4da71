"""What is measured, in one table: which way is better, how a value is written, and what counts as equal.

Whoever shows, monitors, sorts or verifies a metric looks it up here by its name; nobody guesses from the name.
A task of a plug-in adds its own with `add`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

RELATIVE, LEAST = 0.005, 1e-4  # how far errors may be apart as a share of their value, and the least that is let pass


@dataclass(frozen=True)
class Metric:
    """One measured quantity.

    `full` is the value of a perfect result where there is one: 1 for shares, 100 for BLEU; None for errors, which
    have no scale of their own.
    """

    name: str
    higher_is_better: bool
    full: float | None = None
    counts_examples: bool = False  # a share of the examples: so many of so many
    over_tokens: bool = False  # where it is measured, losses and accuracies are means over tokens or pixels
    is_baseline: bool = False  # a result that needs no model, shown beside the model's
    headline: str = ""  # the metric that a run is known by, where it is not this one

    @property
    def is_share(self) -> bool:
        """Whether it is a share from 0 to 1, which people read in per cent."""
        return self.full == 1.0

    def text(self, value: float) -> str:
        """A value as people read it: a share in per cent, other numbers with four digits."""
        return f"{value:.2%}" if self.is_share else f"{value:.4g}"

    def slack(self, value: float, share: float) -> float:
        """How far from `value` counts as equal: `share` of a perfect result, or RELATIVE of an error."""
        return max(RELATIVE * abs(value), LEAST) if self.full is None else share * self.full

    def is_better(self, value: float, than: float) -> bool:
        """Whether `value` is an improvement on `than`."""
        return value > than if self.higher_is_better else value < than

    def loss_from(self, before: float, after: float) -> float:
        """By how much `after` is worse than `before`; negative where it is better."""
        return before - after if self.higher_is_better else after - before


_TABLE: dict[str, Metric] = {}


def add(*new: Metric) -> None:
    """Add metrics to the table; the first of it that a run has measured is the one that the run is known by.

    Raises:
        ValueError: another metric has the name.
    """
    for metric in new:
        if _TABLE.setdefault(metric.name, metric) != metric:
            raise ValueError(f"a metric called {metric.name!r} is there already, and it is another one")


add(
    Metric("map50", higher_is_better=True, full=1.0),
    Metric("map", higher_is_better=True, full=1.0),
    Metric("bleu", higher_is_better=True, full=100.0),
    Metric("perplexity", higher_is_better=False, over_tokens=True, headline="loss"),
    Metric("exact_match", higher_is_better=True, full=1.0, counts_examples=True, over_tokens=True),
    Metric("dice", higher_is_better=True, full=1.0, over_tokens=True),
    Metric("iou", higher_is_better=True, full=1.0, over_tokens=True),
    Metric("accuracy", higher_is_better=True, full=1.0, counts_examples=True),
    Metric("accuracy_with_flips", higher_is_better=True, full=1.0, counts_examples=True),
    Metric("micro_f1", higher_is_better=True, full=1.0),
    Metric("mean_average_precision", higher_is_better=True, full=1.0),
    Metric("macro_f1", higher_is_better=True, full=1.0),
    Metric("subset_accuracy", higher_is_better=True, full=1.0, counts_examples=True),
    Metric("elbo", higher_is_better=True),
    Metric("log_likelihood", higher_is_better=True),
    Metric("mae", higher_is_better=False),
    Metric("naive_mae", higher_is_better=False, is_baseline=True),
    Metric("seasonal_naive_mae", higher_is_better=False, is_baseline=True),
    Metric("one_class_dice", higher_is_better=True, full=1.0, is_baseline=True),
    Metric("one_class_iou", higher_is_better=True, full=1.0, is_baseline=True),
    Metric("mse", higher_is_better=False),
    Metric("pca_mse", higher_is_better=False, is_baseline=True),
    Metric("denoised_mse", higher_is_better=False),
    Metric("corrupted_mse", higher_is_better=False, is_baseline=True),
    Metric("reconstruction", higher_is_better=False),
    Metric("kl", higher_is_better=False),
    Metric("loss", higher_is_better=False),
    Metric("balanced_accuracy", higher_is_better=True, full=1.0),
    Metric("macro_precision", higher_is_better=True, full=1.0),
    Metric("macro_recall", higher_is_better=True, full=1.0),
    Metric("micro_precision", higher_is_better=True, full=1.0),
    Metric("micro_recall", higher_is_better=True, full=1.0),
    Metric("roc_auc", higher_is_better=True, full=1.0),
    Metric("average_precision", higher_is_better=True, full=1.0),
    Metric("calibration_error", higher_is_better=False),
    Metric("majority_accuracy", higher_is_better=True, full=1.0, counts_examples=True, is_baseline=True),
    Metric("rmse", higher_is_better=False),
    Metric("r2", higher_is_better=True),
    Metric("mean_mae", higher_is_better=False, is_baseline=True),
    Metric("mean_rmse", higher_is_better=False, is_baseline=True),
    Metric("chrf", higher_is_better=True, full=100.0),
)


def find(name: str) -> Metric:
    """The metric of a name, also as validation has it (`val_loss`) or one of several heads (`price_mae`).

    A name that is not in the table is taken for an error, of which less is better.
    """
    name = name.removeprefix("val_")
    while name not in _TABLE and "_" in name:
        name = name.partition("_")[2]
    return _TABLE.get(name, Metric(name, higher_is_better=False))


def headline(measured: Iterable[str]) -> str:
    """Of the metrics that a run has measured, the one that it is known by; of several heads the first one's."""
    names = list(measured)
    for metric in _TABLE.values():
        if metric.is_baseline:
            continue
        if metric.name in names and (metric.name != "loss" or not _of_heads(names)):
            return metric.headline or metric.name
        if found := next((name for name in _of_heads(names) if find(name) == metric), None):
            return found
    return names[0]


def _of_heads(names: Iterable[str]) -> list[str]:
    """What heads have measured, their losses left out: `price_mae` and the like."""
    return [name for name in names if name not in _TABLE and find(name).name not in (name, "loss")]


def baselines(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Of measured values those that need no model."""
    return {name: value for name, value in measured.items() if find(name).is_baseline}


def of_other_heads(measured: Mapping[str, Any]) -> list[str]:
    """Names of what the heads have measured that the run is not known by."""
    return [name for name in _of_heads(measured) if name != headline(measured)]


def are_over_tokens(measured: Iterable[str]) -> bool:
    """Whether the losses and accuracies among these metrics are means over tokens or pixels."""
    return any(find(name).over_tokens for name in measured)
