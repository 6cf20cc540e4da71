"""Ejected scripts run without zoo, import nothing but the libraries, and give the numbers of `zoo run`."""

import ast
import itertools
import json
import re
import runpy
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import tasks
from zoo.catalogue.registry import build, describe, list_models
from zoo.data.sources import tfds_prepared as prepared
from zoo.eject.ejecting import eject, script
from zoo.eject.lifting import lift
from zoo.errors import MissingError, UsageError
from zoo.pretrained.transfer import TransferFit
from zoo.recipe import rerun, resolve
from zoo.training.fit import Fit

ALLOWED = {*sys.stdlib_module_names, "keras", "numpy", "tensorflow", "tensorflow_datasets", "sklearn"}
STEPS = 12  # most an epoch, here and there
CASES = {  # name of the case -> model, dataset, what the command line says
    "augmented images": ("lenet", "digits", ["training.warmup_epochs=0.5"]),
    "layers of the zoo": ("lenet.1998", "digits", ["training.warmup_epochs=0.5", "augmentation.flip=true"]),
    "dropout and penalties": ("mlp", "digits", [
        "training.warmup_epochs=0", "training.schedule=step", "training.decay_epochs=1", "training.decay_rate=0.5",
        "training.optimizer=adamw", "training.weight_decay=0.01", "training.clip_norm=1.0", "knobs.l2=0.001",
        "knobs.batch_norm=before", "training.loss=categorical_crossentropy",
    ]),
    "a table that stops early": ("mlp", "iris", [
        "training.batch_size=8", "callbacks.early_stopping.patience=1", "callbacks.early_stopping.min_delta=0.5",
        "callbacks.checkpoint.monitor=val_accuracy",
    ]),
    "a number to predict": ("mlp", "diabetes", [
        "training.schedule=constant", "training.warmup_epochs=0", "training.optimizer=nesterov",
        "training.learning_rate=1e-5", "callbacks.reduce_on_plateau.patience=1",
    ]),
    "two phases": ("vgg_transfer", "digits", [
        "knobs.hidden_units=[16]", "transfer.head_epochs=3", "training.warmup_epochs=1",
        "callbacks.early_stopping.patience=2",
    ], {"base": "MobileNet", "weights": "none"}),
    "the head alone": ("vgg_transfer", "digits", ["knobs.pooling=max"], {
        "base": "VGG16", "weights": "none", "freeze": "all",
    }),
    "half precision": ("mlp", "digits", ["training.precision=mixed_float16", "training.jit=off"]),
    "the rule of 1958": ("perceptron.1958", "xor", []),
    "no validation": ("linear", "line", []),
    "some classes": ("perceptron", "digits", [
        "data.classes=[7,1,4]", "data.num_classes=3", "data.class_names=[]", "data.train=542",
        "data.examples_a_class=40",
    ]),
    "texts with labels": ("lstm", "parity", ["knobs.units=[8]", "data.validation_share=0"]),
    "words": ("transformer.encoder", "parity", [  # of which all but few are cut
        "data.text.tokens=word", "data.text.vocab_size=300", "data.input_shape=[1]", "data.text.keep=end",
    ]),
    "pairs of texts": ("encoder_decoder", "addition", [
        "data.train=4000", "data.test=100", "knobs.units=24", "knobs.dropout=0.2", "data.text.keep=end",
        "data.input_shape=[6]",
    ]),
    "pairs without recurrence": ("transformer", "dates", [
        "data.train=3000", "data.test=50", "knobs.num_layers=1", "knobs.model_dim=16", "knobs.num_heads=2",
    ]),
    "one long text": ("lstm", "stdlib", [
        "data.train=60000", "data.text.vocab_size=60", "data.input_shape=[32]", "training.batch_size=16",
        "knobs.units=[16]",
    ]),
    "a series": ("simple_rnn", "sine", ["data.train=500", "data.series.horizon=3", "preprocessing.standardize=global"]),
    "a series of two scales": ("lstm", "sine", ["data.train=400", "preprocessing.standardize=window"]),
    "points of a formula": ("perceptron.sigmoid", "spirals", [
        "training.schedule=exponential", "training.decay_epochs=1", "training.decay_rate=0.9",
    ]),
}  # fmt: skip
PREPARED = {
    "images of TFDS": ("perceptron", "mnist", ["training.final_share=0.1"]),
    "a table of TFDS": ("mlp", "wine_quality", []),
}
for name, case in PREPARED.items():
    source = resolve(*case[:2])[0].data.source.removeprefix("tfds:")
    if prepared.find(prepared.Address.parse(source)):
        CASES[name] = case
WITHOUT_ZOO = """
import contextlib, io, json, os, runpy, sys
import keras
sys.modules["zoo"] = None  # importing it, or anything in it, is an ImportError
said = {}
for folder in sys.argv[1:]:
    os.chdir(folder)
    keras.config.set_dtype_policy("float32")  # as in a process of its own
    sys.argv = ["train.py", "--epochs", "3", "--steps", "12"]
    with contextlib.redirect_stdout(io.StringIO()) as text:
        runpy.run_path("train.py", run_name="__main__")
    said[folder] = text.getvalue()
json.dump(said, sys.stdout)
"""


SLOWER = {
    "images of TFDS",
    "points of a formula",
    "layers of the zoo",
    "half precision",
    "the head alone",
    "words",
    "pairs without recurrence",
    "a series of two scales",
    "dropout and penalties",
    "a number to predict",
    "two phases",
}
EVERY_CASE = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOWER)) for name in CASES]


@pytest.fixture(scope="module")
def ejected(tmp_path_factory):
    """A function from a case's name to its folder, and what its script said in a process that has no zoo."""
    base = tmp_path_factory.mktemp("ejected")

    @cache
    def made(slower):
        folders = {name: base / name.replace(" ", "_") for name in CASES if (name in SLOWER) == slower}
        for name, folder in folders.items():
            model, dataset, sets, *start = CASES[name]
            eject(model, dataset, folder, [*sets, "training.epochs=3"], None, *start)
        command = [sys.executable, "-I", "-c", WITHOUT_ZOO, *map(str, folders.values())]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        said = json.loads(done.stdout.splitlines()[-1])
        return {name: (folder, said[str(folder)]) for name, folder in folders.items()}

    return lambda name: made(name in SLOWER)[name]


def numbers(line):
    """`loss 0.5, val_loss 0.6` as a table."""
    return {name: float(value) for name, value in re.findall(r"(\w+) (-?[\d.]+|nan)(?=,|$)", line)}


@pytest.mark.parametrize("name", EVERY_CASE)
def test_the_script_gives_the_numbers_of_the_run(ejected, name, monkeypatch):
    folder, said = ejected(name)
    recipe = rerun(folder / "recipe.toml")[0]
    splits = tasks.load(recipe.data, recipe.dataset)
    if recipe.training.precision == "mixed_float16":
        monkeypatch.setattr("zoo.training.fit.check_precision", lambda precision: None)  # which wants a GPU
    fit = (TransferFit if recipe.transfer else Fit)(recipe, splits, most_steps=STEPS)
    history = fit().history
    epochs, test = re.findall("^epoch .*", said, re.M), re.findall("^test, .*", said, re.M)[0]
    assert [line.split(":")[0] for line in epochs] == [f"epoch {i % 3 + 1} of 3" for i in range(len(history["loss"]))]
    for i, line in enumerate(epochs):
        for metric, value in numbers(line.split(": ")[1]).items():
            assert value == pytest.approx(history[metric][i], rel=1e-4, abs=1e-4), (metric, i)
    assert test.startswith(f"test, {len(splits.test.y)} examples: ")
    scores = fit.evaluate(splits.test)[0]
    if recipe.data.task == "seq2seq":
        scores |= fit.task.further(fit.model, recipe.data, splits, "test", scores).metrics
        test += f", {said.splitlines()[-1].partition(' of ')[0]}"
    assert numbers(test.split(": ")[1]) == pytest.approx(scores, rel=1e-4, abs=1e-4)
    saved = keras.saving.load_model(folder / "model.keras", compile=False)
    few = keras.tree.map_structure(lambda array: array[:20], splits.test.x)
    np.testing.assert_allclose(saved.predict(few, verbose=0), fit.model.predict(few, verbose=0), rtol=1e-3, atol=1e-3)
    if recipe.data.text:
        tokens, known = json.loads((folder / "vocabulary.json").read_text()), splits.vocabularies
        sides = [known.source, known.target] if known.target else [known.source]
        assert (list(tokens.values()) if known.target else [tokens]) == [list(side.tokens) for side in sides]


@pytest.mark.parametrize("name", EVERY_CASE)
def test_the_script_imports_the_libraries_alone_and_reads_well(ejected, name):
    folder, _ = ejected(name)
    tree = ast.parse((folder / "train.py").read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in names} <= ALLOWED
    assert "register(" not in (folder / "train.py").read_text()
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    chosen = ["--isolated", "--line-length", "120"]
    for command in (["check", "--select", "E,F,I,B,UP,SIM,C4,RET", *chosen], ["format", "--check", *chosen]):
        done = subprocess.run([*ruff, *command, str(folder / "train.py")], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_recipe_beside_it_is_the_run(ejected):
    model, dataset, sets = CASES["augmented images"]
    assert (
        rerun(ejected("augmented images")[0] / "recipe.toml")[0]
        == (resolve(model, dataset, [*sets, "training.epochs=3"])[0])
    )


LOADS = """
import runpy
import numpy as np
parts = runpy.run_path("train.py")["load"]()
np.savez("parts.npz", *(array for part in parts for array in part))
"""


def test_a_series_is_read_from_a_file_beside_the_script(tmp_path, zoo_cli, monkeypatch):
    said = zoo_cli("eject", "lstm", "airline", tmp_path / "new")
    assert said.code == 0 and "put airline-passengers.csv beside the script; it is at https://" in said.err
    monkeypatch.chdir(tmp_path / "new")
    rows = [f"{1949 + i // 12}-{1 + i % 12:02},{100 + i * i % 37}" for i in range(144)]
    Path("airline-passengers.csv").write_text("\n".join(["Month,Passengers", *rows, ""]))
    subprocess.run([sys.executable, "-c", LOADS], check=True)  # here its layers would take the place of the zoo's
    loaded = [*np.load("parts.npz").values()]
    recipe = resolve("lstm", "airline", ["data.source=csv:airline-passengers.csv"])[0]
    Path("airline-passengers.csv").write_text("\n".join(["Month,Passengers", *rows[:100], ""]))
    other = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True)
    assert other.stderr.splitlines()[-1] == "ValueError: 100 steps in time; the recipe says 144"
    Path("airline-passengers.csv").write_text("\n".join(["Month,Passengers", *rows, ""]))
    for mine, theirs in zip(loaded, itertools.chain(*tasks.load(recipe.data, "airline")), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_data_of_another_size_is_told(tmp_path):
    eject("mlp", "iris", tmp_path / "new", ["data.train=100"])
    with pytest.raises(ValueError, match=r"\[122, 8, 20\] examples .* the recipe says \[72, 8, 20\]"):
        runpy.run_path(str(tmp_path / "new" / "train.py"))["load"]()


def test_the_head_of_a_script_can_be_typed_again(tmp_path):
    recipe = tmp_path / "my own.toml"
    recipe.write_text(Path("recipes/iris.toml").read_text())
    eject("mlp", str(recipe), tmp_path / "new", ["data.class_names=['a b','\"\"\"','c']"])
    head = ast.get_docstring(ast.parse((tmp_path / "new" / "train.py").read_text()))
    command = shlex.split(head.replace("\n", " ").split("`")[1])
    assert command == ["zoo", "run", "mlp", str(recipe), "--set", "data.class_names=['a b','\"\"\"','c']"]


def test_another_seed_is_another_script():
    texts = [script(resolve("mlp", "iris", options={"seed": seed})[0])[0] for seed in (3, 4)]
    assert "SEED = 3 " in texts[0] and texts[0].replace("SEED = 3 ", "SEED = 4 ") == texts[1]


BUILDS = """
import json, sys
sys.modules["zoo"] = None
import keras, numpy as np
found = {}
for name, (code, function, knobs) in json.load(sys.stdin).items():
    space = {}
    exec(code, space)
    keras.utils.set_random_seed(0)
    model = space[function](**{k: tuple(v) if isinstance(v, list) else v for k, v in knobs.items()})
    found[name] = [float(np.abs(w).sum()) for w in model.get_weights()]
json.dump(found, sys.stdout)
"""


@pytest.mark.slow
def test_every_builder_stands_alone():
    """Each of the catalogue's builders, taken out with all that it leans on, makes the same weights without zoo."""
    jobs, wanted = {}, {}
    for name in list_models():
        record = describe(name)
        if record.origin != "zoo" or (record.params > 5_000_000 and not record.trial):
            continue
        if name == "vgg_transfer":  # which looks its base up in the registry
            with pytest.raises(UsageError, match=r"leans on all of zoo\.catalogue\.registry"):
                lift(record.builder)
            continue
        lifted = lift(record.builder)
        lines = ["from __future__ import annotations"]
        for module, names in lifted.imports.items():
            lines += [f"import {module}"] if "" in names else []
            lines += [f"from {module} import {one}" for one in names - {""}]
        jobs[name] = ("\n".join([*lines, lifted.code]), record.builder.__name__, dict(record.trial))
        keras.utils.set_random_seed(0)
        wanted[name] = [float(np.abs(w).sum()) for w in build(name, **record.trial).get_weights()]
    assert len(jobs) > 20
    done = subprocess.run([sys.executable, "-I", "-c", BUILDS], input=json.dumps(jobs), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout) == wanted


@pytest.mark.parametrize(
    ("model", "dataset", "told"),
    [
        ("lennet", "digits", "did you mean lenet"),
        ("lenet", "digit", "did you mean digits"),
        ("lenet", "iris", "lenet takes image, iris is tabular"),
        ("transformer", "multi30k_en_de", "scripts read TensorFlow Datasets, scikit-learn's sets and generated data"),
    ],
)
def test_what_is_refused_leaves_nothing(tmp_path, zoo_cli, model, dataset, told):
    said = zoo_cli("eject", model, dataset, tmp_path / "new")
    assert said.code == 2 and told in said.err and len(said.err.splitlines()) <= 3
    assert not list(tmp_path.iterdir())


def test_sources_and_settings_that_a_script_cannot_have(tmp_path, monkeypatch):
    table = tmp_path / "own.csv"
    table.write_text("a,b\n" + "".join(f"{i},{2 * i}.5\n" for i in range(50)))
    own = resolve("linear", "own", data=tasks.infer(f"csv:{table}").model_copy(update={"group": "a"}))[0]
    with pytest.raises(UsageError, match=r"rows that belong together \(column 'a'\) are kept apart by zoo"):
        script(own)
    for sets, why in (
        (["training.strategy=mirrored"], "strategy mirrored"),
        (["callbacks.checkpoint.monitor=accuracy"], "goes by accuracy in training"),
    ):
        with pytest.raises(UsageError, match=why):
            eject("mlp", "iris", tmp_path / "new", sets)
    with pytest.raises(UsageError, match="31 different examples to give"):
        eject("lstm", "parity", tmp_path / "new", ["data.options.longest=5"])
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(MissingError, match="zoo data prepare tfds:wine_quality"):
        eject("mlp", "wine_quality", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["own.csv"]


def test_what_starts_from_trained_weights(tmp_path, zoo_cli):
    said = zoo_cli("eject", "vgg_transfer", "digits", tmp_path / "new")  # no file of ImageNet's weights is needed yet
    text = (tmp_path / "new" / "train.py").read_text()
    assert said.code == 0 and 'WEIGHTS = "imagenet"' in text and "keras.applications.VGG16(weights=WEIGHTS" in text
    said = zoo_cli("eject", "vgg_transfer", "digits", tmp_path / "other", "--base", "lenet:mnist")
    assert said.code == 2 and "vgg_transfer from lenet:mnist, a base of the zoo" in said.err
    said = zoo_cli("eject", "lenet", "digits", tmp_path / "other", "--freeze", "all")
    assert said.code == 2 and "--base, --weights and --freeze go with vgg_transfer" in said.err
    known = ["eject", "vgg_transfer", "digits", tmp_path / "other", "--base", "MobileNet", "--weights"]
    said = zoo_cli(*known, "none", "--freeze", "99-last-blocks")
    assert said.code == 2 and "99 last blocks are to learn, the network has" in said.err
    said = zoo_cli(*known, "imagnet")
    assert said.code == 2 and "there is no file" in said.err and "imagnet" in said.err
    assert not (tmp_path / "other").exists()


def test_folders(tmp_path, zoo_cli):
    (tmp_path / "empty").mkdir()
    said = zoo_cli("eject", "linear", "line", tmp_path / "empty")
    assert said.code == 0 and "python train.py" in said and "pip install keras==" in said
    assert sorted(path.name for path in (tmp_path / "empty").iterdir()) == ["recipe.toml", "train.py"]
    said = zoo_cli("eject", "linear", "line", tmp_path / "empty")
    assert said.code == 2 and "is not empty; nothing is overwritten" in said.err
    said = zoo_cli("eject", "linear", "line", tmp_path / "none" / "such")
    assert said.code == 2 and "there is no folder" in said.err


def test_a_builder_of_another_package_comes_with_its_own(tmp_path, monkeypatch):
    (tmp_path / "my_own_nets").mkdir()
    (tmp_path / "my_own_nets" / "__init__.py").write_text("from my_own_nets.parts import UNITS\n")
    (tmp_path / "my_own_nets" / "parts.py").write_text(
        "from math import tau as circle\n\n# how many\nUNITS = round(circle)\n"
    )
    (tmp_path / "my_own_nets" / "net.py").write_text(
        "from my_own_nets import UNITS\n\n\n"
        "def one(units: int = UNITS):\n    import keras\n\n    return keras, units\n\n\n"
        "def UNITS_of():\n    from zoo.models.mlp import mlp\n\n    return mlp\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from my_own_nets import net

    lifted = lift(net.one)
    assert lifted.imports == {"math": {"tau as circle"}, "keras": {""}}
    assert lifted.code == (
        "# how many\nUNITS = round(circle)\n\n\ndef one(units: int = UNITS):\n    return keras, units"
    )
    assert "def mlp(" in lift(net.UNITS_of).code


def test_code_without_a_file_and_names_that_clash_are_refused(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="not at hand"):
        lift(eval("lambda: 1", {"__name__": "typed_in"}))
    for module, text in {"one": "def f():\n    return 1\n", "two": "def f():\n    return 2\n"}.items():
        (tmp_path / f"clash_{module}.py").write_text(text)
    (tmp_path / "clash.py").write_text("def g():\n    return 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    import clash_one
    import clash_two

    with pytest.raises(UsageError, match="two things are called f"):
        lift(clash_two.f, lift(clash_one.f))
