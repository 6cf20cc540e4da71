"""Own images with a class for each pixel: a folder with `images/` and `masks/`, whose files have the same names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.cache import cached, fingerprint, on_disk
from zoo.data.config import Data, Masks
from zoo.data.examples import Examples, Source, Splits, streams
from zoo.data.fields import VOID
from zoo.data.folder import SUFFIXES, below, by_name, each, fitted, head, image_files, image_mode, some
from zoo.data.tiles import Grid, cut, cut_mask, grid
from zoo.errors import UsageError
from zoo.files import replacing
from zoo.files.names import file_name, natural

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

FOLDERS = (("images", "masks"), ("image", "label"), ("image", "mask"), ("images", "labels"))
TILE, MARGIN = 160, 16  # pixels, of images that are larger than a tile
STEP = 16  # sides of tiles are multiples of this: four pools halve them evenly
MOST_CLASSES = 64
# of the classes' colours in a mask that has no grey values of its own: Okabe and Ito 2008, over and over
PALETTE = ((0, 0, 0), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (0, 114, 178)) * 36
AT_ONCE = 16  # files that are decoded together


def folders(path: Path) -> tuple[Path, Path] | None:
    """The folder of images and that of masks, where `path` holds such a pair."""
    found = ((path / images, path / masks) for images, masks in FOLDERS)
    return next((pair for pair in found if pair[0].is_dir() and pair[1].is_dir() and not _is_of_texts(pair[1])), None)


def _is_of_texts(folder: Path) -> bool:
    """Whether a folder holds texts and no pictures, as labels/ does where boxes are written for YOLO."""
    suffixes = {file.suffix.lower() for file in below(folder)}
    return ".txt" in suffixes and not suffixes & set(SUFFIXES)


def pairs(path: Path) -> list[tuple[Path, Path]]:
    """Images with their masks in the natural order of their names: 2 comes before 10.

    Raises:
        UsageError: no such folders, no images, an image without a mask or the reverse, or two files of one name.
    """
    found = folders(path)
    if found is None:
        raise UsageError(f"{path} has no folders images/ and masks/\nput pictures into the one, masks into the other")
    images, masks = (by_name(folder, image_files([folder])) for folder in found)
    for there, here, what in ((images, masks, "mask"), (masks, images, "image")):
        if alone := [there[name] for name in there if name not in here]:
            raise UsageError(
                f"{some([str(file) for file in alone])}: no {what} of that name in {found[what == 'mask']}\n"
                f"an image and its mask have the same name, {len(images)} images and {len(masks)} masks are there"
            )
    return [(images[name], masks[name]) for name in sorted(images, key=natural)]


def infer(path: Path) -> Data:
    """A description of a folder of images and masks. Images of more than 160 pixels come in tiles with a margin.

    The grey values of the masks are the classes, from dark to light; 255 says that no class is known where the others
    are 0, 1, 2 and so on.

    Raises:
        UsageError: what `pairs` refuses, a file that cannot be read, a mask of another size, or no classes.
    """
    files = pairs(path)
    heads = each([image for image, _ in files], head)
    values = sorted(set().union(*(set(found) for found in each([mask for _, mask in files], _values))))
    classes = [value for value in values if value != VOID] if _are_ids(values) else values
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise UsageError(
            f"the masks in {path} hold {len(classes)} different values: one for each class, 2 to {MOST_CLASSES}\n"
            "save them as PNG, without blurred edges; JPEG changes values"
        )
    height, width = (max(side) for side in zip(*((size[1], size[0]) for size, _ in heads), strict=True))
    whole = max(height, width) <= TILE
    tile = (
        (_round_up(height), _round_up(width))
        if whole
        else (min(TILE, _round_up(height + 2 * MARGIN)), min(TILE, _round_up(width + 2 * MARGIN)))
    )
    return Data(
        source=f"folder:{path}",
        kind="image",
        task="mask",
        input_shape=(*tile, 1 if all(grey for _, grey in heads) else 3),
        input_dtype="uint8",
        num_classes=len(classes),
        train=len(files),
        test_share=0.2,
        masks=Masks(
            image_size=(height, width),
            margin=0 if whole else MARGIN,
            values=() if classes == list(range(len(classes))) else tuple(classes),
        ),
    )


def _are_ids(values: Sequence[int]) -> bool:
    """Whether these are 0, 1, 2 ..., of which VOID may be one more."""
    known = [value for value in values if value != VOID]
    return len(known) > 1 and known == list(range(len(known)))


def _round_up(side: int) -> int:
    return -(-side // STEP) * STEP


def read(path: Path, data: Data) -> Source:
    """The tiles of all images, uint8 (n, *data.input_shape), and of their masks, class ids (n, height, width, 1).

    The tiles of an image come one after the other. Images are in the natural order of their names: the last
    `data.test` are the test part, the `data.validation` before them the validation part, where the recipe has them.

    Raises:
        UsageError: what `pairs` refuses, files that cannot be read, an image larger than the recipe says, a mask of
            another size than its image, a grey value that is no class; the file is named.
    """
    files, cuts = pairs(path), grid(data)
    state = fingerprint(
        [file for pair in files for file in pair], data.input_shape, data.masks, data.num_classes,
        [str(file.relative_to(path)) for pair in files for file in pair],
    )  # fmt: skip
    name = f"masks-{file_name(path.resolve().name)}-{state}"

    def parts() -> Iterator[Examples]:
        return _decoded(files, data, cuts)

    count = len(files) * cuts.count
    if streams(count, data):
        shape, map_shape = (count, *data.input_shape), (count, *data.input_shape[:2], 1)
        return _parted(on_disk(name, shape, "uint8", parts, map_shape), data, cuts)

    def whole() -> Source:
        import numpy as np

        x, y = zip(*parts(), strict=True)
        return Source(Examples(np.concatenate(x), np.concatenate(y)))

    return _parted(cached(name, whole).train, data, cuts)


def _parted(tiles: Examples, data: Data, cuts: Grid) -> Source:
    """The training part and, from the end, what the recipe counts as the source's own test and validation parts."""
    held = (data.test * cuts.count, data.validation * cuts.count)
    first = max(0, len(tiles) - sum(held))
    train, validation, test = (
        _rows(tiles, *span) for span in ((0, first), (first, len(tiles) - held[0]), (len(tiles) - held[0], len(tiles)))
    )
    return Source(train, test if data.test else None, validation if data.validation else None)


def _rows(tiles: Examples, start: int, stop: int) -> Examples:
    import numpy as np

    return tiles.of(np.arange(start, stop))


def _decoded(files: Sequence[tuple[Path, Path]], data: Data, cuts: Grid) -> Iterator[Examples]:
    """The tiles of images and masks, some files at a time."""
    import numpy as np

    mode = image_mode(data.input_shape[2])
    for start in range(0, len(files), AT_ONCE):
        images, masks = zip(*files[start : start + AT_ONCE], strict=True)
        seen = each(images, lambda image: np.asarray(fitted(image, mode)))
        said = each(masks, lambda mask: np.asarray(_grey(mask)))
        for image, file, pixels, mask in zip(images, masks, seen, said, strict=True):
            _refuse_large(pixels, image, cuts)
            _refuse_other_size(mask, file, pixels, image)
        x = [cut(pixels.reshape(*pixels.shape[:2], -1), cuts) for pixels in seen]
        y = [cut_mask(_ids(mask, data, file), cuts) for file, mask in zip(masks, said, strict=True)]
        yield Examples(np.concatenate(x), np.concatenate(y))


def _refuse_large(image: np.ndarray, file: Path, cuts: Grid) -> None:
    height, width = image.shape[:2]
    if height > cuts.image[0] or width > cuts.image[1]:
        raise UsageError(
            f"{file} has {height}x{width} pixels (height x width), the recipe says at most "
            f"{cuts.image[0]}x{cuts.image[1]}\nset it with: --set data.masks.image_size=[{height},{width}]"
        )


def _refuse_other_size(mask: np.ndarray, file: Path, pixels: np.ndarray, image: Path) -> None:
    if mask.shape != pixels.shape[:2]:
        found, wanted = ("x".join(map(str, one.shape[:2])) for one in (mask, pixels))
        raise UsageError(
            f"{file} has {found} pixels (height x width), its image {image} has {wanted}\n"
            "a mask says the class of each pixel: save it in the size of its image"
        )


def _grey(image: Image.Image) -> Image.Image:
    """A mask as one number a pixel: grey, black and white, a palette's numbers, or three equal colours."""
    from PIL import ImageChops

    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("RGB", "RGBA"):
        bands = image.split()
        if any(ImageChops.difference(bands[0], band).getbbox() for band in bands[1:3]):
            raise UsageError("a mask in colours: save it in grey, one value a class")
        return bands[0]
    if image.mode not in ("L", "P"):
        raise UsageError(f"a mask with {image.mode} pixels: save it in grey, 8 bits")
    return image


def _values(image: Image.Image) -> list[int]:
    import numpy as np

    found: list[int] = np.unique(np.asarray(_grey(image))).tolist()
    return found


def _ids(mask: np.ndarray, data: Data, file: Path) -> np.ndarray:
    """Class ids of a mask's grey values; VOID stays where it is the value of no class.

    Raises:
        UsageError: a value that is none of a class; the first place is named.
    """
    import numpy as np

    values = data.masks.values if data.masks and data.masks.values else range(data.num_classes or 2)
    table = np.full(256, -1, "int16")
    table[VOID] = VOID
    table[list(values)] = range(len(values))
    ids = table[mask]
    if (ids < 0).any():
        row, column = np.argwhere(ids < 0)[0].tolist()
        raise UsageError(
            f"{file}: {mask[row, column]} in row {row}, column {column} is no class; with {len(values)} classes masks "
            f"hold {', '.join(map(str, values))}\nmend the mask, or set data.num_classes or data.masks.values"
        )
    return ids.astype("uint8")


def read_tiles(files: Sequence[Path], data: Data) -> tuple[np.ndarray, list[Grid]]:
    """The tiles (n, height, width, channels) of image files of any size, and how each image was cut.

    Raises:
        UsageError: files that cannot be read.
    """
    import numpy as np

    mode = image_mode(data.input_shape[2])
    images = each(files, lambda image: np.asarray(fitted(image, mode)))
    grids = [grid(data, image.shape[:2]) for image in images]
    tiles = [cut(image.reshape(*image.shape[:2], -1), one) for image, one in zip(images, grids, strict=True)]
    return np.concatenate(tiles), grids


def write(ids: np.ndarray, data: Data, path: Path) -> None:
    """Class ids (height, width) as a PNG that can be read as a mask: in the recipe's grey values, else with a palette.

    Raises:
        ZooError: it cannot be written.
    """
    import numpy as np
    from PIL import Image

    if data.masks and data.masks.values:
        image = Image.fromarray(np.array(data.masks.values, "uint8")[ids])
    else:
        image = Image.fromarray(ids.astype("uint8"), mode="L")
        image.putpalette([shade for colour in PALETTE for shade in colour])
    with replacing(path) as temporary:
        image.save(temporary, format="PNG")


def conformed(source: Source, data: Data, where: str) -> Splits:
    """A source's tiles, checked and split: the tiles of one image are never parted.

    Raises:
        UsageError: another shape, number of images or class than the recipe says, or nothing but VOID.
    """
    each_image = grid(data).count
    for part, called in ((source.train, "train"), (source.validation, "validation"), (source.test, "test")):
        _check(part, data, f"{where}, {called}", each_image, getattr(data, called))
    train, validation, test = source.train, source.validation, source.test
    sizes = data.parts()
    if test is None:
        train, test = _hold_out(train, sizes["test"], data, each_image)
    if validation is None:
        train, validation = _hold_out(train, sizes["validation"], data, each_image)
    return Splits(train, validation, test)


def _check(part: Examples | None, data: Data, where: str, each_image: int, count: int) -> None:
    found = 0 if part is None else len(part) // each_image
    if found != count:
        raise UsageError(
            f"{where}: the recipe says {count:,} images, the source has {found:,}\n"
            "mend the recipe: data.train, data.validation and data.test count images"
        )
    if part is None:
        return
    shapes = {"images": (part.x, data.input_shape), "masks": (part.y, (*data.input_shape[:2], 1))}
    for what, (array, shape) in shapes.items():
        if tuple(array.shape[1:]) != tuple(shape):
            raise UsageError(f"{where}: {what} of {list(array.shape[1:])}, the recipe says {list(shape)}")


def _hold_out(part: Examples, count: int, data: Data, each_image: int) -> tuple[Examples, Examples]:
    """The rest, and the tiles of `count` images held out of it."""
    import numpy as np

    order = np.random.default_rng(data.split_seed).permutation(len(part) // each_image)
    held, rest = (
        part.of((chosen[:, None] * each_image + np.arange(each_image)).ravel())
        for chosen in (order[:count], order[count:])
    )
    return rest, held
