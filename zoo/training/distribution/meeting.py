"""How workers meet, before TensorFlow starts, and compare what they are about to do.

TensorFlow itself waits for an absent worker for ever, and for one that computes something else as well. So all of them
meet over plain sockets first. The chief keeps a connection to every other worker until training begins: each sends
facts (recipe, versions, later the data's checksums), and the chief answers all of them with what differs. As long as a
worker lives it says so every second, so that the others wait while it loads its data, and no longer.

Nothing here needs TensorFlow.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from zoo.errors import MissingError, UsageError, ZooError
from zoo.training.distribution.cluster import Cluster

PEER_SECONDS = 45.0  # without a sign of life; with the start of TensorFlow, an absent worker is known within a minute
BEAT_SECONDS = 1.0
MOST_BYTES = 4_000_000  # of a message
SHOWN = 3  # differences, of each worker


def peer_seconds() -> float:
    """How long to wait for a sign of life from another worker: what ZOO_PEER_SECONDS says, or PEER_SECONDS."""
    return float(os.environ.get("ZOO_PEER_SECONDS", PEER_SECONDS))


class Line:
    """A connection to another worker, for messages of one line; empty lines say that the sender lives."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.read = bytearray()
        self.writing = threading.Lock()

    def send(self, message: Mapping[str, Any] | None = None) -> None:
        """Send a message, or a sign of life."""
        with self.writing:
            self.connection.sendall(b"\n" if message is None else json.dumps(message).encode() + b"\n")

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next message; each sign of life gives the sender another `seconds`.

        Raises:
            OSError: none came in time, or the other end is closed; ValueError: it is no message.
        """
        self.connection.settimeout(seconds)
        while True:
            line, found, rest = self.read.partition(b"\n")
            if found:
                self.read = bytearray(rest)
                if line:
                    return _table(line)
                continue
            more = self.connection.recv(65536)
            if not more or len(self.read) > MOST_BYTES:
                raise ConnectionError("closed")
            self.read += more


class Meeting:
    """The workers of a cluster, connected through their chief until they begin to train."""

    def __init__(self, cluster: Cluster, seconds: float) -> None:
        """Wait for all other workers.

        Raises:
            MissingError: one of them did not come, or this one cannot listen at its own address.
        """
        self.cluster, self.seconds = cluster, seconds
        self.lines: dict[int, Line] = {}  # the chief's to all others, any other's to the chief
        self._closed = threading.Event()
        with _listener(cluster) as listener:
            _await_answers(cluster, seconds)
            if cluster.chief:
                self._accept(listener)
                self._tell_all({"all": "here"})
            else:
                self._connect()  # and listen until the chief knows all, since others may still look for this one
        threading.Thread(target=self._beat, daemon=True).start()

    def compare(self, facts: Mapping[str, Any]) -> None:
        """Go on if the same is true of all workers.

        Raises:
            UsageError: something differs; each worker is told what. MissingError: a worker is gone.
        """
        answer = self._answer(facts) if self.cluster.chief else self._ask(facts)
        if "lost" in answer:
            raise MissingError(
                f"{answer['lost']} ended, or fell silent, before training began\nlook at what it says itself"
            )
        if answer["differ"]:
            raise UsageError(
                f"the workers differ: {'; '.join(answer['differ'])}\n"
                "start all of them with the same command, data and versions"
            )

    def close(self) -> None:
        """Training begins; from now on TensorFlow connects the workers."""
        self._closed.set()
        for line in self.lines.values():
            line.connection.close()

    def _answer(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """As the chief: hear the others, and tell them."""
        mine, differ = json.loads(json.dumps(facts)), []
        answer: dict[str, Any] = {}
        for index, line in sorted(self.lines.items()):
            try:
                differ += _differences(mine, line.receive(self.seconds), self.cluster.name(index))
            except (OSError, ValueError):
                answer = {"lost": self.cluster.name(index)}
                break
        answer = answer or {"differ": differ}
        self._tell_all(answer)
        return answer

    def _ask(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """As another worker: tell the chief, and hear what it found."""
        line = self.lines[0]
        _send(line, facts)
        try:
            return line.receive(self.seconds)
        except (OSError, ValueError):
            return {"lost": self.cluster.name(0)}

    def _accept(self, listener: socket.socket) -> None:
        deadline = time.monotonic() + self.seconds
        while len(self.lines) < len(self.cluster.workers) - 1:
            listener.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                line = Line(listener.accept()[0])
                index = line.receive(min(self.seconds, 5.0)).get("worker")
            except (OSError, ValueError):  # a worker that only looks whether this one is there, or a stranger
                if time.monotonic() > deadline:
                    raise _absent(self.cluster, self._without_line(), self.seconds) from None
                continue
            if type(index) is int and index in self._without_line():
                self.lines[index] = line

    def _without_line(self) -> list[int]:
        return [i for i in range(1, len(self.cluster.workers)) if i not in self.lines]

    def _connect(self) -> None:
        host, _, port = self.cluster.workers[0].rpartition(":")
        try:
            line = Line(socket.create_connection((host, int(port)), timeout=self.seconds))
            line.send({"worker": self.cluster.index})
            line.receive(self.seconds)
        except (OSError, ValueError) as error:
            raise _absent(self.cluster, [0], self.seconds) from error
        self.lines[0] = line

    def _tell_all(self, message: Mapping[str, Any] | None) -> None:
        for line in self.lines.values():
            _send(line, message)

    def _beat(self) -> None:
        while not self._closed.wait(BEAT_SECONDS):
            self._tell_all(None)


@cache
def meet(cluster: Cluster) -> Meeting:
    """The meeting of this process, which waits for the other workers when it is first asked for.

    Raises:
        MissingError: one of them did not come in time.
    """
    return Meeting(cluster, peer_seconds())


def answers(cluster: Cluster, index: int) -> bool:
    """Whether something listens at a worker's address."""
    host, _, port = cluster.workers[index].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1.0):
            return True
    except OSError:
        return False


def _listener(cluster: Cluster) -> socket.socket:
    port = cluster.workers[cluster.index].rpartition(":")[2]
    try:
        return socket.create_server(("", int(port)), backlog=128)
    except OSError as error:
        raise MissingError(
            f"{cluster.name(cluster.index)} cannot listen at its port: {os.strerror(error.errno or 0)}"
        ) from error


def _await_answers(cluster: Cluster, seconds: float) -> None:
    """Wait until every other worker answers at its own address."""
    missing = [i for i in range(len(cluster.workers)) if i != cluster.index]
    deadline = time.monotonic() + seconds
    while missing := [i for i in missing if not answers(cluster, i)]:
        if time.monotonic() > deadline:
            raise _absent(cluster, missing, seconds)
        time.sleep(0.2)


def _absent(cluster: Cluster, missing: list[int], seconds: float) -> ZooError:
    names = ", ".join(cluster.name(i) for i in missing)
    return MissingError(
        f"{cluster.name(cluster.index)}: no answer from {names} within {seconds:g} s\n"
        "is every worker started, with the same list of workers in TF_CONFIG, and may they connect?"
    )


def _table(line: bytearray) -> dict[str, Any]:
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("no table")
    return message


def _send(line: Line, message: Mapping[str, Any] | None) -> None:
    """Send, or not where nobody is at the other end any more: what is received next says so."""
    try:
        line.send(message)
    except OSError:
        return


def _differences(chief: Mapping[str, Any], other: Mapping[str, Any], name: str) -> list[str]:
    keys = sorted(key for key in {*chief, *other} if chief.get(key) != other.get(key))
    found = [f"{key} is {chief.get(key)!r} on worker 0 and {other.get(key)!r} on {name}" for key in keys]
    more = [f"{len(found) - SHOWN} more on {name}"] if len(found) > SHOWN else []
    return found[:SHOWN] + more
