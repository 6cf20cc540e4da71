"""B1-B47 as a user meets them: at most three lines, the value and the remedy named, no traceback, status 2 unless said.

What a source says of its own content (B18-B19, B22-B31) is tested cell by cell in tests/data, what a recipe says in
tests/recipe; here is the way through the command line.
"""

import json
import re
import resource
import shutil
import subprocess
import sys

import pytest

import zoo
from zoo.errors import UsageError
from zoo.files import write_text
from zoo.pretrained import index
from zoo.pretrained.published import load
from zoo.recipe import resolve
from zoo.runs import directory

MANY = 5000 * "9"
SAID = [  # row, arguments, what is said of it, what to do
    ("B1", ["run", "lennet", "digits"], "unknown model 'lennet'", "did you mean lenet"),
    ("B2", ["run", "lenet", "mnits"], "unknown dataset 'mnits'", "did you mean mnist"),
    ("B2", ["run", "mlp", "tfds:mnits"], "'mnits'", "did you mean mnist"),
    ("B3", ["run", "lenet", "iris"], "lenet takes image, iris is tabular", "models that fit iris: perceptron, mlp"),
    ("B3", ["run", "perceptron.hinge", "digits"], "does binary, digits is classification", "models that fit digits"),
    ("B4", ["run", "lenet", "digits", "--set", "preprocessing.resize=[8,8]"], "at least 16x16, got 8x8x1",
     "models that fit digits: perceptron, mlp"),
    ("B4", ["run", "lenet", "digits", "--set", "data.input_shape=[8,8,3]"], "[8, 8, 1], the recipe says [8, 8, 3]",
     "--set data.input_shape=[8,8,1]"),
    ("B5", ["run", "mlp", "digits", "--batch-size", "0"], "training.batch_size", "greater than 0 (got 0)"),
    ("B6", ["run", "mlp", "digits", "--batch-size", "-1"], "training.batch_size", "greater than 0 (got -1)"),
    ("B7", ["run", "mlp", "digits", "--batch-size", "1.5"], "--batch-size", "'1.5' is not a valid integer"),
    ("B7", ["run", "mlp", "digits", "--set", "training.batch_size=1.5"], "training.batch_size", "(got 1.5)"),
    ("B8", ["run", "mlp", "digits", "--batch-size", "1295"], "1295", "larger than the training split (1294 examples)"),
    ("B9", ["run", "mlp", "iris", "--set", "data.test_share=0.999"], "nothing is left for training", "test_share"),
    ("B9", ["run", "mlp", "iris", "--set", "data.test_share=0"], "nothing is left for testing", "a larger test_share"),
    ("B9", ["run", "mlp", "iris", "--set", "data.train=0"], "data.train", "greater than 0 (got 0)"),
    ("B9", ["run", "mlp", "digits", "--set", "data.validation_share=0", "--set", "callbacks.checkpoint={}"],
     "'val_loss' is not produced", "one of loss, accuracy"),
    ("B10", ["run", "mlp", "digits", "--learning-rate", "nan"], "training.learning_rate", "finite number (got nan)"),
    ("B11", ["run", "mlp", "digits", "--learning-rate", "inf"], "training.learning_rate", "finite number (got inf)"),
    ("B12", ["run", "mlp", "digits", "--learning-rate", "-0.1"], "training.learning_rate", "greater than 0 (got -0.1)"),
    ("B13", ["run", "mlp", "digits", "--learning-rate", "0"], "training.learning_rate", "greater than 0 (got 0.0)"),
    ("B14", ["run", "mlp", "digits", "--epochs", "0"], "training.epochs", "greater than 0 (got 0)"),
    ("B15", ["run", "mlp", "digits", "--epochs", "-3"], "training.epochs", "greater than 0 (got -3)"),
    ("B40", ["run", "mlp", "digits", "--set", "data.input_shape=[]"], "data.input_shape", "at least 1 item"),
    ("B40", ["run", "mlp", "iris", "--set", f"knobs.hidden_units=[{MANY[:30]}]"], "hidden_units", "2,147,483,647"),
    ("B40", ["run", "mlp", "iris", "--set", "knobs.hidden_units=" + 9000 * "["], "knobs.hidden_units", "valid tuple"),
    ("B40", ["run", "transformer", "addition", "--set", "knobs.num_layers=100000"], "knobs.num_layers: 100,000 layers",
     "at most 200"),
    ("B40", ["run", "mlp", "iris", "--set", f"knobs.hidden_units={[1] * 201}"], "knobs.hidden_units: 201 layers",
     "at most 200"),
    ("B40", ["generate", "lstm:tiny_shakespeare", "--prompt", "a", "--length", "1000001"], "--length", "1<=x<=1000000"),
    ("B48", ["run", "mlp", "iris", "--set", "knobs.dropout=1.0"], "knobs.dropout = 1.0", "at least 0 and below 1"),
    ("B48", ["run", "mlp", "iris", "--set", "knobs.dropout=-0.1"], "knobs.dropout = -0.1", "below 1"),
    ("B48", ["show", "mlp", "--set", "dropout=1"], "mlp cannot be built with dropout = 1", "at least 0 and below 1"),
    ("B46", ["run", "mlp", "iris", "--seed", MANY], "--seed", "is not a valid integer"),
    ("B46", ["run", "mlp", "iris", "--seed", "2147483648"], "training.seed", "less than or equal to 2147483647"),
    ("B46", ["run", "mlp", "iris", "--set", f"training.seed={MANY}"], "training.seed", "exceeded maximum size"),
    ("B46", ["run", "mlp", "iris", "--set", f"training.seed=0x{MANY}"], "training.seed", "thousands of digits"),
    ("B46", ["run", "mlp", "iris", "--set", "data.split_seed=-1"], "data.split_seed", "greater than or equal to 0"),
    ("B46", ["run", "mlp", "xor", "--set", "data.options.seed=-1"], "data.options.seed", "whole number from 0"),
    ("B46", ["run", "mlp", "xor", "--set", "data.options.seed=1_000_000_000_000"], "data.options.seed", "2147483647"),
    ("B46", ["generate", "lstm:tiny_shakespeare", "--prompt", "a", "--seed", MANY], "--seed", "not a valid integer"),
    ("B43", ["run", "mlp", "iris", "--out", "a\udcff"], "'a\\udcff' is not UTF-8", "rename it"),
    ("B47", ["run", "lenet", "digits", "--set", "data.source=stdlib:source"], "stdlib:source is text", "'image'"),
    ("B37", ["run", "lenet", "../../etc/passwd"], "unknown dataset '../../etc/passwd'", "zoo data ls"),
    ("B37", ["show", "../lenet"], "unknown model '../lenet'", "zoo ls"),
    ("B37", ["data", "prepare", "tfds:../mnist"], "tfds:../mnist", "of the form tfds:NAME"),
    ("B37", ["recipes", "show", "../mnist"], "unknown dataset '../mnist'", "did you mean mnist"),
]  # fmt: skip


def short(said, *parts):
    assert len(said.err) < 1000, "no line is of any length"
    assert said.code == 2 and "Traceback" not in said.err and "fault of zoo" not in said.err
    complaint = said.err[said.err.index("error: ") :].splitlines()
    assert len(complaint) <= 3 and all(part in "\n".join(complaint) for part in parts), said.err


@pytest.mark.parametrize(
    ("row", "arguments", "what", "remedy"), SAID, ids=[f"{a} {' '.join(b)[:90]!a}" for a, b, *_ in SAID]
)
def test_bad_arguments(zoo_cli, row, arguments, what, remedy):
    short(zoo_cli(*arguments), what, remedy)


HEAVY = {"tensorflow", "keras", "numpy"}
YARDSTICK = "import pydantic.main, click, rich.table, tomllib"  # 0.12 s where the answers below take 0.3 s


def processor_seconds(*arguments, code):
    """The least of three runs of Python: what other work on the machine adds is not counted."""
    found = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, *arguments], capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == code
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(found)


@pytest.mark.parametrize("arguments", [SAID[i][1] for i in (0, 3, 5, 9)])
def test_what_needs_no_tensorflow_is_answered_in_half_a_second(arguments):
    """Half a second where the yardstick takes an eighth; the machine of the day may be slower, or busy."""
    yardstick = processor_seconds("-c", YARDSTICK, code=0)
    assert processor_seconds("-m", "zoo", *arguments, code=2) < 4 * yardstick
    told = subprocess.run([sys.executable, "-X", "importtime", "-m", "zoo", *arguments], capture_output=True, text=True)
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "zoo.cli" in imported and not imported & HEAVY


def test_an_output_that_cannot_be_written_or_exists(zoo_cli, tmp_path):
    """B16, B17; nothing was loaded when it is said."""
    for place in ("/proc/nothing/here", "/sys/here", "/dev/null/x"):
        said = zoo_cli("run", "mlp", "digits", "--out", place)
        short(said, "cannot write into", "--out DIR")
        assert "loading data" not in said.err
    (tmp_path / "mine.txt").write_text("kept")
    short(zoo_cli("run", "mlp", "digits", "--out", tmp_path), "exists already; nothing is overwritten", "another --out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_rows_that_are_no_examples_end_a_run_with_status_1(zoo_cli, tmp_path):
    """B18-B19."""
    table = tmp_path / "t.csv"
    table.write_text("height,weight,kind\n" + "1,2,a\n2,3,b\n" * 20 + "inf,4,a\n")
    said = zoo_cli("run", "mlp", "--data", table, "--out", tmp_path / "out")
    assert said.code == 1 and "row 40, feature height is inf" in said.err and "remove the rows" in said.err
    assert not (tmp_path / "out").exists()
    said = zoo_cli(
        "run", "mlp", "digits", "--set", "data.num_classes=9", "--set", "data.class_names=[]", "--out", tmp_path / "out"
    )
    assert said.code == 1 and "row 9 has label 9; with 9 classes" in said.err


def test_another_models_weights_are_refused(tmp_path):
    """B21: a run directory knows the SHA-256 of its own."""
    for name, units in (("one", 4), ("other", 5)):
        (tmp_path / name).mkdir()
        directory.write_recipe(tmp_path / name, resolve("mlp", "iris", [f"knobs.hidden_units=[{units}]"])[0])
        (tmp_path / name / "model.keras").write_bytes(b"PK" * units)
        directory.record(tmp_path / name, {"exit": "done"})
    shutil.copy(tmp_path / "other" / "model.keras", tmp_path / "one" / "model.keras")
    with pytest.raises(UsageError, match="was changed after the run: its SHA-256 is not the one in run"):
        _ = directory.load(tmp_path / "one").model


@pytest.mark.parametrize(
    ("row", "name", "content", "told"),
    [
        ("B22", "a/empty.png", b"", "empty.png (empty file)"),
        ("B24", "a/text.jpg", b"these are words", "text.jpg (no PNG, JPEG, BMP or GIF"),
        ("B27", "t.csv", b"x,y\n1,a\n,b\n3,a\n4,b\n", "missing cells: line 3, column 'x'"),
        ("B28", "t.csv", b"x,y\n1,a\n2,b,c\n", "line 3: 3 cells where line 1 has 2"),
        ("B30", "t.csv", "x,y\n1,ü\n2,b\n".encode("latin-1"), "is not UTF-8: byte 0xfc"),
        ("B31", "t.csv", b"x,y\n1,a\n2,b\n", "unknown column of "),
    ],
)
def test_own_files_that_are_bad_are_named(zoo_cli, tmp_path, row, name, content, told):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    if path.suffix != ".csv":
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "c.png").write_bytes(b"")
    label = ["--label", "nothing"] if row == "B31" else []
    said = zoo_cli("run", "mlp", "--data", path if path.suffix == ".csv" else tmp_path, *label)
    short(said, told)


def test_a_cache_that_cannot_be_written_is_left_out_and_no_shared_folder_takes_its_place(tmp_path, monkeypatch):
    """B39; a cache that others can write to: tests/data/test_data_cache.py."""
    import tempfile

    import numpy as np

    from zoo.data import cache
    from zoo.data.examples import Examples, Source

    (tmp_path / "home").write_text("a file, no folder")
    shared = tmp_path / "tmp"
    shared.mkdir()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    source = Source(Examples(np.zeros((2, 2), "float32"), np.zeros(2, "int32")))
    assert cache.cached("x", lambda: source) is source
    assert not list(shared.iterdir())


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:99999", "b:1"]}, "task": {"type": "worker", "index": 0}}'},
         "not an address HOST:PORT: 'a:99999'"),
        ({"TF_CONFIG": '{"cluster": {"worker": ["a:0", "b:1"]}, "task": {"type": "worker", "index": 0}}'}, "'a:0'"),
        ({"SLURM_STEP_NUM_TASKS": "four"}, "what Slurm says of this step cannot be read"),
        ({"SLURM_STEP_NUM_TASKS": "4"}, "SLURM_JOB_ID"),
    ],
)  # fmt: skip
def test_what_says_who_the_workers_are_is_no_group_of_workers(zoo_cli, monkeypatch, tmp_path, environment, told):
    """B41; nothing is loaded and nothing begun."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    said = zoo_cli("run", "mlp", "iris", "--out", tmp_path / "out")
    short(said, told)
    assert "loading data" not in said.err and not (tmp_path / "out").exists()


def test_a_folder_that_was_deleted_under_a_command(tmp_path):
    """B43."""
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m zoo run mlp iris"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: the current folder is not there any more\ngo to another one with cd\n"


def test_something_else_than_a_name():
    """B47."""
    with pytest.raises(UsageError, match="a model is given by its name, not by a list"):
        zoo.run([1], "iris")
    with pytest.raises(UsageError, match="nothing is left for testing"):
        zoo.run("mlp", ([[1.0]], [1]))


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (PermissionError(13, "Permission denied", "/some/file"), 2, "cannot use /some/file: Permission denied"),
        (MemoryError(), 1, "the memory is full"),
        (KeyError("x"), 1, "this is a fault of zoo"),
    ],
)
def test_what_nobody_expected_is_told_apart(zoo_cli, monkeypatch, raised, code, told):
    def fails(*arguments):
        raise raised

    monkeypatch.setattr("zoo.catalogue.registry.describe", fails)
    said = zoo_cli("show", "lenet")
    assert said.code == code and told in said.err


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (["digits", "--set", "preprocessing.resize=[60000,60000]"], "a batch of 32 inputs of 60000x60000x1", "smaller"),
        (["digits", "--set", "preprocessing.pad=100000"], "200008x200008x1 takes about 9,5", "preprocessing"),
        (["iris", "--set", "knobs.hidden_units=[1000000,1000000]"],
         "mlp with 1,000,009,000,003 parameters, trained by adam, takes about 14,901.3 GiB", "a smaller network"),
    ],
)  # fmt: skip
def test_what_no_machine_holds_is_estimated_first(zoo_cli, tmp_path, arguments, what, remedy):
    """B40."""
    said = zoo_cli("run", "mlp", *arguments, "--out", tmp_path / "out")
    short(said, what, "GiB; this machine has", remedy)
    assert "loading data" not in said.err and not (tmp_path / "out").exists()


def test_the_estimate_leaves_alone_what_fits(monkeypatch):
    """Only in doubt is a network counted; then its optimiser and its size decide, not the doubt."""
    from zoo.training import memory

    counted = []
    monkeypatch.setattr(memory, "_parameters", lambda recipe: counted.append(recipe.model) or 1_000_000)
    for model, dataset in (("mlp", "iris"), ("lenet", "mnist"), ("transformer", "dates")):
        memory.refuse_too_large(resolve(model, dataset)[0])
    assert counted == []
    large = resolve("mlp", "iris", ["knobs.hidden_units=[50000,50000]"])[0]
    monkeypatch.setattr(memory, "memory", lambda: 16_000_000)
    memory.refuse_too_large(large)
    monkeypatch.setattr(memory, "memory", lambda: 15_999_999)
    with pytest.raises(UsageError, match="1,000,000 parameters, trained by adam"):
        memory.refuse_too_large(large)
    memory.refuse_too_large(resolve("mlp", "iris", ["knobs.hidden_units=[50000]"], {"optimizer": "sgd"})[0])


def test_the_whole_file_system_is_no_dataset(zoo_cli):
    """B42; and nothing of it is looked through."""
    for command in (("run", "mlp", "--data", "/"), ("data", "show", "/"), ("data", "show", "folder:/")):
        short(zoo_cli(*command), "/ is the root of the whole file system", "name the folder that holds the examples")


def test_names_that_are_not_utf_8(zoo_cli, tmp_path):
    """B44."""
    from PIL import Image

    for name in ("a", "b\udcff"):
        (tmp_path / "images" / name).mkdir(parents=True)
        Image.new("L", (4, 4)).save(tmp_path / "images" / name / "1.png")
    short(zoo_cli("run", "mlp", "--data", tmp_path / "images", "--out", tmp_path / "out"), r"b\udcff", "rename it")
    assert not (tmp_path / "out").exists()


def test_a_folder_among_checkpoints_is_let_be(tmp_path):
    """B45."""
    import numpy as np

    from zoo.training import checkpoint

    (tmp_path / "mine").mkdir()
    (tmp_path / "step-000000009.checkpoint").mkdir()
    checkpoint.save(tmp_path, 1, {"w": np.zeros(2)}, {"epoch": 0})
    found, damaged = checkpoint.newest(tmp_path)
    assert found is not None and found.facts == {"epoch": 0} and len(damaged) == 1
    assert (tmp_path / "mine").is_dir()


PUBLISHED = index.folder("lenet:mnist")
DEEP = "[" * 100_000
FORMS = [  # of which file, what stands in it, what is said of it
    ("run.json", {"exit": 5}, "run.json is damaged: exit: input should be a valid string"),
    ("run.json", {"exit": {"exit": "done"}}, "run.json is damaged: exit"),
    ("run.json", {"exit": "done"}, "run.json is damaged: model: field required"),
    ("run.json", {"exit": "done", "seed": "0"}, "run.json is damaged: "),
    ("run.json", [], "run.json is damaged: all of it"),
    ("run.json", DEEP, "run.json is damaged: maximum recursion depth exceeded"),
    ("metrics.json", {"test": [1]}, "metrics.json is damaged: test: "),
    ("metrics.json", {"test": {"loss": {"loss": 1}}}, "metrics.json is damaged: test.loss: "),
    ("metrics.json", {"test": {}, "examples_scored": "9"}, "metrics.json is damaged: examples_scored"),
    ("metrics.json", "null", "metrics.json is damaged: all of it"),
    ("metrics.json", DEEP, "metrics.json is damaged: maximum recursion depth exceeded"),
]


@pytest.mark.parametrize(("name", "content", "told"), FORMS, ids=[f"{a} {str(b)[:40]}" for a, b, _ in FORMS])
def test_facts_of_another_form_are_named(zoo_cli, tmp_path, name, content, told):
    """B45: with the right checksums, as somebody makes them who means it."""
    folder = tmp_path / "published"
    shutil.copytree(PUBLISHED, folder)
    facts = json.loads((PUBLISHED / "run.json").read_text())
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)
    if name == "run.json" and isinstance(content, dict):
        directory.record(folder, content)
    if name != "run.json":
        directory.record(folder, {key: value for key, value in facts.items() if key not in ("files", "self")})
        with pytest.raises(UsageError, match=re.escape(told)):
            _ = load(folder).metrics
    else:
        short(zoo_cli("predict", folder, "seven.png"), told)


def test_an_index_of_another_form_is_named(tmp_path, monkeypatch):
    """B45."""
    entries = json.loads(index.INDEX.read_text())
    entries["lenet:mnist"]["metrics"] = "good"
    monkeypatch.setattr(index, "INDEX", tmp_path / "index.json")
    index.INDEX.write_text(json.dumps(entries))
    with pytest.raises(UsageError, match=r"index\.json is damaged: lenet:mnist\.metrics: "):
        index.entries.__wrapped__()


def test_a_history_that_is_no_table_of_numbers_is_named(tmp_path):
    """B45."""
    directory.write_recipe(tmp_path, resolve("mlp", "iris")[0])
    (tmp_path / "history.csv").write_text("epoch,loss\n1,low\n")
    directory.record(tmp_path, {"exit": "done"})
    with pytest.raises(UsageError, match=r"history\.csv is damaged, or was changed after the run: it is no table"):
        _ = directory.Run(tmp_path).history


@pytest.mark.parametrize("place", ["none/here", "file/here", 300 * "x"])
def test_a_place_where_nothing_can_be_written_is_bad_input(tmp_path, place):
    """B16, for every file and folder that a command writes."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot write "):
        write_text(tmp_path / place, "words")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
