"""The common protocol: what every entry of the catalogue, or a builder of your own, has to hold.

    results = run_protocol(describe("lenet"))      # or run_protocol(my_builder)
    assert all(result.passed for result in results)

Each check is a function of a `Subject` that returns what it saw or raises `CheckError`; CHECKS names them in order. It
runs on any Keras backend. To add one that concerns some models only, return "does not apply: ..." for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo import tasks
from zoo.catalogue.registry import ModelRecord
from zoo.checks.learning import gradients, initial_loss, overfits
from zoo.checks.outputs import batch_of_one, causality, mixed_precision, padding
from zoo.checks.structure import builds, no_lambda, parameter_count, saves, two_in_one
from zoo.checks.subject import CheckError, Subject
from zoo.errors import unknown

if TYPE_CHECKING:
    import keras

Check = Callable[[Subject], str]
CHECKS: dict[str, Check] = {
    "parameter count": parameter_count,
    "gradients": gradients,
    "initial loss": initial_loss,
    "overfits": overfits,
    "save and load": saves,
    "batch of one": batch_of_one,
    "two in one": two_in_one,
    "padding": padding,
    "causality": causality,
    "no Lambda": no_lambda,
    "mixed precision": mixed_precision,
}


@dataclass(frozen=True)
class Result:
    """Outcome of one check: its name, whether it held, and what was seen."""

    name: str
    passed: bool
    detail: str


def run_protocol(target: ModelRecord | Callable[..., keras.Model], seed: int = 0) -> list[Result]:
    """Put one architecture through every check, in order; when it does not even build, that is the only result.

    Args:
        target: a record of the catalogue, or any function that returns a `keras.Model` when called without arguments.
        seed: of initial weights and the random batch.
    """
    if isinstance(target, ModelRecord):
        subject = Subject(target.builder, target.params, target.defaults.get("loss"), seed, target.trial)
    else:
        subject = Subject(target, seed=seed)
    results = [_run("builds", builds, subject)]
    if isinstance(target, ModelRecord):
        results += [_run("record", lambda _: known_tasks(target), subject)]
    if all(result.passed for result in results):
        results += [_run(name, check, subject) for name, check in CHECKS.items()]
    return results


def known_tasks(record: ModelRecord) -> str:
    """Every task of the record is one that is known, of the zoo or of a plug-in."""
    if wrong := [name for name in record.tasks if name not in tasks.names()]:
        raise CheckError(str(unknown("task", wrong[0], tasks.names())))
    return ", ".join(record.tasks)


def _run(name: str, check: Check, subject: Subject) -> Result:
    try:
        return Result(name, True, check(subject))
    except CheckError as failure:
        return Result(name, False, str(failure))
    except Exception as error:  # the builder is a stranger's: whatever it raises is a finding
        line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        return Result(name, False, f"{type(error).__name__}: {line}")
