"""F31, F32: a run directory that came from someone else leads nowhere, whatever links and names are in it."""

import os
import tomllib

import numpy as np
import pytest
import tomli_w

from zoo.cli.progress import Progress
from zoo.data.sources.tfds_prepared import Address, find
from zoo.errors import UsageError, ZooError
from zoo.files import append, leftovers, opening, private_folder, replacing, write_text, writing
from zoo.files.names import dataset_name, file_name
from zoo.pretrained import arrays
from zoo.recipe import resolve
from zoo.report import run as drawn
from zoo.runs import beginning
from zoo.runs import directory as runs
from zoo.training import checkpoint

WRITTEN = ("checkpoints", "head", "export", "tensorboard", ".lock", "log.txt", "samples.txt", "history.csv",
           "model.keras", "metrics.json", "report.html", "learning_curves.png", "mine.txt")  # fmt: skip


@pytest.fixture
def outside(tmp_path):
    """Files that nobody may touch."""
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("step-000000001.checkpoint", "letter.txt"):
        (folder / name).write_text(f"my own {name}")
    return folder


def state(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_nlink) for path in folder.iterdir()}


def make_run(folder, ended):
    folder.mkdir()
    runs.write_recipe(folder, resolve("mlp", "iris", ["knobs.hidden_units=[4]"], {"epochs": 1, "jit": "off"})[0])
    (folder / "model.keras").write_bytes(b"no model")
    runs.record(folder, {"exit": ended, "smoke": False})
    return folder


def link(folder, name, outside):
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(outside if "." not in name else outside / "letter.txt")


@pytest.mark.parametrize("name", WRITTEN)
def test_resuming_a_run_with_a_link_in_it_is_refused_and_touches_nothing_outside(zoo_cli, tmp_path, outside, name):
    run, before = make_run(tmp_path / "run", "stopped in epoch 1"), state(outside)
    link(run, name, outside)
    said = zoo_cli("run", "--resume", run)
    assert said.code == 2 and f"{name} is a symbolic link\n" in said.err and len(said.err.splitlines()) <= 3
    assert state(outside) == before and (run / name).is_symlink()


@pytest.mark.parametrize("command", [["eval"], ["predict"], ["export"], ["publish"], ["generate"], ["finetune"]])
def test_a_finished_run_with_a_link_in_it_is_read_by_no_command(zoo_cli, tmp_path, outside, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, before = make_run(tmp_path / "run", "done"), state(outside)
    (run / "deep" / "deeper").mkdir(parents=True)
    (run / "deep" / "deeper" / "x").symlink_to(outside)
    rest = {"predict": ["x.png"], "export": ["--format", "onnx"], "generate": ["--prompt", "a"], "finetune": ["digits"]}
    said = zoo_cli(*command, run, *rest.get(command[0], []))
    assert said.code == 2 and "deep/deeper/x is a symbolic link" in said.err
    assert state(outside) == before


def test_pipes_in_a_run_are_refused_without_waiting(zoo_cli, tmp_path):
    run = make_run(tmp_path / "run", "stopped in epoch 1")
    os.mkfifo(run / "log.txt")
    said = zoo_cli("run", "--resume", run)
    assert said.code == 2 and "log.txt is a pipe" in said.err


def test_a_run_reached_through_a_link_of_the_users_own_is_a_run(tmp_path, outside):
    make_run(tmp_path / "run", "done")
    (tmp_path / "latest").symlink_to(tmp_path / "run")
    assert runs.load(tmp_path / "latest").recipe.model == "mlp"
    with runs.claimed(tmp_path / "latest"):
        write_text(tmp_path / "latest" / "metrics.json", "{}")
    assert (tmp_path / "run" / "metrics.json").read_text() == "{}"


def save(folder):
    checkpoint.save(folder, 2, {"a": np.ones(2)}, {"epoch": 1, "done": 2})


@pytest.fixture(params=[True, False], ids=["by descriptors", "by looking first"])
def careful(request, monkeypatch):
    """Whether the system can open without following links; where it cannot, every component is looked at."""
    monkeypatch.setattr(opening, "CAREFUL", request.param)
    monkeypatch.setattr("zoo.files.CAREFUL", request.param)
    if not request.param:
        monkeypatch.setattr(opening, "NO_LINK", 0)


@pytest.mark.usefixtures("careful")
def test_links_that_come_after_the_first_look_are_not_followed_either(tmp_path, outside):
    before = state(outside)
    (tmp_path / "run").mkdir()
    for name in ("checkpoints", "log.txt"):
        link(tmp_path / "run", name, outside)
    for attempt in (
        lambda: save(tmp_path / "run" / "checkpoints"),
        lambda: checkpoint.newest(tmp_path / "run" / "checkpoints"),
        lambda: append(tmp_path / "run" / "log.txt", "words"),
        lambda: opening.make_folder(tmp_path / "run" / "checkpoints"),
        lambda: opening.descriptor(tmp_path / "run" / "checkpoints" / "letter.txt", below=tmp_path / "run"),
        lambda: opening.descriptor(tmp_path / "run" / ".." / "outside" / "letter.txt", below=tmp_path / "run"),
    ):
        with pytest.raises(UsageError, match=r"is a symbolic link\n|is not inside of"):
            attempt()
    assert state(outside) == before


@pytest.mark.usefixtures("careful")
def test_what_is_no_link_is_written_and_read(tmp_path):
    save(tmp_path / "checkpoints")
    save(tmp_path / "checkpoints")
    assert checkpoint.newest(tmp_path / "checkpoints")[0].facts == {"epoch": 1, "done": 2}
    append(tmp_path / "log.txt", "one\n")
    append(tmp_path / "log.txt", "two\n")
    assert (tmp_path / "log.txt").read_text() == "one\ntwo\n"


def test_a_folder_that_becomes_a_link_while_it_is_held_stays_the_folder(tmp_path, outside):
    before = state(outside)
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with writing(tmp_path / "run" / "checkpoints" / "letter.txt", below=tmp_path / "run") as file:
        (tmp_path / "run" / "checkpoints").rename(tmp_path / "moved")
        (tmp_path / "run" / "checkpoints").symlink_to(outside)
        file.write(b"new")
    assert state(outside) == before and (tmp_path / "moved" / "letter.txt").read_bytes() == b"new"


def test_a_link_under_the_name_of_a_temporary_file_is_not_written_through(tmp_path, outside):
    before = state(outside)
    for name in ("a.txt", "b.txt"):
        leftovers.temporary(tmp_path / name).symlink_to(outside / "letter.txt")
    write_text(tmp_path / "a.txt", "words")
    with replacing(tmp_path / "b.txt") as temporary:
        temporary.write_text("words")
    assert state(outside) == before and (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text() == "words"
    assert not (tmp_path / "a.txt").is_symlink() and not (tmp_path / "b.txt").is_symlink()


@pytest.fixture
def planted(monkeypatch, outside):
    """Whenever a temporary file has been removed, somebody puts a link under its name at once."""

    unlink = os.unlink

    def planting(path, **more):
        try:
            unlink(path, **more)
        finally:
            if ".tmp" in str(path):
                os.symlink(outside / "letter.txt", path, **more)  # noqa: PTH211  by the descriptor of its folder

    monkeypatch.setattr(os, "unlink", planting)


@pytest.mark.usefixtures("planted")
def test_a_link_that_is_put_there_while_a_file_is_written_is_not_followed(tmp_path, outside):
    before = state(outside)
    for write in (
        lambda: write_text(tmp_path / "report.html", "words"),
        lambda: arrays.write(tmp_path / "predictions.npz", {"a": np.zeros(3)}),
        lambda: drawn._written(tmp_path, "curves.svg", "Curves", lambda: "<svg/>"),
    ):
        with pytest.raises(ZooError, match="cannot write"):
            write()
    assert state(outside) == before


def test_a_private_folder_is_nobody_elses_and_goes(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with private_folder() as folder:
        assert folder.parent == tmp_path and folder.stat().st_mode & 0o777 == 0o700
        assert leftovers.OURS.fullmatch(folder.name)  # of a killed process the next one removes it
        (folder / "file").write_text("words")
    assert not list(tmp_path.iterdir())


def test_a_file_with_another_name_outside_is_not_written_to(tmp_path, outside):
    os.link(outside / "letter.txt", tmp_path / "log.txt")
    before = state(outside)
    with pytest.raises(UsageError, match="has other names too"):
        append(tmp_path / "log.txt", "words")
    assert state(outside) == before


def test_names_of_foreign_files_are_one_line_of_the_log(tmp_path, capfd):
    save(tmp_path / "checkpoints")
    (tmp_path / "checkpoints" / "step-9\nepoch 1 accuracy 1.0 \x1b[2J").write_text("damaged")
    watch = Progress()
    watch.log = tmp_path / "log.txt"
    assert beginning.saved_state(tmp_path, watch).facts == {"epoch": 1, "done": 2}
    log = watch.log.read_text()
    assert "damaged checkpoint" in log and r"step-9\nepoch 1 accuracy 1.0 \x1b[2J" in log and len(log.splitlines()) == 2
    assert "\x1b" not in capfd.readouterr().err


STRANGE = ("../../evil", "..", "a/b", "/etc/evil", "tfds:../evil", "two\nlines", "\x1b[2J", " ", 300 * "x")


@pytest.mark.parametrize("name", STRANGE)
def test_a_dataset_name_that_leads_elsewhere_is_refused_before_it_becomes_a_path(zoo_cli, tmp_path, monkeypatch, name):
    """F32."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    run = make_run(tmp_path / "run", "done")
    tables = tomllib.loads((run / "recipe.toml").read_text())
    (run / "recipe.toml").write_text(tomli_w.dumps(tables | {"dataset": name}))
    runs.record(run, {"exit": "done", "smoke": False})
    for command in (
        ["eval", run],
        ["publish", run],
        ["export", run, "--format", "keras"],
        ["run", run / "recipe.toml"],
    ):
        said = zoo_cli(*command)
        assert said.code == 2 and "dataset: no name of a dataset" in said.err and len(said.err.splitlines()) <= 3
    assert not list((tmp_path / "here").iterdir()) and {path.name for path in tmp_path.iterdir()} == {"here", "run"}


def test_names_become_names_of_files_that_lead_nowhere():
    """F32."""
    plain = {"lenet-digits": "lenet-digits", "tfds:glue/sst2:2.0.0": "tfds-glue-sst2-2.0.0", "Größe 2": "Größe-2"}
    assert {name: file_name(name) for name in plain} == plain
    for name in (*STRANGE, ".hidden", "", "...", "a\0b", 300 * "日", "-rf"):
        made = file_name(name)
        assert 0 < len(made.encode()) <= 100 and made[0] not in ".-" and not set(made) & set("/\\\0\n\x1b :")
    for name in (*plain, "my own table", "memory", "tfds:mnist/3.0.1"):
        assert dataset_name(name) == name


def test_a_prepared_dataset_leads_to_no_folder_outside(tmp_path, monkeypatch):
    """F32: its own description names the configuration that is used."""
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    (tmp_path / "tfds" / "glue" / ".config").mkdir(parents=True)
    (tmp_path / "outside" / "1.0.0").mkdir(parents=True)
    (tmp_path / "tfds" / "glue" / ".config" / "metadata.json").write_text('{"default_config_name": "../../outside"}')
    assert find(Address.parse("glue")) is None
