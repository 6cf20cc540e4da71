"""Exported files compute what the run's model computes, in their own runtimes; what does not is not kept."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import tasks
from zoo.catalogue.registry import build
from zoo.data.reading import Reading
from zoo.errors import pip_install
from zoo.export import FORMATS, formats, inputs, layer_code, writing
from zoo.recipe import resolve
from zoo.runs import directory, job
from zoo.training.evaluation import make_predict

for package in ("onnx", "onnxruntime", "tf2onnx", "ai_edge_litert"):
    pytest.importorskip(package)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with custom layers, resizing, padding of pixels: everything that travels inside of the model."""
    from zoo.runs.job import run

    folder = tmp_path_factory.mktemp("runs") / "one"
    run("lenet.1998", "digits", epochs=1, sets=["training.warmup_epochs=0.5"], out=folder, smoke=True)
    return folder


@pytest.fixture
def mine(finished, tmp_path):
    """A copy of it to write into."""
    return shutil.copytree(finished, tmp_path / "run")


def run_lines(lines, x):
    """What the printed lines make of `x`; of a Keras file with layers, in a process that has no zoo."""
    code = "\n".join(line.strip() for line in lines)
    if "import sys" not in code:
        assert len(lines) == 3
        names = {"x": x}
        exec(code, names)
        return names["outputs"]
    before = "import sys, numpy\nsys.modules['zoo'] = None\nx = numpy.load(sys.argv[1])\n"
    with tempfile.TemporaryDirectory() as folder:
        given, said = Path(folder, "x.npy"), Path(folder, "outputs.npy")
        np.save(given, x)
        whole = f"{before}{code}\nnumpy.save(sys.argv[2], outputs)"
        subprocess.run([sys.executable, "-P", "-c", whole, given, said], check=True, capture_output=True)
        return np.load(said)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_is_exported_and_the_printed_lines_load_it(mine, zoo_cli, format_name):
    said = zoo_cli("export", mine, "--format", format_name)
    assert said.code == 0 and said.err == ""
    assert "64 test examples of digits" in said and "uint8 (any, 8, 8, 1)" in said
    lines = said.split("load it:\n")[1].splitlines()
    x = tasks.load(directory.load(mine).recipe.data, "digits").test.x
    outputs = run_lines(lines, x)
    described = directory.load(mine).recipe.data
    predict = make_predict(directory.load(mine).model, tasks.of(described).fields(described))
    wanted = predict(x)  # of the whole split: more than was compared
    np.testing.assert_allclose(outputs, wanted, atol=1e-6 if format_name == "keras" else 1e-5)
    assert not [path for path in (mine / "export").iterdir() if path.name.startswith(".")]


def test_the_outcome_as_json_and_a_place_of_ones_own(mine, zoo_cli, tmp_path):
    place = tmp_path / "net.onnx"
    outcome = json.loads(zoo_cli("export", mine, "--format", "onnx", "--out", place, "--json"))
    assert outcome["path"] == str(place) and outcome["bytes"] == place.stat().st_size
    assert 0 <= outcome["difference"] <= outcome["tolerance"] <= 1e-4
    assert outcome["runtime"].startswith("ONNX Runtime 1.") and outcome["precision"] == ""
    assert not (mine / "export").exists()
    kept = place.read_bytes()
    said = zoo_cli("export", mine, "--format", "onnx", "--out", place)
    assert said.code == 2 and "exists already" in said.err and place.read_bytes() == kept


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "onxx"), "unknown format 'onxx'; did you mean onnx?"),
        (("--format", "onnx", "--out", "net.tflite"), "a onnx file ends in .onnx"),
        (("--format", "onnx", "--out", "nowhere/net.onnx"), "there is no folder nowhere"),
        ((), "which run in which format"),
    ],
)
def test_mistakes(mine, zoo_cli, arguments, told):
    said = zoo_cli("export", mine, *arguments)
    assert said.code == 2 and told in said.err and len(said.err.splitlines()) <= 3


def test_a_package_that_is_not_there_is_named_with_the_command(mine, zoo_cli, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    said = zoo_cli("export", mine, "--format", "onnx")
    assert said.code == 3 and "onnxruntime and tf2onnx" in said.err and pip_install("export") in said.err


def broken(format_name, **changes):
    """A format, spoilt."""
    kind = formats.ALL[format_name]
    return formats.Format(**{**vars(kind), **changes})


def test_a_file_that_computes_something_else_is_removed(mine, zoo_cli, monkeypatch):
    right = formats.ALL["onnx"].open
    for wrong in (lambda y: y + 2e-4, lambda y: y * np.nan, lambda y: y[:, :5]):
        kind = broken("onnx", open=lambda path, wrong=wrong: lambda x: wrong(right(path)(x)))
        monkeypatch.setitem(formats.ALL, "onnx", kind)
        said = zoo_cli("export", mine, "--format", "onnx")
        assert said.code == 4 and not list((mine / "export").iterdir())
        assert len(said.err.splitlines()) <= 3


def test_a_file_that_the_runtime_refuses_is_removed(mine, zoo_cli, monkeypatch):
    def cut(model, path, shapes):
        path.write_bytes(b"no model at all")

    for name in ("onnx", "litert", "keras"):
        monkeypatch.setitem(formats.ALL, name, broken(name, write=cut))
        said = zoo_cli("export", mine, "--format", name)
        assert said.code == 4 and f"refuses the {name} file" in said.err, said.err
        assert not list((mine / "export").iterdir()) and "Traceback" not in said.err


def test_what_cannot_be_written_leaves_nothing(mine, zoo_cli, monkeypatch):
    def fails(model, path, shapes):
        path.mkdir()
        (path / "part").write_text("half")
        raise NotImplementedError("\nno such operation")

    monkeypatch.setitem(formats.ALL, "savedmodel", broken("savedmodel", write=fails))
    said = zoo_cli("export", mine, "--format", "savedmodel")
    assert said.code == 4 and "cannot be written as savedmodel: no such operation" in said.err
    assert not list((mine / "export").iterdir())


def test_code_of_layers_that_does_not_load_alone_is_removed_with_the_file(mine, zoo_cli, monkeypatch):
    monkeypatch.setattr(layer_code, "source", lambda names, file: "import zoo.layers\n")
    said = zoo_cli("export", mine, "--format", "keras")
    assert said.code == 4 and "Keras without zoo refuses lenet.1998-digits.keras" in said.err
    assert len(said.err.splitlines()) <= 3 and not list((mine / "export").iterdir())


def test_code_of_layers_does_not_overwrite_a_file(mine, zoo_cli, tmp_path):
    (tmp_path / "net_layers.py").write_text("mine")
    said = zoo_cli("export", mine, "--format", "keras", "--out", tmp_path / "net.keras")
    assert said.code == 2 and "net_layers.py exists already" in said.err
    assert [path.name for path in tmp_path.glob("net*")] == ["net_layers.py"]


def test_a_model_of_texts_comes_with_its_vocabulary(tmp_path, zoo_cli):
    folder, place = tmp_path / "bits", tmp_path / "bits.onnx"
    assert zoo_cli("run", "lstm", "parity", "--smoke", "--out", folder, "--quiet").code == 0
    outcome = json.loads(zoo_cli("export", folder, "--format", "onnx", "--out", place, "--json"))
    assert outcome["takes"] == ["raw: int32 (any, any)"]
    assert outcome["compared_on"] == "64 test examples of parity"
    words = json.loads((tmp_path / "bits.onnx.vocabulary.json").read_text())
    assert words == json.loads((folder / "vocabulary.json").read_text())
    names = {"x": np.ones((2, 7), "int32")}
    exec("\n".join(outcome["usage"]), names)
    assert names["outputs"].shape == (2, 1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A run on a table with empty cells, which a layer of the network fills and tells of."""
    folder = tmp_path_factory.mktemp("filled")
    rows = [f"{i % 9 or ''},{i * 7 % 5},{'xy'[i % 2] if i % 8 else ''},{'no' if i % 3 else 'yes'}" for i in range(60)]
    (folder / "own.csv").write_text("\n".join(["size,weight,colour,bought", *rows]) + "\n")
    own = tasks.from_path(folder / "own.csv", reading=Reading(missing="flag"))
    job.execute(resolve("mlp", "own", ["knobs.hidden_units=[4]"], {"epochs": 2}, own)[0], folder / "run", smoke=True)
    return folder / "run"


@pytest.mark.parametrize("format_name", FORMATS)
def test_rows_with_empty_cells_are_filled_in_every_format(filled, tmp_path, zoo_cli, format_name):
    place = tmp_path / f"net{formats.find(format_name).suffix}"
    said = zoo_cli("export", filled, "--format", format_name, "--out", place, "--json")
    assert said.code == 0, said.err
    outcome = json.loads(said)
    assert outcome["compared_on"] == "12 test examples of own, every second with an empty cell"
    assert outcome["difference"] <= outcome["tolerance"]
    assert bool(outcome["layers"]) == (format_name == "keras")
    if format_name != "keras":  # which a process without zoo has read already
        run = directory.load(filled)
        rows = inputs.with_gaps(tasks.load(run.recipe.data, "own").train.x)
        assert np.isnan(rows).any(axis=0).all()
        np.testing.assert_allclose(run_lines(outcome["usage"], rows), run.model(rows, training=False), atol=1e-5)


def test_half_precision_is_written_as_float32_where_the_format_has_none(tmp_path, zoo_cli):
    folder = tmp_path / "half"
    sets = ["--set", "training.warmup_epochs=0.5", "--precision", "mixed_bfloat16"]
    assert zoo_cli("run", "mlp", "digits", "--smoke", *sets, "--out", folder, "--quiet").code == 0
    outcome = json.loads(zoo_cli("export", folder, "--format", "onnx", "--json"))
    assert outcome["precision"] == "in float32 (the run: mixed_bfloat16)"
    outcome = json.loads(zoo_cli("export", folder, "--format", "keras", "--json"))
    assert outcome["precision"] == "" and outcome["difference"] < 1e-6


def test_half_precision_to_float32_keeps_the_weights():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inner = build("mlp", input_shape=(3,), hidden_units=(4,))
        x = keras.Input((3,))
        model = keras.Model(x, inner(x))
    finally:
        keras.config.set_dtype_policy("float32")
    twin = writing.in_float32(model)
    assert {layer.dtype_policy.name for layer in twin.layers[-1].layers} == {"float32"}
    assert all((a == b).all() for a, b in zip(model.get_weights(), twin.get_weights(), strict=True))


def test_random_inputs_where_the_data_is_not_at_hand(monkeypatch, tmp_path):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    recipe = resolve("lenet", "mnist")[0]
    x, what = inputs.examples(recipe)
    assert what == "64 random inputs: the data of mnist is not at hand (it is not prepared)"
    assert x.shape == (64, 28, 28, 1) and x.dtype == np.uint8 and x.min() < 10 and x.max() > 245
