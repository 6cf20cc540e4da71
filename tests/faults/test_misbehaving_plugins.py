"""F40: a plug-in that prints, hangs, ends the process or breaks harms only itself; a good one is imported late."""

import json
import os
import subprocess
import sys

import pytest

from zoo.catalogue import plugins

MODEL = """
from zoo import register

@register("{name}", family="theirs", year=2020, paper="Nobody 2020", idea="An idea of theirs.",
          inputs=("tabular",), tasks=("binary", "classification"), params=17, trial={{"sizes": (1, 2)}})
def network(input_shape=(2,), num_classes=1, classifier_activation="sigmoid", units=4):
    import keras

    inputs = keras.Input(input_shape)
    x = keras.layers.Dense(units)(inputs)
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation=classifier_activation, dtype="float32")(x))
"""
NOISE = (
    "import os, sys\nprint('NOISE')\nprint('NOISE', file=sys.stderr)\nos.write(1, b'NOISE')\nos.write(2, b'NOISE')\n"
)
MARK = "open(__file__ + '.times', 'a').write('x')\n"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages: `site("name", code)` puts one there whose module registers models."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))

    def install(name, code, group="zoo.models", value=None):
        (folder / f"{name}.py").write_text(code)
        facts = folder / f"{name}-1.0.dist-info"
        facts.mkdir(exist_ok=True)
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(f"[{group}]\nit = {value or name}\n")
        return folder / f"{name}.py"

    return install


def zoo(*arguments, limit=None):
    """stdout and stderr of a command, in which no plug-in has more than `limit` seconds."""
    code = "import sys; from zoo.catalogue import plugins; from zoo.cli import main; "
    code += f"plugins.SECONDS = {limit or plugins.SECONDS}; main(sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def times(module):
    """How often a module was imported."""
    counted = module.with_name(module.name + ".times")
    return len(counted.read_text()) if counted.exists() else 0


def test_one_that_prints_is_heard_nowhere(site):
    site("loud", NOISE + MODEL.format(name="loud"))
    for arguments in (["ls", "--json"], ["show", "loud", "--json"]):
        done = zoo(*arguments)
        assert "NOISE" not in done.stdout + done.stderr
        assert "loud" in {row["name"] for row in json.loads(done.stdout)} if arguments[0] == "ls" else True


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os; os._exit(3)", "it ended the process that imported it, with status 3"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            "it ended the process that imported it, by SIGSEGV",
        ),
        pytest.param("import time; time.sleep(600)", "it was not imported within 8 seconds", marks=pytest.mark.slow),
        ("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)", "within 8 seconds"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("import zoo; zoo.list_models(); raise ValueError('late')", "ValueError: late"),
        (MODEL.format(name="lenet"), "model 'lenet' is already registered (by zoo)"),
    ],
    ids=["exit", "crash", "hang", "hang that ignores", "leaves", "asks", "taken"],
)
def test_one_that_breaks_is_named_and_harms_nothing_else(site, code, told):
    site("bad", NOISE + MODEL.format(name="half") + code)
    site("good", MODEL.format(name="good"))
    done = zoo("ls", limit=8)
    names = {line.split()[0] for line in done.stdout.splitlines() if line}
    assert {"good", "lenet"} <= names and "half" not in names
    (note,) = done.stderr.splitlines()
    assert "plug-in 'it of bad' is broken and left out: " in note and told in note


def test_listing_takes_what_is_kept_until_the_files_change(site):
    module = site("theirs", MARK + MODEL.format(name="theirs"))
    for _ in range(3):
        assert "theirs" in zoo("ls", "theirs*").stdout
    assert times(module) == 1
    site("theirs", MARK + MODEL.format(name="theirs.second"))
    listed = zoo("ls", "theirs*", "--json")
    assert [row["name"] for row in json.loads(listed.stdout)] == ["theirs.second"] and times(module) == 2


@pytest.mark.slow
def test_what_hangs_is_not_tried_again_soon_but_what_may_be_mended_elsewhere_is(site, tmp_path):
    hanging = site("hanging", MARK + "import time; time.sleep(600)")
    lacking = site("lacking", MARK + "import needed_by_lacking\n" + MODEL.format(name="lacking"))
    for _ in range(2):
        assert len(zoo("ls", limit=8).stderr.splitlines()) == 2
    assert times(hanging) == 1 and times(lacking) == 2
    (tmp_path / "site" / "needed_by_lacking.py").touch()
    assert "lacking" in zoo("ls", limit=8).stdout
    kept = tmp_path / "home" / "plugins.json"
    entries = json.loads(kept.read_text())
    entries["zoo.models: it of hanging"]["time"] -= plugins.KEPT_WRONG + 1
    kept.write_text(json.dumps(entries))
    zoo("ls", limit=8)
    assert times(hanging) == 2


@pytest.mark.parametrize("content", ["[]", "{", '{"zoo.models: it of theirs": 3}', '{"zoo.models: it of theirs": {}}'])
def test_a_damaged_memory_of_plugins_is_made_anew(site, tmp_path, content):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "plugins.json").write_text(content)
    site("theirs", MODEL.format(name="theirs"))
    assert "theirs" in zoo("ls").stdout
    assert json.loads((tmp_path / "home" / "plugins.json").read_text()).keys() == {"zoo.models: it of theirs"}


def test_a_model_is_brought_here_when_it_is_asked_for(site):
    module = site("theirs", MARK + NOISE + MODEL.format(name="theirs"))
    code = (
        "import sys, zoo\nfrom zoo.catalogue import registry\n"
        "from zoo.catalogue.spec import DataSpec\n"
        "assert 'theirs' in zoo.list_models() and registry.glance('theirs').idea == 'An idea of theirs.'\n"
        "assert 'theirs' in registry.fitting(DataSpec('xor', 'tabular', 'binary', (2,)))\n"
        "assert 'theirs' not in sys.modules and not {'tensorflow', 'keras'} & set(sys.modules)\n"
        "record = zoo.describe('theirs')\n"
        "assert record.knobs['units'] == 4 and record.origin == 'theirs' and record.trial == {'sizes': (1, 2)}\n"
        "assert zoo.build('theirs').count_params() == 17\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "NOISE" not in done.stdout + done.stderr, done.stderr
    assert times(module) == 2  # once to look at it, once here
    broken = "import os\nif os.environ.get('BREAKS'): raise ImportError('gone')\n"
    site("theirs", broken + MODEL.format(name="theirs"))
    zoo("ls")
    run = [sys.executable, "-m", "zoo", "show", "theirs"]
    done = subprocess.run(run, capture_output=True, text=True, env=os.environ | {"BREAKS": "1"})
    assert done.returncode == 2 and "is of a plug-in that is broken, it of theirs\nImportError: gone" in done.stderr


def test_a_plugin_that_a_program_imported_itself_counts(site):
    site("theirs", MODEL.format(name="theirs"))
    code = "import theirs, zoo\nassert zoo.build('theirs').count_params() == 17 and 'theirs' in zoo.list_models()\n"
    code += "from zoo.catalogue.registry import broken\nassert not broken()"
    later = "import zoo; assert 'theirs' in zoo.list_models()\nimport theirs\n"
    later += code.replace("zoo.build('theirs').count_params()", "zoo.describe('theirs').params")
    for each in (code, later):
        done = subprocess.run([sys.executable, "-c", each], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_recipes_of_others_are_found_without_importing_them(site, tmp_path):
    module = site("them", MARK + "import os; os._exit(3)", "zoo.recipes", "themall.recipes")
    (tmp_path / "site" / "themall" / "recipes").mkdir(parents=True)
    module.rename(tmp_path / "site" / "themall" / "__init__.py")
    (tmp_path / "site" / "themall" / "recipes" / "theirdata.toml").write_text("title = 'Theirs'")
    code = "import zoo; assert 'theirdata' in zoo.list_datasets()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
