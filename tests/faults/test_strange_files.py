"""F33: a file that is a pipe, a device, a folder, endless or enormous is refused at once, whatever it should hold."""

import os
import signal

import pytest

from zoo import files
from zoo.data import arrays, csvfile, folder, rawfiles, stored
from zoo.errors import UsageError
from zoo.pretrained import imagenet
from zoo.pretrained.arrays import read as read_weights
from zoo.pretrained.published import Published, differences
from zoo.recipe import load_recipe, resolve
from zoo.runs import directory, to_predict
from zoo.safety import scan, scan_weights
from zoo.training import checkpoint

READ = {  # what reads it -> a name that it has
    files.read_json: "run.json",
    load_recipe: "mine.toml",
    csvfile.infer: "t.csv",
    rawfiles.read_text: "t.txt",
    rawfiles.lines: "t.txt.gz",
    lambda path: rawfiles.read_text(path.rename(path.with_suffix(".zip"))): "t",
    lambda path: to_predict.texts_of([path], load_recipe("imdb").data): "t.txt",
    lambda path: folder.read_files([path], resolve("lenet", "mnist")[0].data): "seven.png",
    read_weights: "weights.npz",
    scan: "model.keras",
    scan_weights: "weights.h5",
    lambda path: imagenet.file("VGG16", given=path): "weights.h5",
    lambda path: checkpoint._read(path, path.parent): "step-1.checkpoint",
    lambda path: differences(path.parent): "SHA256SUMS",
    lambda path: Published(path.parent).info: "run.json",
    lambda path: directory.Run(path.parent).recipe: "run.json",
}
BY_ROWS = {stored.Stored: "x.npy", lambda path: arrays.infer(path.parent): "x.npy"}  # of any size


@pytest.fixture(autouse=True)
def at_once():
    """A reader that waits for a pipe, or reads without end, is ended."""

    def too_long(number, frame):
        raise TimeoutError("it waits, or reads without end")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=["pipe", "device", "folder", "enormous"])
def strange(request, tmp_path):
    def make(name):
        path = tmp_path / name
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "device":
            path.symlink_to("/dev/zero")
        elif request.param == "folder":
            path.mkdir()
        else:
            path.touch()
            os.truncate(path, 2**40)
        return path

    make.kind = request.param
    return make


SAID = r"is a pipe|is a device|is a folder|has 1,099,511,627,776 bytes; such a file has at most|no plain file|no such file|there is no|is not there|is a symbolic link|cannot read|no texts"  # noqa: E501


@pytest.mark.parametrize("read", READ, ids=[f"{i}-{name}" for i, name in enumerate(READ.values())])
def test_what_reads_files_reads_plain_ones_of_a_size_that_fits(strange, read):
    try:
        said = read(strange(READ[read]))
    except (UsageError, files.ZooError) as error:
        said = [str(error)]
    assert len(said) == 1 and any(part in said[0] for part in SAID.split("|")) and len(said[0].splitlines()) <= 3


@pytest.mark.parametrize("read", BY_ROWS)
def test_arrays_are_read_from_plain_files(strange, read):
    with pytest.raises(UsageError, match=SAID + r"|is no array of NumPy"):
        read(strange("x.npy"))


def test_a_file_that_grows_while_it_is_read_is_not_read_without_end(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("words")
    usual = os.fstat
    monkeypatch.setattr(os, "fstat", lambda opened: os.stat_result([*usual(opened)[:6], 3, *usual(opened)[7:]]))
    with pytest.raises(UsageError, match="grows while it is read"):
        files.read_bytes(tmp_path / "a", 10)


def test_own_files_may_lie_behind_links(tmp_path):
    (tmp_path / "real.csv").write_text("x,y\n1,a\n2,b\n3,a\n")
    (tmp_path / "t.csv").symlink_to(tmp_path / "real.csv")
    assert csvfile.infer(tmp_path / "t.csv").train == 3


@pytest.mark.parametrize("arguments", [["run", "mlp", "--data", "/dev/zero"], ["run", "mlp", "--data", "PIPE"],
                                       ["run", "mlp", "iris", "--set", "data.source=csv:/dev/zero"],
                                       ["run", "PIPE"], ["data", "show", "PIPE"], ["predict", "lenet:mnist", "PIPE"],
                                       ["weights", "verify", "PIPE"], ["eval", "PIPE"]])  # fmt: skip
def test_the_command_line_answers_too(zoo_cli, tmp_path, arguments):
    for name in ("p.toml", "p.csv"):
        os.mkfifo(tmp_path / name)
        said = zoo_cli(*(str(tmp_path / name) if a == "PIPE" else a for a in arguments))
        assert said.code == 2 and len(said.err.splitlines()) <= 3 and "fault of zoo" not in said.err, said.err
