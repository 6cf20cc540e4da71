"""Which devices a run uses: one, all of this machine, or those of several workers."""

from __future__ import annotations

from functools import cache

import tensorflow as tf

from zoo.errors import MissingError
from zoo.native_output import quiet_ending
from zoo.training.distribution import cluster, workers


def make_strategy(name: str) -> tuple[tf.distribute.Strategy, str]:
    """The `tf.distribute` strategy for `auto`, `one`, `mirrored` or `multi-worker`, and a line that says what it is.

    `auto` is many workers if TF_CONFIG or Slurm says so, else all GPUs when there are several, else the one GPU,
    else the CPU.

    Raises:
        UsageError: TF_CONFIG is not what it should be.
    """
    group = cluster.find(name)
    if group is not None:
        strategy = workers.join(group)
        mine = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        replicas, number = strategy.num_replicas_in_sync, len(group.workers)
        return strategy, f"{number} workers with {replicas} replicas ({mine}), this is worker {group.index}"
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = [device.name for device in gpus or tf.config.list_logical_devices("CPU")]
        return _mirrored(tuple(devices)), _mirrored_text(len(devices), "GPU" if gpus else "CPU")
    return tf.distribute.get_strategy(), f"one device ({'GPU' if gpus else 'CPU'})"


@cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """One object a process: a second one would count its reductions from the beginning, and meet those of the first."""
    quiet_ending()
    return tf.distribute.MirroredStrategy(devices)


def _mirrored_text(count: int, kind: str) -> str:
    if count > 1:
        return f"mirrored over {count} {kind} devices"
    return f"mirrored over one device ({kind}), so this equals --strategy one"


def check_precision(precision: str) -> None:
    """Refuse a precision that the devices at hand do not compute in.

    Raises:
        MissingError: mixed_float16 without a GPU.
    """
    if precision == "mixed_float16" and not tf.config.list_physical_devices("GPU"):
        raise MissingError(
            "--precision mixed_float16 needs a GPU and there is none here\nuse --precision mixed_bfloat16 or float32"
        )
