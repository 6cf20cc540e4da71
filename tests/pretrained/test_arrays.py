"""Weights files: what goes in comes out, and what a stranger may put into one is refused."""

import io
import pickle
import zipfile

import numpy as np
import pytest

from zoo.errors import UsageError
from zoo.pretrained import arrays

ARRAYS = {
    "C1/kernel": np.random.default_rng(0).standard_normal((5, 5, 1, 6)).astype("float32"),
    "C1/bias": np.zeros(6, "float32"),
    "normalization/count": np.array(3, "int32"),
    "columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
}


@pytest.fixture
def path(tmp_path):
    arrays.write(tmp_path / "weights.npz", ARRAYS)
    return tmp_path / "weights.npz"


def test_what_is_written_is_read(path):
    again = arrays.read(path)
    assert again.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert again[name].dtype == array.dtype and again[name].shape == array.shape and (again[name] == array).all()
    with np.load(path, allow_pickle=False) as plain:  # and NumPy reads the same file
        assert (plain["C1/kernel"] == ARRAYS["C1/kernel"]).all()


def test_half_precision_keeps_eleven_bits_and_what_it_cannot_hold():
    given = {"a": np.array([1.0, -0.333333, 1e-3], "float32"), "large": np.array([1e5], "float32"), "n": np.array(7)}
    half = arrays.halved(given)
    assert half["a"].dtype == "float16" and half["large"].dtype == "float32" and half["n"].dtype == given["n"].dtype
    np.testing.assert_allclose(half["a"].astype("float64"), given["a"], rtol=2**-11)


def npy(array, **head):
    """The bytes of an array file, with lies in its head where wanted."""
    file = io.BytesIO()
    facts = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape} | head
    np.lib.format.write_array_header_1_0(file, facts)
    return file.getvalue() + array.tobytes()


def archive(path, members, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", kind) as opened:
        for name, content in members.items():
            opened.writestr(name, content)


class Bomb:
    def __reduce__(self):
        return (print, ("this must never be said",))


def pickled():
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([Bomb()], object), allow_pickle=True)
    return file.getvalue()


def head(text):
    """An array's head as NumPy lays it out, with other words in it."""
    return b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text.encode() + b"\n"


ONE = np.ones(4, "float32")
HOSTILE = {
    "pickled objects": (lambda p: archive(p, {"a.npy": pickled()}), "an array of object"),
    "structured": (lambda p: archive(p, {"a.npy": npy(np.zeros(2, "i4,f4"))}), "not of numbers"),
    "texts": (lambda p: archive(p, {"a.npy": npy(np.array(["ab"]))}), "not of numbers"),
    "huge shape": (lambda p: archive(p, {"a.npy": npy(ONE, shape=(10**12,))}), "has 16 bytes"),
    "negative shape": (lambda p: archive(p, {"a.npy": npy(ONE, shape=(-1,))}), "not of numbers"),
    "too short": (lambda p: archive(p, {"a.npy": npy(ONE)[:-4]}), "has 12 bytes"),
    "packed": (lambda p: archive(p, {"a.npy": npy(np.zeros(10**7))}, zipfile.ZIP_DEFLATED), "no plain array"),
    "another kind of member": (lambda p: archive(p, {"a.npy": npy(ONE), "run.py": b"print()"}), "'run.py' is no plain"),
    "code in the head": (lambda p: archive(p, {"a.npy": npy(ONE).replace(b"(4,)", b"f(4)")}), "damaged"),
    "a head of minuses": (lambda p: archive(p, {"a.npy": head("-" * 9900 + "1")}), ""),
    "a head of brackets": (lambda p: archive(p, {"a.npy": head("(" * 9000)}), ""),
    "a pickle": (lambda p: p.write_bytes(pickle.dumps(Bomb())), "not a zip file"),
    "nothing": (lambda p: p.write_bytes(b""), "not a zip file"),
    "half of it": (lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), "not a zip file"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_strange_files_are_refused(path, capfd, case):
    make, told = HOSTILE[case]
    make(path)
    with pytest.raises(UsageError, match=r"weights\.npz is damaged or no weights file") as caught:
        arrays.read(path)
    assert told in str(caught.value) and len(str(caught.value).splitlines()) <= 3
    assert "this must never be said" not in capfd.readouterr().out


def test_a_link_in_place_of_an_array_is_refused(path):
    info = zipfile.ZipInfo("a.npy")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(UsageError, match="no plain array"):
        arrays.read(path)


def test_one_flipped_bit_is_noticed_wherever_it_is_in_the_numbers(path):
    content = path.read_bytes()
    start = content.index(ARRAYS["C1/kernel"].tobytes())
    for place in np.random.default_rng(0).integers(start, start + ARRAYS["C1/kernel"].nbytes, 50):
        flipped = bytearray(content)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(UsageError, match="damaged"):
            arrays.read(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        arrays.read(tmp_path / "weights.npz")
