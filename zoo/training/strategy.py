"""Which devices a run uses."""

from __future__ import annotations

import tensorflow as tf

from zoo.errors import MissingError, UsageError


def make_strategy(name: str) -> tuple[tf.distribute.Strategy, str]:
    """The `tf.distribute` strategy for `auto`, `one` or `mirrored`, and a line that says what it runs on.

    `auto` takes all GPUs when there are several, else the one GPU, else the CPU.
    """
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored" or (name == "auto" and len(gpus) > 1):
        devices = [device.name for device in gpus] or ["/cpu:0"]
        plural = f"{len(devices)} devices" if len(devices) > 1 else "one device, so this equals --strategy one"
        return tf.distribute.MirroredStrategy(devices), f"mirrored over {plural}"
    return tf.distribute.get_strategy(), f"one device ({'GPU' if gpus else 'CPU'})"


def check_precision(precision: str) -> None:
    """Refuse a precision that the devices at hand do not compute in.

    Raises:
        MissingError: mixed_float16 without a GPU.
    """
    if precision == "mixed_float16" and not tf.config.list_physical_devices("GPU"):
        raise MissingError(
            "--precision mixed_float16 needs a GPU and there is none here\nuse --precision mixed_bfloat16 or float32"
        )


def check_batch(batch_size: int, strategy: tf.distribute.Strategy) -> None:
    """The global batch is shared out evenly.

    Raises:
        UsageError: it does not divide by the number of replicas.
    """
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        lower, upper = batch_size // replicas * replicas, (batch_size // replicas + 1) * replicas
        raise UsageError(
            f"batch size {batch_size} does not divide by {replicas} replicas; try {lower or upper} or {upper}"
        )
