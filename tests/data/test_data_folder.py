import io
import logging
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from zoo import tasks
from zoo.data import read_examples
from zoo.errors import UsageError
from zoo.tasks import from_path, load


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)
    return path


@pytest.fixture
def pets(tmp_path):
    """Cats are dark and dogs light: 10 grey images each of 8x6 (height x width), value = number."""
    folder = tmp_path / "pets"
    for i in range(10):
        save(folder / "cat" / f"{i}.png", np.full((8, 6), i))
        save(folder / "dog" / f"{i}.png", np.full((8, 6), 200 + i))
    return folder


def whole(data):
    return data.model_copy(update={"test_share": 0.0, "validation_share": 0.0})


def test_classes_sizes_and_pixels_are_found(pets):
    data = from_path(pets)
    assert (data.task, data.class_names, data.train) == ("binary", ("cat", "dog"), 20)
    assert data.input_shape == (8, 6, 1)  # all alike and small: their own size
    part = load(whole(data), "pets").train
    assert part.x.shape == (20, 8, 6, 1) and part.x.dtype == np.uint8
    assert part.x[:, 0, 0, 0].tolist() == [*range(10), *range(200, 210)]
    assert part.y.tolist() == [0] * 10 + [1] * 10
    assert tasks.sizes(data) == {"train": 14, "validation": 2, "test": 4}


def test_one_coloured_or_larger_image_changes_the_shape(pets):
    save(pets / "dog" / "x.png", np.zeros((100, 80, 3)))
    assert from_path(pets).input_shape == (64, 64, 3)


def test_small_images_of_several_sizes_stay_small_and_that_is_said(pets, caplog):
    save(pets / "dog" / "x.png", np.zeros((7, 20)))
    assert from_path(pets).input_shape == (8, 20, 1)
    assert "21 images of 7x20 to 8x6, all grey" in caplog.text


def test_every_format_gives_the_same_picture(pets):
    data = whole(from_path(pets))
    for i, suffix in enumerate(("png", "bmp", "gif", "jpg")):
        save(pets / "dog" / f"more{i}.{suffix}", np.full((8, 6), 128))
    data = data.model_copy(update={"train": 24})
    more = load(data, "pets").train.x[-4:]
    assert np.abs(more.astype(int) - 128).max() <= 1


def test_images_are_stretched_and_turned_grey_or_coloured(pets, tmp_path):
    data = whole(from_path(pets)).model_copy(update={"input_shape": (4, 4, 3)})
    ramp = np.repeat(np.arange(0, 256, 32), 6).reshape(8, 6)
    x = read_examples(data, save(tmp_path / "ramp.png", ramp))
    assert x.shape == (1, 4, 4, 3)
    rows = x[0, :, 0, 0].astype(int)
    assert (np.diff(rows) > 0).all() and abs(rows.mean() - ramp.mean()) < 2  # averaged, not picked
    grey = read_examples(from_path(pets), save(tmp_path / "red.png", np.full((8, 6, 3), (255, 0, 0))))
    assert set(grey.ravel()) == {76}  # 0.299 of red


def test_transparent_is_white_and_phones_are_turned_upright(pets, tmp_path):
    data = from_path(pets)
    clear = save(tmp_path / "clear.png", np.zeros((8, 6, 4)))
    assert read_examples(data, clear).min() == 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the first column is the picture's top
    side = np.zeros((6, 8), np.uint8)
    side[:, 0] = 255
    turned = read_examples(data, save(tmp_path / "turned.png", side, exif=exif))
    assert turned[0, 0].min() == 255 and turned[0, 1:].max() == 0


def test_sixteen_bit_images_keep_their_shades(pets, tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 6), 128 * 257, np.uint16)).save(path)
    assert set(read_examples(from_path(pets), path).ravel()) <= {127, 128}


def test_files_and_folders_to_predict_come_in_order(pets):
    x = read_examples(from_path(pets), [pets / "dog", pets / "cat" / "3.png"])
    assert x[:, 0, 0, 0].tolist() == [*range(200, 210), 3]
    with pytest.raises(UsageError, match="no such file or folder"):
        read_examples(from_path(pets), pets / "cow")


def test_predicting_sees_what_training_saw(pets):
    data = whole(from_path(pets)).model_copy(update={"input_shape": (5, 5, 1)})
    assert (read_examples(data, [pets]) == load(data, "pets").train.x).all()


def test_the_second_loading_is_from_the_cache_until_a_file_changes(pets, monkeypatch):
    from zoo.data import folder

    data = whole(from_path(pets))
    first = load(data, "pets").train.x
    with monkeypatch.context() as patched:
        patched.setattr(folder, "read_files", lambda *_: pytest.fail("decoded again"))
        assert (load(data, "pets").train.x == first).all()
    save(pets / "cat" / "0.png", np.full((8, 6), 99), compress_level=0)
    assert load(data, "pets").train.x[0, 0, 0, 0] == 99


def bomb() -> bytes:
    """A PNG of a few bytes that claims 60,000 x 60,000 pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def cut(share) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(buffer, "jpeg")
    return buffer.getvalue()[: int(len(buffer.getvalue()) * share)]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.png", b"", "empty file"),
        ("text.jpg", b"this is no picture", "no PNG, JPEG, BMP or GIF"),
        ("cut.jpg", cut(0.5), "truncated"),
        ("bomb.png", bomb(), "60000x60000 pixels|more than 64 million pixels"),
        ("page.png", b"%PDF-1.4", "no PNG, JPEG, BMP or GIF"),
    ],
)
def test_a_bad_image_is_named(pets, name, content, why):
    data = from_path(pets).model_copy(update={"train": 21})
    (pets / "cat" / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"1 of 21 images cannot be read: .*{name} .*({why})") as caught:
        load(data, "pets")
    assert len(str(caught.value).splitlines()) == 2


def test_all_bad_images_are_counted_and_three_named(pets):
    for i in range(5):
        (pets / "dog" / f"bad{i}.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"5 of 25 images .*bad0.*bad1.*bad2.*and 2 more"):
        from_path(pets)


def test_a_folder_that_is_none(pets, tmp_path):
    (pets / "cow").mkdir()
    with pytest.raises(UsageError, match=r"class folder without images .*: cow"):
        from_path(pets)
    (pets / "cow").rmdir()
    save(pets / "loose.png", np.zeros((8, 6)))
    with pytest.raises(UsageError, match=r"loose\.png in no class folder"):
        from_path(pets)
    with pytest.raises(UsageError, match="has no sub-folders"):
        from_path(pets / "cat")
    save(tmp_path / "one" / "cat" / "a.png", np.zeros((8, 6)))
    with pytest.raises(UsageError, match="one class only, 'cat'"):
        from_path(tmp_path / "one")
    with pytest.raises(UsageError, match="leave out --label"):
        from_path(tmp_path / "one", "kind")


def test_other_files_are_passed_over_aloud(pets, caplog):
    (pets / "cat" / "notes.txt").write_text("mine")
    (pets / "MANIFEST.csv").write_text("a,b")
    with caplog.at_level(logging.WARNING):
        assert from_path(pets).train == 20
    assert "notes.txt passed over" in caplog.text


def test_links_and_pipes_are_counted_aloud(pets, caplog, tmp_path):
    save(tmp_path / "elsewhere" / "11.png", np.full((8, 6), 11))
    (pets / "cat" / "linked").symlink_to(tmp_path / "elsewhere")
    (pets / "cat" / "gone.png").symlink_to(tmp_path / "nothing")
    os.mkfifo(pets / "cat" / "pipe.png")
    os.mkfifo(pets / "pipe")
    (pets / "dog" / "11.png").symlink_to(tmp_path / "elsewhere" / "11.png")  # a file behind a link is a file
    with caplog.at_level(logging.WARNING):
        data = from_path(pets)
    assert data.train == 21
    assert (
        f"{pets / 'cat'}: 3 passed over, no plain files: "
        "gone.png (a symbolic link), linked (a symbolic link), pipe.png (a pipe)"
    ) in caplog.text
    assert f"{pets}: 1 passed over, no plain files: pipe (a pipe)" in caplog.text
    caplog.clear()
    load(data, "pets")
    assert "cat: 3 passed over" in caplog.text


def test_classes_that_changed_are_refused(pets):
    data = from_path(pets)
    (pets / "dog").rename(pets / "wolf")
    with pytest.raises(UsageError, match="has classes cat, wolf\nthe recipe says cat, dog"):
        load(data, "pets")


def test_copies_in_hidden_folders_are_no_examples(pets):
    for hidden in (".ipynb_checkpoints", "__MACOSX"):
        save(pets / "cat" / hidden / "0-checkpoint.png", np.full((8, 6), 9))
    save(pets / "cat" / "more" / "10.png", np.full((8, 6), 10))
    assert from_path(pets).train == 21
