"""Contenders: processes that stay alive and train an epoch in turn, and how their times are put beside the zoo's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from zoo.cli.console import err
from zoo.errors import ZooError

SCRIPTS = Path(__file__).resolve().parent.parent
_STARTED: list[subprocess.Popen[str]] = []


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """A process that `end_all` ends, also where a signal comes while it starts."""
    with _signals_later():
        process = subprocess.Popen(command, text=True, env=environment(), **options)
        _STARTED.append(process)
    return process


@contextmanager
def _signals_later() -> Iterator[None]:
    """Ctrl-C and SIGTERM take effect at the end."""
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, _: came.append(number))
              for number in (signal.SIGINT, signal.SIGTERM)}  # fmt: skip
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def end_all() -> None:
    """End whatever `start` has started and still runs."""
    for process in _STARTED:
        if process.poll() is None:
            process.kill()
            process.wait()


class Contender:
    """One process that trains an epoch whenever it is asked to; `why_not` says why it cannot."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name, self.why_not = name, ""
        self.answers: list[dict[str, Any]] = []
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self.process = start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.facts = self._answer()

    def epoch(self) -> dict[str, Any]:
        """Ask for one epoch: its seconds, the process's peak memory, the mean loss."""
        assert self.process.stdin is not None
        if self.why_not:
            return {}
        self.process.stdin.write("epoch\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        self.why_not = f"failed: {words[-1] if words else 'no word'}"
        return {}

    def close(self) -> None:
        """End of its input ends the process."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
            self.process.wait(30)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
        self.process.stdout.close()
        self.errors.close()


def environment() -> dict[str, str]:
    """The contenders' environment: the same for all, the zoo and this package importable."""
    paths = os.pathsep.join([str(SCRIPTS), str(SCRIPTS.parent)])
    return os.environ | {"PYTHONPATH": paths, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


def take_turns(commands: Mapping[str, Sequence[str]], rounds: int, aims: Mapping[str, float]) -> dict[str, Any]:
    """A warm-up epoch of each, then epoch by epoch in turn: what each did, by name.

    The zoo comes first, or what else the others are held against. `aims` are seconds over its seconds, at least.

    Raises:
        ZooError: the first contender failed; any other is left out, with the reason.
    """
    contenders: list[Contender] = []
    try:
        for name, command in commands.items():
            contenders.append(Contender(name, command))
            contenders[-1].epoch()  # warm-up: tracing, compiling, first touch of the data
            _refuse_failure(contenders[-1], contenders[0])
        for number in range(rounds):
            for contender in contenders:
                contender.answers.append(contender.epoch())
            err.print(f"  round {number + 1}: " + "  ".join(_said(contender) for contender in contenders))
        _refuse_failure(contenders[0], contenders[0])
    except BaseException:
        end_all()
        raise
    finally:
        for contender in contenders:
            contender.close()
    return {c.name: _summary(c, contenders[0], aims.get(c.name)) for c in contenders}


def _refuse_failure(contender: Contender, first: Contender) -> None:
    """Without the first one there is nothing to compare; another contender is left out."""
    if contender.why_not and contender is first:
        raise ZooError(f"the contender {contender.name} {contender.why_not}")
    if contender.why_not:
        err.print(f"  {contender.name} {contender.why_not}")


def _said(contender: Contender) -> str:
    return f"{contender.name} {contender.answers[-1].get('seconds', float('nan')):.3f} s"


def _summary(contender: Contender, first: Contender, aim: float | None) -> dict[str, Any]:
    if contender.why_not:
        return {"why_not": contender.why_not}
    seconds, cpu = _column(contender, "seconds"), _column(contender, "cpu_seconds")
    summary = contender.facts | {
        "seconds": seconds,
        "median": median(seconds),
        "cpu_seconds": cpu,
        "peak_mib": contender.answers[-1]["peak_mib"],
        "loss": contender.answers[-1]["loss"],
        "accuracy": contender.answers[-1].get("accuracy"),
    }
    if contender is not first:
        ours = _column(first, "seconds")
        summary |= {
            "ratio_of_medians": median(seconds) / median(ours),
            "median_of_ratios": _pairwise(seconds, ours),
            "median_of_cpu_ratios": _pairwise(cpu, _column(first, "cpu_seconds")),
        }
    return summary if aim is None else summary | {"aim": aim}


def _column(contender: Contender, key: str) -> list[float]:
    return [answer[key] for answer in contender.answers]


def _pairwise(theirs: list[float], ours: list[float]) -> float:
    return median(a / b for a, b in zip(theirs, ours, strict=True))
