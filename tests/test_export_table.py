"""The table of what goes into which format: every entry is exported, run in its own runtime and compared."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.catalogue.registry import build, describe, list_models
from zoo.errors import UsageError, VerificationError
from zoo.export import FORMATS, TABLE, exporting, formats, layer_code
from zoo.export.table import ANY, CLOSED, FIXED, FORMS, ONE, Form, forms, row

for package in ("onnx", "onnxruntime", "tf2onnx", "ai_edge_litert"):
    pytest.importorskip(package)

OWN = [name for name in list_models() if describe(name).origin == "zoo"]

QUICK = {  # one for each kind of layer, input and output
    "linear", "mlp", "lenet.1998", "lstm", "vae", "autoencoder.conv", "two_towers.numbers", "transformer.encoder"
}  # fmt: skip
EACH = [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in OWN]


def random_inputs(model):
    """Eight examples for a model: pixels, features, or token ids with padding on the right."""
    random = np.random.default_rng(0)
    arrays = {}
    for tensor in model.inputs:
        shape = (8, *(side or 10 for side in tensor.shape[1:]))
        if tensor.dtype == "int32":
            ids = random.integers(1, 8, shape) * (np.arange(shape[1]) < random.integers(3, shape[1] + 1, (8, 1)))
            arrays[tensor.name] = ids.astype("int32")
        else:
            arrays[tensor.name] = random.random(shape).astype(tensor.dtype)
    return arrays if isinstance(model.input, dict) else next(iter(arrays.values()))


def small(name):
    """A network of the same layers as the default build, and as few units as will do."""
    record = describe(name)
    knobs = {"vocab_size": 20, "target_vocab_size": 20, "embedding_dim": 8, "units": 6, "model_dim": 16, "num_heads": 2,
             "feedforward_dim": 24, "max_length": 16}  # fmt: skip
    known = {knob: value for knob, value in knobs.items() if knob in record.knobs}
    if isinstance(record.knobs.get("units"), tuple):
        known["units"] = (6,)
    if "num_layers" in record.knobs:
        known["num_layers"] = 1
    keras.utils.set_random_seed(0)
    return build(name, **dict(record.trial) | known)


def test_every_model_stands_in_the_table_once_and_every_row_is_of_use():
    counts = {name: sum(fnmatchcase(name, pattern) for pattern in TABLE) for name in OWN}
    assert counts == dict.fromkeys(OWN, 1)
    assert all(list_models(pattern) for pattern in TABLE)


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", EACH)
def test_what_the_table_promises_holds(name, format_name, tmp_path):
    model, kind, said = small(name), formats.find(format_name), row(name)[FORMATS.index(format_name)]
    if isinstance(said, Form):
        path = tmp_path / f"model{kind.suffix}"
        comparison = exporting.write_checked(model, kind, path, [said], random_inputs(model), "")
        assert path.exists() and 0 <= comparison.difference <= comparison.tolerance


WITHOUT_ZOO = """
import sys
from pathlib import Path
sys.modules["zoo"] = None
sys.path.insert(0, ".")
import keras
import numpy as np
for file in Path(".").glob("*.keras"):
    given = dict(np.load(f"{file.stem}.npz"))
    __import__(str(given.pop("layers")))
    wanted = [given.pop(f"wanted{i}") for i in range(int(given.pop("outputs")))]
    model = keras.saving.load_model(file)
    got = keras.tree.flatten(model(given if isinstance(model.input, dict) else given["x"], training=False))
    for one, due in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, due, rtol=1e-6, atol=1e-6, err_msg=file.stem)
    print(file.stem)
"""


@pytest.mark.parametrize("names", [sorted(QUICK), pytest.param(sorted(set(OWN) - QUICK), marks=pytest.mark.slow)])
def test_keras_files_and_the_code_of_their_layers_need_no_zoo(names, tmp_path):
    written = []
    for name in names:
        model, path = small(name), tmp_path / f"{name}.keras"
        registered = layer_code.names(model)
        assert bool(registered) == ("zoo>" in model.to_json()) == ("code" in said_in_readme(name)[0])
        if not registered:  # plain Keras
            continue
        formats.find("keras").write(model, path, {})
        beside = layer_code.place(path)
        beside.write_text(layer_code.source(registered, path.name))
        x = random_inputs(model)
        wanted = {f"wanted{i}": y for i, y in enumerate(keras.tree.flatten(model(x, training=False)))}
        given = (x if isinstance(x, dict) else {"x": x}) | wanted | {"outputs": len(wanted), "layers": beside.stem}
        np.savez(tmp_path / f"{name}.npz", **given)
        written.append(name)
    done = subprocess.run([sys.executable, "-c", WITHOUT_ZOO], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert sorted(done.stdout.split()) == written


@pytest.mark.slow
@pytest.mark.parametrize("format_name", ["onnx", "litert"])
@pytest.mark.parametrize("name", OWN)
def test_what_the_table_denies_fails(name, format_name, tmp_path):
    """And so does a form more open than the one it gives."""
    model, kind, said = small(name), formats.find(format_name), row(name)[FORMATS.index(format_name)]
    for wider in FORMS if isinstance(said, str) else FORMS[: FORMS.index(said)]:
        if said != FIXED or wider != ONE:  # neither is the more open one
            with pytest.raises(VerificationError):
                exporting.write_checked(model, kind, tmp_path / f"m{kind.suffix}", [wider], random_inputs(model), "")
    assert not list(tmp_path.iterdir())


def readme_rows():
    """The README's table: globs of networks, none for all others -> what goes into each format."""
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text().split("| network | keras |")[1]
    lines = text.split("\n\n")[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(re.findall("`(.+?)`", first), tuple(cells)) for first, *cells in rows]


def said_in_readme(name):
    """Its cells for a network."""
    *rows, (_, others) = readme_rows()
    return next((cells for globs, cells in rows if any(fnmatchcase(name, glob) for glob in globs)), others)


def test_the_readme_has_the_same_table():
    rows = readme_rows()
    assert rows[-1][0] == []
    for name in OWN:
        said = said_in_readme(name)
        assert said[1:] == tuple(str(form).partition(":")[0] for form in row(name)[1:]), name
        assert said[0].startswith("yes")
    assert all(list_models(glob) for globs, _ in rows for glob in globs)


def test_what_the_table_denies_is_refused_before_anything_starts():
    with pytest.raises(UsageError, match=r"does not go into onnx: the loop .*\nit goes into keras, savedmodel, litert"):
        forms(describe("encoder_decoder.attention"), "onnx")


def test_a_stranger_is_tried_in_every_form():
    stranger = describe("lenet").__class__(**{**vars(describe("lenet")), "origin": "elsewhere"})
    assert forms(stranger, "litert") == (ANY, ONE, FIXED, CLOSED)


def test_the_table_is_shown_without_a_framework(zoo_cli):
    code = (
        "import sys\nfrom zoo.cli import main\ntry:\n    main(['export', '--formats'])\nexcept SystemExit as e:\n"
        "    assert not e.code\nassert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in OWN)
    assert json.loads(zoo_cli("export", "--formats", "--json"))["lenet*"]["litert"] == "yes"
