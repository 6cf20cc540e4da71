"""The network: whether there is one, and downloads that neither a silent, a slow nor an endless server can hold up.

Every answer of a server has two limits: how long it may send nothing, and how long it may take altogether, which grows
with what has come. Both hold for each request, header included, whichever library makes it.
"""

from __future__ import annotations

import os
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from io import BufferedReader, RawIOBase
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from zoo.errors import ZooError, first_line

IDLE = 10.0  # seconds without a byte after which a server is given up
GRACE = 30.0  # seconds that an answer may take, however little is sent ...
SLOWEST = 10_000  # ... and one more for each so many bytes
PIECE = 2**20


class DownloadError(ZooError):
    """A download failed on the network's or the server's side; the message says why, in one line."""


class _ServerError(TimeoutError):
    """A server was given up; the message says why."""


def reachable(host: str, seconds: float = 2.0) -> str | None:
    """None if the host's name (or the proxy's, where one is set) resolves in time, else the reason as text.

    Asked before a download is tried, so that the answer takes two seconds and not two hundred.
    """
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY") or ""
    name = urlsplit(proxy if "//" in proxy else f"//{proxy}").hostname or host
    outcome: list[str | None] = []

    def ask() -> None:
        try:
            socket.getaddrinfo(name, 443)
            outcome.append(None)
        except OSError:
            outcome.append(f"{name} does not resolve")

    thread = Thread(target=ask, daemon=True)  # getaddrinfo has no time limit of its own
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else f"{name} does not resolve within {seconds:g} s"


def fetch(url: str, path: Path, most: int) -> None:
    """Write what `url` gives to `path`, at most `most` bytes; no redirection leads away from https.

    Raises:
        DownloadError: the server cannot be reached, refuses, is too slow, breaks off, or sends more.
        OSError: `path` cannot be written.
    """
    with path.open("wb") as target:
        for piece in _pieces(url, most):
            target.write(piece)


def _pieces(url: str, most: int) -> Iterator[bytes]:
    """What the server sends, whole or with an error at the end."""
    opener, got = urllib.request.build_opener(_SecureOnly), 0
    try:
        with limited(), opener.open(url, timeout=IDLE) as answer:
            size = answer.length
            while piece := answer.read(PIECE):
                got += len(piece)
                if got > most:
                    raise DownloadError(f"the server sends more than the {most:,} bytes expected")
                yield piece
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadError(cause(error)) from error
    if size is not None and got < size:
        raise DownloadError(f"the server broke off after {got:,} of {size:,} bytes")


@contextmanager
def limited() -> Iterator[None]:
    """While it lasts, every answer read by `http.client`, on which `urllib` and `requests` stand, has its limits."""
    usual, HTTPConnection.response_class = HTTPConnection.response_class, _LimitedResponse
    try:
        yield
    finally:
        HTTPConnection.response_class = usual


def cause(error: BaseException) -> str:
    """Why a request failed, in one line: what a server did wrong, wherever a library hides it, else its words."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, _ServerError):
            return str(inner)
        inner = inner.__cause__ or inner.__context__
    said = first_line(error)
    return said if isinstance(error, OSError) and said else f"{type(error).__name__}: {said}"


class _LimitedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None):
        super().__init__(sock, debuglevel, method, url)
        self.fp = BufferedReader(_Limited(sock, self.fp.detach()))


class _Limited(RawIOBase):
    """The bytes of one answer as they come from the socket, within the limits."""

    def __init__(self, sock: socket.socket, raw: RawIOBase) -> None:
        self.sock, self.raw, self.begun, self.got = sock, raw, monotonic(), 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.begun + GRACE + self.got / SLOWEST - monotonic()
        self.sock.settimeout(max(min(IDLE, left), 0.001))
        try:
            if left <= 0:
                raise TimeoutError
            count: int | None = self.raw.readinto(buffer)
        except TimeoutError:
            if left > IDLE:
                raise _ServerError(f"the server sent nothing for {IDLE:g} s") from None
            took = monotonic() - self.begun
            raise _ServerError(f"the server sent only {self.got:,} bytes in {took:.0f} s") from None
        self.got += count or 0
        return count

    def close(self) -> None:
        self.raw.close()
        super().close()


class _SecureOnly(urllib.request.HTTPRedirectHandler):
    """Follows no redirection away from https."""

    def redirect_request(self, request, file, code, message, headers, url):  # type: ignore[no-untyped-def]
        if urlsplit(url).scheme != "https":
            raise OSError(f"the server leads away from https, to {url}")
        return super().redirect_request(request, file, code, message, headers, url)
