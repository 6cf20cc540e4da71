"""F39: SIGHUP is taken as SIGTERM, and a signal ends a run within seconds whatever native code does."""

import signal
import subprocess
import sys
import time

import pytest

# a command that asks to be told of signals, as a run does while it trains
COMMAND = """
import hashlib, sys, time
from zoo import cli
from zoo.training import signals
signals.GRACE_SECONDS = 1.0

def native(stop):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 2**31 - 1)  # many minutes, in which Python hears of nothing

def python(stop):
    print("ready", flush=True)
    while not stop.number:
        time.sleep(0.01)
    signals.heeded()
    time.sleep(3)  # longer than the grace: it saves
    raise signals.Stopped(stop.number, "stopped; saved")

def call(arguments, **options):
    with signals.StopRequest("not saved; go on with: ...") as stop:
        {"native": native, "python": python}[arguments[0]](stop)

cli.group.main = call
cli.main()
"""
ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]


def ready(*command, word="ready", **more):
    """A process that has said that it is ready; the terminal's end ends it, also where these tests run under nohup."""
    more.setdefault("preexec_fn", lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", *command], **pipes, **more)
    assert process.stdout.readline() == f"{word}\n", process.communicate()
    return process


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_signal_ends_a_command_that_is_deep_in_native_code(number, code):
    process = ready(COMMAND, "native")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code and err == f"error: ended by {number.name}; not saved; go on with: ...\n"


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_what_heeds_a_signal_takes_the_time_that_it_needs(number, code):
    process = ready(COMMAND, "python")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code and err == "error: stopped; saved\n"


def test_a_second_signal_ends_it_at_once():
    process = ready(COMMAND.replace("GRACE_SECONDS = 1.0", "GRACE_SECONDS = 3600.0"), "native")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)  # two at the same time are one
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_under_nohup_it_goes_on():
    process = ready(COMMAND, "python", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=60)[1] == "error: stopped; saved\n"


STUCK = """
import hashlib
from zoo.training.environment import prepare
prepare()
from zoo.training import fit, signals
signals.GRACE_SECONDS = 1.0
run_epoch = fit.run_epoch
def stuck(*arguments):
    yield from run_epoch(*arguments)
    print("stuck", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 2**31 - 1)
fit.run_epoch = stuck
from zoo.cli import main
main()
"""


@pytest.mark.slow
def test_a_run_that_ends_in_the_middle_of_a_step_can_go_on(tmp_path, zoo_cli, monkeypatch):
    pytest.importorskip("tensorflow")
    run = ["run", "mlp", "iris", "--epochs", "2", "--jit", "off", "--quiet", "--out", "run"]
    process = ready(STUCK, *run, word="stuck", cwd=tmp_path)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143 and err.endswith(
        "error: ended by SIGTERM; a step was under way, which is not saved\ngo on with: zoo run --resume run\n"
    )
    monkeypatch.chdir(tmp_path)
    assert zoo_cli("run", "--resume", "run", "--quiet").code == 0
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 3


@pytest.mark.slow
def test_a_signal_while_xla_compiles_ends_a_run_within_seconds(tmp_path):
    """A transformer takes XLA half a minute and more."""
    command = [sys.executable, "-m", "zoo", "run", "transformer", "addition", "--jit", "on", "--out", "run"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert any(" to train" in line for line in process.stderr)  # what is said before the first step
    time.sleep(5)
    before = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143 and time.monotonic() - before < 15
