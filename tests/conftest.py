"""What several tests share: the command line as a function, real data where it is there."""

import base64
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# processes that tests start read compiled modules, as users' do, also where the environment forbids to write them
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".pytest_cache" / "bytecode"))
REAL = Path(os.environ.get("TFDS_DATA_DIR") or ROOT.parent / "shared" / "data" / "tfds")
if REAL.is_dir():
    os.environ["TFDS_DATA_DIR"] = str(REAL)
RAW = Path(os.environ.get("ZOO_DATA_DIR") or ROOT.parent / "shared" / "data" / "raw")
if RAW.is_dir():
    os.environ["ZOO_DATA_DIR"] = str(RAW)


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory):
    """Caches of the tests stay with the tests."""
    os.environ["ZOO_HOME"] = str(tmp_path_factory.mktemp("zoo_home"))


@pytest.fixture(autouse=True)
def same_numbers_each_time():
    """Weights that a test draws are the same in every run of the tests, and of the usual precision."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)
        sys.modules["keras"].config.set_dtype_policy("float32")


BLANK = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


@pytest.fixture(autouse=True, scope="module")
def pictures_left_blank(request):
    """Runs in this process make their figures, but do not render them, which takes longer than a small training.

    Modules that look at what is drawn say `RENDERED = True`; the tests of reports do not get this at all.
    """
    if getattr(request.module, "RENDERED", request.path.parent.name == "report"):
        yield
        return
    from zoo.report import run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "png", lambda drawn: BLANK)
        yield


class Said(str):
    """What a command wrote to stdout, with its exit code and what it wrote to stderr."""

    code: int
    err: str


@pytest.fixture
def zoo_cli(capfd, monkeypatch):
    """Run the command line in this process: `zoo_cli("run", "lenet", "digits")`."""
    from zoo.cli import main

    def call(*arguments: object) -> Said:
        capfd.readouterr()
        argv = [str(a) for a in arguments]
        monkeypatch.setattr(sys, "argv", ["zoo", *argv])
        with pytest.raises(SystemExit) as ended:
            main(argv)
        captured = capfd.readouterr()
        said = Said(captured.out)
        said.code, said.err = ended.value.code, captured.err
        return said

    return call
