"""Tokens per second of a character model that writes, with kept keys and values against the whole prefix each time."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy as np

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
    """Seconds to write LENGTH tokens a row, the two ways in turn; making the graphs is not counted."""
    from zoo.training.environment import prepare

    prepare()
    from zoo.decoding import Decoder
    from zoo.registry import build

    found: dict[str, Any] = {}
    for title, (name, knobs, batch) in CASES.items():
        err.print(f"generation: {title}")
        model = build(name, **knobs)
        ways = {"kept": Decoder(model), "prefix": Decoder(model, cached=False)}
        for decoder in ways.values():
            _write(decoder, batch, length=4)
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(min(rounds, ROUNDS)):
            for way, decoder in ways.items():
                seconds[way].append(_write(decoder, batch))
        found[title] = {"batch": batch, "seconds": seconds}
    return found


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
