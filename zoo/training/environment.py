"""Start TensorFlow quietly and in a known state, whatever the user's keras.json and environment say."""

from __future__ import annotations

import os

from zoo.errors import MissingError, UsageError
from zoo.quiet import quiet_stderr


def prepare() -> None:
    """Import TensorFlow and Keras with float32, channels last and the TensorFlow backend.

    Raises:
        UsageError: KERAS_BACKEND names another backend (training needs TensorFlow).
        MissingError: TensorFlow or Keras does not import.
    """
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise UsageError(f"KERAS_BACKEND={backend}: this command runs on TensorFlow; unset KERAS_BACKEND")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet_stderr():
            import keras
            import tensorflow as tf
    except ImportError as error:
        raise MissingError(f"TensorFlow or Keras does not import: {error}\nlook with: zoo doctor") from error
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    for device in tf.config.list_physical_devices("GPU"):
        _grow(device)


def _grow(device: object) -> None:
    import tensorflow as tf

    try:
        tf.config.experimental.set_memory_growth(device, True)
    except RuntimeError:  # already in use: its memory is laid out and stays so
        return
