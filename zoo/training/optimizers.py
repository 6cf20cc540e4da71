"""Optimisers and learning-rate schedules by the recipe's names."""

from __future__ import annotations

from typing import Any

import keras

from zoo.recipe.schema import DECAYING, Training
from zoo.training.adam import FusedAdam, FusedAdamW

RULES = {"sgd": "SGD", "momentum": "SGD", "nesterov": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}  # fmt: skip  # noqa: E501
UNDECAYED = ["bias", "gamma", "beta"]  # names of weights that a weight decay does not make smaller


@keras.saving.register_keras_serializable(package="zoo")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate over training steps: a linear warm-up, then constant, step, exponential or cosine.

    With `s` the step (from 0), `w` the warm-up steps and `t = max(s - w, 0)`:

    - warm-up: `learning_rate * (s + 1) / w` while `s < w`
    - step: `learning_rate * decay_rate ** floor(t / decay_steps)`
    - exponential: `learning_rate * decay_rate ** (t / decay_steps)`
    - cosine (Loshchilov & Hutter 2016, without restarts): from `learning_rate` down to `final_share` of it at
      `total_steps`, along half a cosine.
    """

    def __init__(
        self,
        kind: str,
        learning_rate: float,
        total_steps: int,
        warmup_steps: int = 0,
        decay_steps: float = 1.0,
        decay_rate: float = 1.0,
        final_share: float = 0.0,
    ) -> None:
        self.kind = kind
        self.learning_rate = learning_rate
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.final_share = final_share

    def __call__(self, step):  # type: ignore[no-untyped-def]
        """The learning rate of `step`, a scalar tensor."""
        ops = keras.ops
        step = ops.cast(step, "float32")
        after = ops.maximum(step - self.warmup_steps, 0.0)
        rate = self.learning_rate * self._factor(after)
        if not self.warmup_steps:
            return rate
        warming = self.learning_rate * (step + 1.0) / self.warmup_steps
        return ops.where(step < self.warmup_steps, warming, rate)

    def _factor(self, after):  # type: ignore[no-untyped-def]
        ops = keras.ops
        if self.kind == "step":
            return ops.power(self.decay_rate, ops.floor(after / self.decay_steps))
        if self.kind == "exponential":
            return ops.power(self.decay_rate, after / self.decay_steps)
        if self.kind == "cosine":
            share = ops.minimum(after / max(1, self.total_steps - self.warmup_steps), 1.0)
            return self.final_share + (1.0 - self.final_share) * 0.5 * (1.0 + ops.cos(3.141592653589793 * share))
        return ops.ones_like(after)

    def get_config(self) -> dict[str, object]:
        """The arguments that make this schedule again."""
        return dict(vars(self))


def make_optimizer(training: Training, steps_per_epoch: int, fused: bool = False) -> keras.optimizers.Optimizer:
    """The recipe's optimiser with its schedule; `clip_norm` is the norm of all gradients together.

    `fused` takes the zoo's Adam and AdamW, which are faster for large embeddings and compute the same.
    """
    name, arguments = rule(training)
    faster = {"Adam": FusedAdam, "AdamW": FusedAdamW} if fused else {}
    optimizer = faster.get(name, getattr(keras.optimizers, name))(
        _learning_rate(training, steps_per_epoch), **arguments
    )
    if "weight_decay" in arguments:
        optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
    return optimizer


def rule(training: Training) -> tuple[str, dict[str, Any]]:
    """Which of keras.optimizers the recipe's is, and its arguments but the learning rate."""
    arguments: dict[str, Any] = {}
    if training.optimizer in ("momentum", "nesterov"):
        arguments["momentum"] = 0.9 if training.momentum is None else training.momentum
    if training.optimizer == "nesterov":
        arguments["nesterov"] = True
    if training.optimizer == "adamw" or (training.weight_decay and training.optimizer in DECAYING):
        arguments["weight_decay"] = training.weight_decay  # AdamW's own default is not 0
    if training.clip_norm is not None:
        arguments["global_clipnorm"] = training.clip_norm
    return RULES[training.optimizer], arguments


def _learning_rate(training: Training, steps_per_epoch: int) -> float | Schedule:
    if training.schedule == "constant" and not training.warmup_epochs:
        return training.learning_rate
    return Schedule(
        training.schedule,
        training.learning_rate,
        total_steps=training.epochs * steps_per_epoch,
        warmup_steps=round(training.warmup_epochs * steps_per_epoch),
        decay_steps=(training.decay_epochs or 1.0) * steps_per_epoch,
        decay_rate=training.decay_rate or 1.0,
        final_share=training.final_share,
    )
