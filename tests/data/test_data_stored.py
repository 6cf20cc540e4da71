"""Examples that stay on disk: the same numbers as in memory, whatever the source; bad files are refused."""

import os

import numpy as np
import pytest
from PIL import Image

from zoo import data, tasks
from zoo.data import examples, stored
from zoo.data.config import Data
from zoo.data.examples import is_stored
from zoo.data.stored import Stored
from zoo.errors import UsageError, ZooError
from zoo.recipe import resolve
from zoo.training import feeding
from zoo.training.checkpoint import newest
from zoo.training.fit import Fit


@pytest.fixture
def numbers(tmp_path):
    """Rows 0 to 99 of three numbers, and the file that holds them."""
    rows = np.arange(300, dtype="float32").reshape(100, 3)
    np.save(tmp_path / "rows.npy", rows)
    return rows, tmp_path / "rows.npy"


@pytest.fixture
def arrays(tmp_path):
    """A folder of small grey images that can be told apart, without their channel's axis."""
    folder = tmp_path / "own"
    folder.mkdir()
    random = np.random.default_rng(0)
    for suffix, count in (("", 700), ("_test", 90)):
        y = random.integers(0, 3, count)
        x = random.integers(0, 120, (count, 12, 12)).astype("uint8")
        x[np.arange(count), 4 * y] = 250  # a bright line, higher up or lower down
        np.save(folder / f"x{suffix}.npy", x)
        np.save(folder / f"y{suffix}.npy", y)
    return folder


def test_rows_are_those_of_the_array(numbers):
    rows, path = numbers
    kept = Stored(path)
    assert (kept.shape, kept.ndim, len(kept), kept.dtype, kept.nbytes) == ((100, 3), 2, 100, np.float32, 1200)
    some = np.array([5, 6, 7, 99, 0, 5])
    for which in (some, slice(10, 40), slice(None), slice(90, 10, -7), 17, -1, np.array([], int)):
        np.testing.assert_array_equal(kept[which], rows[which])
    view = kept.take(some).take(np.array([3, 1]))
    np.testing.assert_array_equal(view[:], rows[[99, 6]])
    with pytest.raises(IndexError, match="has 2 rows"):
        view[np.array([2])]


def test_moments_are_those_of_the_array(numbers, monkeypatch):
    rows, path = numbers
    monkeypatch.setattr(stored, "BLOCK", 12 * 7)  # seven rows at a time
    kept = Stored(path).take(np.arange(1, 100, 3))
    assert [len(block) for block in kept.blocks()] == [7, 7, 7, 7, 5]
    for axes in (None, (0,)):
        np.testing.assert_allclose(kept.mean(axes, dtype="float64"), rows[1::3].mean(axes), rtol=1e-6)
        np.testing.assert_allclose(kept.std(axes, dtype="float64"), rows[1::3].std(axes), rtol=1e-6)


def test_the_file_is_closed_with_its_last_view(numbers):
    kept = Stored(numbers[1])
    descriptor = kept._file.descriptor
    view = kept.take(np.array([1]))
    del kept
    assert view[0][0] == 3.0
    del view
    with pytest.raises(OSError):
        os.fstat(descriptor)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda path: path.write_bytes(b"no array"), "is no array of NumPy"),
        (lambda path: np.save(path, np.array([{}]), allow_pickle=True), "holds object, not numbers"),
        (lambda path: np.save(path, np.asfortranarray(np.ones((3, 4)))), "is not in rows"),
        (lambda path: np.save(path, np.float32(1.0)), "is not in rows"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "is cut off: 100 rows need 1,328 bytes"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_what_is_no_array_is_refused(numbers, made, told):
    made(numbers[1])
    with pytest.raises(UsageError, match=told):
        Stored(numbers[1])


def test_a_file_that_shrinks_in_use_ends_the_run_with_its_name(numbers):
    kept = Stored(numbers[1])
    with numbers[1].open("r+b") as file:
        file.truncate(200)
    with pytest.raises(ZooError, match=r"rows.npy has become shorter"):
        kept[99]


def test_writing_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.npy"
    stored.write(path, (5, 2), "int32", [np.ones((3, 2)), np.zeros((2, 2))])
    np.testing.assert_array_equal(np.load(path), [[1, 1]] * 3 + [[0, 0]] * 2)
    for blocks in ([np.ones((3, 2))], [np.ones((5, 3))]):
        with pytest.raises(ZooError):
            stored.write(tmp_path / "b.npy", (5, 2), "int32", blocks)
    assert [one.name for one in tmp_path.iterdir()] == ["a.npy"]


SETS = ["training.epochs=3", "training.batch_size=32", "preprocessing.resize=[16,16]"]


def _fit(described, sets=(), **more):
    recipe = resolve("lenet", "own", sets=[*SETS, *sets], data=described)[0]
    return Fit(recipe, tasks.load(recipe.data, "own"), **more)


MEASURED = ["preprocessing.standardize=feature", "augmentation.shift=1"]


def test_training_from_disk_gives_the_numbers_of_training_in_memory(arrays, monkeypatch):
    """With augmentation, moments of the training split, and blocks that end in the middle of a call."""
    monkeypatch.setattr(feeding, "BLOCK", 3 * 32 * 148)  # three steps
    described = tasks.from_path(arrays)
    assert described.input_shape == (12, 12, 1) and described.num_classes == 3 and described.test == 90
    fits = {}
    for stream in ("off", "on"):
        fit = _fit(described, [f"data.stream={stream}", *MEASURED])
        assert is_stored(fit.splits.train.x) == (stream == "on")
        history = fit().history
        fits[stream] = [value for key in ("loss", "accuracy", "val_loss") for value in history[key]], fit
    assert fits["on"][0] == pytest.approx(fits["off"][0], rel=1e-6)
    for a, b in zip(*(fit.model.get_weights() for _, fit in fits.values()), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    scores = [fit.evaluate(fit.splits.test)[0]["accuracy"] for _, fit in fits.values()]
    assert scores[0] == scores[1] > 0.9


def test_a_run_from_disk_goes_on_from_the_middle_of_an_epoch(arrays, tmp_path):
    described = tasks.from_path(arrays).model_copy(update={"stream": "on"})
    whole = _fit(described)
    whole()
    first = _fit(described, folder=tmp_path)
    begin = first._stop_if_asked

    def stop_early(stop):
        begin(stop)
        if (first.epoch, first.done) >= (1, 5):
            first.save()
            raise KeyboardInterrupt

    first._stop_if_asked = stop_early
    with pytest.raises(KeyboardInterrupt):
        first()
    again = _fit(described, folder=tmp_path)
    again(newest(tmp_path / "checkpoints")[0])
    for a, b in zip(whole.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    changed = np.load(arrays / "x.npy")
    changed[:350] = 0
    np.save(arrays / "x.npy", changed)
    with pytest.raises(UsageError, match="the training examples are others than they were"):
        _fit(described, folder=tmp_path)(newest(tmp_path / "checkpoints")[0])


def test_what_fills_the_memory_streams_by_itself_and_off_refuses(arrays, monkeypatch):
    described = tasks.from_path(arrays)
    for memory, stays in ((10**9, False), (3 * 700 * 144, False), (3 * 700 * 144 - 1, True)):
        monkeypatch.setattr(examples, "memory", lambda memory=memory: memory)
        assert is_stored(tasks.load(described, "own").train.x) == stays
    monkeypatch.setattr(examples, "AT_ONCE", 100)
    monkeypatch.setattr(examples, "memory", lambda: 700 * 144)
    with pytest.raises(UsageError, match=r"leave it on disk: --set data\.stream=on"):
        tasks.load(described.model_copy(update={"stream": "off"}), "own")


def test_a_folder_of_images_is_decoded_to_disk_some_at_a_time(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("zoo.data.folder.AT_ONCE", 7)
    random = np.random.default_rng(0)
    for kind in ("cat", "dog"):
        (tmp_path / "photos" / kind).mkdir(parents=True)
        for i in range(15):
            pixels = random.integers(0, 256, (9, 11, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / kind / f"{i:02}.png")
    described = tasks.from_path(tmp_path / "photos")
    memory, disk = (tasks.load(described.model_copy(update={"stream": how}), "photos") for how in ("off", "on"))
    for there, here in zip(disk, memory, strict=True):
        assert is_stored(there.x)
        np.testing.assert_array_equal(there.x[:], here.x)
        np.testing.assert_array_equal(there.y, here.y)
    again = described.model_copy(update={"stream": "on"})
    with monkeypatch.context() as once:
        once.setattr("zoo.data.folder.read_files", None)  # the second time nothing is decoded
        assert len(tasks.load(again, "photos").train.y) == len(memory.train.y)
    (kept,) = (tmp_path / "home" / "data").glob("*.x.npy")
    broken = bytearray(kept.read_bytes())
    broken[5000] ^= 1
    kept.write_bytes(broken)
    np.testing.assert_array_equal(tasks.load(again, "photos").train.x[:], memory.train.x)
    assert "is damaged; decoding again" in caplog.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "y.npy").unlink(), r"there is no .*y\.npy"),
        (lambda folder: np.save(folder / "y.npy", np.zeros(699, int)), "x.npy has 700 rows, .* 699"),
        (lambda folder: np.save(folder / "y.npy", np.zeros((700, 2))), "one number an example"),
        (lambda folder: np.save(folder / "y.npy", np.zeros(700, int)), "knows one class only"),
        (lambda folder: np.save(folder / "x.npy", np.zeros((700, 2, 2, 2, 2))), "images are"),
        (lambda folder: (folder / "y_test.npy").unlink(), r"there is no .*y_test\.npy"),
        (lambda folder: np.save(folder / "y.npy", np.arange(700) - 1), "counted from 0\nsave quantities as floating"),
        (lambda folder: np.save(folder / "x.npy", np.zeros((700, 0))), "its rows hold nothing"),
    ],
)
def test_folders_of_arrays_that_do_not_go_together_are_refused(arrays, change, told):
    change(arrays)
    with pytest.raises(UsageError, match=told):
        tasks.from_path(arrays)


def test_a_number_that_is_none_is_named_by_its_row(arrays, monkeypatch):
    monkeypatch.setattr(stored, "BLOCK", 4 * 5 * 100)
    x = np.random.default_rng(0).normal(size=(700, 5)).astype("float32")
    x[650, 3] = np.nan
    np.save(arrays / "x.npy", x)
    np.save(arrays / "x_test.npy", x[:90])
    described = tasks.from_path(arrays).model_copy(update={"stream": "on"})
    assert described.kind == "tabular"
    with pytest.raises(ZooError, match=r"train: row 650, feature \[3\] is nan"):
        tasks.load(described, "own")


def test_small_sources_do_not_stream():
    with pytest.raises(UsageError, match="stream = 'on' is for arrays, folder, tfds sources"):
        resolve("lenet", "digits", ["data.stream=on"])


def test_the_command_line_trains_and_predicts_from_arrays(arrays, tmp_path, zoo_cli):
    run = tmp_path / "run"
    options = ["--epochs", "2", "--set", "preprocessing.resize=[16,16]", "--set", "data.stream=on"]
    said = zoo_cli("run", "lenet", "--data", arrays, *options, "--out", run)
    assert said.code == 0, said.err
    said = zoo_cli("predict", run, arrays / "x_test.npy")
    assert said.code == 0 and len(str(said).splitlines()) >= 20, said.err
    np.save(tmp_path / "other.npy", np.zeros((2, 5, 5), "uint8"))
    said = zoo_cli("predict", run, tmp_path / "other.npy")
    assert said.code == 2 and "the model takes (12, 12, 1)" in said.err


def test_rows_to_predict_lack_an_axis_only_if_it_is_1(tmp_path):
    grey, colour = (Data(source="arrays:x", kind="image", task="binary", input_shape=(8, 8, channels),
                              input_dtype="uint8", num_classes=2, train=2) for channels in (1, 3))  # fmt: skip
    np.save(tmp_path / "x.npy", np.zeros((5, 8, 8), "uint8"))
    assert data.read_examples(grey, tmp_path / "x.npy").shape == (5, 8, 8, 1)
    with pytest.raises(UsageError, match=r"rows of shape \(8, 8\), the model takes \(8, 8, 3\)"):
        data.read_examples(colour, tmp_path / "x.npy")
