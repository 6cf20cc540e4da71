import logging
import os

import numpy as np
import pytest

from zoo.data import cache
from zoo.data.examples import Examples, Source


def source(seed=0):
    random = np.random.default_rng(seed)
    train = Examples(random.integers(0, 255, (20, 4, 4, 1), np.uint8), np.arange(20, dtype=np.int64))
    return Source(train, Examples(random.random((3, 2), np.float32), np.float32([1, 2, 3])))


def same(one, other):
    for a, b in zip(one, other, strict=True):
        assert (a is None) == (b is None)
        for x, y in zip(a or (), b or (), strict=True):
            assert x.dtype == y.dtype and x.shape == y.shape and (x == y).all()


def never():
    pytest.fail("decoded again")


@pytest.mark.parametrize("what", [source(), Source(source().train)])
def test_what_was_decoded_once_is_read_back(home, what):
    same(cache.cached("x", lambda: what), what)
    again = cache.cached("x", never)
    same(again, what)
    again.train.x[0] = 0  # the arrays are the reader's own
    same(cache.cached("x", never), what)


def test_no_single_bit_flip_is_read(home, caplog):
    cache.cached("x", source)
    path = home / "data" / "x.arrays"
    good = path.read_bytes()
    for position in np.random.default_rng(1).integers(0, len(good) * 8, 200):
        bad = bytearray(good)
        bad[position // 8] ^= 1 << (position % 8)
        path.write_bytes(bad)
        with pytest.raises(ValueError):
            cache._read(path)


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b"", lambda b: b + b"more", lambda b: b[:40]])
def test_a_damaged_file_is_decoded_again_and_replaced(home, caplog, damage):
    cache.cached("x", source)
    path = home / "data" / "x.arrays"
    path.write_bytes(damage(path.read_bytes()))
    same(cache.cached("x", source), source())
    assert "damaged" in caplog.text and "decoding again" in caplog.text
    same(cache.cached("x", never), source())


@pytest.mark.parametrize("strange", [os.mkfifo, lambda path: (path.touch(), os.truncate(path, 2**42))])
def test_what_is_no_plain_file_or_larger_than_the_memory_is_not_read(home, strange):
    cache.cached("x", source)
    path = home / "data" / "x.arrays"
    path.unlink()
    strange(path)
    same(cache.cached("x", source), source())
    same(cache.cached("x", never), source())


@pytest.mark.parametrize("name", ["y.x.npy", "y.y.npy", "y.sums.json"])
@pytest.mark.parametrize("strange", [os.mkfifo, lambda path: (path.touch(), os.truncate(path, 2**42))])
def test_arrays_that_stay_on_disk_are_plain_files_of_their_size(home, name, strange):
    part = source().train
    cache.on_disk("y", part.x.shape, part.x.dtype.name, lambda: [part])
    (home / "data" / name).unlink()
    strange(home / "data" / name)
    again = cache.on_disk("y", part.x.shape, part.x.dtype.name, lambda: [part])
    np.testing.assert_array_equal(again.x[:], part.x)


def test_objects_are_never_unpickled(home):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    import hashlib
    import io

    body = io.BytesIO()
    np.lib.format.write_array(body, np.array([Bomb(), 1], dtype=object), version=(1, 0))
    path = home / "data" / "x.arrays"
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_bytes(cache.MAGIC + hashlib.sha256(body.getvalue()).hexdigest().encode() + b"\n" + body.getvalue())
    with pytest.raises(ValueError, match="objects"):
        cache._read(path)


def test_a_folder_that_others_can_write_is_not_trusted(home, caplog):
    cache.cached("x", source)
    home.chmod(0o777)
    same(cache.cached("x", lambda: source(1)), source(1))
    assert "can be written by others" in caplog.text and "chmod go-w" in caplog.text


def test_a_file_of_another_users_making_is_not_trusted(home, monkeypatch):
    cache.cached("x", source)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    same(cache.cached("x", lambda: source(1)), source(1))


def test_a_folder_that_cannot_be_made_costs_the_cache_only(home, caplog):
    home.write_text("a file stands where the folder should be")
    same(cache.cached("x", source), source())
    assert "no cache" in caplog.text


def test_a_full_disk_costs_the_cache_only_and_leaves_no_half_file(home, caplog, monkeypatch):
    import errno

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    same(cache.cached("x", source), source())
    assert "not cached: disk full" in caplog.text
    assert list((home / "data").iterdir()) == []


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "a"))
    assert cache.folder() == tmp_path / "a"
    monkeypatch.delenv("ZOO_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "zoo"


def test_the_fingerprint_sees_name_size_and_time(tmp_path):
    path = tmp_path / "a"
    path.write_text("1")
    first = cache.fingerprint([path], "x")
    assert first == cache.fingerprint([path], "x") != cache.fingerprint([path], "y")
    os.utime(path, (1, 1))
    assert cache.fingerprint([path], "x") != first


def test_notes_go_to_the_log_as_warnings(home, caplog):
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    with caplog.at_level(logging.WARNING, "zoo.data"):
        cache.cached("x", source)
    assert [record.name for record in caplog.records] == ["zoo.data"]
