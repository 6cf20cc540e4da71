"""Several processes that train as one, on one machine or many: how they meet, agree, and part.

All of them run the same program over the same rows. What each must do alike (the next call's number of steps, whether
to save, whether to stop) is agreed on first, for a worker that goes another way leaves the others waiting for ever.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import tensorflow as tf

from zoo.cluster import Cluster
from zoo.errors import MissingError, ZooError

PEER_SECONDS = 45.0  # with the start of TensorFlow, an absent peer is known within a minute


@cache
def join(cluster: Cluster) -> tf.distribute.Strategy:
    """Wait for all workers and be one of them. Must come before any computation of TensorFlow in this process.

    A peer that does not come ends this process after PEER_SECONDS (or as many as ZOO_PEER_SECONDS says) with exit
    code 3: TensorFlow itself would wait for ever, deaf to signals.
    """
    watchdog = threading.Timer(float(os.environ.get("ZOO_PEER_SECONDS", PEER_SECONDS)), _give_up, [cluster])
    watchdog.daemon = True
    watchdog.start()
    spec = tf.train.ClusterSpec({"worker": list(cluster.workers)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        spec, task_type="worker", task_id=cluster.index, rpc_layer="grpc"
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    agree(strategy, 0.0)
    watchdog.cancel()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):  # TensorFlow has taken SIGTERM for itself
            signal.signal(number, signal.getsignal(number))
    return strategy


def _give_up(cluster: Cluster) -> None:
    absent = [cluster.name(i) for i in range(len(cluster.workers)) if i != cluster.index and not _answers(cluster, i)]
    missing = f"no answer from {', '.join(absent)}" if absent else "the workers do not come together"
    sys.stderr.write(
        f"error: {cluster.name(cluster.index)}: {missing}\nare all workers started, and may they connect?\n"
    )
    sys.stderr.flush()
    os._exit(MissingError.exit_code)


def _answers(cluster: Cluster, index: int) -> bool:
    host, _, port = cluster.workers[index].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0):
            return True
    except OSError:
        return False


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
    """Say which worker was lost, where TensorFlow says that a collective operation failed.

    Raises:
        ZooError: a worker is gone, and the run with it.
    """
    try:
        yield
    except (tf.errors.OpError, RuntimeError) as error:
        if cluster is None:
            raise
        remedy = f"go on with the same command and --resume {folder}" if folder else "the chief says how to go on"
        raise ZooError(f"{_loss(cluster, str(error))}\n{remedy}") from error


def _loss(cluster: Cluster, text: str) -> str:
    others = [i for i in range(len(cluster.workers)) if i != cluster.index]
    lost = [i for i in others if not _answers(cluster, i)]
    named = [int(i) for i in re.findall(r"/job:worker/(?:replica:\d+/)?task:(\d+)", text)]
    print("DEBUG", lost, named, text[:2000], file=sys.stderr)
    lost = lost or sorted({i for i in named if i in others})
    return f"lost {', '.join(cluster.name(i) for i in lost) or 'a worker'}"
