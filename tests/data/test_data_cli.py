"""`zoo data` as a stranger uses it: what is printed, what is drawn, and how it ends."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from zoo import tasks
from zoo.cli import main
from zoo.data import status
from zoo.recipe import list_recipes, load_recipe
from zoo.tasks import load

NAMES = [
    "and", "breast_cancer", "circles", "diabetes", "digits", "fashion_mnist", "iris", "line", "mnist", "moons", "or",
    "spirals", "wine", "wine_quality", "xor",
]  # fmt: skip


@pytest.fixture
def zoo(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["data", *map(str, arguments)])
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


@pytest.fixture
def offline(monkeypatch, tmp_path):
    import socket

    def fail(*_):
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "none"))


def test_every_dataset_of_the_brief_has_a_recipe():
    assert set(NAMES) <= set(list_recipes())


@pytest.mark.parametrize("name", NAMES)
def test_recipes_agree_with_their_source(name):
    recipe = load_recipe(name)
    if not status(recipe.data).ready:
        assert recipe.data.download_mb > 0
        return
    if recipe.data.source.startswith("tfds:") and recipe.data.kind == "image":
        from zoo.data.sources.tfds_prepared import Address, find

        splits = find(Address.parse(recipe.data.source.removeprefix("tfds:"))).splits
        assert (splits["train"], splits["test"]) == (recipe.data.train, recipe.data.test)
        return
    parts = load(recipe.data, name)
    assert {key: len(part.y) for key, part in parts.by_name().items()} == tasks.sizes(recipe.data)
    if recipe.data.class_names:
        assert set(parts.test.y) == set(range(len(recipe.data.class_names)))
    if recipe.data.feature_names:
        assert len(recipe.data.feature_names) == recipe.data.input_shape[0]


def test_ls_tells_what_is_there_and_what_a_download_costs(zoo, offline):
    code, out, err = zoo("ls")
    assert (code, err) == (0, "")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in out.splitlines()}
    assert lines["mnist"] == "image classification 28x28x1 10 54,000 6,000 10,000 to download: 11.06 MiB"
    assert lines["digits"] == "image classification 8x8x1 10 1,294 144 359 ready, no download"
    assert lines["diabetes"].startswith("tabular regression 10 - ")
    rows = {row["name"]: row for row in json.loads(zoo("ls", "--json")[1])}
    assert rows["mnist"]["ready"] is False and rows["xor"]["ready"] is True


def test_ls_imports_nothing_heavy(tmp_path):
    code = (
        "import sys\nfrom zoo.cli import main\n"
        "try: main(['data', 'ls'])\nexcept SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'sklearn', 'matplotlib', 'PIL', 'tensorflow_datasets'}\n"
        "print(heavy & set(sys.modules))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "set()"


@pytest.mark.parametrize("name", ["digits", "iris", "spirals", "xor", "line", "diabetes", "breast_cancer"])
def test_show_prints_the_spec_and_draws_a_sheet(zoo, tmp_path, name):
    code, out, _ = zoo("show", name)
    assert code == 0
    assert out.rstrip().endswith(f"samples drawn in {name}-samples.png")
    with Image.open(tmp_path / f"{name}-samples.png") as sheet:
        assert sheet.width > 400 and len(sheet.convert("L").getcolors()) > 10


def test_show_counts_classes_a_split(zoo):
    _, out, _ = zoo("show", "iris")
    assert [line.split() for line in out.splitlines() if line.startswith("setosa")] == [["setosa", "36", "4", "10"]]
    found = json.loads(zoo("show", "iris", "--json", "--out", "x.png")[1])
    assert found["class_counts"]["test"] == {"setosa": 10, "versicolor": 10, "virginica": 10}
    assert found["samples"] == "x.png"


def test_show_takes_an_own_table_and_an_own_folder(zoo, tmp_path):
    (tmp_path / "pets.csv").write_text("weight,kind,fur\n" + "".join(f"{i},{'cd'[i % 2]},long\n" for i in range(20)))
    code, out, _ = zoo("show", "pets.csv", "--label", "kind")
    assert code == 0 and "weight, fur=long" in out and (tmp_path / "pets-samples.png").exists()
    for i in range(6):
        path = tmp_path / "photos" / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (70, 70), (40 * i, 0, 0)).save(path)
    code, out, _ = zoo("show", tmp_path / "photos")
    assert code == 0 and "64x64x3 uint8" in out and (tmp_path / "photos-samples.png").exists()


def test_show_takes_any_prepared_tfds_name(zoo, toy_dir, tmp_path):
    code, out, _ = zoo("show", "tfds:zoo_toy")
    assert code == 0 and "train 18, validation 2, test 10" in out
    assert (tmp_path / "zoo_toy-samples.png").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "mnst"], 2, "error: unknown dataset 'mnst'; did you mean mnist"),
        (["show", "nothing.csv"], 2, "nothing.csv"),
        (["show", "./nothing"], 2, "no such file or folder: nothing"),
        (["show", "tfds:mnst"], 2, "unknown TensorFlow Datasets name 'mnst'; did you mean mnist"),
        (["show", "tfds:../x"], 2, "not of the form tfds:NAME"),
        (["show", "iris", "--label", "species"], 2, "--label goes with --data PATH or tfds:NAME"),
        (["show", "iris", "--out", "none/x.png"], 2, "cannot write none/x.png"),
        (["show", "iris", "--out", "x.jpg"], 2, "a sheet of samples is a .png"),
        (["show", "mnist"], 3, "mnist is not prepared, and there is no network"),
        (["prepare", "mnist"], 3, "11.06 MiB"),
        (["prepare", "tfds:cifar10"], 3, "cifar10 is not prepared, and there is no network"),
        (["prepare", "tfds:cifr10"], 2, "did you mean cifar10"),
    ],
)
def test_what_is_wrong_is_said_in_three_lines(zoo, offline, arguments, code, message):
    got, out, err = zoo(*arguments)
    assert got == code and message in err and out == ""
    assert len(err.splitlines()) <= 3 and "Traceback" not in err


def test_prepare_of_what_needs_none(zoo, offline):
    assert zoo("prepare", "digits", "xor")[:2] == (0, "digits: ready (scikit-learn)\nxor: ready (made on the spot)\n")


def test_one_damaged_dataset_does_not_hide_the_others(zoo, toy_dir):
    folder = toy_dir / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "dataset_info.json").write_text("{")
    code, out, err = zoo("ls")
    assert code == 0 and "digits" in out and "mnist left out" in err and "prepare it again" in err
