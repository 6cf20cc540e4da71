"""Is there a network? Asked before a download is tried, so that the answer takes two seconds and not two hundred."""

from __future__ import annotations

import os
import socket
from threading import Thread
from urllib.parse import urlsplit


def reachable(host: str, seconds: float = 2.0) -> str | None:
    """None if the host's name (or the proxy's, where one is set) resolves in time, else the reason as text."""
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
