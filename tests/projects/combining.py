"""Somebody's project: two builders inside one functional network, nothing subclassed. `python combining.py DIR`."""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

import zoo

digits = load_digits()
images = np.kron(digits.images, np.ones((1, 4, 4)))[..., None] / 16  # (n, 32, 32, 1)
sums = digits.images.sum(axis=1) / 64  # (n, 8): how much ink is in each column
x = {"image": images, "columns": sums}

image, columns = keras.Input((32, 32, 1), name="image"), keras.Input((8,), name="columns")
seen = zoo.build("lenet", num_classes=32, classifier_activation="relu")(image)  # (batch, 32)
counted = zoo.build("mlp", input_shape=(8,), hidden_units=(16,), num_classes=8, classifier_activation="relu")(columns)
digit = keras.layers.Dense(10, activation="softmax", name="digit")(keras.layers.Concatenate()([seen, counted]))
model = keras.Model({"image": image, "columns": columns}, digit)

keras.utils.set_random_seed(0)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit({name: array[:1200] for name, array in x.items()}, digits.target[:1200], epochs=5, verbose=0)
model.save(f"{sys.argv[1]}/combined.keras")
outputs = model.predict({name: array[1200:] for name, array in x.items()}, verbose=0)
np.save(f"{sys.argv[1]}/combined.npy", outputs)
print("combined", (outputs.argmax(axis=1) == digits.target[1200:]).mean())
