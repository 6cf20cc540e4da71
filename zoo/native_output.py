"""Keep native libraries' chatter off the terminal, and their last words where something fails."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from zoo.files.names import escaped


def quiet_ending() -> None:
    """Say nothing of what goes wrong in objects that the interpreter takes apart when the process has ended.

    TensorFlow's strategies keep a thread pool that now and then finds its pipe closed before itself.
    """
    atexit.register(setattr, sys, "unraisablehook", lambda unraisable: None)


@contextmanager
def silence() -> Iterator[None]:
    """Throw away what is written to stdout and stderr meanwhile, be it by Python or by native code."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123
        saved = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
        try:
            for descriptor, _ in saved:
                os.dup2(nowhere.fileno(), descriptor)
            yield
        finally:
            for descriptor, kept in saved:
                os.dup2(kept, descriptor)
                os.close(kept)


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what native code writes to descriptor 2 in a file; show it only if the block fails, and not after Ctrl-C."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            os.dup2(saved, 2)
            kept.seek(0)
            os.write(2, escaped(kept.read().decode(errors="replace"), lines=True).encode())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
