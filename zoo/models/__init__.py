"""The architectures: one file a family, each with its records and its builders. Imports no framework.

    from zoo.models import lenet
    model = lenet(input_shape=(28, 28, 1))        # a plain, uncompiled keras.Model

A builder's knobs are keyword arguments that all have defaults; without any it gives the network whose
parameter count stands in its record. `input_shape` is one example without the batch axis; `num_classes` and
`classifier_activation` make the output layer: `num_classes` softmax units, one "sigmoid" unit for two classes,
one "linear" unit for a number. A builder lacks a knob that could have one value only.
"""

from zoo.models.lenet import lenet, lenet_1998
from zoo.models.linear import linear
from zoo.models.mlp import mlp
from zoo.models.perceptron import perceptron, perceptron_1958, perceptron_hinge, perceptron_sigmoid

__all__ = [
    "lenet",
    "lenet_1998",
    "linear",
    "mlp",
    "perceptron",
    "perceptron_1958",
    "perceptron_hinge",
    "perceptron_sigmoid",
]
