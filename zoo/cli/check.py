"""`zoo check NAME...`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from zoo.catalogue.registry import ModelRecord, describe, list_models
from zoo.cli.console import err, out, print_json, table
from zoo.errors import UsageError, VerificationError, unknown

if TYPE_CHECKING:
    from zoo.checks import Result

Target = ModelRecord | Callable[..., Any]


@click.command(
    epilog="""\b
Examples:
  zoo check lenet mlp
  zoo check 'perceptron*'
  zoo check all                    every entry of the catalogue
  zoo check mypkg.mymod:build      your own builder, found from the current folder
Next: zoo show NAME, zoo run NAME DATASET"""
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--debug", is_flag=True, help="Show the whole traceback of an error.")
def command(names: tuple[str, ...], as_json: bool, debug: bool) -> None:
    """Put builders through the common protocol: parameter count, gradients, overfitting, saving and the rest.

    NAME is an entry of the catalogue, a glob, all, or MODULE:FUNCTION for a builder of your own, a function that
    returns a keras.Model when called without arguments. Exit code 4 when a check fails.
    """
    targets = [target for name in names for target in _targets(name)]
    _start_keras()
    from zoo.checks import run_protocol

    done: dict[str, list[Result]] = {}
    for name, target in targets:
        if not as_json:
            err.print(f"checking {name} ...")
        done[name] = run_protocol(target)
        if not as_json:
            _show(name, done[name])
    if as_json:
        print_json([{"model": name, "checks": [vars(result) for result in results]} for name, results in done.items()])
    _verdict(done)


def _targets(name: str) -> list[tuple[str, Target]]:
    if ":" in name:
        return [(name, _own_builder(name))]
    found = list_models("*" if name == "all" else name)
    return [(each, describe(each)) for each in found or [name]]


def _own_builder(name: str) -> Target:
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  a string, as sys.path wants it
    _start_keras()
    try:
        module = import_module(module_name)
    except Exception as error:
        raise UsageError(f"cannot import {module_name!r}: {type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(f"builder in {module_name}", attribute, functions, f"it has: {', '.join(functions) or 'none'}")
    builder = getattr(module, attribute)
    if not callable(builder):
        raise UsageError(f"{name} is a {type(builder).__name__}, not a function that returns a keras.Model")
    records = [describe(each) for each in list_models()]
    return next((record for record in records if record.builder is builder), builder)


def _start_keras() -> None:
    from zoo.training.environment import import_keras, prepare

    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        prepare()
        logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it finds many small trainings suspicious
    else:
        import_keras()


def _show(name: str, results: list[Result]) -> None:
    grid = table("check", "result", "seen", title=name)
    for result in results:
        grid.add_row(result.name, "ok" if result.passed else "FAILED", result.detail)
    out.print(grid)


def _verdict(done: dict[str, list[Result]]) -> None:
    failed = [f"{name}: {result.name}" for name, results in done.items() for result in results if not result.passed]
    total = sum(len(results) for results in done.values())
    if failed:
        raise VerificationError(f"{len(failed)} of {total} checks failed\n{', '.join(failed)}")
    err.print(f"all {total} checks passed")
