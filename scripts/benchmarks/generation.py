"""Tokens per second of a character model that writes, with kept keys and values against the whole prefix each time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from statistics import median
from typing import Any

import numpy as np

from benchmarks.contenders import environment
from zoo.cli.console import err, out, table

LENGTH = 256  # tokens written, behind a prompt of one
AIM = 5.0  # times the speed of the whole prefix each time
ROUNDS = 3  # at most: the slow way takes its time
GPT = {"max_length": 512}
LSTM = {
    "vocab_size": 69,
    "num_classes": 69,
    "classifier_activation": "softmax",
    "units": (128,),
    "return_sequences": True,
}
CASES = {  # title -> model, knobs, batch
    "transformer.decoder, 4 layers of 128, batch 1": ("transformer.decoder", GPT, 1),
    "transformer.decoder, 4 layers of 128, batch 16": ("transformer.decoder", GPT, 16),
    "transformer.baby_gpt, 6 layers of 384, batch 1": ("transformer.baby_gpt", GPT, 1),
    "lstm, 128 units, batch 1": ("lstm", LSTM, 1),
    "lstm, 128 units, batch 16": ("lstm", LSTM, 16),
}


def measure(rounds: int) -> dict[str, Any]:
    """Seconds to write LENGTH tokens a row, the two ways in turn; making the graphs is not counted.

    Each case is a process of its own; one row is written in one thread both ways, as `zoo generate` does.
    """
    found: dict[str, Any] = {}
    for title, (*_, batch) in CASES.items():
        err.print(f"generation: {title}")
        command = [sys.executable, "-m", "benchmarks.generation", title, str(min(rounds, ROUNDS))]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment())
        found[title] = {"batch": batch, "seconds": json.loads(done.stdout.splitlines()[-1])}
    return found


def measure_case(title: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, in this process."""
    from zoo.training.environment import prepare_to_write

    name, knobs, batch = CASES[title]
    prepare_to_write(batch)
    from zoo.catalogue.registry import build
    from zoo.tasks.decoding import Decoder

    model = build(name, **knobs)
    ways = {"kept": Decoder(model), "prefix": Decoder(model, cached=False)}
    for decoder in ways.values():
        _write(decoder, batch, length=4)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, decoder in ways.items():
            seconds[way].append(_write(decoder, batch))
    return seconds


def _write(decoder: Any, batch: int, length: int = LENGTH) -> float:
    started = time.perf_counter()
    decoder.generate(np.full((batch, 1), 10), length=length, seed=1, stop=None)
    return time.perf_counter() - started


def show(found: dict[str, Any]) -> None:
    """One table."""
    out.print(f"\nGeneration, {LENGTH} tokens a row")
    grid = table("", ">tokens/s, kept", ">tokens/s, whole prefix", ">times", "aim")
    for title, row in found.items():
        tokens = row["batch"] * LENGTH
        kept, prefix = (median(row["seconds"][way]) for way in ("kept", "prefix"))
        times = median(b / a for a, b in zip(row["seconds"]["kept"], row["seconds"]["prefix"], strict=True))
        grid.add_row(title, f"{tokens / kept:,.0f}", f"{tokens / prefix:,.0f}", f"{times:.1f}", f">= {AIM:g} x")
    out.print(grid)


if __name__ == "__main__":
    print(json.dumps(measure_case(sys.argv[1], int(sys.argv[2]))))
