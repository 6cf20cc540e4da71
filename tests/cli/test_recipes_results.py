"""`zoo recipes`, `zoo results` and `zoo doctor`."""

import json
from pathlib import Path

import pytest

from zoo.errors import UsageError
from zoo.recipe import list_recipes
from zoo.runs import results


def test_recipes_are_listed_shown_copied_and_checked(zoo_cli, tmp_path):
    listed = json.loads(zoo_cli("recipes", "ls", "--json"))
    assert set(listed) == set(list_recipes()) and "lenet" in listed["mnist"]["models"]
    assert zoo_cli("recipes", "show", "mnist").startswith("# 70,000 scanned handwritten digits")
    assert 'model = "lenet"' in zoo_cli("recipes", "show", "mnist", "lenet")
    mine = tmp_path / "mine.toml"
    assert zoo_cli("recipes", "cp", "iris", mine).code == 0
    assert zoo_cli("recipes", "cp", "iris", mine).code == 2  # never overwritten
    assert zoo_cli("recipes", "check", mine).code == 0
    mine.write_text(mine.read_text().replace("epochs", "epoks").replace("batch_size = 16", "batch_size = 0"))
    said = zoo_cli("recipes", "check", mine)
    assert said.code == 4 and "training.epoks: unknown key; did you mean epochs?" in said.err
    assert "training.batch_size" in said.err
    assert zoo_cli("recipes", "check").code == 0


def info(seed, accuracy, fingerprint="f"):
    return {
        "model": "mlp", "dataset": "iris", "seed": seed, "fingerprint": fingerprint, "params": 1, "epochs": 2,
        "seconds": 3.0, "machine": {"cores": 2}, "devices": ["/device:CPU:0"], "versions": {},
        "date": "2026-01-01T00:00:00",
        "metrics": {"test": {"loss": 0.1, "accuracy": accuracy}, "examples_scored": 30, "examples_in_split": 30},
    }  # fmt: skip


def test_a_row_is_mean_and_range_over_seeds():
    row = results.combine([info(0, 0.9), info(1, 1.0), info(2, 0.95)])
    assert (row["low"], row["high"], row["seeds"]) == (0.9, 1.0, [0, 1, 2])
    assert row["mean"] == pytest.approx(0.95)
    for wrong in ([info(0, 0.9), info(0, 0.9)], [info(0, 0.9), info(1, 0.9, "other")]):
        with pytest.raises(UsageError):
            results.combine(wrong)


def test_seeds_run_later_join_those_on_record():
    before, more = results.combine([info(2, 0.95)]), results.combine([info(0, 0.9), info(1, 1.0)])
    whole = results.combine([info(0, 0.9), info(1, 1.0), info(2, 0.95)])
    assert results.join(before, more) == whole
    with pytest.raises(UsageError, match="seed 1 is on record"):
        results.join(whole, results.combine([info(3, 0.9), info(1, 1.0)]))
    with pytest.raises(UsageError, match="of another recipe"):
        results.join(before, results.combine([info(0, 0.9, "other")]))


def test_stale_rows_are_named_with_status_4(zoo_cli, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "results_folder", lambda: tmp_path)
    from zoo.recipe import fingerprint, resolve

    results.write(results.combine([info(0, 0.9, fingerprint(resolve("mlp", "iris")[0]))]))
    assert zoo_cli("results", "--check").code == 0
    results.write(results.combine([info(0, 0.9, "of another day")]))
    said = zoo_cli("results", "--check")
    assert said.code == 4 and "mlp iris: recipe or builder changed since 2026-01-01" in said.err
    assert json.loads(zoo_cli("results", "--json"))[0]["stale"]


def test_recorded_rows_are_whole_and_current(zoo_cli):
    rows = results.rows()
    assert rows, "no results are on record"
    for row in rows:
        assert row["examples_scored"] == row["examples_in_split"]
        assert len(set(row["seeds"])) >= (3 if row["seconds"] < 300 else 1) and row["low"] <= row["mean"] <= row["high"]
        assert row["versions"]["keras"] and row["command"].startswith("zoo run")
    said = zoo_cli("results", "--check")
    assert said.code == 0, said.err


def test_the_readme_shows_what_is_on_record():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = readme.split("<!-- results -->")[1].split("<!-- /results -->")[0].strip()
    assert block == results.markdown(), "paste `zoo results --markdown` into the README"


PROMISED = {
    ("lenet", "mnist"): 0.990, ("lenet.1998", "mnist"): 0.989, ("mlp", "mnist"): 0.983, ("perceptron", "mnist"): 0.923,
    ("lenet", "fashion_mnist"): 0.900, ("mlp", "fashion_mnist"): 0.890, ("lenet", "digits"): 0.985,
    ("lstm", "imdb"): 0.865, ("simple_rnn", "imdb"): 0.80, ("transformer.encoder", "imdb"): 0.865,
    ("yolo.small", "bccd"): 0.80,
}  # fmt: skip


@pytest.mark.parametrize("pair", PROMISED)
def test_the_catalogue_keeps_what_it_promises(pair):
    row = next(r for r in results.rows(pair[0]) if r["dataset"] == pair[1])
    assert row["mean"] >= PROMISED[pair]
    assert pair != ("lenet", "mnist") or row["epochs"] <= 15


@pytest.mark.slow
def test_a_recorded_row_is_reached_again(zoo_cli, tmp_path):
    row = next(r for r in results.rows("lenet") if r["dataset"] == "digits")
    said = zoo_cli("run", "lenet", "digits", "--out", tmp_path / "r", "--quiet", "--json")
    slack = 1.01 / row["examples_in_split"]  # another machine's sums may turn one example
    assert row["low"] - slack <= json.loads(said)["test"]["accuracy"] <= row["high"] + slack


def test_the_doctor_looks_at_everything(zoo_cli):
    said = zoo_cli("doctor", "--json")
    found = {finding["what"]: finding["state"] for finding in json.loads(said)}
    assert {"python", "tensorflow", "keras", "importlib_resources", "tensorboard", "disk"} <= set(found)
    assert any("CPU:0" in what for what in found)
    assert said.code == (3 if "wrong" in found.values() else 0)
