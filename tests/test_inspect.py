"""The layer table: totals, arithmetic that adds up, receptive fields, nested and shared layers."""

import ast
import operator
from functools import partial

import pytest

from zoo.catalogue import registry
from zoo.catalogue.inspect import graph, layer_rows, skeleton

OPERATORS = {ast.Add: operator.add, ast.Mult: operator.mul}


def value(text):
    """Work out an expression of whole numbers, +, * and brackets."""

    def walk(node):
        if isinstance(node, ast.BinOp):
            return OPERATORS[type(node.op)](walk(node.left), walk(node.right))
        return node.value

    return walk(ast.parse(text, mode="eval").body)


def assert_adds_up(model):
    rows = layer_rows(model)
    assert sum(row["params"] for row in rows) == model.count_params()
    for row in rows:
        if row["params"]:
            assert value(row["arithmetic"]) == row["params"], row
    return {row["name"]: row for row in rows}


@pytest.mark.parametrize("name", registry.list_models())
def test_every_model_adds_up(name):
    assert_adds_up(skeleton(partial(registry.build, name)))


def test_lenet_row_by_row():
    rows = assert_adds_up(registry.build("lenet"))
    assert rows["C3"] == {
        "name": "C3",
        "type": "Conv2D",
        "shape": "10x10x16",
        "params": 2416,
        "arithmetic": "(5*5*6 + 1)*16",
        "field": 14,
    }
    # 5; 5 + 1; 6 + 4*2; 14 + 2: windows in steps of 1, 1, 2, 2 pixels
    assert [rows[name]["field"] for name in ("C1", "S2", "C3", "S4")] == [5, 6, 14, 16]
    assert rows["C5"]["field"] is None


def test_attention_between_equal_sizes_is_four_dense_layers():
    rows = assert_adds_up(registry.build("transformer.encoder"))
    assert rows["encoder_1_attention"]["arithmetic"] == "4*(128 + 1)*128"


def test_many_kinds_of_layers_add_up():
    import keras
    from keras import layers

    words = keras.Input((12,))
    x = layers.Embedding(50, 8)(words)
    x = layers.Bidirectional(layers.LSTM(5, return_sequences=True), name="both")(x)
    x = layers.LayerNormalization()(x)
    x = layers.MultiHeadAttention(2, 4, name="heads")(x, x)
    x = layers.GRU(6, return_sequences=True, name="gru")(x)
    x = layers.TimeDistributed(layers.Dense(3))(x)
    x = layers.SimpleRNN(4, use_bias=False, name="rnn")(x)
    rows = assert_adds_up(keras.Model(words, x))
    assert rows["both"]["arithmetic"] == "2*(4*(5*(5 + 8) + 5))"
    assert rows["heads"]["arithmetic"] == " + ".join(["(10 + 1)*8"] * 3) + " + (8 + 1)*10"
    assert rows["gru"]["arithmetic"] == "3*(6*(6 + 10) + 2*6)"
    assert rows["rnn"]["arithmetic"] == "4*(4 + 3)"

    image = keras.Input((32, 32, 6))
    x = layers.Conv2D(8, 3, strides=2, groups=2, use_bias=False, name="grouped")(image)
    x = layers.BatchNormalization()(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.DepthwiseConv2D((3, 5), dilation_rate=2, name="depth")(x)
    x = layers.SeparableConv2D(7, 3)(x)
    x = layers.Conv2DTranspose(4, 3)(x)
    rows = assert_adds_up(keras.Model(image, layers.GlobalAveragePooling2D()(x)))
    assert rows["grouped"]["arithmetic"] == "3*3*3*8"  # each filter sees the 3 channels of its group
    assert rows["depth"]["field"] == "11x19"  # 3 + 2*2*2 and 3 + 2*4*2


def nested():
    import keras
    from keras import layers

    inside = keras.Input((8, 8, 1))
    first = layers.Conv2D(4, 3, padding="same", name="first")(inside)
    x = layers.Add(name="sum")([first, layers.Conv2D(4, 3, padding="same", name="second")(first)])
    twice = layers.Dense(4, name="twice")
    inner = keras.Model(inside, twice(twice(x)), name="inner")
    raw = keras.Input((8, 8, 1), name="raw")
    return keras.Model(raw, layers.Flatten()(inner(layers.Rescaling(1 / 255)(raw))), name="outer")


def test_nested_models_are_opened_and_shared_weights_counted_once():
    model = nested()
    rows = layer_rows(model)
    assert [row["name"] for row in rows if row["type"] == "Dense"] == ["inner/twice", "inner/twice"]
    assert [row["params"] for row in rows if row["type"] == "Dense"] == [20, 0]
    assert sum(row["params"] for row in rows) == model.count_params()
    assert next(row["field"] for row in rows if row["name"] == "inner/sum") == 5  # the longer way counts


def test_graph_gives_each_call_after_its_sources():
    inner = nested().get_layer("inner")
    seen = set()
    for node in graph(inner):
        assert set(node.sources) <= seen
        seen.add(node.key)
    total = next(node for node in graph(inner) if node.layer.name == "sum")
    assert total.sources == [("first", 0), ("second", 0)]
    assert ("twice", 1) in seen


def test_subclassed_model_is_listed():
    import keras
    import numpy as np

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = keras.layers.Dense(3), keras.layers.Dense(2)
            self.scale = self.add_weight(shape=(5,))

        def call(self, x):
            return self.b(self.a(x))

    model = Own()
    model(np.zeros((1, 4)))
    rows = layer_rows(model)
    assert [row["params"] for row in rows] == [15, 8, 5]
    assert rows[-1]["name"] == "(own weights)"


def test_custom_layer_explains_itself():
    import keras

    class Ternary(keras.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(3, 2))

        def call(self, x):
            return x

        def parameter_arithmetic(self):
            return "3*2 = 6"

    assert layer_rows(keras.Sequential([keras.Input((4,)), Ternary()]))[0]["arithmetic"] == "3*2"


def test_what_is_seen_behind_the_layers_of_our_own():
    """Shortcuts and local response normalisation hand on what is seen; the published fields of AlexNet."""
    seen = {row["name"]: row["field"] for row in layer_rows(skeleton(partial(registry.build, "resnet.20")))}
    assert seen["conv2_block3_out"] == 3 + 6 * 2
    assert seen["conv3_block3_out"] == seen["conv2_block3_out"] + 2 + 5 * 4
    assert seen["conv4_block3_out"] == seen["conv3_block3_out"] + 4 + 5 * 8
    seen = {row["name"]: row["field"] for row in layer_rows(skeleton(partial(registry.build, "alexnet.2012")))}
    names = ("conv1a", "pool1a", "conv2b", "pool2b", "conv3a", "conv4b", "conv5a", "pool5b")
    assert [seen[name] for name in names] == [11, 19, 51, 67, 99, 131, 163, 195]
