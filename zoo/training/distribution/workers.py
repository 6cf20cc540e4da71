"""Several processes that train as one, on one machine or many: how they meet, agree, and part.

All of them run the same program over the same rows. What each must do alike (the next call's number of steps, whether
to save, whether to stop) is agreed on first, for a worker that goes another way leaves the others waiting for ever.
"""

from __future__ import annotations

import faulthandler
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import tensorflow as tf

from zoo.errors import ZooError
from zoo.native_output import quiet_ending
from zoo.training.distribution.cluster import Cluster
from zoo.training.distribution.meeting import answers, meet, peer_seconds
from zoo.training.signals import asking_to_stop

DYING_SECONDS = 5.0  # how long a worker that is gone may still seem to answer
LINGER_SECONDS = 3.0  # before leaving a run that lost a worker, so that the others do not take this one for lost


@cache
def join(cluster: Cluster) -> tf.distribute.Strategy:
    """Wait for all workers and be one of them. Must come before any computation of TensorFlow in this process.

    TensorFlow itself waits for an absent worker for ever, deaf to signals and with Python locked up. So all meet over
    plain sockets first; what goes wrong after that ends the process with a traceback, and a signal ends it at once.

    Raises:
        MissingError: a worker did not come in time.
    """
    meet(cluster)
    quiet_ending()
    with _ending_at_once():
        faulthandler.dump_traceback_later(peer_seconds(), exit=True)
        spec = tf.train.ClusterSpec({"worker": list(cluster.workers)})
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type="worker", task_id=cluster.index, rpc_layer="grpc"
        )
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
        agree(strategy, 0.0)
        faulthandler.cancel_dump_traceback_later()
    return strategy


@contextmanager
def _ending_at_once() -> Iterator[None]:
    """While it lasts, signals are the system's: Python would not hear of them. TensorFlow takes SIGTERM for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_DFL) for number in asking_to_stop()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def agree(strategy: tf.distribute.Strategy, value: float) -> float:
    """The largest of the workers' values, the same on each of them; without workers the value itself."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return value
    return float(tf.reduce_max(_gatherer(strategy)(tf.constant([value], "float64"))))


@cache
def _gatherer(strategy: tf.distribute.Strategy) -> tf.types.experimental.PolymorphicFunction:
    @tf.function
    def gather(value: tf.Tensor) -> tf.Tensor:
        return strategy.gather(strategy.run(tf.identity, args=(value,)), axis=0)  # (replicas,)

    return gather


@contextmanager
def loss_named(cluster: Cluster | None, folder: Path | None) -> Iterator[None]:
    """Say which worker was lost, where TensorFlow says that an operation over all of them failed.

    Raises:
        ZooError: a worker is gone, and with it what the others were about to compute.
    """
    try:
        yield
    except (tf.errors.OpError, RuntimeError) as error:
        if cluster is None:
            raise
        lost = _lost(cluster, str(error))
        time.sleep(LINGER_SECONDS)
        remedy = f"\ngo on with: {cluster.resume_command(folder)}" if folder and cluster.chief else ""
        raise ZooError(f"lost {lost}{remedy}") from error


def _silent(cluster: Cluster) -> list[int]:
    """Those that do not answer; a process that was killed may take connections for a moment longer than it lives."""
    others = [i for i in range(len(cluster.workers)) if i != cluster.index]
    deadline = time.monotonic() + DYING_SECONDS
    while not (silent := [i for i in others if not answers(cluster, i)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    return silent


def _lost(cluster: Cluster, text: str) -> str:
    """Those that TensorFlow's text names and that do not answer; the text names others too, and they leave as well."""
    silent = _silent(cluster)
    named = {int(i) for i in re.findall(r"/job:worker/(?:replica:\d+/)?task:(\d+)", text)}
    lost = [i for i in silent if i in named] or silent
    return ", ".join(cluster.name(i) for i in lost) or f"touch with the other workers: {text.strip().splitlines()[0]}"
