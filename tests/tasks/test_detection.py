"""Detection from the recipe to the report: digits scattered over a canvas, a small net, two epochs."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo import tasks
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.tasks.detection import SHOWN

pytest.importorskip("tensorflow")
pytest.importorskip("faster_coco_eval")

SMALL = ["data.train=60", "data.test=12", "knobs.width=0.125", "training.epochs=2", "training.batch_size=10"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return zoo.load(zoo.run("yolo.small", "scattered", sets=SMALL, out=tmp_path_factory.mktemp("runs") / "run").folder)


def test_a_run_is_known_by_its_average_precision_over_the_whole_test_split(run):
    assert list(run.metrics["test"])[:1] != [] and {"map50", "map", "loss", "box_loss"} <= set(run.metrics["test"])
    assert run.metrics["examples_scored"] == run.metrics["examples_in_split"] == 12
    assert 0 <= run.metrics["test"]["map"] <= run.metrics["test"]["map50"] <= 1
    assert {row["name"] for row in run.metrics["details"]["by_class"]} == set("0123456789")
    assert {"missed", "doubled", "wrong_class", "badly_placed", "background"} <= set(run.metrics["details"]["numbers"])
    assert {"box_loss", "confidence_loss", "class_loss", "val_box_loss"} <= set(run.history)


def test_the_parts_add_up_to_the_loss(run):
    test = run.metrics["test"]
    assert test["box_loss"] + test["confidence_loss"] + test["class_loss"] == pytest.approx(test["loss"], rel=1e-4)


def test_the_report_shows_what_was_found(run):
    assert {"detections.png", "precision_recall.png", "mistakes.png", "report.html"} <= {
        path.name for path in run.folder.iterdir()
    }


def test_boxes_come_in_pixels_of_the_file(run, tmp_path, monkeypatch):
    """An image of twice the size and half the height has the boxes of the small one, stretched the same way."""
    splits = tasks.load(run.recipe.data, "scattered")
    image = Image.fromarray(splits.test.x[0, ..., 0])
    image.save(tmp_path / "small.png")
    image.resize((192, 48), Image.Resampling.NEAREST).save(tmp_path / "wide.png")
    monkeypatch.setattr("zoo.tasks.detection.SHOWN", 0.0)  # so little trained it is not sure of anything
    small, wide = run.predict([tmp_path / "small.png", tmp_path / "wide.png"], out=tmp_path)
    assert small["boxes"] and set(small["boxes"][0]) == {"class", "confidence", "left", "top", "right", "bottom"}
    for row, (width, height) in ((small, (96, 96)), (wide, (192, 48))):
        edges = np.array([[box[edge] for edge in ("left", "top", "right", "bottom")] for box in row["boxes"]])
        assert (edges >= 0).all() and (edges <= [width, height, width, height]).all()
        assert edges[:, 2].max() > 0.8 * width and edges[:, 3].max() > 0.8 * height
        with Image.open(row["picture"]) as drawn:
            assert drawn.size == (width, height)
    with pytest.raises(UsageError, match=r"small-boxes\.png exists already"):
        run.predict(tmp_path / "small.png", out=tmp_path)


@pytest.mark.slow
def test_what_is_learnt_by_heart_is_found(tmp_path):
    """A few images over and over: nearly every object is found where it is."""
    few = ["data.train=9", "data.test=12", "training.epochs=150", "training.batch_size=8", "data.validation_share=0.1",
           "augmentation.flip=false", "augmentation.mosaic=0", "augmentation.shift=0", "augmentation.zoom=0",
           "knobs.width=0.25"]  # fmt: skip
    learnt = zoo.load(zoo.run("yolo.small", "scattered", sets=few, out=tmp_path / "run").folder)
    splits = tasks.load(learnt.recipe.data, "scattered")
    task = tasks.of(learnt.recipe.data)
    outputs = np.asarray(learnt.model(splits.train.x, training=False))
    found = task.from_outputs(splits.train, outputs, learnt.recipe.data, "yolo_logistic")
    assert found["map50"] > 0.9
    assert SHOWN < 0.5


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["preprocessing.resize=[64,64]"], "boxes would not lie around their objects"),
        (["training.loss=mse"], "does not fit a detection task; one of yolo, yolo_logistic"),
        (["data.several_labels=true"], "several_labels has no meaning for detection"),
    ],
)
def test_contradictions_are_refused(changes, told):
    with pytest.raises(UsageError, match=told):
        resolve("yolo.small", "scattered", changes)


def test_a_mosaic_is_for_images_with_boxes():
    with pytest.raises(UsageError, match=r"augmentation\.mosaic: is for images with boxes"):
        resolve("lenet", "digits", ["augmentation.mosaic=0.5"])


def test_the_answers_of_a_folder_go_into_one_csv(run, zoo_cli, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.tasks.detection.SHOWN", 0.0)
    monkeypatch.chdir(tmp_path)
    images = tasks.load(run.recipe.data, "scattered").test.x[:3, ..., 0]
    (tmp_path / "scans").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "scans" / f"{i}.png")
    said = zoo_cli("predict", run.folder, "scans", "--out", "boxes.csv")
    assert said.code == 0, said.err
    rows = list(csv.DictReader((tmp_path / "boxes.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) > 3 and {"prediction", "probability", "left", "bottom", "picture"} <= set(rows[0])
    assert {row["picture"] for row in rows} == {f"{i}-boxes.png" for i in range(3)}
    assert {row["file"] for row in rows} == {f"scans/{i}.png" for i in range(3)}
    assert all((tmp_path / row["picture"]).is_file() for row in rows)
    said = zoo_cli("predict", run.folder, "scans/0.png", "--json", "--out", "scans")
    assert len(json.loads(said)[0]["boxes"]) == len([row for row in rows if row["picture"] == "0-boxes.png"])


def test_a_net_of_boxes_does_not_fit_images_of_one_class_each_and_the_reverse():
    with pytest.raises(UsageError, match=r"yolo\.small does detection, digits is classification"):
        resolve("yolo.small", "digits")
    with pytest.raises(UsageError, match=r"models that fit scattered: yolo\.v1, yolo\.small"):
        resolve("lenet", "scattered")
