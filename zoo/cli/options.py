"""Options that several commands share, each said once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.data.reading import AS_FOUND, Reading, flag
from zoo.errors import UsageError

if TYPE_CHECKING:
    from zoo.data.config import Data
    from zoo.pretrained.bases import Base

TRAINING: dict[
    str, tuple[type, str]
] = {  # keys of a recipe's [training], or of callbacks -> what they take, and the help
    "epochs": (int, "Passes over the training split."),
    "batch_size": (int, "Examples a step, over all devices together."),
    "learning_rate": (float, "Step size of the optimiser; never scaled by itself."),
    "optimizer": (str, "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw."),
    "class_weights": (str, "none, or balanced: rare classes count as much as frequent ones in the loss."),
    "seed": (int, "Initial weights, order, augmentation and dropout."),
    "strategy": (str, "auto, one, mirrored or multi-worker: which devices."),
    "scale_learning_rate": (bool, "Multiply it by the number of devices."),
    "precision": (str, "float32, mixed_bfloat16, mixed_float16; or auto: by network and hardware."),
    "jit": (str, "auto, on or off: compile the step with XLA."),
    "early_stopping": (int, "Stop after so many epochs without a lower validation loss; 0: never."),
    "best": (bool, "End with the weights of the best epoch by validation loss, or of the last."),
}
OWN_DATA: dict[str, tuple[str, str]] = {  # of zoo.data.reading.Reading -> what it takes, and the help
    "kind": ("KIND", "If it is taken wrongly: table, text, corpus, pairs, series, images or boxes."),
    "test": ("PATH", "The test part, where it lies by itself; else a fifth is held out."),
    "validation": ("PATH", "The validation part; else a tenth of the rest is held out."),
    "missing": ("WAY", "Missing cells: drop, median, mode, flag; of a series: forward, interpolate."),
    "drop": ("COLUMN,...", "Columns to leave out."),
    "columns": ("COLUMN,...", "Columns to predict from; all but the label if not said."),
    "group": ("COLUMN", "Rows with one value in it stay in one part, such as those of a patient."),
    "weight": ("COLUMN", "What each row counts in the loss."),
    "text_column": ("COLUMN", "The column of texts."),
    "tokens": ("word|character", "What texts are taken apart into, of --data or tfds:NAME."),
    "calendar": ("month,...", "Columns out of a series' dates: month, weekday, hour, day-of-year."),
    "label": ("COLUMN", "What to predict, of --data or tfds:NAME; the last column if not said."),
}
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Grouped(click.Command):
    """A command whose help shows the options that describe own data by themselves."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {"Own data": [], "Options": []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record and isinstance(option, click.Option):
                groups["Own data" if isinstance(option, OfData) else "Options"].append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


class OfData(click.Option):
    """An option that says something of own data."""


def training(*names: str, said: Mapping[str, str] | None = None) -> Decorator:
    """A decorator: these options, whose values the command gets as one mapping, `options`; None where not given.

    `said` has other helps by the options' names.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            takes, words = TRAINING[name]
            option_name, words = f"--{name.replace('_', '-')}", (said or {}).get(name, words)
            option_name += "/--no-best" if name == "best" else ""
            if takes is bool:
                option = click.option(
                    option_name, is_flag=True, default=None, help=words, expose_value=False, callback=_gather
                )
            else:
                option = click.option(option_name, type=takes, help=words, expose_value=False, callback=_gather)
            command = option(command)
        return command

    return decorate


def own_data(words: str = "", path: bool = True) -> Decorator:
    """A decorator: `--data PATH`, with these words for its help, and everything that can be said of own data.

    The command gets `path`, unless it has an argument in its place, and the rest as a `Reading`, `reading`.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name, (metavar, said) in reversed(OWN_DATA.items()):
            command = click.option(
                flag(name), name, metavar=metavar, help=said, cls=OfData, expose_value=False, callback=_read_as
            )(command)
        return click.option("--data", "path", metavar="PATH", help=words, cls=OfData)(command) if path else command

    return decorate


def _read_as(context: click.Context, option: click.Parameter, value: Any) -> None:
    known = context.params.get("reading", AS_FOUND)
    context.params["reading"] = known if value in (None, ()) else replace(known, **{str(option.name): value})


def refuse_of_recipe(reading: Reading, dataset: str) -> None:
    """Raise UsageError for anything that is said of data which a recipe describes."""
    if reading.said:
        option = flag(reading.said[0])
        raise UsageError(
            f"{option} goes with --data PATH or tfds:NAME; {dataset} is a recipe and says what its data is"
        )


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: `--set KEY=VALUE`."""
    words = "Any key of the recipe, as callbacks.early_stopping.patience=3; see zoo recipes keys."
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


def data_of(dataset: str | None, path: str | None, reading: Reading, base: Base) -> tuple[str, Data | None]:
    """The name of the data that a base goes on with, and its description where there is no recipe of that name.

    Raises:
        UsageError: none is named, or two are.
    """
    from zoo import tasks
    from zoo.data import sources
    from zoo.pretrained.own_data import data_for

    if (dataset is None) == (path is None):
        raise UsageError("on which data? name a DATASET of zoo data ls, or own data with --data PATH; one of them")
    if path is not None:
        return Path(path).stem, data_for(base, path, reading)
    assert dataset is not None
    if sources.is_address(dataset):
        return sources.title(dataset), tasks.infer(dataset, reading=reading)
    refuse_of_recipe(reading, dataset)
    return dataset, None
