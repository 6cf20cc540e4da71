"""The drawing functions on plain arrays: what they show, not how it looks."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from zoo.drawing.curves import learning_curves
from zoo.drawing.inside import feature_maps, filters, first_convolution, kernel_of, response
from zoo.drawing.outcome import (
    confusion_matrix,
    counts,
    mistakes,
    most_confident_mistakes,
    predicted_against_actual,
    sureness,
)
from zoo.drawing.plane import decision_boundary, fitted_curve
from zoo.drawing.style import captions, number, of, png, save
from zoo.errors import ZooError

HISTORY = {
    "loss": [1.0, 0.5, 0.3, 0.2],
    "val_loss": [0.9, 0.4, 0.45, 0.6],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_accuracy": [0.6, 0.7, 0.75, 0.7],
    "learning_rate": [0.1, 0.1, 0.05, 0.05],
    "seconds": [1.0, 1.0, 1.0, 1.0],
}


def title(figure):
    return figure.get_suptitle()


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_curves_mark_the_best_validation_epoch():
    loss, accuracy, rate = learning_curves(HISTORY).axes
    assert [axes.get_title(loc="left") for axes in (loss, accuracy, rate)] == ["loss", "accuracy", "learning rate"]
    assert labels(loss) == ["training", "validation", "best 0.4, epoch 2"]  # the smallest loss
    assert labels(accuracy)[-1] == "best 0.75, epoch 3"  # the largest accuracy
    np.testing.assert_array_equal(loss.lines[0].get_xydata()[:, 1], HISTORY["loss"])


def test_curves_leave_a_constant_rate_and_bad_values_out():
    history = {"loss": [1.0, np.nan, 0.5], "val_loss": [np.nan, 2.0, 3.0], "learning_rate": [0.1] * 3}
    figure = learning_curves(history)
    assert len(figure.axes) == 1
    assert labels(figure.axes[0])[-1] == "best 2, epoch 2"
    assert png(figure)
    assert png(learning_curves({"loss": [1.0]}))
    assert png(learning_curves({}))


def test_confusions_are_counted_by_true_row_and_predicted_column():
    y, answers = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0])
    assert counts(y, answers, 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    figure = confusion_matrix(y, answers, ["cat", "dog", "eel"])
    assert title(figure) == "3 of 5 (60.0 %) correct"
    written = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in figure.axes[0].texts}
    assert written == {(0, 0): "1", (0, 1): "1", (1, 1): "2", (2, 0): "1"}
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["cat", "dog", "eel"]


def test_a_class_that_is_never_true_has_no_recall():
    figure = confusion_matrix(np.array([0, 0]), np.array([0, 1]), ["a", "b"])
    png(figure)
    recall = figure.axes[0].child_axes[0]
    assert [t.get_text() for t in recall.get_yticklabels()] == ["50.0 %", "none"]


def test_mistakes_come_surest_first():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    y = np.array([0, 0, 0, 1])  # 1, 2 and 3 are wrong, with 0.6, 0.8 and 0.7
    assert most_confident_mistakes(y, p).tolist() == [2, 3, 1]
    figure = mistakes(np.random.default_rng(0).uniform(size=(4, 5, 5, 1)), y, p, ["no", "yes"])
    assert title(figure).startswith("wrong on 3 of 4 (75.0 %)")
    assert figure.axes[0].get_title() == "no → yes"
    assert figure.axes[0].get_xlabel() == "80.0 %"


def test_mistakes_refuse_rows_and_praise_perfection():
    p = np.array([[1.0, 0.0]])
    with pytest.raises(ValueError, match="drawn for images"):
        mistakes(np.zeros((1, 4)), np.array([1]), p)
    figure = mistakes(np.zeros((1, 4, 4, 3)), np.array([0]), p)
    assert figure.axes[0].texts[0].get_text() == "no mistakes: 1 of 1 (100.0 %) correct"


def test_scores_that_are_no_probabilities_are_not_shown_in_per_cent():
    assert sureness(np.array([[-2.5, 2.5]]), 0) == "2.5"
    assert sureness(np.array([[0.25, 0.75]]), 0) == "75.0 %"
    assert sureness(np.array([[0.00001, 0.99999]]), 0) == "over 99.9 %"


def test_regression_numbers_by_hand():
    # errors 1, -1, 0, 2: mean absolute 4/4, root mean square sqrt(6/4); R2 = 1 - 6/20, the spread being 9 + 1 + 1 + 9
    y = np.array([0.0, 2.0, 4.0, 6.0])
    figure = predicted_against_actual(y[:, None], np.array([1.0, 1, 4, 8]))
    assert title(figure) == "4 of 4 examples: mean absolute error 1, root mean square 1.225, R² 0.700"


def test_boundary_colours_the_plane_by_winner():
    x, y = np.array([[-1.0, 0], [-2, 1], [1, 0], [2, 1]]), np.array([0, 0, 1, 1])

    def predict(points):
        p = (points[:, :1] > 0).astype(float)
        return np.hstack([1 - p, p])

    figure = decision_boundary(predict, x, y, ["left", "right"])
    shades = figure.axes[0].images[0].get_array()
    assert (shades[:, 0] == shades[0, 0]).all()
    assert (shades[:, -1] == shades[0, -1]).all()
    assert not np.allclose(shades[0, 0], shades[0, -1])
    assert title(figure) == "4 of 4 (100.0 %) on their own side"
    with pytest.raises(ValueError, match="2 inputs"):
        decision_boundary(predict, np.zeros((2, 3)), y)


def test_fitted_curve_draws_the_model():
    figure = fitted_curve(lambda x: 2 * x, np.array([[1.0], [3.0]]), np.array([2.0, 6.0]))
    line = figure.axes[0].lines[0].get_xydata()
    np.testing.assert_allclose(line[:, 1], 2 * line[:, 0], rtol=1e-6)


@pytest.mark.parametrize(("shape", "shown"), [((5, 5, 1, 6), 6), ((3, 3, 3, 8), 8), ((3, 3, 4, 5), 20)])
def test_every_filter_is_shown(shape, shown):
    figure = filters(np.random.default_rng(0).normal(size=shape))
    assert sum(len(axes.images) for axes in figure.axes) == shown
    assert png(figure)


def whole_model():
    """Raw bytes -> rescaled -> a nested net whose first filters copy the middle pixel, plain and negated."""
    import keras
    from keras import layers

    inside = keras.Input((6, 6, 1))
    first = layers.Conv2D(2, 3, name="first")
    x = layers.Flatten()(layers.Activation("relu")(first(inside)))
    net = keras.Model(inside, layers.Dense(2, activation="softmax")(x), name="net")
    kernel = np.zeros((3, 3, 1, 2))
    kernel[1, 1, 0] = [1, -1]
    first.set_weights([kernel, np.zeros(2)])
    raw = keras.Input((6, 6, 1), dtype="uint8")
    return keras.Model(raw, net(layers.Rescaling(1 / 255)(raw)))


def test_maps_come_from_inside_a_nested_model_after_its_preprocessing():
    model, image = whole_model(), np.arange(0, 252, 7, dtype="uint8").reshape(6, 6, 1)
    layer = first_convolution(model)
    assert layer.name == "first"
    maps = response(model, image, layer)
    middle = image[1:-1, 1:-1, 0] / 255
    np.testing.assert_allclose(maps, np.stack([middle, -middle], axis=-1), atol=1e-6)
    figure = feature_maps(model, image)
    assert [len(axes.images) for axes in figure.axes] == [1, 1, 1]  # the image and two maps
    assert kernel_of(layer).shape == (3, 3, 1, 2)


def test_maps_of_a_sparse_convolution():
    from zoo.catalogue.registry import build

    layer = build("lenet.1998").get_layer("C3")
    assert kernel_of(layer).shape == (5, 5, 6, 16)
    assert (kernel_of(layer)[:, :, 3, 0] == 0).all()  # map 0 of C3 looks at maps 0, 1, 2 of S2 only


def test_no_convolution_is_said():
    from zoo.catalogue.registry import build

    assert first_convolution(build("mlp")) is None
    with pytest.raises(ValueError, match="no two-dimensional convolution"):
        feature_maps(build("mlp"), np.zeros((28, 28, 1)))


def test_save_is_whole_or_not_at_all(tmp_path, monkeypatch):
    figure = learning_curves(HISTORY)
    assert save(figure, tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    before = (tmp_path / "a.png").read_bytes()

    def full(descriptor):
        raise OSError(errno.EIO, "disk gone")

    monkeypatch.setattr(os, "fsync", full)  # before the new file takes the old one's name
    with pytest.raises(ZooError, match="disk gone"):
        save(figure, tmp_path / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


def test_numbers_in_sensible_digits():
    assert of(9905, 10_000) == "9,905 of 10,000 (99.05 %)"
    assert of(341, 359) == "341 of 359 (95.0 %)"
    assert [number(v) for v in (0.0312719, 1.23456, 61706, 0.0, 2.5e-7)] == [
        "0.03127",
        "1.235",
        "61,706",
        "0",
        "2.5e-07",
    ]


def test_no_display_and_no_pyplot():
    script = (
        "import sys, zoo.report.run, zoo.drawing.curves as c; from zoo.drawing.style import png;"
        "png(c.learning_curves({'loss': [1.0, 2.0]})); assert 'matplotlib.pyplot' not in sys.modules;"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=600, env={"PATH": "/usr/bin"})


def test_class_names_are_cut_and_never_read_as_formulas():
    assert captions(["$x^$", "n" * 30, "ok"], 3, longest=10) == [r"\$x^\$", "nnnnnnnnn…", "ok"]
    assert captions([], 2) == ["0", "1"]
    assert png(confusion_matrix(np.array([0, 1]), np.array([0, 1]), ["$a_{$", "b$"]))
