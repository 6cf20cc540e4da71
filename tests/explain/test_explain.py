"""Maps over images and patches: against values worked out by hand, and where only one corner carries the class."""

import json

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras
from PIL import Image

import zoo
from zoo.errors import MissingError, UsageError
from zoo.explain.layers import Sight, last_with_maps, named, over_image, sights
from zoo.explain.maps import grad_cam, maps_of, occlusion, occlusion_passes
from zoo.explain.patches import cut_out, most_exciting

SIDE, CORNER = 28, 9


def corner_images(count, seed):
    """Noise everywhere; of class 1 a bright square lies in the upper left corner, of class 0 none."""
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 120, (count, SIDE, SIDE, 1)), rng.integers(0, 2, count)
    x[y == 1, 1:CORNER, 1:CORNER] += 130
    return x.astype("uint8"), y


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of lenet on such images and on those of a class 2, which are bright at the lower right."""
    folder = tmp_path_factory.mktemp("corners")
    x, y = corner_images(450, 0)
    y[::3] = 2
    x[::3] = np.random.default_rng(1).integers(0, 120, x[::3].shape)
    x[::3, -CORNER:-1, -CORNER:-1] += 130
    (folder / "data").mkdir()
    np.save(folder / "data" / "x.npy", x)
    np.save(folder / "data" / "y.npy", y)
    outcome = zoo.run("lenet", folder / "data", epochs=6, out=folder / "run", baseline=False)
    assert outcome.metrics["test"]["accuracy"] > 0.95
    return zoo.load(outcome.folder)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A picture of class 1 as a file."""
    x, y = corner_images(20, 5)
    path = tmp_path_factory.mktemp("images") / "corner.png"
    Image.fromarray(x[y == 1][0, ..., 0]).save(path)
    return path


def strongest(map_):
    """Where the map's mass has its middle, in pixels."""
    positive = np.maximum(map_, 0)
    rows, columns = np.indices(map_.shape)
    return (positive * rows).sum() / positive.sum(), (positive * columns).sum() / positive.sum()


@pytest.mark.parametrize("method", ["grad-cam", "occlusion"])
def test_the_map_lights_up_where_the_class_is(run, method):
    x, y = corner_images(40, 7)
    x = x[y == 1][:8]
    for one in run.explain(x, methods=[method]):
        assert one.label == one.answer["prediction"] == "1" and one.maps[method].shape == (SIDE, SIDE)
        peak = np.unravel_index(one.maps[method].argmax(), (SIDE, SIDE))
        assert max(peak) < CORNER + 2, f"{method} is strongest at {peak}"
        inside = np.maximum(one.maps[method], 0)[: CORNER + 2, : CORNER + 2].sum()
        assert inside > 0.7 * np.maximum(one.maps[method], 0).sum()


def tiny():
    """Two maps of a 2x2 image, 1x1 filters 1 and -2, summed by a dense layer with chosen weights, softmax of two."""
    raw = keras.Input((2, 2, 1))
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")(raw)
    scores = keras.layers.Dense(2, "softmax", use_bias=False, name="out")(keras.layers.Flatten()(maps))
    model = keras.Model(raw, scores, name="tiny")
    weights = np.zeros((8, 2), "float32")
    weights[:, 0] = [1, 0, 2, 0, 3, 0, 6, 4]  # position by position: of map 1, of map 2
    weights[:, 1] = [0, 1, 0, 1, 0, 1, 0, 1]
    model.set_weights([np.array([1, -2], "float32").reshape(1, 1, 1, 2), weights])
    return model


def test_grad_cam_is_what_the_paper_says_by_hand():
    # class 0: map 1 counts (1 + 2 + 3 + 6)/4 = 3, map 2 (0 + 0 + 0 + 4)/4 = 1: 3 x + 1 (-2 x) = x
    # class 1: map 1 counts 0, map 2 counts 1: -2 x, below 0 where x is above
    x = np.array([[1, 2], [-1, 3]], "float32").reshape(1, 2, 2, 1)
    model = tiny()
    np.testing.assert_allclose(grad_cam(model, x, 0), [[[1, 2], [0, 3]]], atol=1e-6)
    np.testing.assert_allclose(grad_cam(model, x, [1]), [[[0, 0], [2, 0]]], atol=1e-6)
    np.testing.assert_array_equal(grad_cam(model, x), grad_cam(model, x, int(model(x).numpy().argmax())))


def test_grad_cam_of_one_unit_tells_both_classes_apart():
    raw = keras.Input((2, 2, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(1, 1, use_bias=False, name="maps")(raw))
    model = keras.Model(raw, keras.layers.Dense(1, "sigmoid", use_bias=False)(pooled))
    model.set_weights([np.ones((1, 1, 1, 1)), np.full((1, 1), 8.0)])  # slope of each position 8/4
    x = np.array([[1, 0], [0, -3]], "float32").reshape(1, 2, 2, 1)
    np.testing.assert_allclose(grad_cam(model, x, 1), [[[2, 0], [0, 0]]], atol=1e-6)
    np.testing.assert_allclose(grad_cam(model, x, 0), [[[0, 0], [0, 6]]], atol=1e-6)


def test_occlusion_is_the_probability_that_is_lost():
    model = tiny()
    x = np.array([[4, 0], [0, 0]], "float32").reshape(1, 2, 2, 1)
    found = occlusion(model, x, 0, window=1, stride=1)[0]
    whole = float(model(x)[0, 0])
    for row, column in np.ndindex(2, 2):
        covered = x.copy()
        covered[0, row, column] = 1.0  # the mean of the image
        assert found[row, column] == pytest.approx(whole - float(model(covered)[0, 0]), abs=1e-6)
    assert occlusion_passes((2, 2), window=1, stride=1) == 5


def test_without_convolutions_occlusion_alone_is_drawn_and_grad_cam_refused():
    model = zoo.build("mlp", input_shape=(8, 8, 1), num_classes=3)
    x = np.random.default_rng(0).uniform(size=(2, 8, 8, 1)).astype("float32")
    assert {name: one.shape for name, one in maps_of(model, x).items()} == {"occlusion": (2, 8, 8)}
    with pytest.raises(UsageError, match=r"mlp has no convolution.*\n.*occlusion"):
        maps_of(model, x, methods=["grad-cam"])


def test_what_a_unit_sees_is_where_only_it_is_changed():
    """Behind padding, strides and pools: the slope of a unit's output is 0 outside of the pixels that are named."""
    raw = keras.Input((20, 24, 1))
    x = keras.layers.ZeroPadding2D(1)(raw)
    inside = keras.Input((22, 26, 1))
    y = keras.layers.Conv2D(2, 3, strides=2, padding="same")(inside)
    y = keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(3, 3, dilation_rate=2, name="wide")(y))
    core = keras.Model(inside, keras.layers.Conv2D(2, 2, padding="same", name="last")(y), name="core")
    model = keras.Model(raw, core(x))
    layer = named(model, "core/last")
    rng, seen = np.random.default_rng(0), sights(model, layer)
    plain = np.zeros((1, 20, 24, 1), "float32")
    touched = np.zeros((20, 24), bool)
    for _ in range(10):  # whatever is changed elsewhere, unit (1, 2) gives the same
        rows, columns = (see.pixels(unit, side) for see, unit, side in zip(seen, (1, 2), (20, 24), strict=True))
        other = plain + rng.normal(size=plain.shape).astype("float32")
        other[:, slice(*rows), slice(*columns)] = 0
        np.testing.assert_allclose(model(other)[0, 1, 2], model(plain)[0, 1, 2], atol=1e-5)
        inner = plain.copy()
        at = rng.integers(*rows), rng.integers(*columns)
        inner[0, at[0], at[1]] = 50
        touched[at] |= not np.allclose(model(inner)[0, 1, 2], model(plain)[0, 1, 2], atol=1e-5)
    assert touched.any()


def test_maps_are_laid_where_their_units_look():
    maps = np.array([[[0.0, 1.0]]])  # one row of two units
    seen = (Sight(0, 4, 4), Sight(2, 4, 4))  # middles at 4 and 8 of 12 pixels
    found = over_image(maps, seen, (4, 12))
    assert found.shape == (1, 4, 12) and (found[0, :, :4] == 0).all() and (found[0, :, 8:] == 1).all()
    np.testing.assert_allclose(found[0, 0, 4:8], [0.125, 0.375, 0.625, 0.875])
    assert over_image(maps, None, (4, 12)).shape == (1, 4, 12)


def test_patches_are_those_that_excite_most():
    model = tiny()
    x = np.zeros((300, 2, 2, 1), "float32")  # more than go through the network at once
    x[7, 1, 0], x[290, 0, 1], x[4, 0, 0] = 5, 9, -3
    found = most_exciting(model, model.get_layer("maps"), x, count=2)
    assert found.images[0].tolist() == [290, 7] and found.values[0].tolist() == [9, 5]
    assert found.images[1, 0] == 4 and found.values[1, 0] == 6
    assert (found.rows[0, 1], found.columns[0, 1]) == (1, 0)
    strips = cut_out(found, x, sights(model, model.get_layer("maps")))
    assert [patch.tolist() for patch in strips[0]] == [[[[9.0]]], [[[5.0]]]]


FLAT = ("mlp", "perceptron")  # take images as vectors


def classifiers():
    """Of each family of the catalogue the smallest network that says the class of an image by convolutions."""
    records = sorted((zoo.describe(name) for name in zoo.list_models()), key=lambda one: -one.params)
    fit = [one for one in records if "image" in one.inputs and "classification" in one.tasks]
    names = {*{one.family: one.name for one in fit if one.family not in FLAT}.values(), "lenet.1998", "resnet.20"}
    quick = ("lenet.1998", "resnet.20", "vit.tiny")
    return [pytest.param(name, marks=[] if name in quick else pytest.mark.slow) for name in sorted(names)]


@pytest.mark.parametrize("name", classifiers())
def test_every_classifier_of_images_is_explained(name):
    model = zoo.build(name, **zoo.describe(name).trial)
    layer = last_with_maps(model)
    assert len(layer.output.shape) == 4 and "pool" not in type(layer).__name__.lower()
    x = np.random.default_rng(0).uniform(size=(1, *model.input_shape[1:])).astype("float32")
    for one in (found := maps_of(model, x)).values():
        assert np.isfinite(one).all() and one.shape == x.shape[:3]
    assert list(found) == ["grad-cam", "occlusion"]


def test_the_command_says_the_answer_and_draws_it(run, image, zoo_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("explain", run.folder, image)
    assert said.code == 0 and "wrote corner-explained.png" in said.err
    assert "corner.png" in said and "1 9" in said  # class 1, over 90 %
    assert (tmp_path / "corner-explained.png").read_bytes().startswith(b"\x89PNG")
    again = zoo_cli("explain", run.folder, image)
    assert again.code == 2 and "nothing is overwritten" in again.err
    other = ("--class", "0", "--method", "occlusion", "--out", "o.png", "--json")
    told = json.loads(zoo_cli("explain", run.folder, image, image, *other))
    assert told["pictures"] == ["o.png"] and [row["class"] for row in told["answers"]] == ["0", "0"]
    assert told["answers"][0]["share"] == pytest.approx(told["answers"][0]["probabilities"]["0"], abs=1e-5)


def test_layers_are_drawn_of_an_image_and_alone(run, image, zoo_cli, tmp_path):
    maps = ("--method", "maps", "--layer", "C1", "--layer", "S2")
    said = zoo_cli("explain", run.folder, image, *maps, "--out", tmp_path)
    assert said.code == 0 and {path.name for path in tmp_path.iterdir()} == {"corner-C1-maps.png", "corner-S2-maps.png"}
    said = zoo_cli("explain", run.folder, "--layer", "C1", "--out", tmp_path)
    names = {path.name for path in tmp_path.iterdir() if path.name.startswith("lenet-")}
    assert said.code == 0 and {name.rsplit("-", 1)[1] for name in names} == {"filters.png", "patches.png"}


def test_what_was_drawn_before_something_failed_is_told(run, zoo_cli, tmp_path, monkeypatch):
    from zoo.runs import explaining

    def not_at_hand(run, layer):
        raise MissingError("the data is not at hand")

    monkeypatch.setattr(explaining, "_patches", not_at_hand)
    said = zoo_cli("explain", run.folder, "--layer", "C1", "--out", tmp_path)
    (drawn,) = tmp_path.iterdir()
    assert said.code == 3 and f"wrote {drawn}\nerror: the data is not at hand" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to explain"),
        (["gone.png"], "cannot read gone.png: no such file or folder"),
        (["IMAGE", "--class", "cat"], "unknown class of"),
        (["IMAGE", "--layer", "c33"], "did you mean C3"),
        (["IMAGE", "--layer", "F6"], "layer 'F6' of lenet"),
        (["IMAGE", "--method", "filters"], "does not go with images"),
        (["IMAGE", "--method", "occlusion", "--layer", "C1"], "occlusion looks at none"),
        (["--layer", "C3", "--class", "1"], "is of an image"),
        (["IMAGE", "--out", "nowhere"], "no such folder"),
        (["--layer", "C3", "--out", "one.png"], "2 pictures are made"),
    ],
)
def test_mistakes_are_named_in_three_lines(run, image, zoo_cli, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("explain", run.folder, *(image if argument == "IMAGE" else argument for argument in arguments))
    assert said.code == 2 and words in said.err and len(said.err.splitlines()) <= 3
    assert not list(tmp_path.iterdir())


def test_what_is_no_image_classifier_is_refused(zoo_cli, image):
    said = zoo_cli("explain", "lstm:tiny_shakespeare", image)
    assert said.code == 2 and "is no image classifier" in said.err


def test_the_report_of_an_image_classifier_shows_where_it_looks(run):
    assert (run.folder / "class_maps.png").exists()
    assert "Where it looks" in (run.folder / "report.html").read_text()


def test_occlusion_is_left_out_of_the_report_where_it_takes_long_and_all_of_it_in_a_smoke_run(run, monkeypatch):
    from zoo.report import looking
    from zoo.report.run import _of_answers
    from zoo.runs import predictions
    from zoo.tasks.task import Look

    kept = predictions.read(run)
    look = Look(run.model, run.recipe.data, str(run.recipe.training.loss), kept.test, kept.outputs, {})
    rows = [axes.get_ylabel() for axes in looking.class_maps(look).axes]
    assert "grad-cam" in rows and "occlusion" in rows
    monkeypatch.setattr(looking, "LONGEST", 0.0)
    quick = looking.class_maps(look)
    assert "occlusion would take" in quick.get_suptitle() and "occlusion" not in [a.get_ylabel() for a in quick.axes]
    assert [name for name, *_ in _of_answers(look, {"smoke": False})] == ["class_maps.png"]
    assert not list(_of_answers(look, {"smoke": True}))
