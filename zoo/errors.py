"""The errors a user may see. Each carries the exit code of the command line and reads as two or three lines."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

DISTRIBUTION = "classic-networks-zoo"  # what pip installs; the package is imported as `zoo`


class ZooError(Exception):
    """Something went wrong while running (exit code 1)."""

    exit_code = 1


class UsageError(ZooError):
    """Bad input: a name, an option, a recipe, a file's content (exit code 2)."""

    exit_code = 2


class MissingError(ZooError):
    """Something outside is not there: data, network, a device, a package (exit code 3)."""

    exit_code = 3


class VerificationError(ZooError):
    """A check ran and failed (exit code 4)."""

    exit_code = 4


def pip_install(extra: str) -> str:
    """The command that installs the optional packages of `extra`."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def is_utf8(text: str) -> bool:
    """Whether a name from the system can be written to a file: other bytes than UTF-8 come as lone surrogates."""
    return text == text.encode("utf-8", "ignore").decode()


def first_line(error: BaseException) -> str:
    """What an error of another library says, in at most 200 characters."""
    return (str(error).strip().splitlines() or [""])[0][:200]


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names most like `name`, best first."""
    by_lower = {k.lower(): k for k in known}
    return [by_lower[k] for k in get_close_matches(name.lower(), by_lower, n=count, cutoff=0.5)]


def unknown(what: str, name: str, known: Iterable[str], remedy: str = "") -> UsageError:
    """`unknown model 'lennet'; did you mean lenet?` with what to do next on a second line."""
    close = nearest(name, known)
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return UsageError(f"unknown {what} {name!r}{hint}" + (f"\n{remedy}" if remedy else ""))
