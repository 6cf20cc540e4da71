"""Published folders: they compute what the run computes, say where it comes from, and hold nothing that runs."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import zoo
from zoo.errors import UsageError, VerificationError
from zoo.pretrained.published import Published, differences
from zoo.recipe import resolve
from zoo.runs import directory, publishing
from zoo.runs.publishing import publish
from zoo.runs.scoring import rescore

FILES = {"weights.npz", "recipe.toml", "run.json", "metrics.json", "README.md", "SHA256SUMS"}


def outputs(run, x):
    return np.array(run.model(x, training=False))


def test_a_folder_computes_what_the_run_computes(images, published):
    x = np.random.default_rng(0).integers(0, 255, (5, 8, 8, 1)).astype("uint8")
    assert {path.name for path in published.folder.iterdir()} == FILES
    assert (outputs(published, x) == outputs(images, x)).all()
    assert published.metrics == images.metrics and published.recipe == images.recipe
    assert not differences(published.folder)


def test_constants_of_the_preprocessing_travel_along(table, tmp_path):
    folder = zoo.load(publish(table, tmp_path / "mlp-iris"))
    x = np.random.default_rng(0).random((9, 4), "float32") * 7
    assert (outputs(folder, x) == outputs(table, x)).all()
    metrics = rescore(folder, None, "test")["metrics"]
    assert metrics == pytest.approx(table.metrics["test"])


def test_a_published_folder_can_be_published_again(published, tmp_path):
    again = zoo.load(publish(published, tmp_path / "again", "mit"))
    assert (tmp_path / "again" / "weights.npz").read_bytes() == (published.folder / "weights.npz").read_bytes()
    assert again.info["licence"] == "mit"


def test_half_precision_is_scored_again(table, tmp_path):
    half = zoo.load(publish(table, tmp_path / "half", half=True))
    sizes = [(folder / "weights.npz").stat().st_size for folder in (half.folder, publish(table, tmp_path / "whole"))]
    assert sizes[0] < sizes[1]
    assert half.metrics["test"] == pytest.approx(rescore(half, None, "test")["metrics"])
    assert half.metrics["examples_scored"] == half.metrics["examples_in_split"] == 30
    assert set(half.metrics) == {"test", "examples_scored", "examples_in_split"}
    assert {array.dtype.name for array in half.weights.values()} == {"float32"}


def test_half_precision_that_costs_accuracy_is_refused(table, tmp_path, monkeypatch):
    worse = {"metrics": {"loss": 1.0, "accuracy": 0.2}, "examples_scored": 30, "examples_in_split": 30}
    monkeypatch.setattr("zoo.runs.publishing.rescore", lambda *_: worse)
    with pytest.raises(VerificationError, match=r"in half precision the accuracy goes from .* to 0\.2000"):
        publish(table, tmp_path / "half", half=True)
    assert list(tmp_path.iterdir()) == [], "nothing half-made is left"


def test_the_checksums_are_those_of_the_files(published):
    lines = (published.folder / "SHA256SUMS").read_text().splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert sums.keys() == FILES - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((published.folder / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("name", sorted(FILES - {"SHA256SUMS"}))
def test_a_changed_file_is_named(published, tmp_path, name):
    folder = tmp_path / "copy"
    shutil.copytree(published.folder, folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    assert differences(folder) == [f"{folder / name} differs from its SHA-256"]
    if name == "weights.npz":
        with pytest.raises(UsageError, match=r"weights\.npz is damaged, or was changed"):
            _ = Published(folder).model


def test_a_checksum_list_cannot_lead_out_of_the_folder(published, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(published.folder, folder)
    (folder / "SHA256SUMS").write_text("0" * 64 + "  ../../etc/passwd\n")
    assert differences(folder)[0] == f"{folder / '../../etc/passwd'} is not there"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe no list"])
def test_files_that_no_checksum_stands_for_are_named(published, tmp_path, zoo_cli, content):
    folder = tmp_path / "copy"
    shutil.copytree(published.folder, folder)
    (folder / "SHA256SUMS").write_bytes(content)
    said = zoo_cli("weights", "verify", folder)
    assert said.code == 4 and "weights.npz is not listed in SHA256SUMS" in said.err.replace("\n", " ")


def reseal(folder, change):
    """Change a published folder and make its seal and checksums agree again, as anyone can."""
    change(folder)
    info = json.loads((folder / "run.json").read_text())
    directory.record(folder, {key: value for key, value in info.items() if key not in ("files", "self")})
    names = sorted(FILES - {"SHA256SUMS"})
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(sums))
    assert not differences(folder)


def test_a_recipe_that_asks_for_more_than_its_weights_gets_no_memory(table, tmp_path):
    folder = publish(table, tmp_path / "greedy")

    def change(folder):
        text = (folder / "recipe.toml").read_text()
        changed = re.sub(r"hidden_units = \[[^]]*\]", "hidden_units = [3000000, 3000000]", text)  # 36 TB
        assert changed != text
        (folder / "recipe.toml").write_text(changed)

    reseal(folder, change)
    with pytest.raises(UsageError, match="are not those of this mlp"):
        _ = Published(folder).model


def test_an_error_that_is_larger_than_recorded_is_noticed(tmp_path, zoo_cli):
    zoo.run("linear", "diabetes", epochs=3, out=tmp_path / "run")
    folder = publish(zoo.load(tmp_path / "run"), tmp_path / "published", half=True)
    assert zoo_cli("weights", "verify", folder).code == 0

    def change(folder):
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["test"]["mae"] *= 0.98
        (folder / "metrics.json").write_text(json.dumps(metrics))

    reseal(folder, change)
    said = zoo_cli("weights", "verify", folder)
    assert said.code == 4 and "test mae is" in said.err


def test_the_cards_head_is_what_hugging_face_reads(published):
    _, head, words = (published.folder / "README.md").read_text().split("---\n", 2)
    facts = yaml.safe_load(head)
    assert facts["license"] == "mit" and facts["library_name"] == "keras"
    assert facts["pipeline_tag"] == "image-classification" and facts["datasets"] == ["digits"]
    assert {"zoo", "lenet"} <= set(facts["tags"])
    (entry,) = facts["model-index"]
    (result,) = entry["results"]
    assert entry["name"] == "lenet-digits" and result["dataset"] == {
        "type": "digits",
        "name": "digits",
        "split": "test",
    }
    values = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert values == {key: value for key, value in published.metrics["test"].items() if isinstance(value, float)}
    assert "61,706 parameters" in words and "359 of 359 test examples" in words and "cc-by-4.0" in words


def test_where_own_files_lie_is_not_told(tmp_path):
    rows = "".join(f"{i % 7},{i % 3},{'ab'[i % 2]}\n" for i in range(60))
    (tmp_path / "secret_place").mkdir()
    path = tmp_path / "secret_place" / "own.csv"
    path.write_text("x,y,kind\n" + rows)
    command = [sys.executable, "-m", "zoo", "run", "mlp", "--data", path, "--smoke", "--quiet", "--out", tmp_path / "r"]
    subprocess.run(command, check=True, capture_output=True)
    folder = publish(zoo.load(tmp_path / "r"), tmp_path / "published")
    assert b"csv:own.csv" in (folder / "recipe.toml").read_bytes()
    assert not [p.name for p in folder.iterdir() if b"secret_place" in p.read_bytes()]


@pytest.mark.parametrize(
    ("model", "dataset", "source"),
    [
        ("lstm", "airline", "csv:time_series/airline-passengers.csv"),
        ("two_towers", "houses", "csv:houses_128/HousesInfo.txt"),
        ("transformer", "tatoeba_eng_fra", "pairs:tatoeba/fra-eng.zip"),
    ],
)
def test_where_files_of_a_recipe_lie_is_kept_and_found_again(model, dataset, source):
    assert publishing._without_places(resolve(model, dataset)[0]).data.source == source
    other = resolve(model, dataset, [f"data.source={source.partition(':')[0]}:/home/me/{Path(source).name}"])[0]
    assert publishing._without_places(other).data.source == f"{source.partition(':')[0]}:{Path(source).name}"


def test_nothing_is_overwritten(images, published):
    with pytest.raises(UsageError, match="exists already; nothing is overwritten"):
        publish(images, published.folder)


def test_the_command_line(zoo_cli, images, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("publish", images.folder, "--license", "mit", "--json")
    assert said.code == 0, said.err
    assert json.loads(said)["folder"] == "lenet-digits" and set(json.loads(said)["files"]) == FILES
    said = zoo_cli("eval", "lenet-digits", "--json")
    assert said.code == 0, said.err
    assert json.loads(said)["metrics"] == pytest.approx(images.metrics["test"])
    said = zoo_cli("weights", "verify", "lenet-digits")
    assert said.code == 0 and "1 of 1 hold" in said, said.err
    (tmp_path / "lenet-digits" / "README.md").write_text("another card\n")
    said = zoo_cli("weights", "verify", "lenet-digits")
    assert said.code == 4 and "README.md differs from its SHA-256" in said.err
    said = zoo_cli("publish", images.folder)
    assert said.code == 2 and len(said.err.splitlines()) <= 3
