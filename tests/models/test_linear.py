import keras
import numpy as np

from zoo.catalogue.registry import describe
from zoo.models import linear


def test_learns_y_equals_x_and_predicts_five_for_five(train):
    keras.utils.set_random_seed(1)
    model = linear()
    x = np.array([[1.0], [2.0], [3.0], [4.0], [6.0]], "float32")
    train(model, x, x, "mse", keras.optimizers.SGD(describe("linear").defaults["learning_rate"]), steps=1500)
    five = keras.ops.convert_to_numpy(model(np.array([[5.0]], "float32"))).item()
    assert round(five, 2) == 5.0
    (weight,), (bias,) = (w.numpy().ravel() for w in model.weights)
    assert abs(weight - 1) < 1e-2 and abs(bias) < 3e-2
