"""float32 and bfloat16 side by side: the same network, examples and epochs, in turn; seconds, and accuracy reached."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from benchmarks.contend_precision import VALIDATED
from benchmarks.contenders import take_turns
from zoo.cli.console import err, out, table


class Case(NamedTuple):
    """A network on a dataset, and how many examples an epoch has."""

    model: str
    dataset: str
    examples: int


PRECISIONS = ("float32", "mixed_bfloat16")
CASES = (
    Case("lenet", "mnist", 12_800),
    Case("vgg.small", "cifar10", 2_560),
    Case("resnet.20", "cifar10", 2_560),
    Case("mobilenet.v2_small", "cifar10", 2_560),
    Case("vit.tiny", "cifar10", 2_560),
    Case("transformer.encoder", "sst2", 2_560),
    Case("lstm", "sst2", 2_560),
)


def measure(rounds: int, examples: int) -> dict[str, Any]:
    """Every network whose data is here; after a first epoch each that is not timed, the precisions alternate."""
    from zoo import data
    from zoo.recipe import load_recipe

    found: dict[str, Any] = {}
    for case in CASES:
        name, count = f"{case.model} on {case.dataset}", min(examples, case.examples)
        if not data.status(load_recipe(case.dataset).data).ready:
            err.print(f"precision, {name}: left out, the data is not here; zoo data prepare {case.dataset}")
            continue
        err.print(f"precision, {name}: {rounds} rounds")
        script = [sys.executable, "-m", "benchmarks.contend_precision", case.model, case.dataset]
        commands = {one: [*script, one, str(count), str(rounds + 2)] for one in PRECISIONS}  # the last never runs
        found[name] = {"examples": count, "rounds": rounds, "contenders": take_turns(commands, rounds, {})}
    return found


def show(found: dict[str, Any]) -> None:
    """One line a network."""
    out.print(f"\nfloat32 and bfloat16, an epoch; accuracy on {VALIDATED:,} validation examples after the last one")
    heads = ("network", ">examples", ">float32 s", ">bfloat16 s", ">faster by", ">processor time", ">accuracy", ">")
    grid = table(*heads)
    for name, case in found.items():
        single, half = (case["contenders"][one] for one in PRECISIONS)
        if "why_not" in half:
            grid.add_row(name, "", f"{single['median']:.2f}", half["why_not"], "", "", "", "")
            continue
        faster = [f"{1 / half[key]:.2f}x" for key in ("median_of_ratios", "median_of_cpu_ratios")]
        reached = [f"{one['accuracy']:.1%}" for one in (single, half)]
        seconds = [f"{one['median']:.2f}" for one in (single, half)]
        grid.add_row(name, f"{case['examples']:,}", *seconds, *faster, *reached)
    out.print(grid)
    out.print("faster by: the median of the rounds' ratios; accuracy: in the order of the precisions")
