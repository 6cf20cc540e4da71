"""What a network that answers for each pixel is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo.data.fields import VOID
from zoo.data.tiles import middle
from zoo.tasks.objective import Exact, Objective, exact_loss, example_loss


class PixelObjective(Objective):
    """Cross-entropy with the class of each pixel: losses and metrics are means over pixels whose class is known.

    Masks (batch, height, width, 1) cover whole tiles, of which the middle of `inner` pixels counts. Outputs (batch,
    height, width, classes) may be smaller than masks, as unpadded convolutions make them, but not than `inner`. Losses
    may weigh classes, against their frequencies (Ronneberger et al. 2015, equation 2: w_c); metrics never do.
    """

    def __init__(self, inner: tuple[int, int], classes: int, class_weights: Sequence[float] = ()) -> None:
        values, exact = example_loss("sparse_categorical_crossentropy"), exact_loss("sparse_categorical_crossentropy")
        assert exact is not None
        known = [
            keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
            Dice(classes, name="dice"),
            IoU(classes, name="iou"),
        ]
        super().__init__(
            lambda y, outputs: values(self._classes(y), middle(outputs, inner)),
            known,
            Exact("softmax", lambda y, logits: exact.values(self._classes(y), middle(logits, inner))),
        )
        self.inner, self.class_weights = inner, class_weights

    def _classes(self, y: Any) -> Any:
        """Class ids (batch, *inner), 0 where none is known."""
        ids = ops.cast(middle(y, self.inner)[..., 0], "int32")
        return ops.where(ops.equal(ids, VOID), 0, ids)

    def weights(self, y: Any) -> Any:
        """What the loss at each pixel counts, (batch, *inner): 0 where none is known, else the weight of its class."""
        known = self._known(y)
        if not self.class_weights:
            return known
        return known * ops.take(ops.array(self.class_weights, "float32"), self._classes(y))

    def _known(self, y: Any) -> Any:
        """1 where a pixel's class is known, else 0; (batch, *inner)."""
        return ops.cast(ops.not_equal(middle(y, self.inner)[..., 0], VOID), "float32")

    def mean_weight(self, total: Any) -> Any:
        """As often as a batch has pixels that count."""
        return total

    def count(self, y: Any, outputs: Any, logits: Any = None) -> None:
        """One value a pixel."""
        outputs = middle(outputs, self.inner)
        outputs = ops.reshape(outputs, (-1, outputs.shape[-1]))
        ids, known = ops.reshape(self._classes(y), (-1,)), ops.reshape(self._known(y), (-1,))
        for metric in self.metrics:
            metric.update_state(ids, outputs, sample_weight=known)


class _Overlap(keras.metrics.Metric):
    """How far what is said of the classes lies over what is true; the mean of the classes but the first.

    Counted are the pixels of each class in what is said, in what is true, and in both. A class that is in neither is
    passed over.
    """

    def __init__(self, classes: int, name: str) -> None:
        super().__init__(name=name)
        self.classes = classes
        self.said, self.true, self.both = (
            self.add_variable((classes,), "zeros", dtype="float64", name=kind) for kind in ("said", "true", "both")
        )

    def update_state(self, ids: Any, outputs: Any, sample_weight: Any) -> None:
        """Take class ids (pixels,) and outputs (pixels, classes) into the counts."""
        weights = ops.cast(sample_weight, "float64")[:, None]
        said = ops.one_hot(ops.argmax(outputs, axis=-1), self.classes, dtype="float64") * weights
        true = ops.one_hot(ids, self.classes, dtype="float64") * weights
        self.said.assign_add(ops.sum(said, axis=0))
        self.true.assign_add(ops.sum(true, axis=0))
        self.both.assign_add(ops.sum(said * true, axis=0))

    def result(self) -> Any:
        """The mean over the classes but the first that are there at all."""
        shares, there = self.shares()
        return ops.divide_no_nan(ops.sum(shares[1:]), ops.sum(there[1:]))

    def shares(self) -> tuple[Any, Any]:
        """Of each class the overlap, and 1 where it is there at all."""
        raise NotImplementedError


class Dice(_Overlap):
    """Dice 1945, also Sørensen 1948: 2 |A and B| / (|A| + |B|)."""

    def shares(self) -> tuple[Any, Any]:
        """Twice the pixels in both, of those in one and those in the other."""
        size = self.said + self.true
        return ops.divide_no_nan(2.0 * self.both, size), ops.cast(size > 0, "float64")


class IoU(_Overlap):
    """Intersection over union, Jaccard 1912: |A and B| / |A or B|."""

    def shares(self) -> tuple[Any, Any]:
        """Pixels in both, of those in one or the other."""
        union = self.said + self.true - self.both
        return ops.divide_no_nan(self.both, union), ops.cast(union > 0, "float64")
