"""Fit one resolved recipe: model, optimiser, loop and callbacks put together."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from zoo.data import Examples, Splits
from zoo.recipe import Resolved
from zoo.runs import write_history
from zoo.training.augment import make_augment
from zoo.training.callbacks import make_callbacks
from zoo.training.loop import epoch_rows, make_predict, make_run_steps, run_epoch, score, use_jit
from zoo.training.model import make_model
from zoo.training.objectives import make_loss, make_objective, targets
from zoo.training.optimizers import make_optimizer
from zoo.training.strategy import check_batch, check_precision, make_strategy


@dataclass
class Fitted:
    """A trained model and how it came about."""

    model: keras.Model
    history: dict[str, list[float]]  # one entry an epoch: loss, accuracy, val_loss, learning_rate, seconds ...
    strategy: str
    jit: bool
    seconds: float
    first_step_seconds: float


class Fit:
    """One training run: built in full before the first step, so that what cannot work fails early."""

    def __init__(
        self,
        recipe: Resolved,
        splits: Splits,
        folder: Path | None = None,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        most_steps: int | None = None,
    ) -> None:
        """Build model, optimiser and callbacks; `most_steps` shortens each epoch (a smoke run)."""
        training = recipe.training
        check_precision(training.precision)
        keras.utils.set_random_seed(training.seed)
        keras.config.set_dtype_policy(training.precision)
        self.recipe, self.splits, self.folder, self.most_steps = recipe, splits, folder, most_steps
        self.strategy, self.strategy_text = make_strategy(training.strategy)
        check_batch(training.batch_size, self.strategy)
        self.steps = len(epoch_rows(len(splits.train.y), training.batch_size, training.seed, 0)[:most_steps])
        with self.strategy.scope():
            self.model = make_model(recipe, splits.train.x)
            self.model.compile(make_optimizer(training, self.steps), loss=make_loss(self._loss))
            self.model.optimizer.build(self.model.trainable_variables)
            self.objective = make_objective(recipe.data.task, self._loss)
        self.params = self.model.layers[-1].count_params()  # the network alone, without preprocessing
        self.jit = use_jit(training.jit, self.model)
        self.predict = make_predict(self.model)
        made = [*make_callbacks(recipe.callbacks, folder), *callbacks]
        self.callbacks = keras.callbacks.CallbackList(
            made, add_history=False, model=self.model, epochs=training.epochs, steps=self.steps
        )
        self.history: dict[str, list[float]] = {}

    @property
    def _loss(self) -> str:
        assert self.recipe.training.loss is not None
        return self.recipe.training.loss

    def _targets(self, examples: Examples) -> np.ndarray:
        data = self.recipe.data
        return targets(examples.y, data.task, self._loss, data.num_classes)

    def __call__(self) -> Fitted:
        """Train for all epochs, or until a callback stops the run."""
        started = time.perf_counter()
        with self.strategy.scope():
            run_steps = make_run_steps(
                self.model,
                self.objective,
                self.splits.train.x,
                self._targets(self.splits.train),
                self.recipe.training.batch_size,
                make_augment(self.recipe.augmentation, self.recipe.training.seed),
                self.jit,
            )
        self.callbacks.on_train_begin()
        first_step = 0.0
        for epoch in range(self.recipe.training.epochs):
            begun = time.perf_counter()
            self.callbacks.on_epoch_begin(epoch)
            self.objective.reset()
            rows = epoch_rows(
                len(self.splits.train.y), self.recipe.training.batch_size, self.recipe.training.seed, epoch
            )
            for done in run_epoch(rows[: self.most_steps], run_steps, epoch * self.steps):
                first_step = first_step or time.perf_counter() - started
                self.callbacks.on_train_batch_end(done - 1, self.objective.results())
            self._end_epoch(epoch, begun)
            if self.model.stop_training:
                break
        self.callbacks.on_train_end()
        seconds = time.perf_counter() - started
        return Fitted(self.model, self.history, self.strategy_text, self.jit, seconds, first_step)

    def _end_epoch(self, epoch: int, begun: float) -> None:
        logs = self.objective.results()
        if len(self.splits.validation.y):
            logs |= {f"val_{name}": value for name, value in self.evaluate(self.splits.validation)[0].items()}
        logs |= {"learning_rate": float(self.model.optimizer.learning_rate), "seconds": time.perf_counter() - begun}
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        if self.folder and self.recipe.callbacks.csv_history:
            write_history(self.folder, self.history)
        self.callbacks.on_epoch_end(epoch, logs)

    def evaluate(self, examples: Examples) -> tuple[dict[str, float], np.ndarray]:
        """Loss and metric over all of `examples`, and the model's outputs for them."""
        outputs = self.predict(examples.x)
        return score(
            self.model, make_objective(self.recipe.data.task, self._loss), outputs, self._targets(examples)
        ), outputs
