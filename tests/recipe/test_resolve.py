"""What a recipe and a command line come to, and what they may not say."""

import importlib
import subprocess
import tomllib
from pathlib import Path

import pytest
from interpreters import SUPPORTED, find

import zoo
from zoo import tasks
from zoo.data import config
from zoo.errors import UsageError
from zoo.recipe import fingerprint, list_recipes, load_recipe, recipe_text, recorded, rerun, resolve, schema
from zoo.recipe.source import builder_source, entry_source, method_source
from zoo.runs.directory import recipe_toml

BASE = """
title = "two rings"
[data]
source = "generated:circles"
kind = "tabular"
task = "binary"
input_shape = [2]
train = 100
test = 50
[training]
epochs = 4
batch_size = 10
"""


@pytest.fixture
def recipe_file(tmp_path):
    def write(text):
        path = tmp_path / "rings.toml"
        path.write_text(text)
        return str(path)

    return write


def refused(*arguments, **options):
    with pytest.raises(UsageError) as caught:
        resolve(*arguments, **options)
    return str(caught.value)


def test_precedence_is_command_line_then_model_table_then_recipe_then_model(recipe_file):
    text = BASE + '[models."perceptron.hinge".training]\nepochs = 5\n'
    training = resolve("perceptron.hinge", recipe_file(text))[0].training
    assert training.epochs == 5  # the model's table over the recipe's 4
    assert training.batch_size == 10  # the recipe
    assert training.optimizer == "sgd" and training.loss == "hinge"  # the model's own defaults
    said = resolve("perceptron.hinge", recipe_file(text), ["training.loss=mse"], {"epochs": 6})[0].training
    assert (said.epochs, said.loss) == (6, "mse")
    assert resolve("mlp", recipe_file(text))[0].training.loss == "binary_crossentropy"  # the task's


def test_all_mistakes_are_told_at_once_with_their_keys(recipe_file):
    text = BASE.replace("epochs = 4", "epochs = 0\nlerning_rate = 0.1\nlearning_rate = nan\nclip_norm = 'x'")
    message = refused("mlp", recipe_file(text))
    assert "4 mistakes" in message
    assert "training.lerning_rate: unknown key; did you mean learning_rate?" in message
    for key in ("training.epochs", "training.learning_rate", "training.clip_norm"):
        assert key in message


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("batch_size", -1),
        ("batch_size", 1.5),
        ("epochs", 0),
        ("epochs", -3),
        ("learning_rate", 0.0),
        ("learning_rate", -0.1),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("optimizer", "adamm"),
        ("seed", -1),
        ("strategy", "both"),
        ("precision", "float8"),
    ],
)
def test_options_out_of_range_are_refused_by_name(option, value):
    message = refused("mlp", "iris", options={option: value})
    assert f"training.{option}" in message and str(value) in message


def test_nearest_names_are_offered():
    assert "did you mean adam" in refused("mlp", "iris", options={"optimizer": "adamm"})
    assert "did you mean lenet" in refused("lennet", "mnist")
    assert "did you mean mnist" in refused("lenet", "mnits")
    assert "did you mean early_stopping" in refused("mlp", "iris", ["callbacks.early_stoping.patience=3"])
    assert "did you mean training" in refused("mlp", "iris", ["trainning.epochs=3"])
    assert "did you mean dropout" in refused("mlp", "iris", ["knobs.droput=0.1"])


def test_batch_larger_than_the_training_split_is_refused():
    sizes = tasks.sizes(load_recipe("iris").data)
    assert sizes == {"train": 108, "validation": 12, "test": 30}
    assert "larger than the training split (108 examples)" in refused("mlp", "iris", options={"batch_size": 109})
    assert resolve("mlp", "iris", options={"batch_size": 108})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("callbacks.early_stopping.monitor=test_accuracy", "would choose on the test split"),
        ("callbacks.early_stopping.monitor=val_acc", "is not produced; one of loss, accuracy, val_loss, val_accuracy"),
        ("callbacks.early_stopping.patience=100", "never runs out within 100 epochs"),
        ("training.warmup_epochs=100", "is the whole of 100 epochs"),
        ("training.schedule=step", "training.decay_epochs: missing"),
        ("training.decay_rate=0.5", "has no effect with schedule = 'cosine'"),
        ("training.momentum=0.5", "has no effect with optimizer = 'adam'"),
        ("training.weight_decay=0.5", "use adamw or momentum"),
        ("training.loss=hinge", "does not fit a classification task"),
        ("training.loss=pinball", "training.loss: pinball does not fit a classification task; one of "),
        ("callbacks.reduce_on_plateau.patience=3", "two hands on one learning rate"),
        ("augmentation.shift=1", "is for images"),
        ("preprocessing.pad=2", "is for images"),
        ("knobs.num_classes=4", "comes from the data"),
        ("knobs.dropout=much", "knobs.dropout"),
    ],
)
def test_contradictions_are_refused(said, told):
    assert told in refused("mlp", "iris", [said])


def test_a_step_that_never_comes_is_an_error_in_a_recipe_and_a_note_on_the_command_line(recipe_file):
    step = 'schedule = "step"\ndecay_epochs = 4\ndecay_rate = 0.1\n'
    assert "never comes within 4 epochs" in refused("mlp", recipe_file(BASE + step))
    fires = recipe_file(BASE + step.replace("= 4", "= 2"))
    assert resolve("mlp", fires)[1] == []
    assert "never comes within 1 epochs" in resolve("mlp", fires, options={"epochs": 1})[1][0]


def test_broken_toml_names_the_line(recipe_file):
    assert "line 4" in refused("mlp", recipe_file('title = "x"\n[data]\nsource = "a"\nkind = \n'))


def test_sections_keep_their_order_and_tables_name_real_models(recipe_file):
    moved = BASE.replace("[training]", "[callbacks]\n[training]")
    assert "sections out of order" in refused("mlp", recipe_file(moved))
    assert "did you mean mlp" in refused("mlp", recipe_file(BASE + "[models.mpl.training]\nepochs = 3\n"))


def test_a_pair_that_does_not_fit_is_refused_with_what_would():
    message = refused("lenet", "iris")
    assert "lenet takes image, iris is tabular" in message
    assert "mlp" in message.splitlines()[1] and "lenet" not in message.splitlines()[1]
    assert "at least 16x16" in refused("lenet", "digits", ["preprocessing.resize=[8,8]"])


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_resolves_for_every_model_in_it_and_says_where_it_comes_from(name):
    recipe, (_, text) = load_recipe(name), recipe_text(name)
    assert "ource" in text.split("title")[0] or "Made on the spot" in text.split("title")[0]
    for model in recipe.models:
        assert resolve(model, name)[1] == []


def test_a_resolved_recipe_written_as_toml_resolves_to_itself(tmp_path):
    resolved = resolve("lenet", "mnist", ["callbacks.early_stopping.patience=3"], {"seed": 5})[0]
    (tmp_path / "recipe.toml").write_text(recipe_toml(resolved))
    assert rerun(tmp_path / "recipe.toml")[0] == resolved
    assert tomllib.loads(recipe_toml(resolved))["training"]["seed"] == 5


def test_the_fingerprint_changes_with_recipe_and_builder_but_not_with_the_seed(tmp_path, monkeypatch):
    one = resolve("lenet", "mnist")[0]
    assert fingerprint(one) == fingerprint(resolve("lenet", "mnist", options={"seed": 7})[0])
    assert fingerprint(one) != fingerprint(resolve("lenet", "mnist", options={"epochs": 3})[0])

    source = tmp_path / "mine.py"
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for text in (
        'def f():\n    "one"\n    return g() + SIZE\n\ndef g():\n    return 1\n\nSIZE = 3\n',
        'def f() -> int:\n    "two"  # or\n    return g() + SIZE\n\ndef g():\n    return 1\n\nSIZE = 3\n\nOTHER = 5\n',
        "def f():\n    return g() + SIZE\n\ndef g():\n    return 2\n\nSIZE = 3\n",
        "def f():\n    return g() + SIZE\n\ndef g():\n    return 1\n\nSIZE = 4\n",
    ):
        source.write_text(text)
        digests.append(builder_source("mine", "f"))
    assert digests[0] == digests[1] and len(set(digests)) == 3
    assert "ClassDef(name='SparseConv2D'" in builder_source(
        "zoo.models.lenet", "lenet_1998"
    )  # layers it uses, and no others
    assert "ClassDef(name='PerceptronLoss'" not in builder_source("zoo.models.lenet", "lenet_1998")


TASK = """
from zoo.tasks.task import Task
LOSSES = {"mine": 1}
def weight():
    return 1
class Mine(Task):
    def objective(self, data, loss):
        return self._value() * weight() * LOSSES[loss]
    def _value(self):
        return 2
    def pictures(self, look):
        return 3
"""


def test_the_code_of_a_task_counts_as_far_as_numbers_come_from_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    sources = []
    for i, (was, now) in enumerate(
        [("", ""), ("return 3", "return 4"), ('"mine": 1', '"mine": 1, "new": 2'), ("return 2", "return 5"),
         ("return 1", "return 6"), ("self._value() *", "self._value() +")]
    ):  # fmt: skip
        (tmp_path / f"task_{i}.py").write_text(TASK.replace(was, now))
        found = method_source(importlib.import_module(f"task_{i}").Mine, ["objective"], without=["LOSSES"])
        sources.append(found)
    assert sources[0] == sources[1] == sources[2]
    assert len(set(sources)) == 4


def test_of_a_table_of_losses_the_entry_counts_that_is_used():
    assert "ClassDef(name='PerceptronLoss'" in entry_source("zoo.tasks.objective", "LOSSES", "perceptron")
    assert "PerceptronLoss" not in entry_source("zoo.tasks.objective", "LOSSES", "mse")
    assert entry_source("zoo.tasks.objective", "LOSSES", "of_another_task") == ""


def test_a_key_with_its_default_leaves_the_fingerprint_alone():
    plain = resolve("lenet", "mnist")[0]
    said = resolve("lenet", "mnist", ["data.stream=auto", "data.examples_a_class=0"])[0]
    other = resolve("lenet", "mnist", ["data.examples_a_class=20"])[0]
    assert fingerprint(plain) == fingerprint(said) != fingerprint(other)


DEFAULTS = {
    config.Data: {"input_dtype": "float32", "num_classes": None, "test": 0, "validation": 0, "test_share": 0.0,
                  "validation_share": 0.1, "split_seed": 0, "classes": (), "examples_a_class": 0, "stream": "auto",
                  "options": {}, "test_split": "test", "validation_split": "validation"},
    config.Text: {"target_vocab_size": None, "target_length": None, "standardize": "none", "keep": "start"},
    config.Series: {"horizon": 1, "period": None},
    config.Masks: {"image_size": None, "margin": 0, "values": (), "weights": ()},
    config.Preprocessing: {"pad": 0, "resize": None, "rescale": None, "standardize": "none"},
    config.Augmentation: {"shift": 0.0, "rotate": 0.0, "zoom": 0.0, "flip": False, "quarter_turns": False},
    schema.Training: {"epochs": 10, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.001, "momentum": None,
                      "weight_decay": 0.0, "schedule": "constant", "warmup_epochs": 0.0, "decay_epochs": None,
                      "decay_rate": None, "final_share": 0.0, "clip_norm": None, "precision": "float32",
                      "label_smoothing": 0.0, "averaging": None, "test_flips": False},
    schema.Callbacks: {"early_stopping": None, "checkpoint": None, "reduce_on_plateau": None, "nan_stop": True},
    schema.Checkpoint: {"monitor": "val_loss"},
    schema.Transfer: {"head": "new", "freeze": 1, "head_epochs": 0, "head_learning_rate": 0.001},
}  # fmt: skip


def test_defaults_are_what_they_were_when_numbers_were_recorded():
    """A fingerprint leaves them out: who changes one has to record anew the rows that it was part of."""
    for section, wanted in DEFAULTS.items():
        found = {name: section.model_fields[name].default for name in wanted}
        assert found == wanted, section.__name__


def every_pair():
    """Each recipe with each model that it has a table for, and with one that fits it."""
    for name in list_recipes():
        recipe = load_recipe(name)
        yield from ((model, name) for model in recipe.models)


@pytest.mark.parametrize(("model", "dataset"), every_pair())
def test_a_shortened_run_can_be_read_again(model, dataset, tmp_path):
    """What was run is a fact: `--epochs 1` leaves a warm-up or a patience without effect, and the run is read all the
    same, and can be repeated."""
    made, _ = resolve(model, dataset, options={"epochs": 1})
    (tmp_path / "recipe.toml").write_text(recipe_toml(made))
    assert recorded(tmp_path / "recipe.toml") == made
    assert rerun(tmp_path / "recipe.toml")[0] == made


MINE = """
import functools

class A:
    b: int = 3

@functools.cache
def f(x: int = 1) -> str:
    return f'{x!r:>{x}} {"a" + "b"} {A.b:,}'
"""
SOURCE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("source", sys.argv[1])
source = importlib.util.module_from_spec(spec)
spec.loader.exec_module(source)
print(source.builder_source("zoo.models.transformer", "transformer"))
print(source.builder_source("mine", "f"))
"""


def test_the_source_is_the_same_text_under_every_python(tmp_path):
    """Quotes nested in f-strings, type comments, decorators: what versions of Python write differently."""
    (tmp_path / "mine.py").write_text(MINE)
    package = Path(zoo.__file__).parent
    found = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(package.parent)!r}]\n{SOURCE}"
    told = ["-I", "-c", found, str(package / "recipe" / "source.py")]
    said = {}
    for version in SUPPORTED:
        if python := find(version):
            done = subprocess.run([python, *told], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            said[version] = done.stdout
    assert said and len(set(said.values())) == 1 and "FunctionDef(name='f'" in next(iter(said.values()))
