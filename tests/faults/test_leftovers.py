"""F38: what a killed process left half-written is removed by the next one, and nothing that is still written."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.data.sources import tfds_download
from zoo.files import leftovers, replacing, write_text

HOLDS = """
import os, sys, time
from pathlib import Path
from zoo.files import replacing, writing
where = Path(sys.argv[1])
with replacing(where / "published") as folder, replacing(where / "model.onnx") as file:
    folder.mkdir()
    (folder / "weights.npz").write_text("half")
    file.write_text("half")
    with writing(where / "x.json") as other:
        other.write(b"half")
        other.flush()
        print("ready", flush=True)
        sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def as_a_new_process():
    """A process looks at a folder once."""
    leftovers.sweep.cache_clear()
    yield
    leftovers.sweep.cache_clear()


def half(folder):
    """A process that writes two files and a folder, and waits in the middle."""
    command = [sys.executable, "-c", HOLDS, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def age(path, seconds):
    for inside in (*path.rglob("*"), path):
        os.utime(inside, (time.time() - seconds,) * 2)


def test_of_a_killed_process_nothing_stays_and_of_a_living_one_all(tmp_path):
    dead, living = half(tmp_path), half(tmp_path)
    try:
        dead.kill()
        dead.wait()
        assert len(names(tmp_path)) == 6
        with replacing(tmp_path / "next") as temporary:
            temporary.write_text("whole")
        kept = [name for name in names(tmp_path) if name != "next"]
        assert len(kept) == 3 and all(f"-{living.pid}.tmp" in name for name in kept)
        living.communicate("go on\n")
        assert living.returncode == 0 and names(tmp_path) == ["model.onnx", "next", "published", "x.json"]
        assert (tmp_path / "published" / "weights.npz").read_text() == "half"
    finally:
        for process in (dead, living):
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def test_what_may_have_an_owner_stays_for_a_day_after_its_last_change(tmp_path):
    elsewhere, mine = tmp_path / ".a.0123abcd-1.tmp.npz", leftovers.temporary(tmp_path / "b")
    living = Path(str(mine).replace(str(os.getpid()), str(os.getppid())))
    for path in (elsewhere, living):
        path.mkdir()
        (path / "part").touch()
        age(path, leftovers.DAY + 60)
        os.utime(path / "part")  # of a folder what is in it counts
    mine.touch()
    age(mine, leftovers.DAY + 60)
    write_text(tmp_path / "next", "")
    assert names(tmp_path) == sorted([elsewhere.name, living.name, mine.name, "next"])
    for path in (elsewhere, living):
        age(path, leftovers.DAY + 60)
    leftovers.sweep.cache_clear()
    write_text(tmp_path / "next", "")
    assert names(tmp_path) == sorted([mine.name, "next"])


def test_names_that_are_not_of_the_zoo_stay(tmp_path):
    own = [".x.tmp", ".x.1.tmp.txt", "x.0123abcd-1.tmp", ".x.0123abcd-1.tmp.tar.gz", ".x.0123abc-1.tmp", "notes.tmp"]
    for name in own:
        (tmp_path / name).touch()
        age(tmp_path / name, 10 * leftovers.DAY)
    write_text(tmp_path / "next", "")
    assert names(tmp_path) == sorted([*own, "next"])


def test_a_link_with_such_a_name_is_removed_and_not_followed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    process = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    name = leftovers.temporary(tmp_path / "a").name.replace(str(os.getpid()), process.stdout.strip())
    (tmp_path / name).symlink_to(tmp_path / "mine")
    write_text(tmp_path / "next", "")
    assert names(tmp_path) == ["mine", "next"] and (tmp_path / "mine" / "letter.txt").exists()


def test_half_downloads_that_nobody_goes_on_with_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    downloads = tmp_path / "downloads"
    old, new = downloads / "a.tgz.tmp.12ab", downloads / "b.tgz.tmp.34cd"
    unpacked = downloads / "extracted" / "incomplete.TAR_56ef"
    for path in (old, new, unpacked):
        path.mkdir(parents=True)
        (path / "part").touch()
        age(path, tfds_download.FORGOTTEN + 60)
    os.utime(new / "part")
    (downloads / "c.tgz").touch()
    age(downloads / "c.tgz", 10 * leftovers.DAY)
    assert tfds_download._forgotten() == [old, unpacked]
