"""`zoo compare`: what is compared with what, what is said of it, and what is refused or passed over by name."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import made_runs as made
import numpy as np
import pytest

from zoo.compare import answers, comparison, entries, groups
from zoo.data.examples import Examples
from zoo.runs import predictions


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("runs")


def told(zoo_cli, *names):
    said = zoo_cli("compare", *names, "--json")
    assert said.code == 0, said.err
    return json.loads(said)


def test_two_networks_on_the_same_examples(zoo_cli, runs):
    """mlp is wrong on 0 and 9, perceptron on 1 to 8: by hand p = 2 (1 + 10 + 45) / 2^10."""
    made.run(runs / "a", "mlp", wrong=[0, 9])
    made.run(runs / "b", "perceptron", wrong=range(1, 9))
    (test,) = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert test["only_right"] == [8, 2] and test["examples"] == test["examples_in_split"] == 10
    assert test["p"] == test["p_adjusted"] == pytest.approx(2 * 56 / 2**10)
    assert test["means"] == pytest.approx([0.8, 0.2]) and test["difference"] == pytest.approx(0.6)
    low, high = (round(100 * test[bound], 2) for bound in ("low", "high"))
    assert -20 <= low <= 20 < 80 <= high <= 100
    assert test["sentence"] == (
        "mlp is right on 8 test rows that perceptron gets wrong, perceptron on 2 that mlp gets wrong: which may be "
        "chance (McNemar's exact test, p = 0.11). The accuracy of mlp is 60.00 percentage points higher, with a 95 % "
        f"confidence interval of {low:.2f} to {high:.2f} (paired bootstrap over 10 test rows)."
    )


def test_the_better_one_comes_first_whichever_is_named_first(zoo_cli, runs):
    made.run(runs / "a", "mlp", wrong=range(10))
    made.run(runs / "b", "perceptron")
    (test,) = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert test["only_right"] == [0, 10] and test["difference"] == -1 and test["more_than_chance"]
    assert test["sentence"] == (
        "perceptron is right on 10 test rows that mlp gets wrong, mlp on 0 that perceptron gets wrong: more than "
        "chance (McNemar's exact test, p = 0.002). The accuracy of perceptron is 100.00 percentage points higher, "
        "with a 95 % confidence interval of 100.00 to 100.00 (paired bootstrap over 10 test rows)."
    )


def test_where_nothing_differs_it_says_so(zoo_cli, runs):
    made.run(runs / "a", "mlp", wrong=[3])
    made.run(runs / "b", "perceptron", wrong=[3])
    (test,) = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert test["sentence"] == "mlp and perceptron are right and wrong on the same of 10 test rows: nothing differs."
    assert test["p"] == 1 and not test["more_than_chance"]


def test_each_is_held_against_the_first_and_p_is_adjusted(zoo_cli, runs):
    """p is 2 / 2^10 and 2 / 2^6; Holm doubles the smaller one of two."""
    made.run(runs / "a", "mlp")
    made.run(runs / "b", "perceptron", wrong=range(10))
    made.run(runs / "c", "mlp", sets=["training.learning_rate=0.5"], wrong=range(6))
    found = told(zoo_cli, "runs/a", "runs/b", "runs/c")["tests"]
    assert [one["first"] for one in found] == ["mlp (learning rate 0.01)"] * 2
    assert [one["second"] for one in found] == ["perceptron", "mlp (learning rate 0.5)"]
    assert [one["p"] for one in found] == pytest.approx([2 / 2**10, 2 / 2**6])
    assert [one["p_adjusted"] for one in found] == pytest.approx([4 / 2**10, 2 / 2**6])
    assert "p = 0.0039 after Holm's correction for 2 tests" in found[0]["sentence"]


def test_the_mean_over_seeds_counts_where_there_are_several(zoo_cli, runs):
    for seed, wrong in enumerate(([0], [0, 1], [0, 2])):
        made.run(runs / "mlp" / f"s{seed}", "mlp", seed=seed, wrong=wrong)
        made.run(runs / "perceptron" / f"s{seed}", "perceptron", seed=seed, wrong=[3, 4, 5, 6, 7 + seed])
    found = told(zoo_cli, "runs/mlp", "runs/perceptron")
    assert [[run["seed"] for run in group["runs"]] for group in found["groups"]] == [[0, 1, 2], [0, 1, 2]]
    assert found["groups"][0]["test"]["accuracy"] == pytest.approx(
        {"mean": 2.5 / 3, "low": 0.8, "high": 0.9, "seeds": 3}
    )
    (test,), (ranges,) = found["tests"], found["ranges"]
    assert test["only_right"] is None and test["means"] == pytest.approx([2.5 / 3, 0.5]) and test["seeds"] == [3, 3]
    assert test["sentence"].startswith(
        "The accuracy of mlp (3 seeds, averaged) is 33.33 percentage points higher than that of perceptron (3 seeds, "
        "averaged), with a 95 % confidence interval of "
    )
    assert not ranges["overlap"] and ranges["chance_apart"] == pytest.approx(0.1)
    assert ranges["sentence"] == (
        "Over the seeds accuracy goes from 80.00% to 90.00% for mlp (3 seeds), and from 50.00% to 50.00% for "
        "perceptron (3 seeds): the ranges do not overlap, which chance alone does one time in 10 with so many seeds."
    )
    said = zoo_cli("compare", "runs/mlp", "runs/perceptron")
    assert "83.33% (80.00% to 90.00%)" in said and "0 to 2" in said and "one seed each" not in said.err


def test_errors_of_values_are_held_against_each_other_by_the_bootstrap(zoo_cli, runs):
    """An error of 1 against 1.5 on each example: the difference is 0.5 on every one of them."""
    wanted = np.arange(12, dtype="float32")
    x = np.arange(120, dtype="float32").reshape(12, 10)
    for name, model, off in (("a", "mlp", 1.5), ("b", "linear", 1.0)):
        made.run(runs / name, model, "diabetes", wanted=wanted, x=x, outputs=(wanted + off)[:, None], test={"mae": off})
    (test,) = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert test["metric"] == "mae" and test["means"] == [1.5, 1.0] and test["only_right"] is None
    assert test["sentence"] == (
        "The mean absolute error of linear is 0.5 lower than that of mlp, with a 95 % confidence interval of 0.5 to "
        "0.5 (paired bootstrap over 12 test rows): more than chance (p < 0.001)."
    )


def towers(folder, wrong, off, rows=8):
    """A run of two heads that is wrong on some sorts, and off by so much in each mass."""
    sort, mass = np.resize(np.arange(6, dtype="int32"), rows), np.arange(rows, dtype="float32")
    return made.run(
        folder, "two_towers", "blocks", sets=[f"training.epochs={off}"], wanted={"sort": sort, "mass": mass},
        outputs={"sort": made.said(range(wrong), sort, 6), "mass": mass[:, None] + off},
        x={"measures": np.zeros((rows, 2), "float32")}, test={"sort_accuracy": 1.0, "mass_mae": float(off)},
    )  # fmt: skip


def test_each_head_has_a_test_of_its_own(zoo_cli, runs):
    """Four sorts of eight are said wrongly, and masses are off by 2 in place of 1."""
    towers(runs / "a", wrong=0, off=1), towers(runs / "b", wrong=4, off=2)
    right, errors = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert right["metric"] == "sort_accuracy" and right["only_right"] == [4, 0]
    assert right["sentence"].startswith("Sort accuracy: two_towers (epochs 1) is right on 4 test examples that")
    assert errors["metric"] == "mass_mae" and errors["means"] == [1, 2]
    assert errors["sentence"].startswith(
        "The mass mean absolute error of two_towers (epochs 1) is 1 lower than that of"
    )
    assert "Holm's correction for 2 tests" in errors["sentence"]


def test_what_differs_and_only_that(zoo_cli, runs):
    made.run(runs / "a", "mlp", sets=["knobs.hidden_units=[16]", "knobs.activation=relu"])
    made.run(runs / "b", "mlp", sets=["knobs.hidden_units=[8,8]", "training.epochs=7"], seed=3, wrong=[1])
    found = told(zoo_cli, "runs/a", "runs/b")["differences"]
    keys = {one["key"]: list(one["values"].values()) for one in found}
    assert keys == {"knobs.hidden_units": [[16], [8, 8]], "training.epochs": [100, 7]}  # relu is what it is by itself
    said = zoo_cli("compare", "runs/a", "runs/b")
    assert "[8,8]" in said and "seed" in said and "optimizer" not in said and "\x1b" not in said


def test_the_newest_run_of_a_folder_and_the_other_seeds_of_its_recipe(runs):
    made.run(runs / "mlp-iris" / "1", seed=0, sets=["training.epochs=3"])
    made.run(runs / "mlp-iris" / "2", seed=0)
    made.run(runs / "mlp-iris" / "3", seed=1, smoke=True)
    made.run(runs / "mlp-iris" / "4", seed=1)
    made.run(runs / "mlp-iris" / "5", seed=2, ended="stopped in epoch 3, after 1 of 4 steps")
    found = entries.read(["runs/mlp-iris"])
    assert [entry.name for entry in found.entries] == ["runs/mlp-iris/2", "runs/mlp-iris/4"]
    assert list(found.passed_over) == ["runs/mlp-iris/5"] and "did not finish" in found.passed_over["runs/mlp-iris/5"]


def test_a_run_that_is_named_twice_counts_once(runs):
    made.run(runs / "a")
    assert len(entries.read(["runs/a", "runs/*", "./runs/a"]).entries) == 1


def test_a_run_that_repeats_another_counts_once_and_other_numbers_stand_beside(zoo_cli, runs):
    made.run(runs / "a", wrong=[1])
    made.run(runs / "b", wrong=[1])
    made.run(runs / "c", wrong=[2, 3], seed=0)
    made.run(runs / "d", wrong=[2], seed=1)
    said = zoo_cli("compare", "runs/a", "runs/b", "runs/c", "runs/d")
    assert "note: runs/b repeats runs/a: the same recipe, seed and numbers" in said.err
    assert "note: their recipes are the same" in said.err
    found = told(zoo_cli, "runs/a", "runs/b", "runs/c", "runs/d")["groups"]
    assert [(group["label"], [run["run"] for run in group["runs"]]) for group in found] == [
        ("mlp A", ["runs/a", "runs/d"]), ("mlp B", ["runs/c"])]  # fmt: skip


def test_other_code_is_another_group(zoo_cli, runs):
    made.run(runs / "a", seed=0)
    made.run(runs / "b", seed=1, fingerprint="fedcba9876543210")
    assert "their recipes are the same, the code behind them is not" in zoo_cli("compare", "runs/a", "runs/b").err


NOT_TESTED = {
    "other targets": ({"wanted": made.WANTED[::-1].copy()}, "the targets of their test examples differ"),
    "other inputs": ({"x": np.ones((10, 4), "float32")}, "the inputs of their test examples differ"),
    "fewer": ({"wanted": made.WANTED[:9], "x": np.ones((9, 4), "float32")}, "they were tested on 10 and 9 examples"),
    "damaged": ({"outputs": np.zeros((10, 2, 2), "float32")}, "its kept outputs do not fit its recipe"),
}


@pytest.mark.parametrize("case", NOT_TESTED)
def test_runs_on_other_examples_are_not_tested_and_that_is_said(zoo_cli, runs, case):
    made.run(runs / "a", "mlp")
    changed, why = NOT_TESTED[case]
    made.run(runs / "b", "perceptron", **changed)
    found = told(zoo_cli, "runs/a", "runs/b")
    assert found["tests"] == [] and why in found["untested"][0]["reason"]
    assert f"mlp is not tested example by example against perceptron: {found['untested'][0]['reason']}." in zoo_cli(
        "compare", "runs/a", "runs/b"
    )


def test_other_targets_are_others(zoo_cli, runs):
    made.run(runs / "a", "mlp")
    towers(runs / "b", 0, 1, rows=10)
    reason = "they were tested on targets of another kind"
    assert told(zoo_cli, "runs/a", "runs/b")["untested"][0]["reason"] == reason


def test_errors_that_are_no_numbers_are_not_tested(zoo_cli, runs):
    wanted, x = np.arange(12, dtype="float32"), np.zeros((12, 10), "float32")
    for name, model, off in (("a", "mlp", 1), ("b", "linear", np.nan)):
        made.run(runs / name, model, "diabetes", wanted=wanted, x=x, outputs=(wanted + off)[:, None], test={"mae": 1.0})
    assert "numbers that are not finite" in told(zoo_cli, "runs/a", "runs/b")["untested"][0]["reason"]


def test_inputs_of_another_form_may_be_the_same_examples(zoo_cli, runs):
    made.run(runs / "a", "mlp")
    made.run(runs / "b", "perceptron", x=np.zeros((10, 2), "float32"), wrong=[1])
    assert len(told(zoo_cli, "runs/a", "runs/b")["tests"]) == 1


def test_missing_cells_are_equal_to_missing_cells(zoo_cli, runs):
    x = np.full((10, 4), np.nan, "float32")
    made.run(runs / "a", "mlp", x=x)
    made.run(runs / "b", "perceptron", x=x)
    assert len(told(zoo_cli, "runs/a", "runs/b")["tests"]) == 1


def test_an_earlier_version_kept_no_outputs(zoo_cli, runs):
    made.run(runs / "a", "mlp")
    made.run(runs / "b", "perceptron", keeps=False)
    found = told(zoo_cli, "runs/a", "runs/b")
    assert "kept no outputs of its test split: an earlier version" in found["untested"][0]["reason"]
    assert found["groups"][1]["test"]["accuracy"]["mean"] == 1


def test_of_too_many_outputs_scores_are_kept(zoo_cli, runs, monkeypatch):
    monkeypatch.setattr(predictions, "WHOLE", predictions.WHOLE | {"outputs": 10})
    for name, model, wrong in (("a", "mlp", [1, 9]), ("b", "perceptron", [2])):
        right = np.isin(np.arange(10), wrong, invert=True).astype(float)
        made.run(runs / name, model, wrong=wrong, scores={"accuracy": right})
    (test,) = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert test["only_right"] == [1, 2] and test["examples"] == 10


def test_without_scores_only_the_first_examples_are_a_fair_sample(zoo_cli, runs, monkeypatch):
    monkeypatch.setattr(predictions, "WHOLE", predictions.WHOLE | {"outputs": 10})
    monkeypatch.setattr(predictions, "FIRST", 4)
    made.run(runs / "a", "mlp", wrong=[0, 7], shown=[7])
    made.run(runs / "b", "perceptron", wrong=[1, 2, 7], shown=[7])
    (test,) = told(zoo_cli, "runs/a", "runs/b")["tests"]
    assert test["only_right"] == [2, 1] and (test["examples"], test["examples_in_split"]) == (4, 10)
    assert "over the first 4 of 10 test rows, the only ones that were kept" in test["sentence"]


def test_texts_that_are_said_are_right_or_wrong(runs):
    wanted = np.array(["12", "7", "30"], dtype=object)
    raw = Examples(np.array(["21+", "7+0", "0+30"], dtype=object), wanted)
    ids = np.ones((3, 4), "int32")
    for name, model, said in (("a", "encoder_decoder", ["12", "8", "30"]), ("b", "transformer", ["12", "7", "3"])):
        made.run(runs / name, model, "addition", wanted=ids, x={"source": ids, "target": ids}, raw=raw, texts=said,
                 test={"exact_match": 2 / 3})  # fmt: skip
    found = comparison.compare(["runs/a", "runs/b"])
    (test,) = found.held.tested
    assert test.metric == "exact_match" and test.only_right == (1, 1)
    assert "right on 1 test texts" in found.sentences[0]
    first = answers.read(found.groups[0].first)
    assert first.told("exact_match", np.array([1])) == {1: ("7", "8", 0.0)}


def test_a_task_that_measures_no_single_example_has_metrics_only(zoo_cli, runs):
    ids = np.ones((10, 4), "int32")
    for name, model in (("a", "lstm"), ("b", "gru")):
        made.run(
            runs / name,
            model,
            "tiny_shakespeare",
            x=ids,
            wanted=ids,
            silent=True,
            test={"perplexity": 4.0, "loss": 1.4},
        )
    found = told(zoo_cli, "runs/a", "runs/b")
    assert found["untested"][0]["reason"] == "runs/a kept nothing that is measured example by example"
    assert found["groups"][0]["metric"] == "loss"


def test_networks_without_targets_have_metrics_only(zoo_cli, runs):
    for name, model in (("a", "vae"), ("b", "autoencoder")):
        made.run(runs / name, model, "digits_images", x=np.zeros((10, 8, 8, 1), "uint8"), wanted={},
                 outputs=np.zeros((10, 2), "float32"), test={"loss": 1.4})  # fmt: skip
    reason = "runs/a kept nothing that is measured example by example"
    assert told(zoo_cli, "runs/a", "runs/b")["untested"][0]["reason"] == reason


def test_a_published_folder_is_known_by_its_metrics(zoo_cli, runs):
    from zoo.pretrained import index

    made.run(runs / "a", "mlp")
    found = told(zoo_cli, "runs/a", index.folder("lenet:mnist"))
    assert found["groups"][1]["label"] == "lenet:mnist" and found["groups"][1]["test"]["accuracy"]["mean"] > 0.98
    assert found["untested"][0]["reason"] == "lenet:mnist is on record without its outputs"


def test_very_many_notes_are_cut(zoo_cli, runs):
    made.run(runs / "a")
    for number in range(30):
        (runs / f"{number}").mkdir()
    said = zoo_cli("compare", "runs/*")
    assert said.code == 0 and len(said.err.splitlines()) == 21
    assert "and 11 notes more: --json has them" in said.err and len(told(zoo_cli, "runs/*")["notes"]) == 31


def test_what_is_on_record_stands_beside_runs(zoo_cli, runs):
    made.run(runs / "a", "mlp", "iris", test={"accuracy": 0.5, "loss": 1.0})
    found = told(zoo_cli, "runs/a", "perceptron:iris")
    recorded = found["groups"][1]
    assert recorded["label"] == "perceptron:iris" and [run["seed"] for run in recorded["runs"]] == [0, 1, 2]
    assert found["untested"][0]["reason"] == "perceptron:iris is on record without its outputs"
    assert len(entries.read(["perceptron:*"]).entries) > 3
    said = zoo_cli("compare", "perceptro:iris")
    assert said.code == 2 and "did you mean perceptron:iris" in said.err


def test_a_stale_record_has_no_recipe(runs, monkeypatch):
    from zoo.runs import results

    monkeypatch.setattr(results, "staleness", lambda row: "changed")
    made.run(runs / "a", "mlp", "iris")
    found = comparison.compare(["perceptron:iris", "runs/a"])
    assert found.differing == [] and "has changed since it was recorded" in found.notes[0]


def test_unfinished_damaged_and_foreign_folders_are_named_and_passed_over(zoo_cli, runs):
    made.run(runs / "a", "mlp")
    made.run(runs / "b", "perceptron", wrong=[1])
    made.run(runs / "c", "mlp", ended="the loss is not a number")
    (made.run(runs / "d", "mlp") / "metrics.json").write_text("{}")
    (runs / "e").mkdir()
    (runs / "f.txt").touch()
    said = zoo_cli("compare", "runs/*")
    assert said.code == 0 and "McNemar" in said
    assert [line.split()[1] for line in said.err.splitlines() if "passed over" in line] == [
        "runs/c", "runs/d", "runs/e", "runs/f.txt"]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["nowhere"], "nowhere is no run directory"),
        (["no*"], "nothing matches no*"),
        (["runs"], "nothing to compare: runs holds no finished run"),
        ([], "Missing argument"),
    ],
)
def test_mistakes_are_answered_shortly_with_status_2(zoo_cli, runs, names, why):
    runs.mkdir()
    said = zoo_cli("compare", *names)
    assert said.code == 2 and why in said.err and len(said.err.splitlines()) <= 3


def test_one_recipe_is_shown_with_its_spread(zoo_cli, runs):
    for seed in (0, 1, 5):
        made.run(runs / f"{seed}", seed=seed, wrong=range(seed))
    said = zoo_cli("compare", "runs/*")
    assert said.code == 0 and "nothing to compare it with" in said.err
    assert "80.00% (50.00% to 100.00%)" in said and "0, 1, 5" in said


def test_a_smoke_run_is_said_to_be_one(zoo_cli, runs):
    made.run(runs / "a", "mlp", smoke=True)
    made.run(runs / "b", "perceptron", wrong=[1])
    assert "note: mlp is a smoke run: its numbers mean nothing" in zoo_cli("compare", "runs/*").err


def test_csv_has_a_row_each_run(zoo_cli, runs):
    made.run(runs / "a", "mlp", seed=1)
    made.run(runs / "b", "mlp", seed=2, sets=["training.epochs=7"], wrong=[1])
    rows = list(csv.DictReader(io.StringIO(zoo_cli("compare", "runs/*", "--csv"))))
    assert [row["run"] for row in rows] == ["runs/a", "runs/b"] and [row["seed"] for row in rows] == ["1", "2"]
    assert [row["training.epochs"] for row in rows] == ["100", "7"]
    assert [float(row["test accuracy"]) for row in rows] == [1.0, 0.9]
    assert zoo_cli("compare", "runs/*", "--csv", "--json").code == 2


def test_many_groups_get_a_row_each(zoo_cli, runs):
    for number in range(30):
        made.run(
            runs / f"{number:02d}", "mlp", sets=[f"training.learning_rate=0.{number + 1:03d}"], wrong=[number % 10]
        )
    said = zoo_cli("compare", "runs/*")
    assert said.code == 0 and sum(line.startswith("mlp (learning rate 0.") for line in said.splitlines()) >= 30
    assert max(map(len, said.splitlines()[:31])) <= 160


def labels(*described):
    """Of runs (model, dataset, settings)."""
    run = entries.Run(Path("runs/x"))
    recipes = [made.resolve(model, dataset, sets)[0] for model, dataset, sets in described]
    return groups.labels([[entries.Entry("runs/x", recipe.model, recipe.dataset, 0, recipe, "", {}, 0, 0, None, "",
                                         False, run)] for recipe in recipes])  # fmt: skip


def test_labels_are_as_short_as_they_can_be():
    assert labels(("mlp", "iris", ()), ("perceptron", "iris", ())) == ["mlp", "perceptron"]
    assert labels(("mlp", "iris", ()), ("mlp", "wine", ())) == ["mlp on iris", "mlp on wine"]
    rates = [("mlp", "iris", [f"training.learning_rate={rate}"]) for rate in (0.1, 0.2)]
    assert labels(*rates, ("perceptron", "iris", ())) == [
        "mlp (learning rate 0.1)", "mlp (learning rate 0.2)", "perceptron"]  # fmt: skip
    sets = ["knobs.hidden_units=[9]", "training.batch_size=7", "training.epochs=3"]
    assert labels(("mlp", "iris", ()), ("mlp", "iris", sets)) == ["mlp A", "mlp B"]
    assert [groups._letter(place) for place in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]


def test_comparing_imports_no_framework(runs):
    made.run(runs / "a", "mlp")
    made.run(runs / "b", "perceptron", wrong=[1, 2])
    code = (
        "import sys\nfrom zoo.cli import main\ntry:\n    main(['compare', 'runs/a', 'runs/b', *sys.argv[1:]])\n"
        "except SystemExit as e:\n    assert not e.code\n"
        "assert not {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "McNemar" in done.stdout
