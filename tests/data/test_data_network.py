"""F37: a download from a server of our own on the loopback, which sends too slowly, too much, too little or nothing."""

import http.client
import http.server
import threading
import time
from contextlib import suppress

import pytest

from zoo.data import network
from zoo.data.network import DownloadError, fetch

CONTENT = b"all of it" * 1000


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with suppress(OSError):  # the other side has given up
            getattr(self, self.path[1:])()

    def begin(self, size=9_000):
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def good(self):
        self.begin()
        self.wfile.write(CONTENT)

    def steady(self):
        """Longer than the grace, and fast enough."""
        self.begin()
        for place in range(0, len(CONTENT), 1000):
            self.wfile.write(CONTENT[place : place + 1000])
            time.sleep(0.1)

    def mute(self):
        time.sleep(2)

    def stall(self):
        self.begin()
        self.wfile.write(b"x")
        time.sleep(2)

    def drip(self):
        self.begin(10**9)
        self.drip_bytes(b"x")

    def drip_header(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.drip_bytes(b"X-More: 1\r\n")

    def drip_bytes(self, content):
        for _ in range(40):
            self.wfile.write(content)
            time.sleep(0.1)

    def cut(self):
        self.begin(len(CONTENT) + 1)
        self.wfile.write(CONTENT)

    def endless(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(CONTENT)

    def busy(self):
        self.send_error(503)

    def elsewhere(self):
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()


@pytest.fixture(autouse=True)
def limits(monkeypatch):
    monkeypatch.setattr(network, "IDLE", 0.4)
    monkeypatch.setattr(network, "GRACE", 0.8)
    monkeypatch.setattr(network, "SLOWEST", 5_000)


@pytest.mark.parametrize("manner", ["good", "steady"])
def test_a_sound_server_is_heard_to_the_end(server, tmp_path, manner):
    fetch(f"{server}/{manner}", tmp_path / "file", most=len(CONTENT))
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        ("mute", "the server sent nothing for 0.4 s"),
        ("stall", "the server sent nothing for 0.4 s"),
        ("drip", r"the server sent only \d+ bytes in 1 s"),
        ("drip_header", r"the server sent only \d+ bytes in 1 s"),
        ("cut", "the server broke off after 9,000 of 9,001 bytes"),
        ("endless", "the server sends more than the 9,000 bytes expected"),
        ("busy", "HTTP Error 503"),
        ("elsewhere", "the server leads away from https, to http://127.0.0.1:1/"),
    ],
)
def test_a_bad_server_is_given_up_in_time_and_its_fault_is_named(server, tmp_path, manner, told):
    begun = time.monotonic()
    with pytest.raises(DownloadError, match=told) as caught:
        fetch(f"{server}/{manner}", tmp_path / "file", most=len(CONTENT))
    assert time.monotonic() - begun < 4 and len(str(caught.value).splitlines()) == 1
    assert http.client.HTTPConnection.response_class is http.client.HTTPResponse  # nothing is left behind


def test_where_nobody_listens_the_refusal_is_named(tmp_path):
    with pytest.raises(DownloadError, match="Connection refused"):
        fetch("http://127.0.0.1:1/", tmp_path / "file", most=1)


def test_a_file_that_cannot_be_written_is_no_fault_of_the_server(server, tmp_path):
    with pytest.raises(FileNotFoundError):
        fetch(f"{server}/good", tmp_path / "none" / "file", most=len(CONTENT))
