"""Seconds an epoch on texts: zoo, Keras and PyTorch take turns; tokens a second, padding, the wait for input."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.contenders import take_turns
from benchmarks.text_cases import TEXT_CASES, Arrays, TextCase, draw, inputs, trim
from zoo import tasks
from zoo.cli.console import err, out, table

TITLES = {
    "zoo": "zoo",
    "zoo_unmasked": "zoo, no mask",
    "keras": "(a) Keras fit, no mask",
    "keras_masked": "(a) Keras fit, masked",
    "torch": "(b) PyTorch loop, no mask",
    "torch_masked": "(b) PyTorch loop, masked",
}


def measure(
    cases: list[str], rounds: int, examples: int, torch_python: str | None, why_no_torch: str
) -> dict[str, Any]:
    """Every case, one after the other; the contenders of a case alternate."""
    found = {}
    for case in (TEXT_CASES[name] for name in cases):
        arrays, source = make(case, examples)
        err.print(f"{case.title}: {rounds} rounds")
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data.npz"
            np.savez(data, **arrays)
            rows = take_turns(_commands(case, data, torch_python), rounds, case.aims)
        rows |= {name: {"why_not": why_no_torch} for name in case.contenders if name not in rows}
        tokens = sum(np.count_nonzero(array) for array in inputs(arrays).values())
        padded = sum(array.size for array in inputs(arrays).values())
        found[case.name] = {
            "title": case.title,
            "data": source,
            "examples": len(arrays["y"]),
            "tokens": int(tokens),
            "padding": 1 - tokens / padded,
            "lengths": [array.shape[1] for array in inputs(arrays).values()],
            "contenders": rows,
        }
    return found


def make(case: TextCase, examples: int) -> tuple[Arrays, str]:
    """Whole batches of the case's recipe's training texts, cut to their longest, or of drawn ones; and which."""
    count = min(examples, case.examples) // case.batch * case.batch
    if case.recipe:
        from zoo import data
        from zoo.recipe import load_recipe

        recipe = load_recipe(case.recipe).data
        if data.status(recipe).ready:
            x, y = tasks.load(recipe, case.recipe).train
            rows = np.random.default_rng(0).permutation(len(y))[:count]
            names = x if isinstance(x, dict) else {"x": x}
            return trim({name: array[rows] for name, array in {**names, "y": y}.items()}), case.recipe
    return trim(draw(case, count)), "drawn"


def _commands(case: TextCase, data: Path, torch_python: str | None) -> dict[str, list[str]]:
    pythons = {"zoo": sys.executable, "keras": sys.executable, "torch": torch_python}
    commands = {}
    for name in case.contenders:
        who, _, mask = name.partition("_")
        mask = mask or ("masked" if who == "zoo" else "unmasked")
        if python := pythons[who]:
            commands[name] = [python, "-m", f"benchmarks.contend_text_{who}", case.name, str(data), mask]
    return commands


def show(found: dict[str, Any]) -> None:
    """One table a case."""
    heads = (
        "",
        ">median s",
        ">pairwise",
        ">aim",
        ">CPU s",
        ">examples/s",
        ">tokens/s",
        ">padding",
        ">input",
        ">loss",
        "what",
    )
    for case in found.values():
        lengths = " and ".join(map(str, case["lengths"]))
        out.print(
            f"\n{case['title']}: {case['examples']:,} examples an epoch ({case['data']}), at most {lengths} tokens"
        )
        grid = table(*heads)
        for name, row in sorted(case["contenders"].items(), key=lambda item: list(TITLES).index(item[0])):
            if "why_not" in row:
                grid.add_row(TITLES[name], *[""] * 10, row["why_not"])
                continue
            seconds = row["median"]
            grid.add_row(
                TITLES[name],
                f"{seconds:.2f}",
                _ratio(row, "median_of_ratios"),
                f">= {row['aim']:.2f}" if "aim" in row else "",
                f"{median(row['cpu_seconds']):.2f}",
                _ratio(row, "median_of_cpu_ratios"),
                f"{case['examples'] / seconds:,.0f}",
                f"{case['tokens'] / seconds:,.0f}",
                f"{row.get('padding', case['padding']):.0%}",
                f"{row['input_seconds'] / seconds:.1%}" if "input_seconds" in row else "",
                f"{row['loss']:.4f}",
                row["about"],
            )
        out.print(grid)
    out.print("pairwise: seconds over the zoo's, the median of the rounds' own ratios; tokens/s: real ones, no padding")
    out.print("CPU s: what the process computed; with one core (taskset -c 0) this also holds on a busy machine")
    out.print("input: an epoch's batches planned and gathered by themselves, over an epoch's seconds")


def _ratio(row: dict[str, Any], key: str) -> str:
    return f"{row[key]:.2f}" if key in row else ""
