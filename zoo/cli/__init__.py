"""The command line: a click group whose commands are imported only when they are called."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from zoo import __version__
from zoo.cli.words import echo, escape_the_rest
from zoo.errors import UsageError, ZooError, is_utf8, unknown
from zoo.files.names import escaped
from zoo.training.signals import ending_in_time

# name -> what it does; the module zoo.cli.<name> (- as _) holds `command`. Kept here so that --help imports nothing.
COMMANDS = {
    "ls": "List the architectures: globs, filters by family, task, input and year.",
    "show": "Show one architecture: card, layers, parameters with their arithmetic.",
    "run": "Train, evaluate and draw: zoo run lenet mnist.",
    "find-lr": "Find a learning rate: some hundred steps at rising rates, and a curve.",
    "launch": "Train with several workers on this machine: zoo launch 2 -- run lenet digits.",
    "eval": "Score a finished run again, on its own or another dataset.",
    "compare": "Show runs beside each other: what differs, metrics, and whether it is more than chance.",
    "report": "Draw the pictures and the report of a finished run again.",
    "predict": "Apply a finished run to files or texts: images, CSV rows, sentences.",
    "explain": "Show which pixels count for an answer, and what the layers look for.",
    "generate": "Let a language model go on with a text.",
    "export": "Write a finished run's model as Keras, SavedModel, ONNX or LiteRT, and compare.",
    "finetune": "Go on from a trained network on other data: zoo finetune lenet:mnist digits.",
    "weights": "Trained weights that come along: list, show, verify.",
    "publish": "Write a finished run as a folder to hand on: weights, card, checksums.",
    "eject": "Write a run as one plain script that needs no zoo.",
    "data": "Datasets: list, show, prepare.",
    "recipes": "Recipes: list, show, copy, check.",
    "runs": "List the runs below a folder: model, metric, seed, state; remove some.",
    "results": "Recorded results; --check names those that have gone stale.",
    "check": "Put a builder, yours or ours, through the common protocol.",
    "doctor": "Look at versions, devices, data folders and say what is wrong.",
}


class LazyGroup(click.Group):
    """Finds commands by name in COMMANDS and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return import_module(f"zoo.cli.{name.replace('-', '_')}").command

    def resolve_command(self, ctx: click.Context, args: list[str]):  # type: ignore[no-untyped-def]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown("command", args[0], COMMANDS, "see them all with: zoo --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Try: zoo run lenet digits   (no download, under a minute)   then: zoo run lenet mnist",
)
@click.version_option(__version__, prog_name="zoo")
def group() -> None:
    """Classic neural networks, from the perceptron to small transformers, behind one interface."""


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit with its code: 0, 1 failed, 2 usage, 3 missing, 4 check failed, 130, 143."""
    arguments = sys.argv[1:] if argv is None else argv
    with ending_in_time():
        code = _run(arguments)
    sys.exit(code if isinstance(code, int) else 0)


def _run(arguments: Sequence[str]) -> object:
    """The exit code of a command, whose errors are written to stderr."""
    debug = "--debug" in arguments or os.environ.get("ZOO_DEBUG") == "1"
    escape_the_rest()
    try:
        _refuse_surroundings(arguments)
        return group.main(list(arguments), prog_name="zoo", standalone_mode=False)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f"\nsee: {context.command_path} --help" if context else ""
        _complain(f"{error.format_message()}{hint}")
        return error.exit_code
    except click.Abort:
        echo("interrupted", err=True)
        return 130
    except ZooError as error:
        if debug:
            raise
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        said, code = _explained(error)
        _complain(said)
        return code


def _refuse_surroundings(arguments: Sequence[str]) -> None:
    """What no command can work with, said before any begins.

    Raises:
        UsageError: the current folder is gone, or an argument is not UTF-8.
    """
    try:
        here = os.getcwd()  # noqa: PTH109  a string, to look at its letters
    except OSError as error:
        raise UsageError("the current folder is not there any more\ngo to another one with cd") from error
    for what, text in [("the current folder", here), *(("the argument", argument) for argument in arguments)]:
        if not is_utf8(text):
            raise UsageError(f"{what} {text!r} is not UTF-8\nrename it; names are written into files, which are UTF-8")


def _explained(error: Exception) -> tuple[str, int]:
    """What an error that nobody expected means to a user, and the exit code: a file, the memory, or a fault of ours."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot use {error.filename}: {error.strerror}\nis it there, of the right kind, and yours to use?", 2
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":
        return "the memory is full\ntake a smaller batch (--batch-size), smaller inputs or a smaller network", 1
    name = type(error).__name__
    return f"{name}: {error}\nthis is a fault of zoo; repeat with --debug for the whole story", 1


def _complain(text: str) -> None:
    """Write an error to stderr; of words that no line can hold, the beginning and the end."""
    text = escaped(text, lines=True)
    echo("error: " + re.sub(r"\S{400,}", lambda word: f"{word[0][:60]}...{word[0][-20:]}", text), err=True)
