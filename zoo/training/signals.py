"""Ctrl-C, SIGTERM and SIGHUP in the middle of training: the step under way ends, the state is saved, the run stops."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from zoo.errors import ZooError


class Stopped(ZooError):  # noqa: N818  not an error, the answer to a wish
    """A run that was asked to stop and saved its state; the exit code is 130 (Ctrl-C) or 143 (SIGTERM, SIGHUP)."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class StopRequest:
    """While it is active the first signal is only noted in `number`; the second one interrupts at once.

    A terminal that is closed (SIGHUP) is a SIGTERM, unless the command was started to outlive it (nohup).
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}
        self._terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            number = signal.SIGTERM
            for descriptor in self._terminals:
                _silence_if_gone(descriptor)
        if self.number:
            raise KeyboardInterrupt
        self.number = number


def _silence_if_gone(descriptor: int) -> None:
    """What is said to a terminal that was closed goes nowhere; to write to it would fail, and end the run unsaved."""
    try:
        os.write(descriptor, b"")
    except OSError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
