"""A class for each pixel, from a folder of images to masks of whole images."""

import json

import numpy as np
import pytest
from PIL import Image

keras = pytest.importorskip("keras")

from zoo import tasks
from zoo.data.examples import Examples, Splits
from zoo.data.fields import VOID
from zoo.data.tiles import grid
from zoo.errors import UsageError
from zoo.recipe import resolve
from zoo.tasks.pixels import PixelObjective
from zoo.training import checkpoint, loop
from zoo.training.evaluation import make_evaluate
from zoo.training.fit import Fit

SMALL = ("knobs.filters=4", "knobs.depth=2", "data.train=16", "data.validation=4", "data.test=4")
FEW = {"epochs": 2, "batch_size": 8}


def overlap(true, said, kind):
    return 2 * ((true == kind) & (said == kind)).sum() / ((true == kind).sum() + (said == kind).sum())


def test_loss_and_metrics_by_hand():
    """Of the middle two by two pixels of a tile one is unknown; three count."""
    objective = PixelObjective((2, 2), classes=3)
    mask = np.full((1, 4, 4, 1), 2, "uint8")  # what is beside the middle says nothing here
    mask[0, 1:3, 1:3, 0] = [[0, 1], [2, VOID]]
    outputs = np.full((1, 4, 4, 3), 1 / 3, "float32")
    outputs[0, 1, 1], outputs[0, 1, 2], outputs[0, 2, 1] = [0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.1, 0.7, 0.2]
    wanted = -(np.log(0.5) + np.log(0.8) + np.log(0.2)) / 3
    assert float(objective.mean(mask, outputs)) == pytest.approx(wanted, rel=1e-6)
    objective.count(mask, outputs)
    found = objective.results()
    # said: 0, 1, 1; true: 0, 1, 2. Class 1: two said, one true, one in both. Class 2: none said, one true.
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["dice"] == pytest.approx((2 * 1 / 3 + 0) / 2) and found["iou"] == pytest.approx((1 / 2 + 0) / 2)


def test_weights_of_classes_weigh_the_loss_and_nothing_else():
    mask = np.array([0, 1, 1, VOID], "uint8").reshape(1, 2, 2, 1)
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3], [0.5, 0.5]], "float32").reshape(1, 2, 2, 2)
    plain, weighed = PixelObjective((2, 2), 2), PixelObjective((2, 2), 2, (1.0, 3.0))
    wanted = -(np.log(0.9) + 3 * np.log(0.6) + 3 * np.log(0.3)) / 7
    assert float(weighed.mean(mask, outputs)) == pytest.approx(wanted, rel=1e-6)
    for objective in (plain, weighed):
        objective.count(mask, outputs)
    found = weighed.results()
    assert {**plain.results(), "loss": 0} == {**found, "loss": 0} and found["accuracy"] == pytest.approx(2 / 3)


def test_a_smaller_output_is_held_against_the_middle_of_the_mask():
    mask = np.random.default_rng(0).integers(0, 2, (3, 12, 12, 1)).astype("uint8")
    whole = np.random.default_rng(1).dirichlet([1, 1], (3, 12, 12)).astype("float32")
    large, small = (PixelObjective((4, 4), 2).mean(mask, outputs) for outputs in (whole, whole[:, 2:10, 2:10]))
    assert float(large) == float(small)


def test_shares_of_a_batch_add_up_to_it():
    """Metrics of two halves are those of the whole: counts add up, shares do not."""
    mask = np.random.default_rng(0).integers(0, 3, (6, 8, 8, 1)).astype("uint8")
    mask[4:] = 1
    outputs = np.random.default_rng(1).dirichlet([1, 1, 1], (6, 8, 8)).astype("float32")
    whole, halves = PixelObjective((8, 8), 3), PixelObjective((8, 8), 3)
    whole.count(mask, outputs)
    halves.count(mask[:4], outputs[:4])
    halves.count(mask[4:], outputs[4:])
    assert whole.results() == halves.results()
    said = outputs.argmax(-1)
    by_hand = np.mean([overlap(mask[..., 0], said, kind) for kind in (1, 2)])
    assert whole.results()["dice"] == pytest.approx(by_hand)


def make_fit(folder=None, sets=(), callbacks=(), splits=None, model="unet.small"):
    recipe = resolve(model, "shapes", (*SMALL, *sets), FEW)[0]
    return Fit(recipe, splits or tasks.load(recipe.data, "shapes"), folder, callbacks)


def final(fit):
    variables = [*fit.model.variables, *fit.model.optimizer.variables]
    return [np.array(v) for v in variables], {k: v for k, v in fit.history.items() if k != "seconds"}


def assert_same(one, other):
    assert one[1] == other[1]
    assert all((a == b).all() for a, b in zip(one[0], other[0], strict=True))


@pytest.fixture(scope="module")
def unbroken():
    fit = make_fit()
    fit()
    return final(fit)


class Die(Exception):
    pass


class DieAfter(keras.callbacks.Callback):
    def __init__(self, box, calls):
        super().__init__()
        self.box, self.calls = box, calls

    def on_train_batch_end(self, batch, logs=None):
        self.calls -= 1
        if self.calls == 0:
            self.box[0].save()
            raise Die


@pytest.mark.slow
def test_resumed_equals_unbroken(tmp_path, unbroken, monkeypatch):
    monkeypatch.setattr(loop, "MOST_STEPS_A_CALL", 3)
    box = []
    box.append(make_fit(tmp_path, callbacks=[DieAfter(box, 2)]))
    with pytest.raises(Die):
        box[0]()
    fit = make_fit(tmp_path)
    fit(checkpoint.newest(tmp_path / "checkpoints")[0])
    assert_same(final(fit), unbroken)


@pytest.mark.slow
def test_tiles_on_disk_train_as_tiles_in_memory(tmp_path, unbroken):
    from zoo.data.stored import Stored

    recipe = resolve("unet.small", "shapes", SMALL, FEW)[0]
    parts = []
    for name, part in tasks.load(recipe.data, "shapes").by_name().items():
        for letter, array in (("x", part.x), ("y", part.y)):
            np.save(tmp_path / f"{letter}-{name}.npy", array)
        parts.append(Examples(*(Stored(tmp_path / f"{letter}-{name}.npy") for letter in "xy")))
    fit = make_fit(splits=Splits(*parts))
    fit()
    assert_same(final(fit), unbroken)


def test_a_network_that_says_less_than_a_tile_answers_for_is_refused():
    sets = ("knobs.filters=2", "knobs.dropout=0.0", "data.input_shape=[188,188,1]", "data.masks.margin=6")
    sets += ("knobs.depth=4", "training.batch_size=1")
    with pytest.raises(UsageError, match=r"(?s)says 4x4 pixels of 188x188.*data\.masks\.margin=92") as error:
        make_fit(sets=sets, model="unet")
    assert len(str(error.value).splitlines()) == 2


def test_resizing_is_refused():
    with pytest.raises(UsageError, match=r"preprocessing\.resize: masks would not lie over their images"):
        resolve("unet.small", "shapes", ("preprocessing.resize=[32,32]",))


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Images of three sizes with light discs, and their masks: 0 beside a disc, 255 in it."""
    folder, random = tmp_path_factory.mktemp("discs"), np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for i in range(20):
        height, width = ((170, 200), (180, 164), (190, 190))[i % 3]
        rows, columns = np.mgrid[:height, :width]
        mask = np.zeros((height, width), bool)
        for _ in range(8):
            mask |= np.hypot(rows - random.uniform(0, height), columns - random.uniform(0, width)) < 20
        image = np.clip(80 + 90 * mask + random.normal(0, 30, mask.shape), 0, 255).astype("uint8")
        Image.fromarray(image).save(folder / "images" / f"{i}.png")
        Image.fromarray((255 * mask).astype("uint8")).save(folder / "masks" / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def run(own, tmp_path_factory):
    import zoo

    out = tmp_path_factory.mktemp("runs") / "discs"
    sets = ("knobs.filters=4", "knobs.depth=2", "data.train=16", "data.test=4", "data.test_share=0.0")
    zoo.run("unet.small", own, epochs=6, batch_size=4, learning_rate=0.01, sets=sets, out=out)
    return out


def test_own_images_are_learnt_and_reported(run):
    measured = json.loads((run / "metrics.json").read_text())
    test = measured["test"]
    assert test["dice"] > 0.9 > 0.7 > test["one_class_dice"] and 0 < test["iou"] < test["dice"] < 1
    assert measured["examples_scored"] == measured["examples_in_split"] == 4 * 4  # tiles of four images
    assert (run / "segmentation.png").exists()
    assert "Image, truth, answer, difference" in (run / "report.html").read_text()


def test_the_score_is_that_of_whole_images_predicted_from_their_files(run, own, zoo_cli, tmp_path):
    """Cut, answered for and put together by `predict`: Dice and IoU of the test split, masks of each image's size."""
    said = zoo_cli("predict", run, *(own / "images" / f"{i}.png" for i in range(16, 20)), "--out", tmp_path, "--json")
    assert said.code == 0, said.err
    rows = json.loads(said)
    masks = [(np.asarray(Image.open(own / "masks" / f"{i}.png")), np.asarray(Image.open(tmp_path / f"{i}-mask.png")))
             for i in range(16, 20)]  # fmt: skip
    assert [row["mask"] for row in rows] == [str(tmp_path / f"{i}-mask.png") for i in range(16, 20)]
    assert all(true.shape == found.shape and set(np.unique(found)) <= {0, 255} for true, found in masks)
    true, found = (np.concatenate([part[side].ravel() for part in masks]) == 255 for side in (0, 1))
    test = json.loads((run / "metrics.json").read_text())["test"]
    both, either = (true & found).sum(), (true | found).sum()
    assert test["dice"] == pytest.approx(2 * both / (true.sum() + found.sum()), abs=1e-4)
    assert test["iou"] == pytest.approx(both / either, abs=1e-4)
    assert test["one_class_dice"] == pytest.approx(2 * true.mean() / (1 + true.mean()), abs=1e-9)
    assert rows[0]["shares"]["1"] == pytest.approx((masks[0][1] == 255).mean())


def test_predicted_masks_overwrite_nothing(run, own, zoo_cli, tmp_path):
    (tmp_path / "3-mask.png").write_bytes(b"drawn by hand")
    said = zoo_cli("predict", run, own / "images" / "3.png", "--out", tmp_path)
    assert said.code == 2 and "3-mask.png exists already" in said.err
    assert (tmp_path / "3-mask.png").read_bytes() == b"drawn by hand"
    assert zoo_cli("predict", run, own / "images" / "3.png", "--out", tmp_path / "none").code == 2


def test_scored_again_the_same(run, zoo_cli):
    again = json.loads(zoo_cli("eval", run, "--json"))["metrics"]
    test = json.loads((run / "metrics.json").read_text())["test"]
    assert again == pytest.approx(test, abs=1e-6)


def test_published_it_scores_the_same(run, zoo_cli, tmp_path):
    said = zoo_cli("publish", run, tmp_path / "published")
    assert said.code == 0, said.err
    assert "image-segmentation" in (tmp_path / "published" / "README.md").read_text()


def test_it_is_no_script(zoo_cli, tmp_path):
    said = zoo_cli("eject", "unet.small", "shapes", tmp_path / "script")
    assert said.code == 2 and "not written as a script" in said.err and not (tmp_path / "script").exists()


@pytest.mark.slow
def test_images_of_other_classes_and_another_size_begin_with_its_body(run, zoo_cli, tmp_path):
    """A new output layer for three classes in place of two; frozen, all that is before it stays as it was."""
    import zoo
    from zoo.pretrained.published import core_weights

    sets = [
        part for size in ("train=12", "validation=4", "test=4", "options.seed=1") for part in ("--set", f"data.{size}")
    ]
    for freeze, epochs in (("all", 1), ("none", 2)):
        out = tmp_path / freeze
        said = zoo_cli(
            "finetune", run, "shapes", "--freeze", freeze, "--epochs", epochs, *sets, "--out", out, "--quiet"
        )
        assert said.code == 0, said.err
        tuned = zoo.load(out)
        assert tuned.recipe.transfer.head == "new" and tuned.recipe.preprocessing.resize is None
        assert tuned.recipe.data.num_classes == 3 and set(tuned.metrics["test"]) >= {"loss", "dice", "iou"}
        before, after = core_weights(zoo.load(run)), core_weights(tuned)
        assert before["output/kernel"].shape[:3] == after["output/kernel"].shape[:3] and after["output/bias"].size == 3
        same = {name for name in before if "output" not in name and (before[name] == after[name]).all()}
        assert (len(same) == len(before) - 2) == (freeze == "all")
    assert tuned.history["phase"] == [1.0, 2.0, 2.0]


def test_samples_are_drawn(own, zoo_cli, tmp_path):
    said = zoo_cli("data", "show", own, "--out", tmp_path / "sheet.png")
    assert said.code == 0 and (tmp_path / "sheet.png").exists() and "segmentation" in said


def test_evaluation_does_not_hang_on_how_many_tiles_are_taken_at_once(monkeypatch):
    from zoo.training import evaluation

    fit = make_fit()
    scores = [fit.evaluate(fit.splits.test).metrics]
    for most in (1, 3):
        monkeypatch.setattr(evaluation, "TOKEN_BATCH", most)
        scores.append(make_evaluate(fit.model, fit.recipe.data, fit.loss, fit.predict)(fit.splits.test).metrics)
    assert scores[1] == pytest.approx(scores[0], rel=1e-5) and scores[2] == pytest.approx(scores[0], rel=1e-5)
    assert grid(fit.recipe.data).count == 4 and len(fit.splits.test) == 16
