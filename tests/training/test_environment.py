"""How TensorFlow is started for a command."""

import subprocess
import sys

THREADS = """
import os
from zoo.training.environment import prepare_to_write
import tensorflow as tf
from tensorflow.config import threading
def threads():
    return threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()
prepare_to_write(rows=5)
assert threads() == (0, 0), "as many as TensorFlow likes"
os.environ["TF_NUM_INTRAOP_THREADS"] = "2"
prepare_to_write(rows=1)
assert threads() == (0, 0), "what the user says stands"
del os.environ["TF_NUM_INTRAOP_THREADS"]
prepare_to_write(rows=1)
assert threads() == (1, 1)
tf.constant(1) + 1
prepare_to_write(rows=1)  # too late to change, and no error
"""


def test_few_rows_are_written_in_one_thread():
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
