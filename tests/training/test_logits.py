"""A finished network's loss, from what goes into its last activation: true also where it is surely wrong."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras

from zoo import tasks
from zoo.catalogue.registry import build
from zoo.data.config import Data
from zoo.data.examples import Examples
from zoo.runs import job
from zoo.training.evaluation import make_evaluate, make_predict, make_score
from zoo.training.logits import with_logits

DENSE = {
    "softmax": (Data(source="x:y", kind="tabular", task="classification", input_shape=(6,), num_classes=4, train=9), 4),
    "sigmoid": (Data(source="x:y", kind="tabular", task="binary", input_shape=(6,), train=9), 1),
}


def sure_net(data, units, activation, last=None):
    """A network whose logits go far beyond what probabilities can say."""
    inputs = keras.Input((6,), name="raw")
    inside = keras.Input((6,))
    start = keras.initializers.RandomNormal(stddev=30.0, seed=1)
    if last is None:
        x = keras.layers.Dense(units, activation, kernel_initializer=start)(inside)
    else:
        x = last(keras.layers.Dense(units, kernel_initializer=start)(inside))
    core = keras.Model(inside, x, name="core")
    return keras.Model(inputs, core(keras.layers.Rescaling(1.0)(inputs)))


def examples(classes):
    rng = np.random.default_rng(0)
    return Examples(rng.normal(size=(700, 6)).astype("float32"), rng.integers(0, max(classes, 2), 700, "int32"))


def scored(model, data, loss, test):
    fields = tasks.of(data).fields(data)
    exact = make_score(model, data, loss, lambda forward: make_predict(forward, fields))(test)
    return exact, make_evaluate(model, data, loss, make_predict(model, fields))(test)


def true_loss(model, test):
    """The cross-entropy in double precision, by NumPy."""
    core = model.layers[-1]
    dense = next(layer for layer in core.layers if isinstance(layer, keras.layers.Dense))
    kernel, bias = (np.asarray(weight, "float64") for weight in dense.get_weights())
    z = test.x @ kernel + bias
    if z.shape[1] == 1:
        return np.logaddexp(0, np.where(test.y, -z[:, 0], z[:, 0])).mean()
    return (np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), test.y]).mean()


@pytest.mark.parametrize("last", [None, "layer"])
@pytest.mark.parametrize("activation", DENSE)
def test_the_loss_is_the_true_one_and_nothing_else_changes(activation, last):
    data, units = DENSE[activation]
    layer = keras.layers.Softmax() if activation == "softmax" else keras.layers.Activation(activation)
    model, test = sure_net(data, units, activation, layer if last else None), examples(units)
    for loss in tasks.of(data).losses[: 2 if activation == "softmax" else 1]:
        exact, cut = scored(model, data, loss, test)
        assert exact.loss_from == "logits" and cut.loss_from == "outputs"
        assert exact.metrics["loss"] == pytest.approx(true_loss(model, test), rel=1e-5)
        assert exact.metrics["loss"] > 2 * cut.metrics["loss"]  # 16.1 is the most that was ever told
        assert exact.metrics["accuracy"] == cut.metrics["accuracy"]
        if activation == "softmax":
            np.testing.assert_array_equal(exact.outputs, cut.outputs)
        else:  # alone, TensorFlow fuses it with the product before it
            np.testing.assert_allclose(exact.outputs, cut.outputs, rtol=2e-6)


def test_the_network_is_as_it_was():
    data, units = DENSE["softmax"]
    model = sure_net(data, units, "softmax")
    before, dense = model.layers[-1].get_config(), model.layers[-1].layers[-1]
    scored(model, data, "sparse_categorical_crossentropy", examples(units))
    assert dense.activation is keras.activations.softmax and model.layers[-1].get_config() == before


@pytest.mark.parametrize("loss", ["mse", "categorical_focal_crossentropy", "kl_divergence"])
def test_losses_without_such_a_form_are_computed_from_the_outputs(loss):
    data, units = DENSE["softmax"]
    exact, cut = scored(sure_net(data, units, "softmax"), data, loss, examples(units))
    assert exact.loss_from == "outputs" and exact.metrics == cut.metrics


def test_a_network_with_another_end_is_scored_by_its_outputs():
    data, _ = DENSE["sigmoid"]
    assert with_logits(sure_net(data, 1, "tanh"), "sigmoid") is None
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, "sigmoid"), keras.layers.Dropout(0.5)])
    assert with_logits(model, "sigmoid") is None


def test_heads_that_are_surely_wrong_count_what_they_should():
    """Logits 200 against 0 for the other class, 120 for a label of 0, and a value that is off by 3, divided by 10."""
    targets = {
        "sort": {"task": "classification", "num_classes": 2},
        "flag": {"task": "binary", "weight": 0.5},
        "mass": {"task": "regression", "scale": 10.0},
    }
    given = {"x": {"kind": "tabular", "input_shape": [1]}}
    data = Data.model_validate({"source": "x:y", "train": 9, "inputs": given, "targets": targets})
    raw, inside = keras.Input((1,), name="x"), keras.Input((1,), name="x")
    heads = {"sort": (2, "softmax"), "flag": (1, "sigmoid"), "mass": (1, "linear")}
    outputs = {name: keras.layers.Dense(units, end, name=name)(inside) for name, (units, end) in heads.items()}
    model = keras.Model(raw, keras.Model({"x": inside}, outputs, name="core")({"x": raw}))
    core = model.get_layer("core")
    for name, kernel in {"sort": [[200.0, 0.0]], "flag": [[120.0]], "mass": [[3.0]]}.items():
        core.get_layer(name).set_weights([np.array(kernel), np.zeros(len(kernel[0]))])
    y = {"sort": np.array([1, 0], "int32"), "flag": np.array([0, 0], "int32"), "mass": np.zeros((2, 1), "float32")}
    exact, cut = scored(model, data, "", Examples({"x": np.array([[1.0], [0.0]], "float32")}, y))
    assert (exact.loss_from, cut.loss_from) == ("logits", "outputs")
    means = {"sort": (200 + np.log(2)) / 2, "flag": (120 + np.log(2)) / 2, "mass": 0.09 / 2}
    for name, mean in means.items():
        assert exact.metrics[f"{name}_loss"] == pytest.approx(mean, rel=1e-6)
    assert exact.metrics["loss"] == pytest.approx(means["sort"] + 0.5 * means["flag"] + means["mass"], rel=1e-6)
    assert cut.metrics["sort_loss"] < 17
    assert exact.metrics["sort_accuracy"] == cut.metrics["sort_accuracy"] == 0.5


def test_one_layer_behind_two_outputs_has_no_logits_of_each():
    inputs, dense = keras.Input((2,)), keras.layers.Dense(1, "sigmoid")
    model = keras.Model(inputs, {"a": dense(inputs), "b": dense(-inputs)})
    assert with_logits(model, {"a": "sigmoid", "b": "sigmoid"}) is None
    assert with_logits(model, {"c": "sigmoid"}) is None


CLASSIFIERS = [
    "mlp",
    "perceptron",
    "lenet",
    "lenet.1998",
    "vgg.small",
    "gru",
    "transformer.encoder",
    "transformer.decoder",
]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_catalogue_s_classifiers_have_logits(name):
    assert with_logits(build(name), "sigmoid" if name == "gru" else "softmax") is not None


@pytest.mark.parametrize(
    ("model", "dataset", "sets"),
    [
        ("mlp", "iris", ()),
        ("perceptron.sigmoid", "moons", ()),
        ("lstm", "stdlib", ("data.train=20000", "data.text.vocab_size=60", "knobs.units=[8]")),
    ],
)
def test_a_run_says_what_its_losses_come_from_and_eval_agrees_to_the_digit(model, dataset, sets, tmp_path, zoo_cli):
    outcome = job.run(model, dataset, sets=sets, smoke=True, out=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["loss_from"] == "logits"
    for part in ("test", "validation"):
        again = json.loads(zoo_cli("eval", tmp_path / "run", "--split", part, "--json"))
        assert again["loss_from"] == "logits"
        assert {k: again["metrics"][k] for k in outcome.metrics[part]} == outcome.metrics[part]
