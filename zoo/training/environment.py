"""Start TensorFlow quietly and in a known state, whatever the user's keras.json and environment say."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from zoo.errors import MissingError, UsageError
from zoo.native_output import quiet_stderr

FEW_ROWS = 4


def prepare(require_gpu: bool = False) -> None:
    """Import TensorFlow and Keras with float32, channels last and the TensorFlow backend.

    Raises:
        UsageError: KERAS_BACKEND names another backend (training needs TensorFlow).
        MissingError: TensorFlow or Keras does not import; or a GPU is required and TensorFlow sees none.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UsageError(f"KERAS_BACKEND={backend}: this command runs on TensorFlow; unset KERAS_BACKEND")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it finds several models in one process suspicious
    try:
        with quiet_stderr():
            import_keras()
            import keras
            import tensorflow as tf
    except ImportError as error:
        raise MissingError(f"TensorFlow or Keras does not import: {error}\nlook with: zoo doctor") from error
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_epsilon(1e-7)  # losses clip probabilities by it
    gpus = tf.config.list_physical_devices("GPU")
    if require_gpu and not gpus:
        raise MissingError("--require-gpu: TensorFlow sees no GPU here\nlook with: zoo doctor; or leave it away")
    for device in gpus:
        _grow(device)
    if "ZOO_CPU_DEVICES" in os.environ:
        _split_cpu(os.environ["ZOO_CPU_DEVICES"])


@contextmanager
def policy_put_back() -> Iterator[None]:
    """While it lasts, a run may set the precision of new layers; behind it other code has the one that it had."""
    import keras

    before = keras.config.dtype_policy()
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _split_cpu(count: str) -> None:
    """ZOO_CPU_DEVICES=2: let TensorFlow see so many CPU devices, to try `--strategy mirrored` without GPUs."""
    import tensorflow as tf

    if not count.isdecimal() or not 1 <= int(count) <= 64:
        raise UsageError(f"ZOO_CPU_DEVICES={count}: say a number of devices from 1 to 64, or unset it")
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * int(count)
    try:
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError:  # TensorFlow runs already, and stays as it is
        return


def prepare_to_write(rows: int) -> None:
    """`prepare`, for a command that writes so many texts token by token and does nothing else.

    For a few rows TensorFlow then computes in one thread: a token is hundreds of small operations, and handing one from
    thread to thread takes longer than to do it. On two cores a transformer of 4 layers of 128 takes a third of the time
    for one row and half for four, one of 6 layers of 384 five sixths, an LSTM the same. What TF_NUM_INTRAOP_THREADS
    says is left as it is.
    """
    prepare()
    import tensorflow as tf

    if rows > FEW_ROWS or "TF_NUM_INTRAOP_THREADS" in os.environ or tf.config.list_physical_devices("GPU"):
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # TensorFlow runs already, and stays as it is
        return


def import_keras() -> None:
    """Import Keras, on whatever backend is set.

    Raises:
        UsageError: Keras finds its settings wrong; ImportError: it, or its backend, is not installed.
    """
    try:
        import keras  # noqa: F401
    except ValueError as error:
        raise UsageError(
            f"Keras does not start: {error}\nlook at the variable KERAS_BACKEND and at ~/.keras/keras.json"
        ) from error


def _grow(device: object) -> None:
    import tensorflow as tf

    try:
        tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError:  # already in use: its memory is laid out and stays so
        return
