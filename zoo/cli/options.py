"""Options that several commands share, each said once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

TRAINING: dict[str, tuple[type, str]] = {  # keys of a recipe's [training] -> what they take, and the help
    "epochs": (int, "Passes over the training split."),
    "batch_size": (int, "Examples a step, over all devices together."),
    "learning_rate": (float, "Step size of the optimiser; never scaled by itself."),
    "optimizer": (str, "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw."),
    "seed": (int, "Initial weights, order, augmentation and dropout."),
    "strategy": (str, "auto, one, mirrored or multi-worker: which devices."),
    "scale_learning_rate": (bool, "Multiply it by the number of devices."),
    "precision": (str, "float32, mixed_bfloat16 or mixed_float16."),
    "jit": (str, "auto, on or off: compile the step with XLA."),
}
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def training(*names: str, said: Mapping[str, str] | None = None) -> Decorator:
    """A decorator: these options, whose values the command gets as one mapping, `options`; None where not given.

    `said` has other helps by the options' names.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            takes, words = TRAINING[name]
            flag, words = f"--{name.replace('_', '-')}", (said or {}).get(name, words)
            if takes is bool:
                option = click.option(
                    flag, is_flag=True, default=None, help=words, expose_value=False, callback=_gather
                )
            else:
                option = click.option(flag, type=takes, help=words, expose_value=False, callback=_gather)
            command = option(command)
        return command

    return decorate


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: `--set KEY=VALUE`."""
    words = "Any key of the recipe, as training.clip_norm=1."
    return click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help=words)(command)


def _gather(context: click.Context, option: click.Parameter, value: Any) -> None:
    """What is in a context's `params` is what the command is called with."""
    context.params.setdefault("options", {})[option.name] = value
