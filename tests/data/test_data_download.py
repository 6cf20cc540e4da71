"""Downloads from a server of our own on the loopback, some of them going wrong."""

import fcntl
import http.server
import os
import shutil
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from zoo.data import network
from zoo.data.sources import tfds as tfds_source
from zoo.data.sources.tfds_prepared import Address, find
from zoo.errors import MissingError

GOOD = b"7"


class Server(http.server.BaseHTTPRequestHandler):
    manner = "good"

    def do_GET(self):
        if self.manner == "busy":
            self.send_error(503)
            return
        if self.manner == "mute":
            time.sleep(3)
            return
        if self.manner == "drip in the header":
            self.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 200)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(GOOD) + (100 if self.manner in ("stall", "cut", "drip") else 0)))
        self.end_headers()
        self.wfile.write(b"8" if self.manner == "wrong" else GOOD)
        self.wfile.flush()
        if self.manner == "stall":
            time.sleep(3)
        if self.manner == "drip":
            self.drip(b"x" * 100)

    def drip(self, content):
        with suppress(OSError):
            for place in range(len(content)):
                self.wfile.write(content[place : place + 1])
                self.wfile.flush()
                time.sleep(0.1)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def address():
    """A dataset of one number, which is downloaded."""
    import hashlib

    import numpy as np
    import tensorflow_datasets as tfds

    tfds_source.import_tfds()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/number.txt"

    class ZooFetched(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")
        url_infos = {url: tfds.download.checksums.UrlInfo(len(GOOD), hashlib.sha256(GOOD).hexdigest(), "number.txt")}

        def _info(self):
            features = tfds.features.FeaturesDict(
                {"a": tfds.features.Scalar(np.float32), "b": tfds.features.Scalar(np.float32)}
            )
            return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=("a", "b"))

        def _split_generators(self, dl_manager):
            return {"train": self._generate_examples(dl_manager.download(url))}

        def _generate_examples(self, path):
            yield 0, {"a": float(path.read_text()), "b": 1.0}

    yield Address("zoo_fetched")
    server.shutdown()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    monkeypatch.setattr(tfds_source, "reachable", lambda host: None)
    monkeypatch.setattr(network, "IDLE", 0.5)
    monkeypatch.setattr(network, "GRACE", 1.0)
    return tmp_path / "tfds"


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        ("busy", ".*"),
        ("mute", "the server sent nothing for 0.5 s"),
        ("stall", "the server sent nothing for 0.5 s"),
        ("drip", "the server sent only .* bytes in 1 s"),
        ("drip in the header", "the server sent only .* bytes in 1 s"),
        ("cut", ".*"),
        ("wrong", ".*"),
    ],
)
def test_a_bad_server_is_given_up_and_nothing_of_it_is_kept(address, folder, monkeypatch, manner, why):
    monkeypatch.setattr(Server, "manner", manner)
    start = time.monotonic()
    with pytest.raises(MissingError, match=f"zoo_fetched could not be prepared: {why}") as caught:
        tfds_source.prepare(address)
    assert time.monotonic() - start < 10
    assert len(str(caught.value).splitlines()) == 3
    assert find(address) is None
    monkeypatch.setattr(Server, "manner", "good")  # the next try finds no bad file in its way
    assert tfds_source.prepare(address).splits == {"train": 1}


def test_a_cached_download_that_is_off_by_one_bit_is_fetched_again(address, folder, caplog):
    tfds_source.prepare(address)
    shutil.rmtree(folder / "zoo_fetched")
    cached = next(path for path in (folder / "downloads").rglob("*.txt"))
    cached.write_bytes(bytes([GOOD[0] ^ 1]))
    (folder / "downloads" / "stray.INFO").write_text("not even JSON")
    tfds_source.prepare(address)
    assert cached.read_bytes() == GOOD
    assert f"{cached}, downloaded before, is damaged" in caplog.text


def test_leftovers_of_a_killed_process_are_cleared(address, folder):
    leftover = folder / "zoo_fetched" / "incomplete.ABC_1.0.0"
    leftover.mkdir(parents=True)
    (leftover / "half.tfrecord").write_bytes(b"x")
    tfds_source.prepare(address)
    assert not leftover.exists() and find(address)


@contextmanager
def held(folder):
    """Another process at work on the same dataset."""
    folder.mkdir(parents=True)
    with (folder / ".zoo-zoo_fetched.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_second_process_waits_and_then_finds_it_done(address, folder, caplog):
    done = []
    with held(folder):
        thread = threading.Thread(target=lambda: done.append(tfds_source.prepare(address)))
        thread.start()
        thread.join(1.5)
        assert thread.is_alive() and not done
    thread.join(20)
    assert done[0].splits == {"train": 1}
    assert "another process prepares zoo_fetched" in caplog.text


def test_a_data_folder_that_cannot_be_made_is_named(address, folder):
    folder.write_text("a file stands here")
    with pytest.raises(MissingError, match=r"could not be prepared: .*: .*\nin .*TFDS_DATA_DIR") as caught:
        tfds_source.prepare(address)
    assert caught.value.exit_code == 3


def test_a_full_disk_is_said_in_few_lines_and_the_next_try_works(address, folder, monkeypatch):
    import errno

    with monkeypatch.context() as patched:
        import tensorflow_datasets as tfds

        def full(*_, **__):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        patched.setattr(tfds.core.DatasetBuilder, "download_and_prepare", full)
        with pytest.raises(MissingError, match="No space left on device"):
            tfds_source.prepare(address)
    assert tfds_source.prepare(address)
    shutil.rmtree(folder)
