"""`--seeds 0-4`: which seeds are meant, and what they came to."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from zoo.catalogue import metrics
from zoo.cli.console import out, print_json, table
from zoo.data.config import MOST
from zoo.errors import UsageError, ZooError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from zoo.compare.groups import Spread
    from zoo.recipe import Resolved
    from zoo.runs.seeds import Sweep, Ways

MOST_SEEDS = 100


def parsed(text: str) -> list[int]:
    """`0-4` or `0,3,7`, or both: `0-2,7`.

    Raises:
        UsageError: it is neither, a seed stands twice, or there are very many.
    """
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"([0-9]{1,10})(?:-([0-9]{1,10}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first or last > MOST:
            raise UsageError(f"--seeds {text}: say a range, 0-4, or a list, 0,3,7, of whole numbers up to {MOST:,}")
        if last - first >= MOST_SEEDS:
            raise UsageError(f"--seeds {text}: {last - first + 1:,} seeds; at most {MOST_SEEDS} at a time")
        found += range(first, last + 1)
    if len(set(found)) < len(found):
        raise UsageError(f"--seeds {text}: a seed stands twice in it")
    return found


def refuse_beside(seeds: str | None, said: dict[str, Any]) -> None:
    """What does not go with several seeds.

    Raises:
        UsageError: one of these options is given beside it.
    """
    if seeds is not None and (given := [option for option, value in said.items() if value is not None]):
        raise UsageError(f"--seeds {seeds} does not go with {given[0]}\nleave one of them away")


def train_seeds(
    recipe: Resolved, seeds: Sequence[int], out: Path | None, ways: Ways, notes: Sequence[str], as_json: bool
) -> None:
    """Train each seed, and say what they came to.

    Raises:
        Stopped: a signal came; it says how to go on. ZooError: some of the seeds failed.
    """
    from zoo.runs.seeds import train
    from zoo.training.signals import Stopped

    try:
        sweep = train(recipe, seeds, out, ways, notes)
    except Stopped as stopped:
        where, command = str(stopped).splitlines()[0], shlex.join(["zoo", *sys.argv[1:]])
        stopped.args = (f"{where}\ngo on with the same command: {command}\nseeds that are done are not trained again",)
        raise
    finish(sweep, as_json, ways.smoke)


def finish(sweep: Sweep, as_json: bool, smoke: bool) -> None:
    """Say what the seeds came to.

    Raises:
        ZooError: some of them failed.
    """
    if sweep.outcomes and as_json:
        print_json(_as_json(sweep))
    elif sweep.outcomes:
        _report(sweep, smoke)
    if sweep.failed:
        lines = "\n".join(f"seed {seed}: {why}" for seed, why in sweep.failed.items())
        raise ZooError(f"{len(sweep.failed)} of {len(sweep.failed) + len(sweep.outcomes)} seeds failed\n{lines}")


def _spreads(sweep: Sweep) -> dict[str, Spread]:
    """Of each metric that all seeds have as a number, the one that they are known by first."""
    from zoo.compare.groups import Spread

    scored = [outcome.metrics["test"] for outcome in sweep.outcomes.values()]
    names = dict.fromkeys([metrics.headline(scored[0]), *scored[0]])
    return {
        name: Spread.of([one[name] for one in scored])
        for name in names
        if all(isinstance(one.get(name), float | int) for one in scored)
    }


def _as_json(sweep: Sweep) -> dict[str, Any]:
    first = next(iter(sweep.outcomes.values()))
    return {
        "model": first.recipe.model,
        "dataset": first.recipe.dataset,
        "metric": metrics.headline(first.metrics["test"]),
        "seeds": list(sweep.outcomes),
        "test": {name: spread._asdict() for name, spread in _spreads(sweep).items()},
        "failed": {str(seed): why for seed, why in sweep.failed.items()},
        "runs": [
            {"run": str(one.folder), "seed": seed, "params": one.params, "seconds": one.seconds, **one.metrics}
            for seed, one in sweep.outcomes.items()
        ],
    }


def _report(sweep: Sweep, smoke: bool) -> None:
    spreads = _spreads(sweep)
    names = list(spreads)[:3]
    grid = table(">seed", *(f">test {name}" for name in names), ">time", "run")
    for seed, one in sweep.outcomes.items():
        values = [metrics.find(name).text(one.metrics["test"][name]) for name in names]
        grid.add_row(str(seed), *values, f"{one.seconds:,.1f} s", str(one.folder))
    for what in ("mean", "low", "high"):
        grid.add_row(what, *(metrics.find(name).text(getattr(spreads[name], what)) for name in names), "", "")
    out.print(grid)
    if smoke:
        out.print("smoke runs: the numbers mean nothing")
    first = next(iter(sweep.outcomes.values()))
    folder = shlex.quote(str(first.folder.parent))
    out.print(f"\nlook:    {first.folder}/report.html\ncompare: zoo compare {folder} RUN", markup=False)
