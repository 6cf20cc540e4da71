"""Fit one resolved recipe: model, optimiser, loop, callbacks and checkpoints put together."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import tasks
from zoo.catalogue.registry import describe
from zoo.data import Examples, Splits
from zoo.data.examples import WEIGHT
from zoo.data.fields import Fields
from zoo.errors import UsageError, ZooError
from zoo.recipe import Resolved, Training
from zoo.runs.directory import write_history
from zoo.tasks.smoothing import smoothed_loss
from zoo.tasks.task import Task
from zoo.training import auxiliary, checkpoint, state
from zoo.training.augment import beside_inputs, make_augment
from zoo.training.averaging import Averages
from zoo.training.batches import Plan, field_lengths, make_feed, padding_share, plan_epoch
from zoo.training.callbacks import make_callbacks
from zoo.training.distribution import cluster, replicas, workers
from zoo.training.distribution.strategy import check_precision, make_strategy
from zoo.training.draws import drawn_as_one
from zoo.training.evaluation import EVALUATION_BATCH, Evaluate, Predict, make_evaluate, make_predict, make_score
from zoo.training.loop import Pace, make_run_steps, run_epoch, use_jit
from zoo.training.model import assemble, constants, core_of, make_model
from zoo.training.objects import NOTHING, Given
from zoo.training.optimizers import make_optimizer
from zoo.training.signals import Stopped, StopRequest, heeded
from zoo.training.weighting import example_weights, mean_loss, weighted

log = logging.getLogger("zoo")
SECONDS_BETWEEN_CHECKPOINTS = 5.0
SECONDS_BETWEEN_HISTORIES = 1.0
SHARE_FOR_CHECKPOINTS = 0.05  # of the time, at the most


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
        given: Given = NOTHING,
    ) -> None:
        """Build model, optimiser and callbacks; `most_steps` shortens each epoch (a smoke run).

        An optimiser and a loss that are `given` take the place of the recipe's in training; scores are the recipe's.

        Of several workers each makes the same Fit, all but the chief without a folder.
        """
        training = recipe.training
        self.strategy, self.strategy_text = make_strategy(training.strategy)  # before any computation of TensorFlow
        self.replicas = self.strategy.num_replicas_in_sync
        given.refuse_beside(recipe, self.replicas)
        check_precision(training.precision)
        keras.utils.set_random_seed(training.seed)
        keras.config.set_dtype_policy(training.precision)
        self.recipe, self.splits, self.folder, self.most_steps = recipe, splits, folder, most_steps
        self.loss, self.task = str(training.loss), tasks.of(recipe.data)
        self.fields = self._make_fields()
        self.lengths = field_lengths(splits.train.inputs, self.fields)
        first = self._plan(0)
        self.steps, self.padding = len(first.rows), padding_share(first, self.lengths)
        with self.strategy.scope():
            self.model = self._make_model()
            self.predictor = self._make_predictor()
            named = make_optimizer(self._scaled(), self.steps, fused=self.lengths.shape[1] > 0)
            self.model.compile(given.new_optimizer() or named)
            self.learning = self.task.steps(self.predictor, self.model.optimizer, recipe.data, self.loss)
            if values := given.loss_values():
                self._refuse_own_loss()
                self.learning[0].objective.values = values
            elif training.label_smoothing:
                self.learning[0].objective.values = smoothed_loss(self.loss, training.label_smoothing)
            self._weights = {name: self._weights_of(part) for name, part in splits.by_name().items() if name != "test"}
            if self.predictor is not self.model:
                self.learning = [auxiliary.with_auxiliary(step, self.model, self._auxiliary) for step in self.learning]
            if self._weights["train"] is not None:
                self.learning = [weighted(step) for step in self.learning]
            for step in self.learning:
                step.optimizer.build(step.variables)
            self.averages = Averages(self.model, training.averaging) if training.averaging else None
        self._check_normalisation()
        self.params = core_of(self.model).count_params()  # the network alone, without preprocessing
        self.jit = use_jit(training.jit, self.model, self.strategy)
        self.predict = self._predicting(self.predictor)
        self.evaluate = make_evaluate(self.predictor, recipe.data, self.loss, self.predict)
        self.callbacks = [*make_callbacks(recipe.callbacks, folder), *callbacks]
        self.history: dict[str, list[float]] = {}
        self.epoch, self.done = 0, 0  # position: whole epochs, and steps into the next one
        self._saved, self._save_seconds, self._written = time.monotonic(), 0.0, 0.0

    def __call__(self, resume: checkpoint.Checkpoint | None = None) -> Fitted:
        """Train for all epochs, or until a callback stops the run; from a checkpoint's position, if one is given.

        Raises:
            Stopped: Ctrl-C, SIGTERM or SIGHUP came; the state is saved.
            ZooError: the loss is not a number any more.
        """
        started = time.perf_counter()
        self._first_step = 0.0
        watchers = keras.callbacks.CallbackList(
            self.callbacks, add_history=False, model=self.model, epochs=self.recipe.training.epochs, steps=self.steps
        )
        with self.strategy.scope():
            run_steps = self._make_run_steps()
        watchers.on_train_begin()
        self._reset_means()
        if self.averages:
            self.averages.begin()
        if resume:
            self._put_back(resume)
        self._check_together()
        pace = Pace(self._agreed)
        with StopRequest(self._unsaved()) as stop, self._as_one():
            while self.epoch < self.recipe.training.epochs and not self.model.stop_training:
                begun = time.perf_counter()
                watchers.on_epoch_begin(self.epoch)
                plan, first = self._plan(self.epoch), self.epoch * self.steps
                for done in run_epoch(plan, run_steps, first, self.done, pace):
                    self.done = done
                    self._first_step = self._first_step or time.perf_counter() - started
                    watchers.on_train_batch_end(self.done - 1, self._means())
                    self._stop_if_asked(stop)
                    self._save_if_due()
                self._end_epoch(watchers, begun)
                self._stop_if_asked(stop)
        self._keep_last_state()
        if self.averages:
            self.averages.keep()
        watchers.on_train_end()
        self._write_history(every=0.0)
        seconds = time.perf_counter() - started
        return Fitted(self.predictor, self.history, self.strategy_text, self.jit, seconds, self._first_step)

    def one_by_one(self, count: int) -> Iterator[float]:
        """The loss of each of so many steps, before it is taken; nothing is validated, watched or saved.

        Raises:
            Stopped: Ctrl-C, SIGTERM or SIGHUP came.
        """
        with self.strategy.scope():
            run_steps = self._make_run_steps()
        with StopRequest(self._unsaved()) as stop, self._as_one():
            for number in range(count):
                epoch, step = divmod(number, self.steps)
                self._reset_means()
                run_steps(self._plan(epoch), step, step + 1, epoch * self.steps)
                self.epoch, self.done = epoch, step + 1
                yield self._means()["loss"]
                self._stop_if_asked(stop)

    def _make_fields(self) -> Fields:
        return self.task.fields(self.recipe.data)

    def _make_model(self) -> keras.Model:
        return make_model(self.recipe, self.splits.train, auxiliary=True)

    def _make_predictor(self) -> keras.Model:
        """The model without what only training knows, on the same layers; as a rule the same one."""
        core = core_of(self.model)
        if not auxiliary.has(core, self._auxiliary):
            return self.model
        known = constants(self.recipe, self.splits.train)
        return assemble(self.recipe, auxiliary.without(core, self._auxiliary), known)

    @property
    def _auxiliary(self) -> Mapping[str, float]:
        return describe(self.recipe.model).auxiliary

    def _plan(self, epoch: int) -> Plan:
        training = self.recipe.training
        whole = plan_epoch(self.lengths, training.batch_size, training.seed, epoch)
        return Plan(*(part[: self.most_steps] for part in whole))

    def _make_run_steps(self) -> Any:
        train, training = self.splits.train, self.recipe.training
        changes, seed, size = self.recipe.augmentation, training.seed, training.batch_size
        augment = make_augment(changes, seed, self.fields, self.steps)
        inputs = {**train.inputs, **beside_inputs(changes, seed, len(train))}
        after_step = self.averages.after_step if self.averages else None
        targets = Examples({}, self.task.targets(train.y, self.recipe.data, self.loss)).targets
        if (weights := self._weights["train"]) is not None:
            targets = {**targets, WEIGHT: weights}
        feed = make_feed(Examples(inputs, targets), self.fields)
        if self.replicas == 1:
            return make_run_steps(self.learning, feed, size, augment, self.jit, after_step)
        return replicas.make_run_steps(self.learning, feed, size, augment, training.clip_norm, after_step)

    def _weights_of(self, part: Examples) -> np.ndarray | None:
        """What each example of a part counts in the loss; None: all the same."""
        return example_weights(part, self.splits.train, self.recipe.training.class_weights)

    def _validated(self) -> dict[str, float]:
        """Loss and metrics over the validation part; the loss is weighted as it is in training."""
        part, found = self.splits.validation, self.evaluate(self.splits.validation)
        weights = self._weights["validation"]
        if weights is None:
            return found.metrics
        objective = self.task.objective(self.recipe.data, self.loss)
        y = self.task.targets(part.y, self.recipe.data, self.loss)
        return found.metrics | {"loss": mean_loss(self.predictor, objective, y, found.outputs, weights)}

    def _predicting(self, forward: Callable[..., Any]) -> Predict:
        if self.replicas == 1:
            return make_predict(forward, self.fields)
        with self.strategy.scope():
            return replicas.make_predict(forward, self.fields, EVALUATION_BATCH)

    @cached_property
    def score(self) -> Evaluate:
        """What scores the finished model: with an exact loss, where `evaluate` has the one that is minimised."""
        return make_score(self.predictor, self.recipe.data, self.loss, self._predicting)

    def _means(self) -> dict[str, float]:
        """The running losses and metrics of this epoch; of several steps by their names."""
        found = [step.objective.results() for step in self.learning]
        named = zip(self.learning[1:], found[1:], strict=True)
        return found[0] | {f"{step.name}_{name}": value for step, means in named for name, value in means.items()}

    def _reset_means(self) -> None:
        for step in self.learning:
            step.objective.reset()

    def _scaled(self) -> Training:
        """The training section, with the learning rate that `scale_learning_rate` asks for."""
        training = self.recipe.training
        if not training.scale_learning_rate:
            return training
        rate = training.learning_rate * self.replicas
        self.strategy_text += f", learning rate {rate:g} ({self.replicas} x {training.learning_rate:g})"
        return training.model_copy(update={"learning_rate": rate})

    def _refuse_own_loss(self) -> None:
        if type(self.task).steps is not Task.steps or len(self.fields.targets) > 1:
            raise UsageError(f"{self.task.name} has a loss of its own kind, which no object can replace: leave it away")

    def _check_normalisation(self) -> None:
        size = self.recipe.training.batch_size
        if size < self.replicas and replicas.layers_of(self.model, keras.layers.BatchNormalization):
            raise UsageError(
                f"batch size {size} leaves some of {self.replicas} replicas without an example, which batch "
                f"normalisation does not allow\ntry --batch-size {self.replicas} or --strategy one"
            )

    @contextmanager
    def _as_one(self) -> Iterator[None]:
        """While it lasts, the layers that look across a batch or draw for it do so as on one device."""
        if self.replicas == 1:
            yield
            return
        with replicas.synchronised(self.model), drawn_as_one(self.model, self.recipe.training.batch_size):
            yield

    def _resume_command(self) -> str:
        group = cluster.find(self.recipe.training.strategy)
        return group.resume_command(self.folder) if group else f"zoo run --resume {self.folder}"

    def _unsaved(self) -> str:
        """What a run says that has to end in the middle of a step."""
        remedy = f"\ngo on with: {self._resume_command()}" if self.folder else ""
        return f"a step was under way, which is not saved{remedy}"

    def _check_together(self) -> None:
        step = self.epoch * self.steps + self.done
        if self._agreed(step) != -self._agreed(-step):
            raise ZooError(
                f"the workers read different checkpoints (this one that of step {step})\n"
                "do all of them see the same run directory?"
            )

    def _agreed(self, value: float) -> float:
        """The largest of all workers' values: what they must do alike does not hang on one worker's clock."""
        return workers.agree(self.strategy, value)

    def _end_epoch(self, watchers: keras.callbacks.CallbackList, begun: float) -> None:
        """Validate, write the history, tell the callbacks, and step to the next epoch."""
        with self.averages.shown() if self.averages else nullcontext():
            self._look_at_epoch(watchers, begun)
        self.model.stop_training = bool(self._agreed(self.model.stop_training))  # one worker's callback stops all
        self.epoch, self.done = self.epoch + 1, 0
        self._reset_means()
        self._save_if_due()

    def _look_at_epoch(self, watchers: keras.callbacks.CallbackList, begun: float) -> None:
        """What an epoch came to, with the weights that would be saved."""
        logs = self._means()
        if len(self.splits.validation):
            logs |= {f"val_{name}": value for name, value in self._validated().items()}
        rate = np.array(self.model.optimizer.learning_rate)  # also where replicas hold copies of it
        logs |= {"learning_rate": float(rate), "seconds": time.perf_counter() - begun}
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        self._write_history(every=SECONDS_BETWEEN_HISTORIES)
        watchers.on_epoch_end(self.epoch, logs)

    def _write_history(self, every: float) -> None:
        if self.folder and self.recipe.callbacks.csv_history and time.monotonic() - self._written >= every:
            write_history(self.folder, self.history)
            self._written = time.monotonic()

    def _save_if_due(self) -> None:
        """Save every few seconds, and less often where saving takes long."""
        pause = max(SECONDS_BETWEEN_CHECKPOINTS, self._save_seconds / SHARE_FOR_CHECKPOINTS)
        due = time.monotonic() - self._saved > pause
        if self._agreed(due):
            self.save()

    def _stop_if_asked(self, stop: StopRequest) -> None:
        number = int(self._agreed(stop.number))
        if not number:
            return
        heeded()
        saved = self.save()
        where = f"in epoch {self.epoch + 1}, after {self.done} of {self.steps} steps"
        if saved is None:
            raise Stopped(number, f"stopped {where}")
        raise Stopped(number, f"stopped {where}; saved\ngo on with: {self._resume_command()}")

    def save(self) -> Path | None:
        """Write a checkpoint of this moment into the run directory, if there is one; never of weights that diverged.

        Of several workers all must call this: to read what is summed over replicas takes every one of them.
        """
        begun = time.monotonic()
        self._write_history(every=0.0)
        if (now := self._state()) is None or self.folder is None:
            return None
        path = checkpoint.save(self.folder / "checkpoints", self.epoch * self.steps + self.done, *now)
        self._saved = time.monotonic()
        self._save_seconds = self._saved - begun
        return path

    def _keep_last_state(self) -> None:
        """Write the state at the end, before a callback puts the best weights back: from here it goes on for longer."""
        if self.most_steps is not None or (now := self._state()) is None or self.folder is None:
            return
        if not checkpoint.save_last(self.folder, *now):
            log.info("the state of the training is too large to keep: this run cannot be given more epochs later")

    def _state(self) -> checkpoint.Checkpoint | None:
        """All that the run needs to go on from here; None of weights that diverged, or where nobody would keep it."""
        if (self.folder is None and self.replicas == 1) or not state.is_finite(self.model.variables):
            return None
        arrays, facts = state.gather(self._variables(), self.callbacks)
        facts |= {
            "epoch": self.epoch,
            "done": self.done,
            "history": self.history,
            "stop_training": bool(self.model.stop_training),
            "made_of": self._made_of,
        }
        return checkpoint.Checkpoint(arrays, facts)

    @cached_property
    def _made_of(self) -> dict[str, Any]:
        return state.made_of(self.recipe, self.splits)

    def _put_back(self, saved: checkpoint.Checkpoint) -> None:
        try:
            state.refuse_other(saved, self._made_of)
            state.put_back(saved, self._variables(), self.callbacks)
            self.epoch, self.done, self.history = (saved.facts[key] for key in ("epoch", "done", "history"))
            self.model.stop_training = saved.facts["stop_training"]
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # whoever wrote it
            raise UsageError(
                f"the checkpoint does not hold the state of a run: {type(error).__name__}: {error}"
            ) from error

    def _variables(self) -> dict[str, Sequence[Any]]:
        """Weights with the seed generators' states and their averages, each optimiser's state, this epoch's means."""
        first, *others = self.learning
        means = [variable for step in self.learning for variable in step.objective.variables]
        optimizers = {f"optimizer of {step.name}": step.optimizer.variables for step in others}
        averages = {"averages": self.averages.variables} if self.averages else {}
        known = {"model": self.model.variables, "optimizer": first.optimizer.variables, **optimizers, "means": means}
        return known | averages
