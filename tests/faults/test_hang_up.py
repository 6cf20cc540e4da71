"""F39: a terminal that is closed ends a training as SIGTERM does, saved; not one that is to outlive it."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
import termios

import pytest

from zoo.training.signals import StopRequest

COMMAND = ["run", "mlp", "digits", "--epochs", "200", "--jit", "off", "--set", "knobs.hidden_units=[32]", "--out"]


def at_a_terminal(theirs):
    """Make it the terminal of a process that is about to begin; these tests may run under nohup, it does not."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.setsid()
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)


def test_a_terminal_that_is_closed_ends_a_training_saved(tmp_path):
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "zoo", *COMMAND, str(tmp_path / "run")],
        stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=lambda: at_a_terminal(theirs),
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while b"epoch 3/200" not in seen:
        piece = os.read(ours, 2**16)
        assert piece, "the run ended by itself"
        seen += piece
    os.close(ours)
    assert running.wait(60) == 143
    info = json.loads((tmp_path / "run" / "run.json").read_text())
    assert info["exit"].startswith("stopped in epoch ")
    assert len(list((tmp_path / "run" / "checkpoints").glob("step-*.checkpoint"))) >= 1


@pytest.fixture
def handler():
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("handler")
def test_hanging_up_is_a_sigterm_but_not_under_nohup(capfd):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.number == signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.number == 0
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    os.write(2, b"still heard")
    assert capfd.readouterr().err == "still heard"
