"""What the command line says without rich: words from outside are escaped on every way to a terminal or a pipe."""

from __future__ import annotations

import logging
import sys
import traceback
import warnings
from types import TracebackType

import click

from zoo.files.names import escaped

format_warning = warnings.formatwarning


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Write to stdout, or to stderr if `err`; what no terminal should obey is written out."""
    click.echo(escaped(text, lines=True), err=err, nl=nl)


def escape_the_rest() -> None:
    """Escape what modules log and warn of, and the tracebacks of --debug."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Escaping())
    warnings.formatwarning = _warning
    sys.excepthook = _traceback


class _Escaping(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return escaped(super().format(record), lines=True)


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    return escaped(format_warning(message, category, filename, lineno, line), lines=True)


def _traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    echo("".join(traceback.format_exception(kind, error, trace)), err=True, nl=False)
