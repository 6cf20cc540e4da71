"""A `.keras` file and the code of its layers in a process of its own, where zoo cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import ZooError
from zoo.files import private_folder

SCRIPT = """
import sys
from pathlib import Path

sys.modules["zoo"] = None  # an import of it fails
folder, file, layers, pieces = sys.argv[1:]
sys.path.insert(0, str(Path(layers).parent))
__import__(Path(layers).stem)

import keras
import numpy as np

model = keras.saving.load_model(file, compile=False, safe_mode=True)
for number in range(int(pieces)):
    with np.load(f"{folder}/given{number}.npz") as given:
        x = dict(given) if isinstance(model.input, dict) else given[given.files[0]]
    outputs = keras.tree.flatten(model.predict(x, verbose=0))
    np.savez(f"{folder}/said{number}.npz", *[np.asarray(output, "float32") for output in outputs])
"""


def outputs(file: Path, layers: Path, pieces: Sequence[Any]) -> list[list[np.ndarray]]:
    """What a file's network, loaded without zoo, makes of each piece: its outputs, one array each.

    Raises:
        ZooError: it does not load or run there; the last line of what Python says.
    """
    with private_folder() as folder:
        for number, piece in enumerate(pieces):
            np.savez(folder / f"given{number}.npz", **(piece if isinstance(piece, dict) else {"x": piece}))
        words = [str(folder), str(file.absolute()), str(layers.absolute()), str(len(pieces))]
        done = subprocess.run(  # -P: the folder of the caller is not on the path
            [sys.executable, "-P", "-c", SCRIPT, *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ZooError((done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1])
        found = []
        for number in range(len(pieces)):
            with np.load(folder / f"said{number}.npz") as said:
                found.append([said[name] for name in said.files])
        return found
