"""How a contender takes its turns: a line `epoch` on stdin asks for one epoch, a line of JSON on stdout answers.

Only the standard library here: every contender's interpreter reads it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path


class Turns:
    """Waits for its turn, holds the clock, answers. Whatever else prints to stdout goes to stderr instead."""

    def __init__(self) -> None:
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.begun = self.begun_cpu = 0.0

    def ready(self, about: str, facts: dict[str, float] | None = None) -> None:
        """Everything is built; `about` says with what, `facts` what else was measured."""
        self._say({"about": about, **(facts or {})})

    def wait(self) -> None:
        """Sleep until the next epoch is asked for, then start the clock; the end of stdin ends the process."""
        if sys.stdin.readline().strip() != "epoch":
            sys.exit(0)
        self.begun, self.begun_cpu = time.perf_counter(), time.process_time()

    def done(self, loss: float, accuracy: float | None = None) -> None:
        """Stop the clock and answer; `loss` is the epoch's mean, to see that the contender does learn."""
        seconds, cpu = time.perf_counter() - self.begun, time.process_time() - self.begun_cpu
        facts = {"seconds": seconds, "cpu_seconds": cpu, "peak_mib": peak_mib(), "loss": float(loss)}
        self._say(facts if accuracy is None else {**facts, "accuracy": accuracy})

    def _say(self, facts: dict[str, object]) -> None:
        print(json.dumps(facts), file=self.answers, flush=True)


def peak_mib() -> float:
    """The most memory this process ever held, in MiB.

    On Linux from /proc: getrusage counts what the parent held when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
