"""Boxes by the cells of a grid: what a network of the YOLO line is held against, and what its answers mean.

Redmon, Divvala, Girshick and Farhadi 2016, You only look once: unified, real-time object detection, CVPR,
arXiv:1506.02640, sections 2 and 2.2. A network says of each cell of a grid over the image, (batch, rows, columns,
5 * boxes + classes): for each of its boxes x and y of the middle, from the cell's left top corner in cells, the square
roots of width and height as shares of the image, and a confidence; then a number for each class. The cell that an
object's middle lies in answers for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.tasks.objective import Objective

COORDINATES, NO_OBJECT = 5.0, 0.5  # the paper's weights: of boxes, and of confidence where there is no object
NEAR = 0.5  # cells from an object's middle to the cells beside its own that answer for it, too
TINY = 1e-7


class Assigned(NamedTuple):
    """Of each cell of a batch the object that it answers for."""

    there: Any  # (batch, rows, columns), 1 where there is one, else 0
    box: Any  # (batch, rows, columns, 4): x and y from the cell's corner in cells, roots of width and height as shares
    label: Any  # (batch, rows, columns), class ids, 0 where there is no object


class Predicted(NamedTuple):
    """A network's outputs by what they mean."""

    box: Any  # (batch, rows, columns, boxes, 4), as in Assigned
    confidence: Any  # (batch, rows, columns, boxes), under a cross-entropy logits
    classes: Any  # (batch, rows, columns, classes), likewise


class CellObjective(Objective):
    """A loss of an image, the sum over its cells, and running means of the loss's three parts.

    Targets are boxes (batch, most, 5): left, top, right, bottom in pixels and the class, -1 where there is none.

    Args:
        size: height and width of the images.
        classes: how many there are.
    """

    reach = 0.0  # how far from an object's middle, in cells, other cells answer for it, too

    def __init__(self, size: tuple[int, int], classes: int) -> None:
        self.size, self.classes = size, classes
        names = ("box_loss", "confidence_loss", "class_loss")
        super().__init__(
            lambda y, outputs: sum(self.parts(y, outputs)), [keras.metrics.Mean(name=name) for name in names]
        )

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """Take a batch into the means of box_loss, confidence_loss and class_loss."""
        for metric, values in zip(self.metrics, self.parts(y, outputs), strict=True):
            metric.update_state(values)

    def parts(self, y: Any, outputs: Any) -> tuple[Any, Any, Any]:
        """What each image's boxes, confidences and classes add to the loss, (batch,) each."""
        outputs = ops.cast(outputs, "float32")
        _, rows, columns, _ = outputs.shape
        truth = assigned(y, (rows, columns), self.size, self.reach)
        said = self.predicted(outputs)
        overlap = iou(_edges(said.box, rows, columns), _edges(truth.box[..., None, :], rows, columns))
        overlap = ops.stop_gradient(overlap)  # (batch, rows, columns, boxes)
        best = ops.one_hot(ops.argmax(overlap, axis=-1), said.confidence.shape[-1])
        responsible = best * truth.there[..., None]
        return (
            _sum(responsible * self.box_values(said, truth)),
            _sum(self.confidence_values(said, responsible, overlap)),
            _sum(truth.there * self.class_values(said, truth)),
        )

    def predicted(self, outputs: Any) -> Predicted:
        """The outputs by what they mean."""
        boxes = (outputs.shape[-1] - self.classes) // 5
        numbers = ops.reshape(outputs[..., : 5 * boxes], (-1, *outputs.shape[1:3], boxes, 5))
        return Predicted(self.box_of(numbers[..., :4]), numbers[..., 4], outputs[..., 5 * boxes :])

    def box_of(self, numbers: Any) -> Any:
        """A box from what the network says of it, (..., 4)."""
        return numbers

    def box_values(self, said: Predicted, truth: Assigned) -> Any:
        """(batch, rows, columns, boxes)"""
        return COORDINATES * ops.sum(ops.square(said.box - truth.box[..., None, :]), axis=-1)

    def confidence_values(self, said: Predicted, responsible: Any, overlap: Any) -> Any:
        """(batch, rows, columns, boxes)"""
        is_object = responsible * ops.square(said.confidence - overlap)
        return is_object + NO_OBJECT * (1.0 - responsible) * ops.square(said.confidence)

    def class_values(self, said: Predicted, truth: Assigned) -> Any:
        """(batch, rows, columns)"""
        return ops.sum(ops.square(said.classes - ops.one_hot(truth.label, self.classes)), axis=-1)


class LogisticCellObjective(CellObjective):
    """The same by likelihoods: confidences and classes by cross-entropies, boxes by their overlap with what is true.

    After Redmon and Farhadi 2017 and 2018 (YOLO9000, arXiv:1612.08242; YOLOv3, arXiv:1804.02767), where classes and
    confidences are logits, and Rezatofighi et al. 2019 (generalised intersection over union, arXiv:1902.09630). As in
    YOLOv5 the cells beside that of an object's middle answer for it as well, those within half a cell of it.
    """

    reach = NEAR

    def box_of(self, numbers: Any) -> Any:
        """Middles at most half a cell outside of their cell; roots of sizes from 0 to 1."""
        inside = ops.sigmoid(numbers)
        return ops.concatenate([2.0 * inside[..., :2] - 0.5, inside[..., 2:]], axis=-1)

    def box_values(self, said: Predicted, truth: Assigned) -> Any:
        rows, columns = said.box.shape[1:3]
        return COORDINATES * (
            1.0 - giou(_edges(said.box, rows, columns), _edges(truth.box[..., None, :], rows, columns))
        )

    def confidence_values(self, said: Predicted, responsible: Any, overlap: Any) -> Any:
        wanted = responsible * ops.maximum(overlap, 0.0)
        values = keras.losses.binary_crossentropy(wanted[..., None], said.confidence[..., None], from_logits=True)
        return values * (responsible + NO_OBJECT * (1.0 - responsible))

    def class_values(self, said: Predicted, truth: Assigned) -> Any:
        return keras.losses.sparse_categorical_crossentropy(truth.label, said.classes, from_logits=True)


def assigned(y: Any, grid: tuple[int, int], size: tuple[int, int], reach: float = 0.0) -> Assigned:
    """Of each cell the object whose middle lies in it or, beside it, no more than `reach` cells away.

    Of several the first of `y` counts (boxes come from the smallest to the largest), one in the cell itself before all
    others.
    """
    (rows, columns), batch = grid, ops.shape(y)[0]
    scale = ops.array([columns / size[1], rows / size[0]], "float32")
    middle = (y[..., :2] + y[..., 2:4]) / 2.0 * scale  # (batch, most, 2), in cells
    roots = ops.sqrt(ops.maximum((y[..., 2:4] - y[..., :2]) * scale / ops.array([columns, rows], "float32"), 0.0))
    there = y[..., 4] >= 0
    last = ops.array([columns - 1, rows - 1], "float32")
    own = ops.clip(ops.floor(middle), 0.0, last)
    cells, valid = [own], [there]
    for step in ([-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]) if reach else ():
        beside = own + ops.array(step, "float32")
        away = ops.max(ops.abs(middle - beside - 0.5), axis=-1) - 0.5
        inside = ops.all((beside >= 0.0) & (beside <= last), axis=-1)
        cells, valid = [*cells, beside], [*valid, there & inside & (away < reach)]
    cell, valid = ops.concatenate(cells, axis=1), ops.concatenate(valid, axis=1)  # (batch, candidates, 2), (.., )
    candidates, most = cell.shape[1], y.shape[1]
    number = ops.cast(cell[..., 1] * columns + cell[..., 0], "int32") + ops.arange(batch)[:, None] * (rows * columns)
    number = ops.where(valid, number, batch * rows * columns)  # one more, for what is nowhere
    priority = ops.broadcast_to(candidates - ops.arange(candidates), ops.shape(number))  # the first one's is highest
    best = ops.segment_max(ops.reshape(priority, (-1,)), ops.reshape(number, (-1,)), batch * rows * columns + 1)
    best = ops.reshape(best[:-1], (batch, rows * columns))
    found = best > 0
    which = ops.where(found, (candidates - best) % most, 0)  # of each cell a row of y
    numbers = ops.concatenate([middle, roots, y[..., 4:]], axis=-1)  # (batch, most, 5)
    chosen = ops.take_along_axis(numbers, which[..., None], axis=1)  # (batch, cells, 5)
    chosen = ops.reshape(chosen, (batch, rows, columns, 5))
    there = ops.reshape(ops.cast(found, "float32"), (batch, rows, columns))
    box = ops.concatenate([chosen[..., :2] - corners(rows, columns), chosen[..., 2:4]], axis=-1) * there[..., None]
    return Assigned(there, box, ops.cast(chosen[..., 4] * there, "int32"))


def corners(rows: int, columns: int) -> Any:
    """x and y of each cell's left top corner in cells, (rows, columns, 2)."""
    y, x = ops.meshgrid(ops.arange(rows, dtype="float32"), ops.arange(columns, dtype="float32"), indexing="ij")
    return ops.stack([x, y], axis=-1)


def _edges(box: Any, rows: int, columns: int) -> Any:
    """Left, top, right and bottom as shares of the image, of boxes by cells (batch, rows, columns, boxes, 4)."""
    middle = (box[..., :2] + corners(rows, columns)[:, :, None, :]) / ops.array([columns, rows], "float32")
    half = ops.square(box[..., 2:]) / 2.0
    return ops.concatenate([middle - half, middle + half], axis=-1)


def iou(a: Any, b: Any) -> Any:
    """Intersection over union of boxes by their edges (..., 4); 0 where both are empty."""
    both, one, _ = _areas(a, b)
    return both / ops.maximum(one, TINY)


def giou(a: Any, b: Any) -> Any:
    """`iou` less the share of the smallest box around both that neither covers (Rezatofighi et al. 2019)."""
    both, one, around = _areas(a, b)
    return both / ops.maximum(one, TINY) - (around - one) / ops.maximum(around, TINY)


def _areas(a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Of the intersection, of the union, and of the smallest box around both."""

    def area(low: Any, high: Any) -> Any:
        sides = ops.maximum(high - low, 0.0)
        return sides[..., 0] * sides[..., 1]

    both = area(ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:]))
    around = area(ops.minimum(a[..., :2], b[..., :2]), ops.maximum(a[..., 2:], b[..., 2:]))
    return both, area(a[..., :2], a[..., 2:]) + area(b[..., :2], b[..., 2:]) - both, around


def _sum(values: Any) -> Any:
    """The sum over all of an image, (batch,)."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
