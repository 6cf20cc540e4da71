"""scripts/bench ends what it started, also when it is ended itself."""

import signal
import subprocess
import sys
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent / "scripts" / "bench"


def children(number):
    """The process numbers of a process' children, with their command lines."""
    told = Path(f"/proc/{number}/task/{number}/children").read_text().split()
    return {int(child): Path(f"/proc/{child}/cmdline").read_text() for child in told if is_there(int(child))}


def is_there(number):
    status = Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_bench_that_is_ended_by_sigterm_leaves_no_contender_running():
    command = [sys.executable, BENCH, "--only", "epochs", "--cases", "dense", "--rounds", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (contenders := [number for number, line in children(process.pid).items() if "contend_" in line]):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert not any(map(is_there, contenders))
