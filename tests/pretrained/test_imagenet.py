"""ImageNet weights through Keras' own loader, but only from a file with the checksum that Keras pins."""

import hashlib
import time

import h5py
import keras
import numpy as np
import pytest
from keras import layers

import zoo
from zoo.data.network import DownloadError
from zoo.errors import MissingError, UsageError
from zoo.models.vgg_transfer import APPLICATIONS
from zoo.pretrained import imagenet
from zoo.pretrained.assign import put


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras" / "models"


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(imagenet, "reachable", lambda host: f"{host} does not resolve")


QUICK = ("VGG16", "MobileNetV2", "EfficientNetB0", "ConvNeXtTiny")
WHOLE = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in APPLICATIONS]


@pytest.mark.parametrize("application", WHOLE)
def test_the_files_are_those_that_keras_asks_for(application):
    assert imagenet.ask(application, include_top=False) == imagenet.pinned(application, include_top=False)


def test_sizes_and_checksums():
    wanted = imagenet.pinned("VGG16", include_top=False)
    assert wanted.name == "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" and wanted.url.startswith("https://")
    assert wanted.digest == "6d6bbae143d832006294945121d1f1fc" and round(wanted.megabytes) == 59
    with_top = imagenet.pinned("VGG16", include_top=True)
    assert with_top == imagenet.ask("VGG16", include_top=True) and round(with_top.megabytes) == 553


def test_without_a_network_the_answer_names_file_size_place_and_option(own_cache, offline):
    begun = time.monotonic()
    with pytest.raises(MissingError) as caught:
        zoo.build("vgg.16", weights="imagenet", include_top=False)
    text = str(caught.value)
    assert time.monotonic() - begun < 5 and len(text.splitlines()) <= 3
    for words in ("kernels_notop.h5", "59 MB", "does not resolve", str(own_cache), "--weights PATH"):
        assert words in text
    assert not own_cache.exists()


def test_a_file_with_another_checksum_is_refused(own_cache):
    own_cache.mkdir(parents=True)
    file = own_cache / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    file.write_bytes(b"\x89HDF\r\n\x1a\n and more")
    with pytest.raises(UsageError, match="its checksum differs from the pinned 6d6bbae143d832006294945121d1f1fc"):
        imagenet.arrays("VGG16")
    with pytest.raises(UsageError, match="its checksum differs"):
        imagenet.arrays("VGG16", given=file)
    with pytest.raises(UsageError, match="there is no file"):
        imagenet.arrays("VGG16", given=own_cache / "nowhere.h5")


def pinned(monkeypatch, path, application, model):
    """Weights of `model` in a file as Keras keeps them, pinned by its checksum as if Keras did."""
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)
    digest = hashlib.md5(path.read_bytes()).hexdigest()
    wanted = imagenet.Wanted(path.name, f"https://example.org/{path.name}", digest, 1.0)
    monkeypatch.setattr(imagenet, "pinned", lambda *_: wanted)
    return wanted


@pytest.fixture
def narrow(monkeypatch):
    """A small network in the place of keras.applications.VGG16: the same calls, the same names."""

    def vgg16(weights=None, include_top=False, input_shape=(None, None, 3)):
        x = inputs = keras.Input(input_shape)
        for i in (1, 2):
            x = layers.Conv2D(4, 3, padding="same", activation="relu", name=f"block1_conv{i}")(x)
        model = keras.Model(inputs, layers.MaxPooling2D(name="block1_pool")(x), name="vgg16")
        if weights == "imagenet":
            from keras.src.utils import file_utils

            model.load_weights(file_utils.get_file("narrow.h5", "https://example.org/narrow.h5", file_hash="?"))
        return model

    monkeypatch.setattr(keras.applications, "VGG16", vgg16)
    return vgg16


def test_the_right_file_is_read_into_arrays_by_name(own_cache, narrow, monkeypatch):
    model = narrow()
    pinned(monkeypatch, own_cache / "narrow.h5", "VGG16", model)
    found = imagenet.arrays("VGG16")
    assert found.keys() == {f"block1_conv{i}/{part}" for i in (1, 2) for part in ("kernel", "bias")}
    assert all((found[weight.path] == np.array(weight)).all() for weight in model.weights)
    other = narrow(input_shape=(8, 8, 1))
    assert put(other, found, "imagenet") == ["block1_conv1/kernel is adapted from 3 channels to 1"]


def test_a_download_is_kept_only_if_its_checksum_agrees(own_cache, narrow, monkeypatch, tmp_path):
    model = narrow()
    wanted = pinned(monkeypatch, tmp_path / "server" / "narrow.h5", "VGG16", model)
    right = (tmp_path / "server" / "narrow.h5").read_bytes()
    monkeypatch.setattr(imagenet, "reachable", lambda host: None)
    monkeypatch.setattr(imagenet, "fetch", lambda url, path, most: path.write_bytes(right[:-1]))
    with pytest.raises(MissingError, match="sent has another checksum; nothing of it is kept"):
        imagenet.file("VGG16")
    assert list(own_cache.iterdir()) == []
    monkeypatch.setattr(imagenet, "fetch", lambda url, path, most: path.write_bytes(right))
    assert imagenet.file("VGG16") == own_cache / wanted.name
    monkeypatch.setattr(imagenet, "fetch", None)  # it is there now
    assert imagenet.arrays("VGG16").keys() == {weight.path for weight in model.weights}


def test_a_server_that_fails_or_stalls_is_given_up(own_cache, narrow, monkeypatch, tmp_path):
    pinned(monkeypatch, tmp_path / "server" / "narrow.h5", "VGG16", narrow())
    monkeypatch.setattr(imagenet, "reachable", lambda host: None)

    def stall(url, path, most):
        assert 1e6 < most < 10e6  # of about one megabyte
        path.write_bytes(b"half")
        raise DownloadError("the server sent nothing for 10 s")

    monkeypatch.setattr(imagenet, "fetch", stall)
    with pytest.raises(MissingError, match=r"are not there: the server sent nothing for 10 s\n") as caught:
        imagenet.file("VGG16")
    assert "cannot write" not in str(caught.value) and len(str(caught.value).splitlines()) == 3
    assert list(own_cache.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "digest"),
    [("http://example.org/w.h5", "0" * 32), ("https://example.org/w.h5", ""), ("file:///w.h5", "0" * 64)],
)
def test_only_pinned_files_are_fetched_and_only_over_https(monkeypatch, narrow, url, digest):
    monkeypatch.setattr(imagenet, "pinned", lambda *_: imagenet.Wanted("w.h5", url, digest, 1.0))
    monkeypatch.setattr(imagenet, "fetch", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(MissingError, match="so it is not fetched"):
        imagenet.file("VGG16")


def test_where_keras_pins_nothing_a_file_is_looked_through(own_cache, narrow, monkeypatch, tmp_path, caplog):
    wanted = pinned(monkeypatch, own_cache / "narrow.h5", "VGG16", narrow())
    monkeypatch.setattr(imagenet, "pinned", lambda *_: wanted._replace(digest=""))
    assert len(imagenet.arrays("VGG16")) == 4
    assert "Keras pins no checksum for narrow.h5" in caplog.text
    with h5py.File(own_cache / "narrow.h5", "a") as file:
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
    with pytest.raises(UsageError, match="the weights hold a link"):
        imagenet.arrays("VGG16")


@pytest.mark.slow
def test_efficientnets_extra_scaling_is_kept(own_cache, monkeypatch):
    """Keras adds a layer to these with ImageNet weights only; here it goes into the variance."""
    build = keras.applications.EfficientNetB0
    model = build(weights=None, include_top=False)
    pinned(monkeypatch, own_cache / "narrow.h5", "EfficientNetB0", model)
    with imagenet._in_place_of_get_file(lambda *_, **__: str(own_cache / "narrow.h5")):
        theirs = build(weights="imagenet", include_top=False, input_shape=(32, 32, 3))
    ours = build(weights=None, include_top=False, input_shape=(32, 32, 3))
    put(ours, imagenet.arrays("EfficientNetB0"), "imagenet")
    x = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 3)).astype("float32")
    expected = np.array(theirs(x))
    assert np.abs(np.array(ours(x)) - expected).max() < 1e-3 * np.abs(expected).max()
    plain = build(weights=None, include_top=False, input_shape=(32, 32, 3))
    plain.set_weights(model.get_weights())
    difference = np.abs(np.array(plain(x)) - expected).max()
    assert difference > 0.1 * np.abs(expected).max(), "or else the test could not fail"
