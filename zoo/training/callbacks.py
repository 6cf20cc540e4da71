"""Keras callbacks by the recipe's names."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np

from zoo.catalogue import metrics
from zoo.errors import MissingError, ZooError, pip_install
from zoo.recipe import Callbacks


def make_callbacks(settings: Callbacks, folder: Path | None) -> list[keras.callbacks.Callback]:
    """The callbacks that a recipe switches on; those that write do so into `folder`, or not at all without one."""
    made: list[keras.callbacks.Callback] = []
    if (stop := settings.early_stopping) is not None:
        made.append(
            EarlyStopping(
                monitor=stop.monitor,
                min_delta=stop.min_delta,
                patience=stop.patience,
                mode=_mode(stop.monitor),
                restore_best_weights=stop.restore_best,
            )
        )
    if settings.checkpoint is not None:
        made.append(BestWeights(settings.checkpoint.monitor))
    if (plateau := settings.reduce_on_plateau) is not None:
        made.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor=plateau.monitor,
                factor=plateau.factor,
                patience=plateau.patience,
                mode=_mode(plateau.monitor),
                min_lr=plateau.min_learning_rate,
            )
        )
    if settings.tensorboard is not None and folder is not None:
        check_tensorboard()
        frequency = settings.tensorboard.histogram_epochs
        made.append(keras.callbacks.TensorBoard(folder / "tensorboard", histogram_freq=frequency, write_graph=False))
    if settings.nan_stop:
        made.append(NaNStop())  # the last one: it looks at the weights that the others leave
    return made


def check_tensorboard() -> None:
    """TensorFlow does not bring TensorBoard any more.

    Raises:
        MissingError: it is not installed.
    """
    if find_spec("tensorboard") is None:
        raise MissingError(
            f"the recipe asks for TensorBoard, which is not installed\ninstall it with: {pip_install('tensorboard')}"
        )


def _mode(monitor: str) -> str:
    return "max" if metrics.find(monitor).higher_is_better else "min"


class EarlyStopping(keras.callbacks.EarlyStopping):
    """Keras' own, for which a value that is not a number would be the best for ever: here it is the worst."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count epochs without an improvement; remember the best epoch's weights."""
        value = (logs or {}).get(self.monitor)
        if value is not None and not np.isfinite(value):
            logs = {**(logs or {}), self.monitor: -np.inf if _mode(self.monitor) == "max" else np.inf}
        super().on_epoch_end(epoch, logs)


class NaNStop(keras.callbacks.Callback):
    """End the run at the first loss that is not a number, or if the last step left such weights."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Look at the running mean of the loss."""
        if logs and not np.isfinite(logs["loss"]):
            raise self._diverged(f"the loss became {logs['loss']} at batch {batch + 1}")

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Look at the weights: the last step's loss is of before that step."""
        if not all(np.isfinite(weights).all() for weights in self.model.get_weights()):
            raise self._diverged("the weights are no finite numbers after the last step")

    def _diverged(self, what: str) -> ZooError:
        rate = float(np.array(self.model.optimizer.learning_rate))
        return ZooError(
            f"{what} (learning rate {rate:.3g})\n"
            "likely causes: a learning rate too high, or values in the data that need standardising; "
            "try a tenth of the learning rate or --set training.clip_norm=1.0"
        )


class BestWeights(keras.callbacks.Callback):
    """Remember the weights of the best epoch and go back to them at the end."""

    def __init__(self, monitor: str) -> None:
        super().__init__()
        self.monitor = monitor
        self.metric = metrics.find(monitor)
        self.best: float | None = None
        self.epoch = 0
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep this epoch's weights if none was better; a value that is not a number is never the best."""
        value = float((logs or {})[self.monitor])
        if np.isfinite(value) and (self.best is None or self.metric.is_better(value, self.best)):
            self.best, self.epoch, self.weights = value, epoch, self.model.get_weights()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Put the best weights back."""
        if self.weights:
            self.model.set_weights(self.weights)
