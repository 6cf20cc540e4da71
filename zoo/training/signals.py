"""Ctrl-C, SIGTERM and SIGHUP: the step under way ends, the state is saved, then the run stops; or else it just ends.

Python hears of a signal when native code returns. A step that XLA compiles, or one that waits for other workers, may
not return for minutes, so a thread listens too: where the run has not begun to stop within GRACE_SECONDS, the thread
ends the process. Checkpoints are written beside their final names, so that the ones before are whole.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from zoo.errors import ZooError

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 8.0  # to end the step under way and begin to save
SECOND_SECONDS = 1.0  # the same after a second signal, which interrupts a save


class Stopped(ZooError):  # noqa: N818  not an error, the answer to a wish
    """A run that was asked to stop and saved its state; the exit code is 130 (Ctrl-C) or 143 (SIGTERM, SIGHUP)."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code(number)


def exit_code(number: int) -> int:
    """130 for Ctrl-C, 143 for the other signals that ask a run to stop."""
    return 128 + (number if number == signal.SIGINT else signal.SIGTERM)


def asking_to_stop() -> list[int]:
    """The signals that ask this process to stop: not SIGHUP under nohup, which lets it be ignored."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in SIGNALS if not (number == signal.SIGHUP and ignored)]


class StopRequest:
    """While it is active the first signal is only noted in `number`; the second one interrupts at once.

    A terminal that is closed (SIGHUP) is a SIGTERM, unless the command was started to outlive it (nohup).
    """

    def __init__(self, unsaved: str = "") -> None:
        """`unsaved` is what to say if the process has to end before the run can save."""
        self.number, self.unsaved = 0, unsaved
        self._before: dict[int, Any] = {}
        self._terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in asking_to_stop()}
        if _listener is not None:
            _listener.words = self.unsaved
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if _listener is not None and exception[0] is None:
            _listener.words = ""

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


def heeded() -> None:
    """The run has begun to stop, and takes the time that it needs."""
    if _listener is not None:
        _listener.heeded.set()


@contextmanager
def ending_in_time() -> Iterator[None]:
    """While it lasts, a signal ends the process within seconds, whatever native code does; for the command line."""
    global _listener
    if threading.current_thread() is not threading.main_thread() or _listener is not None:
        yield
        return
    _listener = _Listener()
    try:
        yield
    finally:
        _listener.close()
        _listener = None


class _Listener:
    """Reads the signals that the interpreter notes, in a thread."""

    def __init__(self) -> None:
        self.words, self.heeded, self._over = "", threading.Event(), threading.Event()
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        signal.set_wakeup_fd(self._before)
        self._over.set()
        os.close(self._write)  # which ends the thread

    def _listen(self) -> None:
        count = 0
        while received := os.read(self._read, 1):
            if received[0] in SIGNALS:
                count += 1
                arguments = (received[0], self._over if count > 1 else self.heeded, count)
                threading.Thread(target=self._end_after, args=arguments, daemon=True).start()
        os.close(self._read)

    def _end_after(self, number: int, reprieve: threading.Event, count: int) -> None:
        reprieve.wait(GRACE_SECONDS if count == 1 else SECOND_SECONDS)
        if not reprieve.is_set() and not self._over.is_set():
            words = f"error: ended by {signal.Signals(number).name}"
            with suppress(OSError):  # the terminal may be gone
                os.write(2, f"{words}{'; ' if self.words else ''}{self.words}\n".encode())
            os._exit(exit_code(number))


_listener: _Listener | None = None
