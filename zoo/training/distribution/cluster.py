"""Which worker of how many this process is: read from TF_CONFIG, or from what Slurm tells a step's tasks.

Nothing here needs TensorFlow, so a mistake in TF_CONFIG is answered at once.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.errors import UsageError

EXAMPLE = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
LAUNCHED = "ZOO_LAUNCHED"  # set for the workers that `zoo launch` starts
FIRST_PORT, PORTS = 20000, 20000  # of a Slurm step: chosen by job number, so that two jobs on a node differ


@dataclass(frozen=True)
class Cluster:
    """The addresses of all workers, and which of them this process is; the first one, the chief, writes the run."""

    workers: tuple[str, ...]
    index: int

    @property
    def chief(self) -> bool:
        """Whether this process keeps the run directory; no other leaves files."""
        return self.index == 0

    def name(self, index: int) -> str:
        """`worker 1 (host2:2222)`."""
        return f"worker {index} ({self.workers[index]})"

    def resume_command(self, folder: object) -> str:
        """What goes on with the run in `folder`: one command where `zoo launch` started it, else one on each worker."""
        if LAUNCHED in os.environ:
            return f"zoo launch {len(self.workers)} -- run --resume {folder}"
        return f"zoo run --resume {folder}   (on every worker)"

    def tf_config(self) -> str:
        """What TF_CONFIG says on this worker."""
        return json.dumps({"cluster": {"worker": list(self.workers)}, "task": {"type": "worker", "index": self.index}})


def find(strategy: str, environ: Mapping[str, str] = os.environ) -> Cluster | None:
    """The cluster that a run with this `--strategy` is part of; None: it runs in this process alone.

    Raises:
        UsageError: TF_CONFIG is not what it should be, or `multi-worker` is asked for and nothing says who the
            workers are.
    """
    if strategy not in ("auto", "multi-worker"):
        return None
    cluster = from_tf_config(environ["TF_CONFIG"]) if environ.get("TF_CONFIG") else from_slurm(environ)
    if cluster and (strategy == "multi-worker" or len(cluster.workers) > 1):
        return cluster
    if strategy == "multi-worker":
        raise UsageError(
            "--strategy multi-worker: nothing says who the workers are (no TF_CONFIG, no Slurm step)\n"
            "try it on this machine with: zoo launch 2 -- run ...   (on several: see scripts/cluster)"
        )
    return None


def from_tf_config(text: str) -> Cluster:
    """The cluster in TF_CONFIG; a task of type `chief` comes before the workers.

    Raises:
        UsageError: not JSON, or not a cluster of workers with a task in it.
    """
    try:
        config = json.loads(text)
        wrong, cluster = _read(config)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        wrong, cluster = str(error) if isinstance(error, ValueError) else "it is not a table of cluster and task", None
    if cluster is None:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise UsageError(f"TF_CONFIG={shown}: {wrong}\nit should read like {EXAMPLE}\nor unset TF_CONFIG to run alone")
    return cluster


def _read(config: Any) -> tuple[str, Cluster | None]:
    """What is wrong, or the cluster."""
    jobs, task = config["cluster"], config["task"]
    strange = sorted(set(jobs) - {"chief", "worker"})
    if strange:
        return f"the zoo knows workers (and a chief), not {', '.join(strange)}", None
    lists = {job: tuple(jobs.get(job, ())) for job in ("chief", "worker")}
    workers = lists["chief"] + lists["worker"]
    bad = [a for a in workers if not _is_address(a)]
    if bad or not workers or len(set(workers)) < len(workers):
        return f"not an address HOST:PORT: {bad[0]!r}" if bad else "it names no workers, or one of them twice", None
    job, index = task["type"], int(task["index"])
    if job not in lists or not 0 <= index < len(lists[job]):
        return f"there is no task {job} {index} in its cluster", None
    return "", Cluster(workers, index + (len(lists["chief"]) if job == "worker" else 0))


def _is_address(text: Any) -> bool:
    found = re.fullmatch(r"[^\s:]+:(\d{1,5})", text) if isinstance(text, str) else None
    return found is not None and 1 <= int(found[1]) <= 65535


def from_slurm(environ: Mapping[str, str]) -> Cluster | None:
    """The cluster of a Slurm step, one worker a task; None outside of a step, or in a step of one task.

    Raises:
        UsageError: a variable of Slurm is missing or makes no sense.
    """
    try:
        return _slurm_step(environ)
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"what Slurm says of this step cannot be read: {type(error).__name__}: {error}\n"
            "start it with srun, or unset SLURM_STEP_NUM_TASKS to run alone"
        ) from error


def _slurm_step(environ: Mapping[str, str]) -> Cluster | None:
    if int(environ.get("SLURM_STEP_NUM_TASKS", 1)) < 2:
        return None
    port = FIRST_PORT + int(environ["SLURM_JOB_ID"]) % PORTS
    hosts = expand_hosts(environ["SLURM_STEP_NODELIST"])
    counts = expand_counts(environ["SLURM_STEP_TASKS_PER_NODE"])
    workers = [f"{host}:{port + k}" for host, count in zip(hosts, counts, strict=True) for k in range(count)]
    return Cluster(tuple(workers), int(environ["SLURM_PROCID"]))


def expand_hosts(text: str) -> list[str]:
    """`n[01-02,5],m` -> n01, n02, n5, m."""
    hosts = []
    for prefix, ranges in re.findall(r"([^,\[]+)(?:\[([^\]]+)\])?", text):
        for item in ranges.split(","):
            low, _, high = item.partition("-")
            numbers = range(int(low), int(high or low) + 1) if low else [""]
            hosts += [f"{prefix}{str(number).zfill(len(low))}" for number in numbers]
    return hosts


def expand_counts(text: str) -> list[int]:
    """`2(x3),1` -> 2, 2, 2, 1."""
    return [int(n) for n, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text) for _ in range(int(times or 1))]
