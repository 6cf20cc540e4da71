"""Several inputs and several heads: what recipes may say, what is minimised, and that all of it goes through."""

import json
from itertools import product

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from PIL import Image

from zoo import tasks
from zoo.catalogue import metrics
from zoo.data.sources.generated import read as generated
from zoo.errors import UsageError
from zoo.recipe import load_recipe, resolve
from zoo.recipe.resolve import model_spec
from zoo.recipe.rules import metric_names
from zoo.runs.directory import load
from zoo.tasks.objective import HeadsObjective, Objective, Part, example_loss
from zoo.training import checkpoint, loop
from zoo.training.fit import Fit

RENDERED = True
SMALL = [
    "data.train=240", "data.test=60", "knobs.filters=[4,4]", "knobs.image_units=8", "knobs.joint_units=8",
    "training.batch_size=32",
]  # fmt: skip


def small(model="two_towers", sets=(), epochs=2):
    known = {"two_towers.numbers": SMALL[:2] + SMALL[4:]}.get(model, SMALL)
    return resolve(model, "blocks", [*known, *sets], {"epochs": epochs})[0]


def refused(*sets, model="two_towers", dataset="blocks"):
    with pytest.raises(UsageError) as error:
        resolve(model, dataset, sets)
    return str(error.value)


# --- recipes


def test_every_head_logs_its_loss_and_metrics_and_the_sum_is_the_loss():
    recipe = small()
    heads = ["sort_loss", "sort_accuracy", "mass_loss", "mass_mae"]
    assert metric_names(recipe) == ["loss", *heads, "val_loss", *(f"val_{name}" for name in heads)]
    assert metrics.find("val_sort_accuracy").higher_is_better
    assert not metrics.find("val_mass_mae").higher_is_better


def test_a_model_is_built_from_the_inputs_and_targets_of_the_recipe():
    spec = model_spec(small(sets=["preprocessing.inputs.picture.resize=[12,12]"]))
    offers = tasks.of(spec).offers(spec)
    assert offers["input_shapes"] == {"picture": (12, 12, 1), "measures": (2,)}
    assert offers["heads"] == {"sort": (6, "softmax"), "mass": (1, "linear")}


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("data.targets.mass.loss=hinge", "data: targets.mass: loss hinge does not fit regression; one of mse, mae"),
        ("data.targets.sort.scale=2", "data: targets.sort: scale is for values; classes have none"),
        ("data.targets.mass.task=forecast", "unknown task of a head 'forecast'"),
        ("data.targets.mass.weight=0", "data.targets.mass.weight: input should be greater than 0"),
        ("data.targets.picture={task='regression'}", "'picture' is an input and a target; names differ"),
        ("data.targets.naive={task='regression'}", "naive_mae is the name of a metric already"),
        ("data.kind=image", "inputs stand in tables data.inputs.NAME"),
        ("data.num_classes=3", "targets stand in tables data.targets.NAME"),
        ("data.task=classification", "task = 'classification' is for one target"),
        ("training.loss=mse", "training.loss: each of several targets has its own; set data.targets.NAME.loss"),
        ("preprocessing.rescale=255", "each of several inputs has its own steps; set preprocessing.inputs.NAME"),
        ("preprocessing.inputs.pictures.rescale=255", "preprocessing.inputs.pictures: no such input"),
        ("preprocessing.inputs.measures.resize=[4,4]", "preprocessing.inputs.measures.resize: is for images"),
        ("callbacks.checkpoint.monitor=val_accuracy", "one of loss, sort_loss, sort_accuracy, mass_loss, mass_mae"),
        ("data.examples_a_class=3", "examples_a_class have no meaning for multi-task"),
    ],
)
def test_what_a_recipe_of_several_may_not_say_is_named(said, what):
    assert what in refused(said)


def test_a_network_for_one_target_does_not_take_several_and_the_other_way_round():
    assert "lenet takes image, blocks is mixed" in refused(model="lenet")
    assert "two_towers does multi-task, digits is classification" in refused(dataset="digits")


def test_a_recipe_with_one_input_keeps_its_words():
    with pytest.raises(UsageError, match=r"data\.input_shape needs at least 1 item"):
        resolve("lenet", "digits", ["data.input_shape=[]"])


# --- what is minimised


def test_the_loss_is_the_weighted_sum_of_the_heads_losses_worked_out_by_hand():
    """Cross-entropy -ln 0.8 and -ln 0.5, weight 2; squared error of (30 - 10) / 10 and 0, weight 0.5."""
    objective = HeadsObjective({
        "sort": Part(Objective(example_loss("sparse_categorical_crossentropy"), []), weight=2.0),
        "mass": Part(Objective(example_loss("mse"), [keras.metrics.MeanAbsoluteError(name="mae")]), 0.5, 10.0),
    })  # fmt: skip
    y = {"sort": np.array([0, 1]), "mass": np.array([[10.0], [5.0]], "float32")}
    outputs = {"sort": np.array([[0.8, 0.2], [0.5, 0.5]], "float32"), "mass": np.array([[30.0], [5.0]], "float32")}
    entropies = -np.log([0.8, 0.5])
    assert np.asarray(objective.values(y, outputs)) == pytest.approx(2 * entropies + 0.5 * np.array([4, 0]), rel=1e-6)
    objective.count(y, outputs)
    found = objective.results()
    assert found["sort_loss"] == pytest.approx(entropies.mean(), rel=1e-6)
    assert (found["mass_loss"], found["mass_mae"]) == (pytest.approx(2.0), pytest.approx(10.0))  # mae in its own units


def test_a_head_without_weight_in_the_sum_hardly_learns():
    scores = {}
    for weight in (1e-6, 1.0):
        fit = Fit(*_with_data(small("two_towers.numbers", [f"data.targets.mass.weight={weight}"], epochs=6)))
        fit()
        scores[weight] = fit.evaluate(fit.splits.test).metrics
    assert scores[1.0]["mass_mae"] < 0.7 * scores[1e-6]["mass_mae"]


def _with_data(recipe):
    return recipe, tasks.load(recipe.data, recipe.dataset)


# --- the generated blocks


def test_blocks_are_the_same_each_time_and_weigh_what_their_outline_says():
    data = load_recipe("blocks").data
    first, again = generated("blocks", data), generated("blocks", data)
    assert all((first.train.inputs[name] == again.train.inputs[name]).all() for name in data.inputs)
    quiet = generated("blocks", data.model_copy(update={"options": {"noise": 0.0}})).train
    area = (quiet.inputs["picture"] == 200).sum(axis=(1, 2, 3)) * 0.25
    height, density = quiet.inputs["measures"].T
    assert quiet.targets["mass"] == pytest.approx(area * height * density, rel=1e-5)
    assert ((density > 0.9) == (quiet.targets["sort"] >= 3)).all()
    assert not (first.train.inputs["measures"][:10] == first.test.inputs["measures"][:10]).any()


def test_outlines_have_their_areas():
    """A disc of radius r has pi r^2, a square 2 r^2, a triangle 3 sqrt(3) / 4 r^2; the means are in that relation."""
    data = load_recipe("blocks").data
    quiet = generated("blocks", data.model_copy(update={"options": {"noise": 0.0}})).train
    area, outline = (quiet.inputs["picture"] == 200).sum(axis=(1, 2, 3)), quiet.targets["sort"] % 3
    disc, square, triangle = (area[outline == i].mean() for i in range(3))
    assert square / disc == pytest.approx(2 / np.pi, rel=0.05)
    assert triangle / disc == pytest.approx(3 * 3**0.5 / 4 / np.pi, rel=0.08)


def test_other_names_of_inputs_are_refused():
    with pytest.raises(UsageError, match="has the inputs picture and measures and the targets sort and mass"):
        data = load_recipe("blocks").data
        generated("blocks", data.model_copy(update={"inputs": {"image": data.inputs["picture"]}}))


# --- training


class Die(Exception):
    pass


class DieAt(keras.callbacks.Callback):
    def __init__(self, box, calls):
        super().__init__()
        self.box, self.calls = box, calls

    def on_train_batch_end(self, batch, logs=None):
        self.calls -= 1
        if self.calls == 0:
            self.box[0].save()
            raise Die


def test_a_run_goes_on_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "MOST_STEPS_A_CALL", 2)
    recipe = small(sets=["knobs.dropout=0.3", "augmentation.shift=2", "callbacks.checkpoint={monitor='val_mass_mae'}"])
    splits = tasks.load(recipe.data, "blocks")
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = Fit(recipe, splits, tmp_path / "whole")
    whole()
    box = []
    box.append(Fit(recipe, splits, tmp_path / "cut", [DieAt(box, 3)]))
    with pytest.raises(Die):
        box[0]()
    resumed = Fit(recipe, splits, tmp_path / "cut")
    resumed(checkpoint.newest(tmp_path / "cut" / "checkpoints")[0])
    for one, other in zip(whole._variables()["model"], resumed._variables()["model"], strict=True):
        assert (np.array(one) == np.array(other)).all()
    assert {k: v for k, v in whole.history.items() if k != "seconds"} == {
        k: v for k, v in resumed.history.items() if k != "seconds"
    }


def test_each_tower_alone_knows_less_than_both():
    """The material hangs on the density, the outline on the picture."""
    sets = ["data.train=1000", "training.learning_rate=0.005"]
    accuracy = {}
    for model in ("two_towers", "two_towers.numbers", "two_towers.pictures"):
        fit = Fit(*_with_data(small(model, sets, epochs=6)))
        fit()
        accuracy[model] = fit.evaluate(fit.splits.test).metrics["sort_accuracy"]
    assert accuracy["two_towers"] > accuracy["two_towers.numbers"]
    assert accuracy["two_towers"] > accuracy["two_towers.pictures"]
    assert accuracy["two_towers.numbers"] < 0.55  # one outline of three
    assert accuracy["two_towers.pictures"] < 0.7  # one material of two


# --- own data


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Grey squares: `shade` is how light they are, `kind` whether they are light, `width` beside them."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "pictures").mkdir()
    random, lines = np.random.default_rng(0), ["photo,width,kind,shade"]
    for i in range(60):
        shade, width = int(random.integers(0, 256)), round(float(random.uniform(1, 3)), 2)
        Image.fromarray(np.full((8, 8, 3), shade, "uint8")).save(folder / "pictures" / f"{i}.png")
        lines.append(f"pictures/{i}.png,{width},{'light' if shade > 127 else 'dark'},{shade * 10}")
    (folder / "squares.csv").write_text("\n".join(lines))
    return folder / "squares.csv"


def test_a_table_with_pictures_and_labels_is_described(table):
    data = tasks.from_path(table, "kind,shade")
    assert data.inputs["photo"].input_shape == (8, 8, 3)
    assert data.inputs["numbers"].feature_names == ("width",)
    assert (data.targets["kind"].task, data.targets["kind"].class_names) == ("binary", ("dark", "light"))
    assert (data.targets["shade"].task, data.targets["shade"].scale) == ("regression", 100.0)
    splits = tasks.load(data, "squares")
    assert [len(part) for part in splits] == [43, 5, 12]
    shade = splits.test.inputs["photo"].mean(axis=(1, 2, 3))
    assert splits.test.targets["shade"] == pytest.approx(10 * shade)
    assert ((shade > 127) == splits.test.targets["kind"]).all()


def test_labels_of_a_table_without_pictures_become_heads_unless_all_are_flags(tmp_path):
    rows = [f"{i},{i % 3},{i / 7:.3f},{i % 2},{(i + 1) % 2}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,kind,value,odd,even", *rows]))
    data = tasks.from_path(tmp_path / "t.csv", "kind,value")
    assert {name: one.task for name, one in data.targets.items()} == {"kind": "classification", "value": "regression"}
    assert not tasks.from_path(tmp_path / "t.csv", "odd,even").targets  # several labels of one target


def broken(table, tmp_path, old, new):
    copy = table.parent / f"{tmp_path.name}.csv"
    copy.write_text(table.read_text().replace(old, new))
    return copy


@pytest.mark.parametrize(
    ("old", "new", "label", "what"),
    [
        ("pictures/7.png", "pictures/none.png", "kind,shade", "line 9, column 'photo': there is no picture"),
        ("pictures/7.png", "", "kind,shade", "has missing cells: line 9, column 'photo'"),
        ("width", "width", "kind,shape", "unknown column of .* 'shape'"),
        ("width", "width", "photo", "column 'photo' holds pictures, it cannot be the label"),
    ],
)
def test_bad_tables_are_refused_by_name(table, tmp_path, zoo_cli, old, new, label, what):
    said = zoo_cli("run", "two_towers", "--data", str(broken(table, tmp_path, old, new)), "--label", label)
    assert said.code == 2
    assert len(said.err.strip().splitlines()) <= 3
    with pytest.raises(UsageError, match=what):
        tasks.from_path(broken(table, tmp_path, old, new), label)


def test_a_class_outside_and_an_image_that_is_none_are_refused(table, tmp_path):
    data = tasks.from_path(table, "kind,shade")
    path = broken(table, tmp_path, "light", "bright")
    with pytest.raises(UsageError, match="column 'kind': 'bright' is not one of the classes"):
        tasks.load(data.model_copy(update={"source": f"csv:{path}"}), "squares")
    (table.parent / "no.png").write_text("no picture")
    path = broken(table, tmp_path, "pictures/7.png", "no.png")
    with pytest.raises(UsageError, match=r"no.png \(no PNG, JPEG"):
        tasks.load(data.model_copy(update={"source": f"csv:{path}"}), "squares")


def test_files_named_by_the_row_stand_for_a_column(table, tmp_path):
    import tomllib

    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    (table.parent / "rows.txt").write_text("\n".join(f"{width} {shade}" for _, width, _, shade in rows))
    recipe = f"""
title = "squares"
[data]
source = "csv:{table.parent}/rows.txt"
train = 60
test_share = 0.2
[data.inputs.photo]
kind = "image"
input_shape = [8, 8, 1]
input_dtype = "uint8"
files = "pictures/{{row}}.png"
[data.inputs.numbers]
kind = "tabular"
input_shape = [1]
feature_names = ["width"]
[data.targets.shade]
task = "regression"
"""
    from zoo.data.config import Data

    data = Data.model_validate(tomllib.loads(recipe)["data"])
    with pytest.raises(UsageError, match=r"line 60, input photo: there is no picture .*60\.png"):  # they count from 0
        tasks.load(data, "squares")


# --- the whole way


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    from zoo import run

    folder = tmp_path_factory.mktemp("run") / "one"
    recipe = resolve(
        "two_towers", "squares", ["knobs.filters=[4]", "knobs.image_units=4"], {"epochs": 2},
        data=tasks.from_path(table, "kind,shade"),
    )[0]  # fmt: skip
    run(recipe, out=folder)
    return load(folder)


def test_a_run_leaves_what_each_head_scored_on_the_whole_split(finished):
    test = finished.metrics["test"]
    assert set(test) == {"loss", "kind_loss", "kind_accuracy", "shade_loss", "shade_mae"}
    assert finished.metrics["examples_scored"] == finished.metrics["examples_in_split"] == 12
    assert test["loss"] == pytest.approx(test["kind_loss"] + test["shade_loss"], rel=1e-5)
    pages = (finished.folder / "report.html").read_text()
    for name in ("kind_confusion_matrix.png", "shade_predicted_actual.png", "learning_curves.png"):
        assert (finished.folder / name).exists()
    assert "kind accuracy" in pages
    assert "not drawn" not in (finished.folder / "report.html").read_text()


def test_it_predicts_on_a_table_of_paths_with_and_without_labels(finished, table, zoo_cli, tmp_path):
    said = zoo_cli("predict", str(finished.folder), str(table), "--json")
    rows = json.loads(said)
    assert len(rows) == 60
    assert set(rows[0]["heads"]) == {"kind", "shade"}
    assert rows[0]["heads"]["kind"]["prediction"] in ("dark", "light")
    assert sum(rows[0]["heads"]["kind"]["probabilities"].values()) == pytest.approx(1)
    bare = table.parent / "bare.csv"
    bare.write_text("\n".join(",".join(line.split(",")[1::-1]) for line in table.read_text().splitlines()))
    again = json.loads(zoo_cli("predict", str(finished.folder), str(bare), "--json"))
    assert [row["heads"] for row in again] == [row["heads"] for row in rows]
    assert "shade" in zoo_cli("predict", str(finished.folder), str(bare))
    test = tasks.load(finished.recipe.data, "squares").test
    said = finished.predict(test.inputs)
    sure = finished.model.predict(test.inputs, verbose=0)["kind"][:, 0]
    assert [row["heads"]["kind"]["prediction"] for row in said] == np.where(sure >= 0.5, "light", "dark").tolist()


def test_predicting_names_the_column_that_is_missing(finished, table, zoo_cli):
    bad = table.parent / "bad.csv"
    bad.write_text(table.read_text().replace("width", "breadth"))
    said = zoo_cli("predict", str(finished.folder), str(bad))
    assert (said.code, "'width'" in said.err) == (2, True)


def test_it_scores_again_and_its_recipe_repeats_it(finished, zoo_cli):
    scored = json.loads(zoo_cli("eval", str(finished.folder), "--json"))
    for name, value in finished.metrics["test"].items():
        assert scored["metrics"][name] == pytest.approx(value, rel=1e-5)
    assert zoo_cli("run", str(finished.folder / "recipe.toml"), "--dry-run").code == 0


def test_it_is_published_and_loads_again(finished, tmp_path, zoo_cli):
    assert zoo_cli("publish", str(finished.folder), str(tmp_path / "out")).code == 0
    from zoo.pretrained.published import load as load_published

    x = {name: array[:3] for name, array in tasks.load(finished.recipe.data, "squares").test.inputs.items()}
    one, other = finished.model.predict(x, verbose=0), load_published(str(tmp_path / "out")).model.predict(x, verbose=0)
    assert all(np.allclose(one[name], other[name], rtol=1e-4) for name in one)
    assert "a dict of raw inputs" in (tmp_path / "out" / "README.md").read_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [("keras", ".keras"), ("savedmodel", ".savedmodel"), ("onnx", ".onnx"), ("litert", ".tflite")],
)
def test_it_is_exported_and_each_head_is_compared(finished, kind, suffix, tmp_path, zoo_cli):
    for package in {"litert": ("ai_edge_litert",), "onnx": ("onnxruntime", "tf2onnx")}.get(kind, ()):
        pytest.importorskip(package)
    said = zoo_cli("export", str(finished.folder), "--format", kind, "--out", str(tmp_path / f"net{suffix}"))
    assert (said.code, said.err[:300] if said.code else "") == (0, "")


def test_no_script_is_written_and_the_reason_is_said(tmp_path, zoo_cli):
    said = zoo_cli("eject", "two_towers", "blocks", str(tmp_path / "script"))
    assert said.code == 2
    assert "several inputs or heads" in said.err


@pytest.mark.parametrize(("model", "stream"), product(["two_towers"], ["off", "on"]))
def test_pictures_from_disk_give_the_same_numbers(table, model, stream, request):
    data = tasks.from_path(table, "kind,shade").model_copy(update={"stream": stream})
    recipe = resolve(model, "squares", ["knobs.filters=[4]"], {"epochs": 2}, data=data)[0]
    splits = tasks.load(recipe.data, "squares")
    assert hasattr(splits.train.inputs["photo"], "blocks") == (stream == "on")
    fit = Fit(recipe, splits)
    fit()
    kept = request.config.stash.setdefault(KEPT, {})
    kept[stream] = (fit.history["loss"], fit.evaluate(splits.test).metrics)
    assert len({str(value) for value in kept.values()}) == 1


KEPT = pytest.StashKey()
