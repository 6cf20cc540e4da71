import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from zoo.data import prepare, status
from zoo.data.sources import named
from zoo.data.sources.tfds_prepared import Address, download_facts, find
from zoo.errors import MissingError, UsageError, ZooError
from zoo.tasks import infer, load


@pytest.fixture
def offline(monkeypatch):
    import socket

    def fail(*_):
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", fail)


def child(code, **environment):
    """Run code in a process of its own; its last line of output."""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def test_every_example_arrives_with_its_label(toy_dir, toy):
    parts = load(toy, "toy")
    assert {k: len(p.y) for k, p in parts.by_name().items()} == {"train": 18, "validation": 2, "test": 10}
    for part in parts:
        assert part.x.dtype == np.uint8 and part.y.dtype == np.int32
        assert (part.x == part.x[:, :1, :1]).all()  # each image is one shade ...
        assert (part.x[:, 0, 0, 0] % 3 == part.y).all()  # ... which tells its label
    everything = np.concatenate([part.x[:, 0, 0, 0] for part in parts])
    assert sorted(everything) == list(range(30))
    assert set(parts.test.x[:, 0, 0, 0]) == set(range(20, 30))


def test_a_cached_set_needs_no_tensorflow_and_no_record_files(toy_dir, toy):
    first = load(toy, "toy")
    code = (
        "import sys; from zoo.tasks import load; from zoo.data.config import Data\n"
        f"s = load(Data.model_validate_json({toy.model_dump_json()!r}), 'toy')\n"
        "assert not {'tensorflow', 'tensorflow_datasets', 'keras'} & set(sys.modules)\n"
        "print(s.train.x[:, 0, 0, 0].tolist())"
    )
    assert json.loads(child(code)) == first.train.x[:, 0, 0, 0].tolist()


def test_a_change_of_the_prepared_files_is_seen(toy_dir, toy, home):
    load(toy, "toy")
    info = toy_dir / "zoo_toy" / "1.0.0" / "dataset_info.json"
    os.utime(info, (1, 1))
    load(toy, "toy")
    assert len(list((home / "data").iterdir())) == 2


def test_a_number_may_be_the_label_instead(toy_dir, toy):
    data = infer("tfds:zoo_toy", "half")
    assert (data.task, data.num_classes, data.train, data.test) == ("regression", None, 20, 10)
    part = load(data, "toy").test
    assert part.y.dtype == np.float32
    assert (part.x[:, 0, 0, 0] / 2 == part.y).all()


def test_images_come_in_the_shape_that_is_asked_for(toy_dir, toy):
    part = load(toy.model_copy(update={"input_shape": (12, 3, 3)}), "toy").test
    assert part.x.shape == (10, 12, 3, 3)
    assert (part.x[:, 0, 0, 0] % 3 == part.y).all() and (part.x == part.x[:, :1, :1, :1]).all()


def test_scripts_read_images_as_they_are_with_their_own_labels(toy_dir, toy):
    source = named("tfds")
    assert source.why_no_script("zoo_toy", toy) == ""
    for change, why in (({"label": "half"}, "the set's own labels"), ({"input_shape": (12, 3, 3)}, "are resized")):
        assert why in source.why_no_script("zoo_toy", toy.model_copy(update=change))


def test_columns_of_a_table_stand_in_the_order_of_their_names(toy_dir):
    data = infer("tfds:zoo_table")
    assert data.feature_names == ("age", "kind=cat", "kind=dog", "weight")
    assert (data.task, data.train, data.test_share) == ("regression", 10, 0.2)
    part = load(data.model_copy(update={"test_share": 0.0, "validation_share": 0.0}), "table").train
    age = part.x[:, 0]
    assert part.x.tolist() == [[a, 1 - a % 2, a % 2, a + 0.5] for a in age]
    assert (part.y == 10 * age).all()


def test_other_columns_than_the_recipe_names_are_refused(toy_dir):
    data = infer("tfds:zoo_table").model_copy(update={"feature_names": ("weight", "age", "kind=cat", "kind=dog")})
    with pytest.raises(UsageError, match="has the columns age, kind=cat"):
        load(data, "table")


def test_inference_describes_what_is_prepared(toy_dir, toy, caplog):
    with caplog.at_level("INFO", "zoo"):
        data = infer("tfds:zoo_toy")
    assert "looking at what zoo_toy holds" in caplog.text  # before TensorFlow is imported, which takes seconds
    expected = toy.model_dump(exclude={"download_mb"}) | {"stratify": "on"}  # as of all data without a recipe
    assert data.model_dump(exclude={"download_mb"}) == expected


@pytest.mark.parametrize(
    ("label", "message"),
    [("lable", "unknown feature of zoo_toy 'lable'; did you mean label"), ("image", "label 'image' is Image")],
)
def test_a_label_that_is_none(toy_dir, label, message):
    with pytest.raises(UsageError, match=message):
        infer("tfds:zoo_toy", label)


def test_a_text_input_is_refused_by_name(toy_dir, flat):
    data = flat(source="tfds:zoo_toy", task="classification", features=4, train=20)
    with pytest.raises(UsageError, match=r"zoo_toy holds images; the recipe says data.kind = 'tabular'"):
        load(data, "toy")


def test_sizes_that_disagree_are_refused(toy_dir, toy):
    with pytest.raises(UsageError, match=r"recipe says 19 examples in data.train, the source has 20"):
        load(toy.model_copy(update={"train": 19}), "toy")
    table = infer("tfds:zoo_table")
    with pytest.raises(UsageError, match="unknown split of zoo_table 'test'\nit has: train"):
        load(table.model_copy(update={"test": 3, "test_share": 0.0}), "table")


def test_a_label_out_of_range_is_named(toy_dir, toy):
    with pytest.raises(ZooError, match=r"toy, train: row \d+ has label 2; with 2 classes"):
        load(toy.model_copy(update={"num_classes": 2, "class_names": ()}), "toy")


def records(folder, split="train"):
    return next((folder / "zoo_toy" / "1.0.0").glob(f"*-{split}.tfrecord*"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-7]),
        lambda path: path.write_bytes(path.read_bytes()[:200] + b"\xff" + path.read_bytes()[201:]),
        lambda path: path.unlink(),
    ],
    ids=["cut", "flipped", "gone"],
)
def test_a_damaged_record_file_is_named_with_the_remedy(toy_dir, toy, damage):
    path = records(toy_dir)
    damage(path)
    place = path if path.exists() else path.parent
    with pytest.raises(MissingError, match="is damaged") as caught:
        load(toy, "toy")
    assert str(caught.value).startswith(str(place))
    assert f"rm -r {path.parent} && zoo data prepare tfds:zoo_toy" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("name", "damage", "why"),
    [
        ("record", pipe, "it is a pipe, not a plain file"),
        ("record", lambda path: os.truncate(path, 2**40), "it has 1,099,511,627,776 bytes, it can have"),
        ("record", lambda path: path.write_bytes(path.read_bytes() + b"1"), "bytes, it can have"),
        ("label.labels.txt", pipe, "it is a pipe, not a plain file"),
        ("label.labels.txt", lambda path: os.truncate(path, 2**40), "bytes, it can have 67,108,864"),
        ("zoo_toy-train.tfrecord-00001-of-00002", lambda path: path.write_bytes(b"1"), "bytes, it can have 0"),
    ],
)
def test_files_that_do_not_fit_the_description_are_refused_before_tensorflow_reads_them(
    toy_dir, toy, name, damage, why
):
    path = records(toy_dir) if name == "record" else toy_dir / "zoo_toy" / "1.0.0" / name
    damage(path)
    with pytest.raises(MissingError, match="is damaged") as caught:
        load(toy, "toy")
    assert str(caught.value).startswith(f"{path} is damaged (") and why in str(caught.value)


@pytest.mark.parametrize("template", ["/dev/zero", "../{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"])
def test_record_files_lie_in_the_folder_of_their_description(toy_dir, toy, template):
    path = toy_dir / "zoo_toy" / "1.0.0" / "dataset_info.json"
    info = json.loads(path.read_text())
    info["splits"][0]["filepathTemplate"] = template
    path.write_text(json.dumps(info))
    with pytest.raises(MissingError, match="its files are said to lie elsewhere"):
        load(toy, "toy")


def test_damage_after_caching_is_seen_too(toy_dir, toy):
    load(toy, "toy")
    path = records(toy_dir)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(MissingError, match="is damaged"):
        load(toy, "toy")


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("content", ["", "{", '{"splits": [{}]}'])
def test_a_damaged_description_is_named_with_the_remedy(toy_dir, toy, name, content):
    path = toy_dir / "zoo_toy" / "1.0.0" / name
    path.write_text(content)
    with pytest.raises(MissingError, match=r"is damaged.*\nprepare it again: rm -r") as caught:
        load(toy, "toy")
    assert str(path) in str(caught.value)


def test_half_made_versions_do_not_count_and_the_newest_does(toy_dir, toy):
    root = toy_dir / "zoo_toy"
    shutil.copytree(root / "1.0.0", root / "1.10.0")
    shutil.copytree(root / "1.0.0", root / "1.9.0")
    (root / "incomplete.ABC_2.0.0").mkdir()
    assert find(Address("zoo_toy")).version == "1.10.0"
    assert find(Address("zoo_toy", version="1.9.0")).version == "1.9.0"
    assert find(Address("zoo_toy", version="3.0.0")) is None


def test_the_default_configuration_is_found(toy_dir):
    root = toy_dir / "zoo_pair"
    for config in ("big", "small"):
        shutil.copytree(toy_dir / "zoo_toy" / "1.0.0", root / config / "1.0.0")
    assert find(Address("zoo_pair")) is None
    (root / ".config").mkdir()
    (root / ".config" / "metadata.json").write_text('{"default_config_name": "small"}')
    assert find(Address("zoo_pair")).name == "zoo_pair/small"
    assert find(Address("zoo_pair", "big")).name == "zoo_pair/big"


@pytest.mark.parametrize("text", ["", "../mnist", "mnist/../x", "mnist:3", "a b", "mnist/"])
def test_addresses_that_are_none(text):
    with pytest.raises(UsageError, match="is not of the form tfds:NAME"):
        Address.parse(text)


def test_addresses():
    assert Address.parse("wine_quality/white:1.0.0") == Address("wine_quality", "white", "1.0.0")
    assert str(Address.parse("mnist:3.0.1")) == "mnist:3.0.1"


def test_offline_and_not_prepared_says_all_there_is_to_say(tmp_path, monkeypatch, toy, offline):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "none"))
    mnist = toy.model_copy(update={"source": "tfds:mnist"})
    with pytest.raises(MissingError) as caught:
        load(mnist, "mnist")
    assert str(caught.value).splitlines() == [
        "mnist is not prepared, and there is no network to download it (storage.googleapis.com does not resolve)",
        f"looked in {tmp_path / 'none' / 'mnist'} (TFDS_DATA_DIR sets the folder); the download: 11.06 MiB",
        "with no download at all: zoo run lenet digits",
    ]
    assert caught.value.exit_code == 3
    assert status(mnist).ready is False
    assert not (tmp_path / "none").exists()


def test_a_resolver_that_never_answers_is_waited_for_two_seconds(monkeypatch):
    import socket

    from zoo.data.network import reachable

    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answered.wait(600))
    start = time.monotonic()
    assert reachable("example.org", seconds=0.3) == "example.org does not resolve within 0.3 s"
    assert time.monotonic() - start < 60
    answered.set()


def test_behind_a_proxy_the_proxy_is_what_must_resolve(monkeypatch):
    import socket

    from zoo.data.network import reachable

    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, port: asked.append(name))
    monkeypatch.setenv("https_proxy", "http://proxy.local:3128")
    assert reachable("example.org") is None
    monkeypatch.setenv("https_proxy", "other.local:3128")
    assert reachable("example.org") is None
    assert asked == ["proxy.local", "other.local"]


def test_an_unknown_name_gets_the_nearest_and_no_network_is_asked(tmp_path, monkeypatch, offline):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(UsageError, match="unknown TensorFlow Datasets name 'fashion_mnst'; did you mean fashion_mnist"):
        infer("tfds:fashion_mnst")
    with pytest.raises(MissingError, match=r"cifar10 is not prepared.*162\.17 MiB"):
        infer("tfds:cifar10")


def test_download_sizes_of_recipes_are_those_registered():
    assert download_facts("mnist") == (pytest.approx(11.06, abs=0.01), "storage.googleapis.com")
    assert download_facts("fashion_mnist")[0] == pytest.approx(29.45, abs=0.01)
    assert download_facts("no_such_set")[0] == 0


def test_preparing_what_is_prepared_asks_nobody(toy_dir, toy, offline):
    assert prepare(toy) == status(toy)
    assert status(toy).place == str(toy_dir / "zoo_toy" / "1.0.0")


def test_the_data_folder_is_that_of_tfds_by_default(tmp_path):
    code = (
        "import os; del os.environ['TFDS_DATA_DIR']\n"  # before TFDS looks at it
        "from pathlib import Path; import tensorflow_datasets as tfds\n"
        "from zoo.data.sources.tfds_prepared import data_dir\n"
        "print(data_dir() == Path(tfds.core.constants.DATA_DIR).expanduser(), data_dir())"
    )
    assert child(code, TFDS_DATA_DIR="x", HOME=str(tmp_path)) == f"True {tmp_path / 'tensorflow_datasets'}"


def test_a_set_larger_than_memory_is_refused_before_it_is_read(toy_dir, toy):
    with pytest.raises(UsageError, match=r"needs .* GiB as arrays"):
        load(toy.model_copy(update={"input_shape": (100_000, 100_000, 3)}), "toy")


@pytest.mark.slow
def test_the_real_mnist_loads_quickly_the_second_time():
    """On the real data where it lies; the toys above show the same without it."""
    folder = Path(os.environ.get("TFDS_DATA_DIR") or Path(__file__).parents[2].parent / "shared" / "data" / "tfds")
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no mnist in {folder}")
    code = (
        "import sys, time\n"
        "from zoo.tasks import load; from zoo.data.config import Data\n"
        "d = Data(source='tfds:mnist', kind='image', task='classification', input_shape=(28, 28, 1),\n"
        "         input_dtype='uint8', num_classes=10, train=60000, test=10000)\n"
        "s = load(d, 'mnist'); seconds = time.process_time()\n"  # of the whole process, whatever else the machine does
        "import numpy as np\n"
        "print([len(p.y) for p in s], np.bincount(s.test.y).tolist(), 'tensorflow' in sys.modules, seconds < 1)"
    )
    child(code, TFDS_DATA_DIR=str(folder))
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # as published for the test split
    assert child(code, TFDS_DATA_DIR=str(folder)) == f"[54000, 6000, 10000] {counts} False True"
