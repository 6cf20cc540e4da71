"""Start several workers of one run on this machine, and end all when one fails. Nothing here needs TensorFlow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import IO

from zoo.errors import UsageError
from zoo.files.names import escaped
from zoo.training.distribution.cluster import LAUNCHED, Cluster
from zoo.training.signals import asking_to_stop, heeded

GRACE_SECONDS = 20.0  # for the other workers, after one has failed: to notice, to say so and to leave
SIGNAL_SECONDS = 60.0  # for all workers, after Ctrl-C or SIGTERM: to agree, to save and to leave
LAST_LINES = 3


@dataclass
class Worker:
    """A process, and what it has said; the chief speaks for itself."""

    index: int
    process: subprocess.Popen[bytes]
    said: IO[bytes] | None

    def last_lines(self) -> list[str]:
        """The error that it ended with, else the end of what it said."""
        if self.said is None:
            return []
        self.said.seek(0)
        lines = self.said.read().decode(errors="replace").strip().splitlines()
        errors = [i for i, line in enumerate(lines) if line.startswith("error: ")]
        return lines[errors[-1] :][:LAST_LINES] if errors else lines[-LAST_LINES:]


def launch(number: int, arguments: Sequence[str]) -> int:
    """Run `zoo ARGUMENTS` as `number` workers that train as one; their exit code, the first that is not 0.

    Raises:
        UsageError: there are GPUs, but fewer than workers.
    """
    shares = gpu_shares(number, visible_gpus(os.environ))
    addresses = free_addresses(number)
    with ExitStack() as stack:
        workers = []
        for index in range(number):
            said = stack.enter_context(tempfile.TemporaryFile()) if index else None
            environ = os.environ | {"TF_CONFIG": Cluster(addresses, index).tf_config(), LAUNCHED: "1"}
            if shares:
                environ["CUDA_VISIBLE_DEVICES"] = shares[index]
            workers.append(Worker(index, _start(arguments, environ, said), said))
        stack.callback(_kill, workers)
        return _watch(workers, arguments)


def _start(arguments: Sequence[str], environ: Mapping[str, str], said: IO[bytes] | None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said and subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches the workers through this process alone, once
    )


class _Passing:
    """Passes Ctrl-C, SIGTERM and SIGHUP on to all workers; a second one ends them at once."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers, self.times = workers, 0
        for number in asking_to_stop():
            signal.signal(number, self._pass)

    def _pass(self, number: int, frame: FrameType | None) -> None:
        self.times += 1
        heeded()  # the workers end in time by themselves
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.send_signal(number if self.times == 1 else signal.SIGKILL)


def _watch(workers: Sequence[Worker], arguments: Sequence[str]) -> int:
    """Wait for all; after the first that fails the others have GRACE_SECONDS, then they are killed."""
    passing = _Passing(workers)
    first: Worker | None = None
    deadline = float("inf")
    while any(worker.process.poll() is None for worker in workers):
        time.sleep(0.1)
        failed = [worker for worker in workers if worker.process.poll()]
        if failed and first is None:
            first = failed[0]
            deadline = time.monotonic() + GRACE_SECONDS
        if passing.times:
            deadline = min(deadline, time.monotonic() + SIGNAL_SECONDS)
        if time.monotonic() > deadline:
            _kill(workers)
    first = first or next((worker for worker in workers if worker.process.poll()), None)
    return _report(workers, first, arguments) if first else 0


def _report(workers: Sequence[Worker], first: Worker, arguments: Sequence[str]) -> int:
    """Say which worker failed first and what the others said; the exit code of all."""
    code = first.process.returncode
    if code in (130, 143):  # asked to stop; the chief has said how to go on
        return code
    if code < 0:
        print(f"error: worker {first.index} was ended by {signal.Signals(-code).name}", file=sys.stderr)
    for worker in workers:
        for line in worker.last_lines() if _adds(worker, first, workers[0].process.returncode) else ():
            print(f"worker {worker.index}: {escaped(line)}", file=sys.stderr)
    if first.index == 0 and code < 0:
        print(f"go on with: zoo launch {len(workers)} -- run --resume {escaped(_place(arguments))}", file=sys.stderr)
    return code if code > 0 else 1


def _adds(worker: Worker, first: Worker, chief: int) -> bool:
    """Whether a worker's last words say more than the chief has: a mistake in the command is the same on all."""
    code = worker.process.returncode
    return code > 0 and (code != chief or (worker is first and code == 1))


def _place(arguments: Sequence[str]) -> str:
    """The run directory, if the command names one; a chief that was killed cannot say where it wrote."""
    after = dict(pairwise(arguments))
    return after.get("--out") or after.get("--resume") or "RUN   (its directory under runs/)"


def _kill(workers: Sequence[Worker]) -> None:
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.kill()
            worker.process.wait()


def free_addresses(number: int) -> tuple[str, ...]:
    """Loopback addresses with ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)


def visible_gpus(environ: Mapping[str, str], devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that a program started here would see, by what CUDA_VISIBLE_DEVICES calls them."""
    if "CUDA_VISIBLE_DEVICES" in environ:
        names = environ["CUDA_VISIBLE_DEVICES"].split(",")
        return [] if "-1" in names else [name.strip() for name in names if name.strip()]
    return [str(i) for i, _ in enumerate(sorted(devices.glob("nvidia[0-9]*")))]


def gpu_shares(number: int, gpus: Sequence[str]) -> list[str]:
    """CUDA_VISIBLE_DEVICES for each worker, as many GPUs for each; nothing where there are none.

    Raises:
        UsageError: there are fewer GPUs than workers.
    """
    if not gpus:
        return []
    each = len(gpus) // number
    if not each:
        raise UsageError(
            f"{number} workers and {len(gpus)} GPU(s): each needs one of its own; launch at most {len(gpus)},\n"
            "or hide the GPUs and use the CPU: CUDA_VISIBLE_DEVICES=-1 zoo launch ..."
        )
    return [",".join(gpus[i * each : (i + 1) * each]) for i in range(number)]
