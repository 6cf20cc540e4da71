"""Ctrl-C and SIGTERM in the middle of training: the step under way ends, the state is saved, then the run stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from zoo.errors import ZooError


class Stopped(ZooError):  # noqa: N818  not an error, the answer to a wish
    """A run that was asked to stop and saved its state; the exit code is 130 (Ctrl-C) or 143 (SIGTERM)."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + number


class StopRequest:
    """While it is active the first signal is only noted in `number`; the second one interrupts at once."""

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number
