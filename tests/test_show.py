"""zoo ls, zoo show, and the catalogue behind them."""

import dataclasses
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from tiers import DEEP, tiered

from zoo.catalogue import layer_tables, registry
from zoo.cli import main
from zoo.files import read_json

HEAVY = ("tensorflow", "keras", "numpy", "jax", "torch", "matplotlib", "sklearn", "PIL", "jinja2", "pydantic")


def zoo(capsys, *argv):
    """Run the command line; returns exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as stop:
        main(list(argv))
    shown = capsys.readouterr()
    return stop.value.code, shown.out, shown.err


@pytest.mark.parametrize("argv", [["--help"], ["ls"], ["show", "lenet"], ["show", "lenet", "--json"], ["ls", "--help"]])
def test_light_commands_import_nothing_heavy(argv):
    script = (
        "import sys\nfrom zoo.cli import main\n"
        f"try:\n    main({argv!r})\nfinally:\n    print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", tiered(layer_tables.own(), *DEEP))
def test_catalogue_is_fresh(name):
    known = read_json(layer_tables.PATH).get(name)
    assert layer_tables.compute([name])[name] == known, "layer_tables.json is stale: run scripts/catalogue"


def test_catalogue_has_every_network():
    assert list(read_json(layer_tables.PATH)) == layer_tables.own()


def test_catalogue_agrees_with_the_records():
    for name, rows in read_json(layer_tables.PATH).items():
        assert sum(row["params"] for row in rows) == registry.describe(name).params


def test_ls_shows_every_model_and_its_facts(capsys):
    code, out, _ = zoo(capsys, "ls")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == registry.list_models()
    lenet = next(line for line in out.splitlines() if line.startswith("lenet "))
    assert "1998" in lenet
    assert "61,706" in lenet


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["lenet*"], ["lenet", "lenet.1998"]),
        (["--family", "lenet", "--task", "binary"], ["lenet"]),
        (["--year", "1960"], ["linear"]),
        (["--task", "regression", "--inputs", "image"], ["mlp"]),
        (["perceptron.*", "--year", "1950-1990"], ["perceptron.1958", "perceptron.hinge", "perceptron.sigmoid"]),
    ],
)
def test_ls_filters(capsys, argv, expected):
    code, out, _ = zoo(capsys, "ls", "--json", *argv)
    assert code == 0
    assert set(expected) <= {row["name"] for row in json.loads(out)}
    for row in json.loads(out):
        record = registry.describe(row["name"])
        assert row["params"] == record.params
    assert [row["name"] for row in json.loads(out)][: len(expected)] == expected


def test_ls_with_nothing_to_list_says_what_to_try(capsys):
    code, out, err = zoo(capsys, "ls", "lnet")
    assert (code, out) == (0, "")
    assert "no model matches" in err
    assert "zoo ls 'lenet*'" in err


@pytest.mark.parametrize(
    ("year", "said"), [("19", "neither a year nor a span"), ("1990-1950", "ends before it begins"), ("x", "neither")]
)
def test_ls_refuses_a_bad_year(capsys, year, said):
    code, _, err = zoo(capsys, "ls", "--year", year)
    assert code == 2
    assert said in err


def test_ls_names_broken_plugins(capsys, monkeypatch):
    registry.list_models()
    monkeypatch.setitem(registry._broken, "bad-plugin", "ImportError: no module named nowhere")
    code, out, err = zoo(capsys, "ls")
    assert code == 0
    assert "lenet" in out
    assert "'bad-plugin' is broken and left out: ImportError" in err


def test_show_explains_lenet(capsys):
    code, out, err = zoo(capsys, "show", "lenet")
    assert (code, err) == (0, "")
    for text in ("LeCun", "(5*5*1 + 1)*6", "(400 + 1)*120", "61,706", "99.05 %", "activation = 'tanh'"):
        assert text in out
    s4 = next(line.split() for line in out.splitlines() if line.startswith("S4"))
    assert s4 == ["S4", "AveragePooling2D", "5x5x16", "16"]  # a unit of S4 sees 16x16 pixels


@pytest.mark.parametrize("name", registry.list_models())
def test_show_works_for_every_model(capsys, name):
    code, out, _ = zoo(capsys, "show", name, "--json")
    card = json.loads(out)
    assert code == 0
    assert sum(row["params"] for row in card["layers"]) == card["params"]
    assert zoo(capsys, "show", name)[0] == 0


def test_show_with_knobs_builds_for_real(capsys):
    code, out, _ = zoo(capsys, "show", "mlp", "--set", "hidden_units=[3,2]", "--set", "input_shape=[4]", "--json",
                       "--set", "num_classes=1", "--set", "classifier_activation=sigmoid")  # fmt: skip
    card = json.loads(out)
    assert code == 0
    assert card["knobs"]["hidden_units"] == [3, 2]
    assert sum(row["params"] for row in card["layers"]) == 26  # the 4-3-2-1 net: 15 + 8 + 3


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["lennet"], "did you mean lenet"),
        (["lenet", "--set", "pool=max"], "did you mean pooling"),
        (["lenet", "--set", "pooling"], "is not KNOB=VALUE"),
        (["lenet", "--set", "pooling=mox"], "did you mean max"),
        (["lenet", "--set", "input_shape=[3]"], "cannot be built with input_shape=(3,)"),
        (["lenet", "--svg", "/no/such/folder/x.svg"], "there is no folder"),
    ],
)
def test_show_refuses_in_a_few_lines(capsys, argv, said):
    code, out, err = zoo(capsys, "show", *argv)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) <= 3


def test_show_writes_the_diagram(capsys, tmp_path):
    code, _, err = zoo(capsys, "show", "lenet", "--svg", str(tmp_path / "lenet.svg"))
    assert code == 0
    assert "wrote" in err
    assert ET.parse(tmp_path / "lenet.svg").getroot().tag.endswith("svg")


def test_show_builds_a_plugins_model_and_says_so(capsys, monkeypatch):
    plugin = dataclasses.replace(registry.describe("linear"), name="theirs", origin="their-package")
    monkeypatch.setitem(registry._records, "theirs", plugin)
    code, out, err = zoo(capsys, "show", "theirs")
    assert code == 0
    assert "theirs is not in the catalogue; building it" in err
    assert "their-package" in out
    assert "(1 + 1)*1" in out


def test_show_puts_our_results_under_the_papers(capsys, monkeypatch):
    row = {"model": "lenet", "dataset": "mnist", "metric": "accuracy", "mean": 0.9912, "low": 0.991, "high": 0.9915,
           "seeds": [0, 1, 2], "examples_scored": 10_000, "examples_in_split": 10_000}  # fmt: skip
    monkeypatch.setattr("zoo.runs.results.rows", lambda model: [row])
    out = zoo(capsys, "show", "lenet")[1]
    assert "99.12 %" in out
    assert "99.10 % to 99.15 % over 3 seeds, 10,000 of 10,000 test examples" in out
