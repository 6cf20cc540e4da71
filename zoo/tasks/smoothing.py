"""Label smoothing (Szegedy et al. 2015): a share of each target is spread over all classes, in training alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.tasks.objective import Values

SMOOTHED = ("sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy")


def smoothed_loss(name: str, share: float) -> Values:
    """A cross-entropy with smoothed targets, one value an example: (targets, outputs) -> (batch,).

    Of K classes the target of the right one is 1 - share + share / K, that of each other one share / K; of a single
    probability or of several labels 1 - share / 2 and share / 2.
    """
    import keras
    from keras import ops

    if name == "binary_crossentropy":
        return keras.losses.BinaryCrossentropy(label_smoothing=share, reduction="none")
    values = keras.losses.CategoricalCrossentropy(label_smoothing=share, reduction="none")
    if name == "categorical_crossentropy":
        return values

    def of_class_ids(y: Any, outputs: Any) -> Any:
        return values(ops.one_hot(y, outputs.shape[-1]), outputs)

    return of_class_ids
