"""The architecture diagram: valid, complete, nothing on top of anything else."""

import re
import xml.etree.ElementTree as ET
from functools import partial

import pytest
from tiers import DEEP, tiered

from zoo.catalogue.inspect import graph, is_model, skeleton
from zoo.catalogue.registry import build, list_models
from zoo.drawing.diagram import architecture

SVG = "{http://www.w3.org/2000/svg}"


def parsed(model):
    """Boxes as (x, y, width, height), frames alike, texts and number of edges."""
    root = ET.fromstring(architecture(model))
    rects = {kind: [] for kind in ("box", "weights", "io", "frame", "paper")}
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("class") == "paper":
            continue
        rects[rect.get("class")].append(tuple(float(rect.get(side)) for side in ("x", "y", "width", "height")))
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    edges = [path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    boxes = rects["box"] + rects["weights"] + rects["io"]
    return root, boxes, rects["frame"], texts, edges


def apart(a, b):
    return a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]


def assert_tidy(model):
    root, boxes, frames, texts, edges = parsed(model)
    width, height = float(root.get("width")), float(root.get("height"))
    for box in boxes + frames:
        assert box[0] >= 0
        assert box[1] >= 0
        assert box[0] + box[2] <= width
        assert box[1] + box[3] <= height
    for i, box in enumerate(boxes):
        assert all(apart(box, other) for other in boxes[:i])
    return boxes, frames, texts, edges


def calls(model):
    """The calls of all layers, those inside of nested models too."""
    nodes = graph(model)
    return nodes + [inner for node in nodes if is_model(node.layer) for inner in calls(node.layer)]


@pytest.mark.parametrize("name", tiered(list_models(), *DEEP))
def test_every_model_is_drawn_whole(name):
    model = skeleton(partial(build, name))
    boxes, _, texts, edges = assert_tidy(model)
    nodes = calls(model)
    assert len(boxes) == sum(not is_model(node.layer) for node in nodes)
    assert len(edges) == sum(len(node.sources) for node in nodes)
    assert texts[0] == f"{model.name}: {model.count_params():,} parameters"
    for layer in model.layers:
        assert any(layer.name.lower() in text.lower() for text in texts)


def test_lenet_says_how_its_parameters_come_about():
    texts = parsed(build("lenet"))[3]
    assert "120  ·  48,120 = (400 + 1)*120" in texts


def branched():
    import keras
    from keras import layers

    image = keras.Input((8, 8, 3), name="in")
    x = start = layers.Conv2D(8, 3, padding="same", name="stem")(image)
    for i in range(3):
        x = layers.Conv2D(8, 3, padding="same", name=f"long_name_of_conv_{i}" * (i + 1))(x)
    x = layers.Add(name="sum")([x, start])
    x = layers.Concatenate(name="join")([layers.Conv2D(4, k, padding="same", name=f"b{k}")(x) for k in (1, 3, 5)])
    inner = keras.Model(image, x, name="inner & <odd>")
    raw = keras.Input((8, 8, 3), name="raw")
    return keras.Model(raw, layers.Flatten(name="flat")(inner(raw)), name="outer")


def test_branches_and_nesting():
    boxes, frames, texts, edges = assert_tidy(branched())
    assert len(frames) == 1
    assert len(boxes) == 2 + 10  # raw, flat; in, stem, three, sum, three branches, join
    assert len(edges) == 2 + 12
    assert "inner & <odd>" in texts  # escaped in the file
    inside = [box for box in boxes if not apart(box, frames[0])]
    assert len(inside) == 10


def test_an_edge_that_passes_layers_goes_round_them():
    root, boxes, *_ = parsed(branched())
    paths = [path.get("d") for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    passing = [re.findall(r"([\d.]+) ([\d.]+)V([\d.]+)", path) for path in paths]
    (long,) = [pieces for pieces in passing if pieces]
    assert len(long) == 3  # straight down beside each of the three layers it skips
    for x, top, bottom in (map(float, piece) for piece in long):
        assert bottom - top > 0
        assert all(apart((x, top, 0, bottom - top), box) for box in boxes)


def test_subclassed_models_are_listed_without_edges():
    import keras
    import numpy as np

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = keras.layers.Dense(3), keras.layers.Dense(2)

        def call(self, x):
            return self.b(self.a(x))

    model = Own()
    model(np.zeros((1, 4)))
    boxes, _, _, edges = assert_tidy(model)
    assert (len(boxes), len(edges)) == (2, 0)
