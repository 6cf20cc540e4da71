"""What is kept of the test split: as it was, within limits, and never believed when it is read."""

import io
import json
import zipfile

import numpy as np
import pytest

from zoo.data.examples import Examples
from zoo.data.kept import SomeRows, rows_of
from zoo.data.stored import Stored
from zoo.errors import UsageError
from zoo.runs import directory, forms, predictions


def finished(folder):
    """A run's record over the files that are in the folder."""
    directory.record(folder, {"exit": "done"})
    return directory.Run(folder)


def kept(folder, test, outputs=None, raw=None, said=(), shown=()):
    notes = predictions.write(folder, test, raw, outputs, said, np.array(shown, "int64"))
    return predictions.read(finished(folder)), notes


def test_several_outputs_of_any_shape_come_back_as_they_were(tmp_path):
    rng = np.random.default_rng(0)
    test = Examples(
        {"image": rng.integers(0, 255, (30, 8, 8, 3), "uint8"), "row": rng.normal(size=(30, 4)).astype("float32")},
        {"kind": rng.integers(0, 3, 30, "int32"), "price": rng.normal(size=30).astype("float32")},
    )
    outputs = {"kind": rng.normal(size=(30, 3)).astype("float32"), "mask": rng.normal(size=(30, 8, 8, 1))}
    found, notes = kept(tmp_path, test, outputs)
    assert notes == {} and found.raw is None
    for before, after in (
        (test.inputs, found.test.inputs),
        (test.targets, found.test.targets),
        (outputs, found.outputs),
    ):
        assert before.keys() == after.keys()
        for name in before:
            np.testing.assert_array_equal(before[name], after[name])
            assert before[name].dtype == after[name].dtype


def test_one_output_is_an_array_and_none_is_none(tmp_path):
    test = Examples(np.zeros((3, 2), "float32"), np.array([0, 1, 2]))
    for name, outputs in (("one", np.eye(3)), ("none", None)):
        (tmp_path / name).mkdir()
        found, _ = kept(tmp_path / name, test, outputs)
        assert (found.outputs is None) == (outputs is None)
    np.testing.assert_array_equal(predictions.read(directory.Run(tmp_path / "one")).outputs, np.eye(3))


def test_of_what_is_too_large_the_examples_that_are_shown_are_kept_and_that_is_said(tmp_path, monkeypatch):
    limits = predictions.WHOLE | {"outputs": 3999, "targets": 4000, "inputs": 100}
    monkeypatch.setattr(predictions, "WHOLE", limits)
    x, y = np.arange(1000 * 6).reshape(1000, 6).astype("uint8"), np.arange(1000, dtype="int32")
    np.save(tmp_path / "x.npy", x)
    for inputs in (x, Stored(tmp_path / "x.npy")):
        found, notes = kept(tmp_path, Examples(inputs, y), y.astype("float32"), shown=[700, 5, 999])
        assert notes == {"inputs/x": "18 of 1,000 examples", "outputs/y": "18 of 1,000 examples"}
        np.testing.assert_array_equal(found.test.y, y)  # small enough
        assert len(found.test) == len(found.outputs) == 1000
        assert rows_of(found.outputs).tolist() == [*range(16), 700, 999]
        np.testing.assert_array_equal(found.test.x[700], x[700])
        np.testing.assert_array_equal(found.outputs[np.array([999, 3])], [999, 3])
        with pytest.raises(IndexError, match="row 17 is not one of the 18 kept"):
            found.test.x[17]
    assert (tmp_path / "predictions.npz").stat().st_size < 10_000


def test_rows_that_are_shown_have_a_limit_too(tmp_path, monkeypatch):
    monkeypatch.setattr(predictions, "WHOLE", dict.fromkeys(predictions.WHOLE, 0))
    monkeypatch.setattr(predictions, "MOST_SHOWN", 1000)
    found, notes = kept(tmp_path, Examples(np.ones((50, 100), "uint8"), np.arange(50)), shown=np.arange(50))
    assert notes["inputs/x"] == "10 of 50 examples"
    assert len(found.test.x[:10]) == 10


def test_texts_are_kept_beside_what_was_said(tmp_path, monkeypatch):
    ids, sources = np.ones((20, 3), "int32"), np.array([f"text \n {i}" for i in range(20)], dtype=object)
    raw = Examples(sources, np.array([f"ü{i}" for i in range(20)], dtype=object))
    test = Examples({"source": ids, "target": ids}, ids)
    found, _ = kept(tmp_path, test, None, raw, [f"said {i}" for i in range(20)])
    assert [found.raw.x[i] for i in range(20)] == list(sources) and found.said[19] == "said 19"
    assert (found.raw.y[4], len(found.said)) == ("ü4", 20)
    lines = (tmp_path / "predictions.jsonl").read_text().split("\n")
    assert json.loads(lines[3]) == {"row": 3, "inputs": {"x": "text \n 3"}, "targets": {"y": "ü3"}, "said": "said 3"}
    monkeypatch.setattr(predictions, "MOST_LETTERS", 100)
    found, _ = kept(tmp_path, test, None, raw, ["said"] * 20, shown=[18])
    assert rows_of(found.said).tolist() == [*range(16), 18]


def test_of_classified_texts_only_those_that_are_shown_are_kept(tmp_path):
    raw = Examples(np.array(["a"] * 40, dtype=object), np.arange(40))
    found, _ = kept(tmp_path, Examples(np.ones((40, 3), "int32"), np.arange(40)), np.eye(40), raw, shown=[39])
    assert rows_of(found.raw.x).tolist() == [*range(16), 39] and found.said == () and not found.raw.targets


def npz(**arrays):
    body = io.BytesIO()
    np.savez(body, **arrays)
    return body.getvalue()


GOOD = {"examples": np.array([2]), "outputs/y": np.ones(2), "targets/y": np.ones(2), "inputs/x": np.ones(2)}


def packed():
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("outputs/y.npy", b"\0" * 10_000_000)
    return body.getvalue()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is damaged or no"),
        (npz(**GOOD | {"outputs/y": np.array([{}, 1], dtype=object)}), "not of numbers"),
        (packed(), "is no plain array"),
        (npz(outputs=np.ones(2)), "is damaged: 'examples'"),
        (npz(**GOOD | {"outputs/y": np.ones(3)}), "outputs/y has 3 rows"),
        (npz(**GOOD | {"rows/outputs/y": np.arange(5)}), "outputs/y has 2 rows"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, content, why):
    (tmp_path / "predictions.npz").write_bytes(content)
    with pytest.raises(UsageError, match=why):
        predictions.read(finished(tmp_path))


def test_changed_afterwards_gone_or_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="kept no outputs of its test split: an earlier version"):
        predictions.read(finished(tmp_path))
    file = tmp_path / "predictions.npz"
    file.write_bytes(npz(**GOOD))
    run = finished(tmp_path)
    predictions.read(run)
    with monkeypatch.context() as patched:
        patched.setattr(predictions, "LARGEST", 100)
        with pytest.raises(UsageError, match="zoo keeps no more than 100 in it"):
            predictions.read(run)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(UsageError, match="was changed after the run"):
        predictions.read(run)
    file.unlink()
    with pytest.raises(UsageError, match="is not there any more"):
        predictions.read(run)


@pytest.mark.parametrize("line", ["{", '{"row": "1"}', '{"row": 1, "inputs": {"x": 2}, "targets": {}}', "[]"])
def test_lines_of_another_form_are_refused(tmp_path, line):
    (tmp_path / "predictions.jsonl").write_text(line + "\n")
    with pytest.raises(UsageError, match="is damaged"):
        forms.read_lines(tmp_path / "predictions.jsonl", forms.KeptTexts)


def test_some_rows_are_found_under_their_own_numbers():
    rows = SomeRows(10**15, np.array([2, 5, 9]), np.array([20, 50, 90]))
    assert rows[5] == 50 and rows[np.array([9, 2])].tolist() == [90, 20] and rows.take(np.array([5])).tolist() == [50]
    assert (len(rows), rows.ndim) == (10**15, 1)
    for wanted in (slice(None), slice(1, 3), 3, -1, np.array([2, 3])):
        with pytest.raises(IndexError):
            rows[wanted]
    assert SomeRows(10, np.array([8, 9]), np.array([1, 2]))[8:].tolist() == [1, 2]
