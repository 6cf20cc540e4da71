"""Somebody's project: a builder as it is, and a layer of the zoo in their own network. `python borrowing.py DIR`."""

import sys

import keras
import numpy as np
from sklearn.datasets import load_digits

from zoo.layers import Subsampling
from zoo.models import lenet

digits = load_digits()
x = np.pad(np.kron(digits.images, np.ones((1, 3, 3)))[..., None], [(0, 0), (4, 4), (4, 4), (0, 0)]) / 16
x_train, y_train, x_test, y_test = x[:1200], digits.target[:1200], x[1200:], digits.target[1200:]  # (n, 32, 32, 1)

own = keras.Sequential(
    [
        keras.Input((32, 32, 1)),
        keras.layers.Conv2D(8, 5, activation="relu"),
        Subsampling(),  # LeNet-5's own pooling, with a weight and a bias a map
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
keras.utils.set_random_seed(0)
for name, model in {"lenet": lenet(input_shape=(32, 32, 1), num_classes=10), "own": own}.items():
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x_train, y_train, epochs=5, verbose=0)
    model.save(f"{sys.argv[1]}/{name}.keras")
    outputs = model.predict(x_test, verbose=0)
    np.save(f"{sys.argv[1]}/{name}.npy", outputs)
    print(name, (outputs.argmax(axis=1) == y_test).mean())
