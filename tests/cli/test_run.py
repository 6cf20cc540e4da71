"""`zoo run`, `eval` and `predict` from end to end on embedded data: what is written, what is said, with which code."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest

from zoo.runs import directory, removing

DIGITS = ("lenet", "digits", "--epochs", "3", "--set", "training.warmup_epochs=0.5")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One run of the main job, made as a stranger would make it."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "run", *DIGITS, "--out", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder, done


def test_the_run_says_what_came_of_it(finished):
    folder, done = finished
    assert "359 of 359" in done.stdout and "61,706" in done.stdout and str(folder) in done.stdout
    assert f"zoo eval {folder}" in done.stdout
    assert "epoch 3/3" in done.stderr and "\x1b" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr and "tensorflow/" not in done.stderr


def test_the_run_directory_is_whole(finished):
    folder, _ = finished
    there = {path.name for path in folder.iterdir()}
    assert {
        "recipe.toml", "run.json", "history.csv", "metrics.json", "model.keras", "log.txt", "report.html",
        "learning_curves.png", "confusion_matrix.png", "mistakes.png", "filters.png", "feature_maps.png",
        "reliability.png", "class_maps.png", "architecture.svg",
    } <= there  # fmt: skip
    assert not [name for name in there if name.startswith(".") or "tmp" in name or name == "checkpoints"]
    assert removing.removable(folder).files == len(there)  # zoo runs rm knows all that a run writes
    info = json.loads((folder / "run.json").read_text())
    assert info["exit"] == "done" and info["params"] == 61_706 and info["epochs"] == 3 and info["seed"] == 0
    assert info["versions"]["keras"].startswith("3.")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["examples_scored"] == metrics["examples_in_split"] == 359
    told = metrics["details"]
    assert [row["name"] for row in told["by_class"]] == [str(digit) for digit in range(10)]
    assert (
        sum(row["examples"] for row in told["by_class"]) == sum(row["examples"] for row in told["reliability"]) == 359
    )
    assert told["numbers"]["majority_accuracy"] < 0.12 < told["numbers"]["balanced_accuracy"]
    assert "Class by class" in (folder / "report.html").read_text()
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(rows[0])


def test_its_outputs_say_how_it_did_with_each_example(finished):
    from zoo.compare import answers, entries

    folder, _ = finished
    (entry,) = entries.read([str(folder)]).entries
    found = answers.read(entry)
    assert found.values["accuracy"].mean() == pytest.approx(entry.test["accuracy"]) and found.count == 359


def test_its_recipe_repeats_it_to_the_last_digit(finished, zoo_cli, tmp_path):
    folder, _ = finished
    said = zoo_cli("run", folder / "recipe.toml", "--out", tmp_path / "again", "--quiet", "--json")
    assert said.code == 0 and said.err == ""
    assert json.loads(said)["test"] == json.loads((folder / "metrics.json").read_text())["test"]
    one, again = (directory.load(f) for f in (folder, tmp_path / "again"))
    assert all((a == b).all() for a, b in zip(one.model.get_weights(), again.model.get_weights(), strict=True))


def test_eval_scores_the_same_and_refuses_what_differs(finished, zoo_cli):
    folder, _ = finished
    said = zoo_cli("eval", folder, "--json")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert json.loads(said)["metrics"] == pytest.approx(metrics["test"], rel=1e-6)
    assert json.loads(said)["details"]["by_class"] == metrics["details"]["by_class"]
    assert json.loads(zoo_cli("eval", folder.parent, "--split", "validation", "--json"))["examples_scored"] == 144
    said = zoo_cli("eval", folder, "mnist")
    assert said.code == 2 and "input_shape (8, 8, 1), mnist has (28, 28, 1)" in said.err
    assert zoo_cli("eval", folder / "none").code == 2


def test_predict_takes_raw_images_and_names_bad_ones(finished, zoo_cli, tmp_path):
    from PIL import Image
    from sklearn.datasets import load_digits

    folder, _ = finished
    digits = load_digits()
    files = []
    for number in range(10):
        pixels = (digits.images[number] * 255 / 16).round().astype("uint8")
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(files[-1])
    said = zoo_cli("predict", folder, *files, "--json")
    rows = json.loads(said)
    assert [row["file"] for row in rows] == [str(f) for f in files]
    assert sum(row["prediction"] == str(digits.target[i]) for i, row in enumerate(rows)) >= 8
    assert all(sum(row["probabilities"].values()) == pytest.approx(1, abs=1e-5) for row in rows)
    alone = json.loads(zoo_cli("predict", folder, files[3], "--json"))[0]
    assert alone["probability"] == pytest.approx(rows[3]["probability"], abs=1e-6)  # a batch of one
    assert "%" in zoo_cli("predict", folder, files[0])
    broken = tmp_path / "broken.png"
    broken.write_bytes(files[0].read_bytes()[:40])
    said = zoo_cli("predict", folder, files[0], broken)
    assert said.code == 2 and "broken.png" in said.err and "Traceback" not in said.err


def test_predict_rows_of_a_csv(zoo_cli, tmp_path):
    from sklearn.datasets import load_iris

    said = zoo_cli("run", "mlp", "iris", "--out", tmp_path / "iris", "--quiet", "--json")
    assert json.loads(said)["test"]["accuracy"] >= 0.9
    table = tmp_path / "flowers.csv"
    np.savetxt(table, load_iris().data[::10], delimiter=",", fmt="%.1f")
    rows = json.loads(zoo_cli("predict", tmp_path / "iris", table, "--json"))
    assert [row["row"] for row in rows] == list(range(1, 16))
    assert [row["prediction"] for row in rows[:5]] == ["setosa"] * 5 and rows[14]["prediction"] == "virginica"


def test_an_own_csv_and_an_own_folder_train(zoo_cli, tmp_path):
    from PIL import Image
    from sklearn.datasets import load_wine

    wine = load_wine()
    table = tmp_path / "wines.csv"
    lines = [",".join([f"c{i}" for i in range(13)] + ["grower"])]
    lines += [",".join([f"{v:g}" for v in row] + [f"g{y}"]) for row, y in zip(wine.data, wine.target, strict=True)]
    table.write_text("\n".join(lines))
    said = zoo_cli("run", "mlp", "--data", table, "--label", "grower", "--out", tmp_path / "w", "--quiet", "--json")
    assert said.code == 0 and json.loads(said)["test"]["accuracy"] >= 0.9
    generator = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(20):
            pixels = generator.integers(level - 50, level + 50, (40, 30, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.png")
    said = zoo_cli(
        "run", "lenet", "--data", tmp_path / "photos", "--epochs", 6, "--out", tmp_path / "p", "--quiet", "--json"
    )
    assert said.code == 0, said.err
    assert json.loads(said)["test"]["accuracy"] == 1.0
    light = tmp_path / "photos" / "light" / "0.png"
    assert json.loads(zoo_cli("predict", tmp_path / "p", light, "--json"))[0]["prediction"] == "light"


def test_dry_run_prints_the_recipe_and_does_nothing(zoo_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = zoo_cli("run", "lenet", "mnist", "--dry-run", "--seed", 9)
    resolved = tomllib.loads(said)
    assert resolved["model"] == "lenet" and resolved["training"]["seed"] == 9
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "lennet", "digits"), "did you mean lenet"),
        (("run", "lenet", "digit"), "did you mean digits"),
        (("run", "lenet", "iris"), "lenet takes image, iris is tabular\nmodels that fit iris: perceptron, mlp"),
        (("run", "lenet"), "on which dataset? such as: zoo run lenet digits"),
        (("run",), "such as: zoo run lenet digits"),
        (("run", "lenet", "digits", "--batch-size", "0"), "training.batch_size"),
        (("run", "lenet", "digits", "--batch-size", "5000"), "larger than the training split (1294 examples)"),
        (("run", "lenet", "digits", "--learning-rate", "nan"), "training.learning_rate"),
        (("run", "lenet", "digits", "--epochs", "-1"), "training.epochs"),
        (("run", "lenet", "digits", "--set", "nonsense"), "SECTION.KEY=VALUE"),
        (("run", "lenet", "digits", "--data", "x"), "are both given"),
        (("run", "lenet", "digits", "--label", "x"), "--label goes with --data"),
        (("run", "lenet", "--data", "/nowhere/at/all"), "/nowhere/at/all"),
        (("run", "lenet", "digits", "--resume", "/nowhere"), "holds no run"),
        (("rum", "lenet"), "unknown command 'rum'; did you mean run or runs?"),
        (("run", "lenet", "digits", "--epoch", "3"), "--epochs"),
        (("recipes", "show", "mnits"), "did you mean mnist"),
    ],
)  # fmt: skip
def test_mistakes_are_answered_shortly_with_status_2(zoo_cli, arguments, told):
    said = zoo_cli(*arguments)
    assert said.code == 2 and told in said.err
    assert "Traceback" not in said.err and len(said.err.splitlines()) <= 5


USELESS = [
    ("hidden_units=[0]", "mlp cannot be built with"),
    ("dropout=1.5", "knobs.dropout = 1.5: a rate of dropout is at least 0 and below 1"),
    ("kernel_initializer=foo", "mlp cannot be built with"),
]


@pytest.mark.parametrize(("knob", "told"), USELESS)
def test_a_knob_of_no_use_is_told_and_leaves_nothing_behind(zoo_cli, tmp_path, knob, told):
    said = zoo_cli("run", "mlp", "iris", "--set", f"knobs.{knob}", "--out", tmp_path / "none", "--quiet")
    assert said.code == 2 and told in said.err and len(said.err.splitlines()) <= 3
    assert not (tmp_path / "none").exists()


def test_outputs_that_exist_or_cannot_be_written_are_found_before_training(zoo_cli, tmp_path):
    (tmp_path / "kept.txt").write_text("mine")
    said = zoo_cli("run", "lenet", "digits", "--out", tmp_path)
    assert said.code == 2 and "exists already; nothing is overwritten" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    said = zoo_cli("run", "lenet", "digits", "--out", "/proc/nothing/here")
    assert said.code in (1, 2) and "/proc" in said.err and "Traceback" not in said.err


def test_mistakes_do_not_wait_for_tensorflow():
    code = (
        "import sys\nfrom zoo.cli import main\ntry:\n    main(['run', 'lenet', 'iris', '--epochs', '0'])\n"
        "except SystemExit as e:\n    print(e.code, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False", "False"]


def interrupt(command, number, after):
    """Start a command, send it a signal once `after` is on its stderr, and give its status and the rest of stderr."""
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while after not in (line := running.stderr.readline()):
        assert line, "the run ended by itself"
    running.send_signal(number)
    rest = running.stderr.read()
    return running.wait(timeout=600), rest


@pytest.mark.slow
def test_signals_save_and_the_named_command_goes_on_to_the_same_numbers(tmp_path):
    out, whole = tmp_path / "stopped", tmp_path / "whole"
    zoo = [sys.executable, "-m", "zoo", "run"]
    start = [*zoo, "mlp", "digits", "--epochs", "60", "--jit", "off", "--set", "knobs.hidden_units=[32]"]
    resume = [*zoo, "--resume", str(out)]
    for command, number, after, status in (
        ([*start, "--out", str(out)], signal.SIGINT, "epoch 2/60", 130),
        (resume, signal.SIGTERM, "epoch 20/60", 143),
    ):
        code, rest = interrupt(command, number, after)
        assert code == status
        assert f"go on with: zoo run --resume {out}" in rest and "Traceback" not in rest
        assert json.loads((out / "run.json").read_text())["exit"].startswith("stopped in epoch")
    resumed = subprocess.run([*resume, "--json"], capture_output=True, text=True, check=True)
    assert "going on from epoch" in resumed.stderr
    straight = subprocess.run([*start, "--out", str(whole), "--json"], capture_output=True, text=True, check=True)
    assert json.loads(resumed.stdout)["test"] == json.loads(straight.stdout)["test"]
    again = subprocess.run(resume, capture_output=True, text=True)
    assert again.returncode == 2 and "is finished, there is nothing to resume" in again.stderr


def test_a_run_directory_is_for_one_process_at_a_time(tmp_path):
    with directory.claimed(tmp_path / "one"):
        code = (
            "from pathlib import Path\nfrom zoo.runs import directory\n"
            f"with directory.claimed(Path({str(tmp_path / 'one')!r})): pass"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode and "another process is running in" in done.stderr
    with directory.claimed(tmp_path / "one"):
        pass  # let go of, it can be claimed again


def test_a_kill_during_a_write_leaves_no_half_file_under_a_final_name(tmp_path):
    code = (
        "import os\nfrom pathlib import Path\nfrom zoo.files import write_text\n"
        f"path = Path({str(tmp_path / 'x.json')!r})\nwrite_text(path, 'old')\nprint('ready', flush=True)\n"
        "while True:\n    write_text(path, 'new' * 3_000_000)\n    write_text(path, 'old')\n"
    )
    for delay in np.linspace(0.0, 0.12, 8):
        running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        running.stdout.readline()
        time.sleep(delay)
        running.kill()
        running.wait()
        assert (tmp_path / "x.json").read_text() in ("old", "new" * 3_000_000)


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path):
    from zoo.errors import ZooError
    from zoo.files import replacing, write_text

    write_text(tmp_path / "kept.txt", "old")
    with pytest.raises(ZooError, match=r"disk full while writing .*kept.txt"), replacing(tmp_path / "kept.txt"):
        raise OSError(28, os.strerror(28))
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"] and (tmp_path / "kept.txt").read_text() == "old"
