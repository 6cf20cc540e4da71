"""Own images: a folder with one sub-folder a class. Decoded once, in threads, to uint8 of one size."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zoo.data.cache import cached, fingerprint, on_disk
from zoo.data.config import Data
from zoo.data.examples import AT_ONCE, DEFAULT_IMAGE, Examples, Source, streams
from zoo.errors import UsageError, is_utf8
from zoo.files import IMAGE, opened, replacing
from zoo.files.names import file_name
from zoo.files.opening import kind

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

Result = TypeVar("Result")
log = logging.getLogger("zoo.data")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
FORMATS = ("PNG", "JPEG", "BMP", "GIF")
MOST_PIXELS = 64_000_000  # in one image; a small file can claim more than memory holds


def infer(path: Path, labelled: bool = True) -> Data:
    """A description of a folder of images: a class a sub-folder, names in alphabetical order.

    Images become 64x64, grey if all are grey; where none is larger they keep their size, that of the largest. Where
    they need no labels, all images below the folder count, and classes only where each has a sub-folder.

    Raises:
        UsageError: no class folder, one only, an empty one, an image outside of them, a file that is no image.
    """
    names, files, _ = scan(path) if labelled else _scan_all(path)
    return Data(
        source=f"folder:{path}",
        kind="image",
        task="label" if names else "image",
        input_shape=common_shape(files),
        input_dtype="uint8",
        num_classes=len(names) or None,
        class_names=names,
        train=len(files),
        test_share=0.2,
    )


def common_shape(files: Sequence[Path]) -> tuple[int, int, int]:
    """What images become: the size of the largest where none is larger than the usual, grey if all are. A note says so.

    Raises:
        UsageError: files that are no images: the first three and their number.
    """
    heads = each(files, head)
    sizes, grey = sorted({(height, width) for (width, height), _ in heads}), all(grey for _, grey in heads)
    most = max(height for height, _ in sizes), max(width for _, width in sizes)
    small = most[0] <= DEFAULT_IMAGE[0] and most[1] <= DEFAULT_IMAGE[1]
    spread = " to ".join(f"{height}x{width}" for height, width in dict.fromkeys((sizes[0], sizes[-1])))
    log.warning("note: %d images of %s, %s", len(files), spread, "all grey" if grey else "in colour")
    return *(most if small else DEFAULT_IMAGE[:2]), 1 if grey else 3


def read(path: Path, data: Data) -> Source:
    """All images of the folder as uint8 (n, *data.input_shape), with the ids of their classes; cached once decoded.

    Where `data.stream` says so, or they would fill the memory, they stay on disk in that form.

    Raises:
        UsageError: what `scan` refuses, other classes than the recipe's, images that do not decode (all at once).
    """
    _, files, labels = found(path, data)
    state = fingerprint(files, data.input_shape, [str(file.relative_to(path)) for file in files])

    def part(start: int, stop: int) -> Examples:
        import numpy as np

        return Examples(read_files(files[start:stop], data), np.array(labels[start:stop], np.int32))

    name = f"folder-{file_name(path.resolve().name)}-{state}"
    if not streams(len(files), data):
        return cached(name, lambda: Source(part(0, len(files))))
    parts = (part(i, i + AT_ONCE) for i in range(0, len(files), AT_ONCE))
    return Source(on_disk(name, (len(files), *data.input_shape), "uint8", lambda: parts))


def found(path: Path, data: Data) -> tuple[tuple[str, ...], list[Path], list[int]]:
    """Class names, images and their class ids, as `data` describes them."""
    return _scan_all(path) if data.num_classes is None else scan(path, known=data.class_names)


def scan(
    path: Path, suffixes: Sequence[str] = SUFFIXES, what: str = "images", known: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], list[Path], list[int]]:
    """Class names, files (images, unless other suffixes are given) and their class ids, in a fixed order.

    Where the classes are `known`, some of them may be without files.

    Raises:
        UsageError: as `infer`, or a folder that is none of the classes that are known.
    """
    if not path.is_dir():
        raise UsageError(f"no such folder: {path}")
    inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
    folders = [p for p in inside if p.is_dir()]
    loose = [p.name for p in inside if p.suffix.lower() in suffixes]
    if not folders:
        raise UsageError(f"{path} has no sub-folders: put the {what} of each class into a folder with the class's name")
    if loose:
        raise UsageError(f"{path}: {some(loose)} in no class folder\nmove each into the folder of its class, or away")
    _note_skipped(path, [p for p in inside if not p.is_dir() and not p.is_file()])
    found = [_files(folder, suffixes) for folder in folders]
    if empty := [folder.name for folder, files in zip(folders, found, strict=True) if not files]:
        raise UsageError(f"{path}: class folder without {what} ({', '.join(suffixes)}): {some(empty)}")
    names = tuple(folder.name for folder in folders)
    if foreign := [name for name in names if known and name not in known]:
        raise UsageError(f"{path} has classes {some(names)}\nthe recipe says {', '.join(known)}, not {some(foreign)}")
    if len(folders) == 1 and not known:
        raise UsageError(f"{path} has one class only, {folders[0].name!r}: a network needs two to tell apart")
    known = known or names
    labels = [known.index(name) for name, files in zip(names, found, strict=True) for _ in files]
    return known, [file for files in found for file in files], labels


def _scan_all(path: Path) -> tuple[tuple[str, ...], list[Path], list[int]]:
    """As `scan`, or without classes: every image below the folder, and 0 for each label."""
    try:
        return scan(path)
    except UsageError:
        files = image_files([path])
        return (), files, [0] * len(files)


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    found = [path for path in _entries(folder) if not is_hidden(path.relative_to(folder))]
    files = [path for path in found if path.is_file()]
    _note_skipped(folder, [path for path in found if not path.is_file()])
    wanted = [p for p in files if p.suffix.lower() in suffixes]
    if others := [p.name for p in files if p.suffix.lower() not in suffixes]:
        log.warning("note: %s: %s passed over, no %s", folder, some(others), ", ".join(s[1:] for s in suffixes))
    return wanted


def _note_skipped(folder: Path, entries: Sequence[Path]) -> None:
    """Say how many entries are no files, and which; a link counts as what it leads to, but to a folder it is one."""
    if entries:
        names = some([f"{path.relative_to(folder)} ({kind(path.lstat())})" for path in entries])
        log.warning("note: %s: %d passed over, no plain files: %s", folder, len(entries), names)


def below(folder: Path) -> list[Path]:
    """Every plain file below a folder, sorted; links to folders are not followed.

    Raises:
        UsageError: as `_entries`.
    """
    return [path for path in _entries(folder) if path.is_file()]


def _entries(folder: Path) -> list[Path]:
    """All that is below a folder, sorted, without the folders that are looked into.

    Raises:
        UsageError: a folder that cannot be read, a name that is not UTF-8, or the root of the whole system.
    """
    if folder.resolve().parent == folder.resolve():
        raise UsageError(f"{folder} is the root of the whole file system\nname the folder that holds the examples")

    def unreadable(error: OSError) -> None:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}\nmake it readable, or move it away")

    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=unreadable):
        found += [Path(place, name) for name in names]
        found += [path for path in (Path(place, name) for name in folders) if path.is_symlink()]
    if bad := next((path for path in found if not is_utf8(str(path))), None):
        raise UsageError(
            f"{str(bad)!r}: the name is not UTF-8\nrename it; names are written into files, which are UTF-8"
        )
    return sorted(found)


def is_hidden(path: Path) -> bool:
    """Copies and thumbnails that other programs keep, such as .ipynb_checkpoints/1-checkpoint.png."""
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)


def some(names: Sequence[str]) -> str:
    """`a, b, c and 4 more`."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def image_files(paths: Sequence[Path]) -> list[Path]:
    """The files among `paths`, and the images in its folders.

    Raises:
        UsageError: a folder without images.
    """
    files = []
    for path in paths:
        found = _files(path, SUFFIXES) if path.is_dir() else [path]
        if not found:
            raise UsageError(f"no images ({', '.join(SUFFIXES)}) in {path}")
        files += found
    return files


def by_name(folder: Path, files: Sequence[Path]) -> dict[str, Path]:
    """Files below a folder by their paths in it without the ending.

    Raises:
        UsageError: two files are of one name.
    """
    found: dict[str, Path] = {}
    for file in files:
        name = str(file.relative_to(folder).with_suffix(""))
        if name in found:
            raise UsageError(f"{found[name]} and {file} are of one name\nkeep one of them")
        found[name] = file
    return found


def pictures(folder: Path) -> list[Path]:
    """Every image below a folder, sorted, hidden ones left out; of other files nothing is said."""
    files = [file for file in below(folder) if file.suffix.lower() in SUFFIXES]
    return [file for file in files if not is_hidden(file.relative_to(folder))]


def read_files(files: Sequence[Path], data: Data) -> np.ndarray:
    """Images as uint8 (n, height, width, channels) of `data.input_shape`: turned upright as their camera says,
    transparent parts white, made grey or coloured, stretched to the size (bilinear, antialiased).

    Raises:
        UsageError: files that are no images, empty, cut off or too large: the first three and their number.
    """
    import numpy as np

    height, width, channels = data.input_shape
    mode = image_mode(channels)

    def pixels(image: Image.Image) -> np.ndarray:
        return np.asarray(fitted(image, mode, (width, height)))

    return np.stack(each(files, pixels)).reshape(-1, height, width, channels)


def image_mode(channels: int) -> str:
    """What Pillow calls images of so many channels.

    Raises:
        UsageError: image files do not have so many.
    """
    if channels not in (1, 3):
        raise UsageError(f"image files have 1 or 3 channels, data.input_shape says {channels}")
    return "L" if channels == 1 else "RGB"


def write_image(pixels: np.ndarray, path: Path) -> None:
    """uint8 (height, width, 1 or 3) as a PNG.

    Raises:
        ZooError: it cannot be written.
    """
    from PIL import Image

    with replacing(path) as temporary:
        Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(temporary, format="PNG")


def fitted(image: Image.Image, mode: str, size: tuple[int, int] | None = None) -> Image.Image:
    """The image upright, in this mode, transparent parts white, stretched to (width, height) if that is given."""
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("I", "I;16", "I;16B"):  # 16 bits a pixel
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert(mode)
    return image if size in (None, image.size) else image.resize(size, Image.Resampling.BILINEAR)


def head(image: Image.Image) -> tuple[tuple[int, int], bool]:
    """Size (width, height) and whether it is grey, from the file's head."""
    return image.size, image.mode in ("1", "L", "LA", "I", "I;16", "I;16B")


def each(files: Sequence[Path], look: Callable[[Image.Image], Result]) -> list[Result]:
    """`look` at every image, in threads; all files that fail are reported together."""

    def one(file: Path) -> Result | str:
        try:
            return _opened(file, look)
        except Exception as error:  # whatever a foreign file sets off, it is the file's fault
            return f"{type(error).__name__}: {error}" if not isinstance(error, UsageError) else str(error)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(one, files))
    bad = [f"{file} ({why})" for file, why in zip(files, results, strict=True) if isinstance(why, str)]
    if bad:
        raise UsageError(
            f"{len(bad)} of {len(files)} images cannot be read: {'; '.join(bad[:3])}"
            + (f"; and {len(bad) - 3} more" if len(bad) > 3 else "")
            + "\nremove or replace them"
        )
    return [result for result in results if not isinstance(result, str)]


def _opened(file: Path, look: Callable[[Image.Image], Result]) -> Result:
    from PIL import Image, UnidentifiedImageError

    content = opened(file, IMAGE)
    try:
        if not content.peek(1):
            raise UsageError("empty file")
        with Image.open(content, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise UsageError(
                    f"claims {image.width}x{image.height} pixels, more than {MOST_PIXELS // 10**6} million"
                )
            return look(image)
    except UnidentifiedImageError:
        raise UsageError("no PNG, JPEG, BMP or GIF, whatever its name says") from None
    except Image.DecompressionBombError:
        raise UsageError(f"claims more than {MOST_PIXELS // 10**6} million pixels") from None
    finally:
        content.close()
