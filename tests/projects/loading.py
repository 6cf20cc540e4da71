"""Load a network in a process that imports zoo alone: `python loading.py MODEL.keras INPUTS.npz`."""

import sys

import numpy as np

import zoo

model = zoo.load_model(sys.argv[1])
with np.load(sys.argv[2]) as arrays:
    inputs = {name: arrays[name] for name in arrays.files}
np.save(sys.argv[1].replace(".keras", ".again.npy"), model.predict(inputs.get("x", inputs), verbose=0))
