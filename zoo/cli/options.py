"""Options that several commands share, each said once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data

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


def freezing(text: str) -> str | int:
    """`all`, `none`, or the 2 of `2-last-blocks`.

    Raises:
        UsageError: none of these.
    """
    if text in ("all", "none"):
        return text
    if match := re.fullmatch(r"([1-9]\d*)(-last-blocks?)?", text):
        return int(match[1])
    raise UsageError(
        f"--freeze {text!r}: say all (only the head learns), none (everything does) or 2-last-blocks (these do too)"
    )


def data_of(dataset: str | None, path: str | None, label: str | None) -> tuple[str, Data | None]:
    """The name of the data, and its description where there is no recipe of that name.

    Raises:
        UsageError: none is named, or two are.
    """
    from zoo import tasks
    from zoo.data import sources

    if (dataset is None) == (path is None):
        raise UsageError("on which data? name a DATASET of zoo data ls, or own data with --data PATH; one of them")
    if path is not None:
        return Path(path).stem, tasks.from_path(path, label)
    assert dataset is not None
    if sources.is_address(dataset):
        return sources.title(dataset), tasks.infer(dataset, label)
    return dataset, None
