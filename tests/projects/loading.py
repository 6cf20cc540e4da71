"""Load networks in a process that imports zoo alone: `python loading.py DIR NAME ...`, with their inputs in DIR."""

import sys
from pathlib import Path

import numpy as np

import zoo

folder, *names = sys.argv[1:]
with np.load(Path(folder) / "inputs.npz") as arrays:
    inputs = {name: arrays[name] for name in arrays.files}
for name in names:
    model = zoo.load_model(Path(folder) / f"{name}.keras")
    np.save(Path(folder) / f"{name}.again.npy", model.predict(inputs.get("x", inputs), verbose=0))
