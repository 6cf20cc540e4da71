"""What a model got right and wrong on the test split."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator

from zoo.drawing.style import COLOURS, INK, SOFT, bare, calm, captions, figure, heading, number, of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LETTER = 0.1  # inches that a letter of a class name takes
MOST_CLASSES = 5_000
READABLE = 20  # classes up to which each cell of the confusion matrix carries its count


def counts(y_true: np.ndarray, y_pred: np.ndarray, classes: int) -> np.ndarray:
    """Confusion counts `(classes, classes)`: rows are true classes, columns predicted ones.

    >>> counts(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    table = np.zeros((classes, classes), dtype=int)
    np.add.at(table, (np.asarray(y_true, dtype=int).ravel(), np.asarray(y_pred, dtype=int).ravel()), 1)
    return table


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, class_names: Sequence[str] = ()) -> Figure:
    """Counts of true against predicted classes: hits in blue by recall, confusions in orange by number."""
    classes = max(len(class_names), int(max(np.max(y_true), np.max(y_pred))) + 1)
    if classes > MOST_CLASSES:
        raise ValueError(f"a table of {classes:,} classes cannot be drawn")
    table = counts(y_true, y_pred, classes)
    names = captions(class_names, classes)
    side = min(max(0.52 * classes + 1.2, 3.6), 11.0)
    drawn = figure(side + 1.1, side + 0.3)
    axes = bare(drawn.add_subplot())
    axes.imshow(_cell_colours(table))
    if classes <= READABLE:
        _write_counts(axes, table)
        upright = max(map(len, names)) * LETTER < side / classes
        axes.set_xticks(range(classes), names, rotation=0 if upright else 45, ha="center")
        axes.set_yticks(range(classes), names)
        _write_recall(axes, table)
    axes.tick_params(colors=SOFT, length=0, labelsize=9)
    axes.set_xlabel("predicted", color=SOFT)
    axes.set_ylabel("true", color=SOFT)
    heading(drawn, f"{of(int(np.trace(table)), int(table.sum()))} correct")
    return drawn


def _cell_colours(table: np.ndarray) -> np.ndarray:
    """`(classes, classes, 3)` colours from white to full, blue on the diagonal and orange beside it."""
    hit = np.diag(table) / np.maximum(table.sum(axis=1), 1)
    missed = table - np.diag(np.diag(table))
    strength = np.sqrt(missed / max(missed.max(), 1)) * 0.85
    np.fill_diagonal(strength, 0.15 + 0.85 * hit**2)
    full = np.where(np.eye(len(table), dtype=bool)[..., None], to_rgb(COLOURS[0]), to_rgb(COLOURS[1]))
    return 1 - strength[..., None] * (1 - full)


def _write_counts(axes: Axes, table: np.ndarray) -> None:
    shades = _cell_colours(table)
    size = 9 if table.max() < 10_000 else 7.5
    for row, column in np.argwhere(table):
        dark = shades[row, column] @ (0.299, 0.587, 0.114) < 0.6
        text = f"{table[row, column]:,}"
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else INK)


def _write_recall(axes: Axes, table: np.ndarray) -> None:
    """How much of each true class was found, on the right."""
    total = table.sum(axis=1)
    share = [f"{100 * hit / n:.1f} %" if n else "none" for hit, n in zip(np.diag(table), total, strict=True)]
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(table)), share)
    right.tick_params(colors=SOFT, length=0, labelsize=8)
    right.spines["right"].set_visible(False)
    right.set_ylabel("recall", color=SOFT)


def predicted_against_actual(y_true: np.ndarray, y_pred: np.ndarray) -> Figure:
    """Regression: each example's prediction over its true value, and how the errors are spread.

    Errors are prediction - truth; R2 is 1 - residual sum of squares / total sum of squares.
    """
    y_true, y_pred = np.ravel(y_true).astype(float), np.ravel(y_pred).astype(float)
    error = y_pred - y_true
    drawn = figure(8.4, 4.2)
    left, right = drawn.subplots(1, 2, width_ratios=(3, 2))
    low, high = min(y_true.min(), y_pred.min()), max(y_true.max(), y_pred.max())
    margin = 0.04 * (high - low) if high - low > 1e-3 * abs(high) else 1.0  # one example, or all alike
    calm(left).plot([low - margin, high + margin], [low - margin, high + margin], color=SOFT, linewidth=1, ls="--")
    left.scatter(y_true, y_pred, s=14, color=COLOURS[0], alpha=0.5 if len(y_true) > 100 else 0.8, linewidths=0)
    left.set(xlabel="actual", ylabel="predicted", aspect="equal", xlim=(low - margin, high + margin))
    left.set_ylim(low - margin, high + margin)
    calm(right).hist(error, bins=min(max(len(error) // 8, 5), 40), color=COLOURS[0], alpha=0.85)
    right.axvline(0, color=SOFT, linewidth=1, linestyle="--")
    right.set(xlabel="predicted - actual", ylabel="examples")
    right.yaxis.set_major_locator(MaxNLocator(integer=True))
    heading(drawn, f"{len(y_true):,} of {len(y_true):,} examples: {_regression_scores(y_true, error)}")
    return drawn


def _regression_scores(y_true: np.ndarray, error: np.ndarray) -> str:
    spread = float(((y_true - y_true.mean()) ** 2).sum())
    r2 = f", R² {1 - float((error**2).sum()) / spread:.3f}" if spread else ""
    rmse = float(np.sqrt((error**2).mean()))
    return f"mean absolute error {number(float(np.abs(error).mean()))}, root mean square {number(rmse)}{r2}"


def label_scores(y_true: np.ndarray, y_pred: np.ndarray, names: Sequence[str], most: int = 30) -> Figure:
    """Several labels an example: precision and recall of each label, the most frequent ones first.

    `y_true` and `y_pred` are 0 and 1, `(examples, labels)`.
    """
    y_true, y_pred = np.asarray(y_true, bool), np.asarray(y_pred, bool)
    hits, said, there = (y_true & y_pred).sum(axis=0), y_pred.sum(axis=0), y_true.sum(axis=0)
    shown = np.argsort(-there, kind="stable")[:most]
    precision, recall = hits / np.maximum(said, 1), hits / np.maximum(there, 1)
    drawn = figure(7.6, 0.42 * len(shown) + 1.5)
    axes = calm(drawn.add_subplot())
    places = np.arange(len(shown))
    axes.barh(places - 0.19, precision[shown], 0.36, color=COLOURS[0], label="precision")
    axes.barh(places + 0.19, recall[shown], 0.36, color=COLOURS[4], label="recall")
    labels = captions(names, len(names))
    axes.set_yticks(places, [f"{labels[i]} ({there[i]:,})" for i in shown])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share")
    drawn.legend(loc="outside lower right", ncols=2, frameon=False, fontsize=9, labelcolor=SOFT)
    right = int((y_true == y_pred).all(axis=1).sum())
    left = f"; the {most} most frequent labels of {len(names)}" if len(names) > most else ""
    heading(drawn, f"all labels right in {of(right, len(y_true))}", f"in brackets: examples that have the label{left}")
    return drawn


def most_confident_mistakes(y_true: np.ndarray, probabilities: np.ndarray, most: int = 24) -> np.ndarray:
    """Indices of wrong predictions, the surest first. `probabilities` is `(examples, classes)`."""
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != np.ravel(y_true))
    return wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:most]


def mistakes(x: np.ndarray, y_true: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str] = ()) -> Figure:
    """The images a model was surest about and wrong: true class, its answer, how sure it was.

    `x` is `(examples, height, width, channels)`, `probabilities` `(examples, classes)`.

    Raises:
        ValueError: the examples are not images.
    """
    if np.ndim(x) not in (3, 4):
        raise ValueError(f"mistakes are drawn for images, got examples of shape {np.shape(x)[1:]}")
    names = captions(class_names, probabilities.shape[1], longest=12)
    wrong = int((probabilities.argmax(axis=1) != np.ravel(y_true)).sum())
    chosen = most_confident_mistakes(y_true, probabilities)
    if not len(chosen):
        return _no_mistakes(len(x))
    columns = min(8, max(len(chosen), 4))
    rows = -(-len(chosen) // columns)
    size = 9.5 if max(map(len, names)) < 5 else 7
    drawn = figure(1.3 * columns, 1.62 * rows + 0.6)
    grid = drawn.subplots(rows, columns, squeeze=False).ravel()
    for axes, index in zip(grid, chosen, strict=False):
        predicted = int(probabilities[index].argmax())
        picture(axes, x[index])
        caption = f"{names[int(np.ravel(y_true)[index])]} → {names[predicted]}"
        axes.set_title(caption, fontsize=size, color=INK, pad=3)
        axes.set_xlabel(sureness(probabilities, index), fontsize=8, color=SOFT, labelpad=2)
    for axes in grid[len(chosen) :]:
        axes.axis("off")
    shown = "all of them" if len(chosen) == wrong else f"the {len(chosen)} it was surest of"
    heading(drawn, f"wrong on {of(wrong, len(x))}", f"{shown}: true class → its answer, and how sure it was")
    return drawn


def sureness(probabilities: np.ndarray, index: int) -> str:
    """The winning probability in per cent, or the bare score where rows are not distributions."""
    best = float(probabilities[index].max())
    is_distribution = abs(float(probabilities[index].sum()) - 1) < 1e-2 and probabilities[index].min() >= 0
    if not is_distribution:
        return number(best)
    return "over 99.9 %" if best > 0.9995 else f"{100 * best:.1f} %"


def picture(axes: Axes, image: np.ndarray) -> None:
    """One image, grey or colour, whatever its range of values."""
    image = np.asarray(image, dtype=float)
    image = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    low, high = image.min(), image.max()
    bare(axes).imshow((image - low) / ((high - low) or 1), cmap="gray_r", interpolation="nearest")


def _no_mistakes(total: int) -> Figure:
    drawn = figure(5, 1.2)
    axes = drawn.add_subplot()
    axes.axis("off")
    axes.text(0.5, 0.5, f"no mistakes: {of(total, total)} correct", ha="center", va="center", fontsize=12, color=INK)
    return drawn
