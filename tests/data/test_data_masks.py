"""Folders of images and masks, and how they are cut into tiles and put together again."""

import numpy as np
import pytest
from PIL import Image

from zoo import tasks
from zoo.data import masks
from zoo.data.config import Data, Masks
from zoo.data.fields import VOID
from zoo.data.tiles import Grid, cut, cut_mask, joined, middle
from zoo.errors import UsageError

GRID = Grid(image=(10, 13), tile=(8, 8), margin=2)  # tiles of 4x4 and their surroundings: 3 rows of 4


def test_tiles_side_by_side_are_the_image():
    image = np.random.default_rng(0).integers(0, 256, (10, 13, 3)).astype("uint8")
    tiles = cut(image, GRID)
    assert tiles.shape == (12, 8, 8, 3) and GRID.count == 12
    assert (joined(tiles, GRID) == image).all()
    assert (tiles[5] == image[2:10, 2:10]).all()  # row 1, column 1: rows 4 to 7 with two around them


def test_beyond_the_border_an_image_goes_on_as_in_a_mirror_and_a_mask_says_nothing():
    image = np.arange(10 * 13).reshape(10, 13, 1)
    tile, mask = cut(image, GRID)[0], cut_mask(image[..., 0].astype("uint8") % 3, GRID)[0]
    assert (tile[:2, 2:] == image[:2, :6][::-1]).all() and (tile[2:, :2] == image[:6, :2][:, ::-1]).all()
    assert (mask[:2] == VOID).all() and (mask[:, :2] == VOID).all() and (mask[2:, 2:] < 3).all()


def test_each_pixel_counts_once():
    """What counts in all tiles of a mask is the mask: nothing is left out, nothing comes twice."""
    mask = np.random.default_rng(0).integers(0, 3, (10, 13)).astype("uint8")
    counted = middle(cut_mask(mask, GRID), GRID.inner)
    assert (np.bincount(counted[counted != VOID]) == np.bincount(mask.ravel())).all()


def write(folder, name, array):
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype("uint8")).save(folder / name)


@pytest.fixture
def own(tmp_path):
    """Twelve images of 40x48 pixels, a light disc each, and masks: 0 beside it, 200 in it."""
    random = np.random.default_rng(0)
    for i in range(12):
        rows, columns = np.mgrid[:40, :48]
        disc = (rows - random.integers(10, 30)) ** 2 + (columns - random.integers(10, 38)) ** 2 < 64
        write(tmp_path / "images", f"{i}.png", 60 + 120 * disc + random.integers(0, 40, disc.shape))
        write(tmp_path / "masks", f"{i}.png", 200 * disc)
    return tmp_path


def test_a_folder_is_described(own):
    data = tasks.from_path(own)
    assert (data.task, data.num_classes, data.train, data.input_shape) == ("segmentation", 2, 12, (48, 48, 1))
    assert data.masks == Masks(image_size=(40, 48), margin=0, values=(0, 200))


def test_names_are_in_natural_order_and_the_last_are_the_test_part(own):
    data = tasks.from_path(own).model_copy(update={"train": 9, "validation": 1, "test": 2, "test_share": 0.0})
    splits = tasks.load(data, "own")
    assert [len(part) for part in splits] == [9, 1, 2]
    for part, names in ((splits.train, range(9)), (splits.validation, [9]), (splits.test, [10, 11])):
        for tile, name in zip(part.x, names, strict=True):
            assert (tile[:40, :, 0] == np.asarray(Image.open(own / "images" / f"{name}.png"))).all()


def test_tiles_of_one_image_stay_on_one_side(own):
    data = tasks.from_path(own).model_copy(
        update={"input_shape": (24, 24, 1), "masks": Masks(image_size=(40, 48), margin=4, values=(0, 200))}
    )
    assert tasks.sizes(data) == {"train": 9 * 9, "validation": 9, "test": 2 * 9}
    splits, whole = tasks.load(data, "own"), masks.read(own, data).train.x.reshape(12, 9, 24, 24, 1)
    found = [{int(np.flatnonzero((whole == tile).all((2, 3, 4)).any(1))[0]) for tile in part.x} for part in splits]
    assert sorted(i for part in found for i in part) == list(range(12)) and [len(part) for part in found] == [9, 1, 2]


def test_from_disk_the_same_arrays(own):
    data = tasks.from_path(own)
    resident, stored = (tasks.load(data.model_copy(update={"stream": stream}), "own") for stream in ("off", "on"))
    assert hasattr(stored.train.x, "blocks") and hasattr(stored.train.y, "blocks")
    for one, other in zip(resident, stored, strict=True):
        assert (one.x == other.x[:]).all() and (one.y == other.y[:]).all()


def test_255_beside_numbered_classes_says_nothing(own):
    for file in (own / "masks").iterdir():
        mask = (np.asarray(Image.open(file)) > 0).astype("uint8")
        mask[0, 0] = 255
        Image.fromarray(mask).save(file)
    data = tasks.from_path(own)
    assert data.num_classes == 2 and data.masks.values == ()
    assert (tasks.load(data, "own").train.y[:, 0, 0] == VOID).all()


def test_a_palettes_numbers_are_the_classes(own):
    for file in (own / "masks").iterdir():
        image = Image.fromarray((np.asarray(Image.open(file)) > 0).astype("uint8"), mode="L")
        image.putpalette([0, 0, 0, 255, 10, 10])
        image.save(file)
    assert tasks.from_path(own).masks.values == ()


def break_size(own):
    write(own / "masks", "3.png", np.zeros((40, 40)))


def break_class(own):
    mask = np.array(Image.open(own / "masks" / "3.png"))
    mask[7, 5] = 9
    write(own / "masks", "3.png", mask)


def break_mask(own):
    (own / "masks" / "3.png").unlink()


def break_image(own):
    (own / "images" / "3.png").unlink()


def break_file(own):
    (own / "images" / "3.png").write_bytes(b"no picture")


def break_colour(own):
    write(own / "masks", "3.png", np.random.default_rng(0).integers(0, 255, (40, 48, 3)))


def break_large(own):
    for folder in ("images", "masks"):
        write(own / folder, "3.png", np.zeros((64, 48)))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (break_size, r"masks/3.png has 40x40 pixels .*images/3.png has 40x48"),
        (break_class, r"masks/3.png: 9 in row 7, column 5 is no class"),
        (break_mask, r"images/3.png: no mask of that name"),
        (break_image, r"masks/3.png: no image of that name"),
        (break_file, r"images/3.png \(no PNG, JPEG, BMP or GIF"),
        (break_colour, r"masks/3.png \(a mask in colours"),
        (break_large, r"images/3.png has 64x48 pixels .* at most 40x48"),
    ],
)
def test_bad_input_is_named(own, break_it, said):
    data = tasks.from_path(own)
    break_it(own)
    with pytest.raises(UsageError, match=f"(?s){said}") as error:
        tasks.load(data, "own")
    assert len(str(error.value).splitlines()) <= 3


def test_blurred_masks_are_no_classes(own):
    for i in range(12):
        write(own / "masks", f"{i}.png", np.random.default_rng(i).integers(0, 256, (40, 48)))
    with pytest.raises(UsageError, match="different values"):
        tasks.from_path(own)


def test_what_the_table_masks_may_not_say():
    data = {"source": "folder:x", "kind": "image", "input_shape": (16, 16, 1), "num_classes": 2, "train": 4}
    wrong = Data(task="segmentation", masks=Masks(margin=8, values=(0, 1, 2), weights=(1.0,)), **data)
    assert len(tasks.mistakes(wrong)) == 3
    assert tasks.mistakes(Data(task="classification", masks=Masks(), **data | {"num_classes": 3})) == [
        "the table data.masks has no meaning for classification"
    ]


def test_written_masks_are_read_again(own, tmp_path):
    ids = np.random.default_rng(0).integers(0, 2, (40, 48)).astype("uint8")
    data = tasks.from_path(own)
    masks.write(ids, data, own / "masks" / "3.png")
    again = tasks.load(data, "own")
    assert any((tile[:40, :48, 0] == ids).all() for part in again for tile in part.y)
