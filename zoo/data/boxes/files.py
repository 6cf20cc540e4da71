"""Own images with boxes around what is to be found in them: a folder, a .zip or a COCO .json, in a form that is known.

Images are decoded once, in threads, to uint8 of one size; the boxes are read anew each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.data.boxes.arrays import class_names, most, packed
from zoo.data.boxes.checking import Boxed, checked
from zoo.data.boxes.finding import find
from zoo.data.boxes.labelled import Found, note
from zoo.data.cache import cached, fingerprint, on_disk
from zoo.data.config import Boxes, Data
from zoo.data.examples import Examples, Source, streams
from zoo.data.folder import each, fitted, image_mode
from zoo.errors import UsageError
from zoo.files.names import file_name

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

LONGEST, STEP = 320, 32  # pixels of the longer side, and what sides are multiples of
ROOM = 8  # boxes that the most of an image are rounded up to
AT_ONCE = 64  # images that are decoded together
PARTS = ("train", "validation", "test")


def infer(path: Path) -> Data:
    """A description of images with boxes, which a note tells.

    Images are stretched to the proportions of the most frequent size, 320 pixels at most and multiples of 32; they are
    grey if all are.

    Raises:
        UsageError: no such files, what is wrong in them, or no boxes at all.
    """
    found = find(path)
    parts = checked(found)
    images = [one for part in parts.values() for one in part]
    per_image = max(len(one.names) for one in images)
    if not per_image:
        raise UsageError(f"{path}: none of {len(images):,} images has a box\nthere is nothing to learn to find")
    _tell(path, found, images, per_image)
    own = {name: len(parts[name]) for name in PARTS if parts.get(name)}
    return Data(
        source=f"folder:{path}",
        kind="image",
        task="boxes",
        input_shape=(*_size(images), 1 if all(one.is_grey for one in images) else 3),
        input_dtype="uint8",
        num_classes=len(found.classes),
        class_names=found.classes,
        **own,  # type: ignore[arg-type]
        test_share=0.0 if "test" in own else 0.2,
        boxes=Boxes(most=-(-per_image // ROOM) * ROOM),
    )


def _size(images: Sequence[Boxed]) -> tuple[int, int]:
    """Height and width that images of the most frequent size become."""
    width, height = Counter(one.size for one in images).most_common(1)[0][0]
    scale = min(1.0, LONGEST / max(width, height))
    down, across = (max(1, round(side * scale / STEP)) * STEP for side in (height, width))
    return down, across


def _tell(path: Path, found: Found, images: Sequence[Boxed], per_image: int) -> None:
    counts = Counter(name for one in images for name in one.names)
    each_class = ", ".join(f"{name} {counts[name]:,}" for name in found.classes)
    none = sum(not one.names for one in images)
    note(
        f"{path} is taken as {found.form.name}: {len(images):,} images, {sum(counts.values()):,} boxes: {each_class}; "
        f"at most {per_image} in an image" + (f", {none:,} images without any" if none else "")
    )


def read(path: Path, data: Data) -> Source:
    """Images uint8 (n, *data.input_shape) and their boxes float32 (n, data.boxes.most, 5), see `zoo.data.boxes.arrays`.

    Parts are apart where `data.test` or `data.validation` says that the source has some; else all images are one.

    Raises:
        UsageError: what `infer` refuses, a class that is none of `data`, more boxes in an image than there is room for.
    """
    found = find(path, class_names(data))
    parts = _wanted(checked(found), data)
    images = [one for name in PARTS for one in parts[name]]
    y = _targets(images, data)
    x = _pixels(path, images, data)
    source, start = {}, 0
    for name in PARTS:
        rows = slice(start, start + len(parts[name]))
        source[name], start = _rows(x, y, rows), rows.stop
    return Source(
        source["train"], source["test"] if data.test else None, source["validation"] if data.validation else None
    )


def _wanted(parts: dict[str, list[Boxed]], data: Data) -> dict[str, list[Boxed]]:
    """The images of each part as `data` has it."""
    if not (data.test or data.validation):
        return {"train": [one for part in parts.values() for one in part], "validation": [], "test": []}
    asked = {name: name == "train" or getattr(data, name) > 0 for name in PARTS}
    if unused := [f"{name} ({len(part):,})" for name, part in parts.items() if not asked[name]]:
        note(f"{data.source}: images of the part {', '.join(unused)} are not used, data has no size for it")
    return {name: parts.get(name, []) if asked[name] else [] for name in PARTS}


def _targets(images: Sequence[Boxed], data: Data) -> np.ndarray:
    """The boxes of images, in pixels of the stored ones."""
    import numpy as np

    height, width = data.input_shape[:2]
    names, room = class_names(data), most(data)
    numbers = {name: i for i, name in enumerate(names)}
    _refuse_foreign(images, names)
    if (largest := max(images, key=lambda one: len(one.names), default=None)) and len(largest.names) > room:
        raise UsageError(
            f"{largest.image} has {len(largest.names)} boxes, the recipe says at most {room}\n"
            f"set it with: --set data.boxes.most={-(-len(largest.names) // ROOM) * ROOM}"
        )
    edges = [one.edges * np.array([width, height] * 2) / np.array(one.size * 2) for one in images]
    return packed(edges, [[numbers[name] for name in one.names] for one in images], room)


def _refuse_foreign(images: Sequence[Boxed], names: Sequence[str]) -> None:
    known = set(names)
    for one in images:
        if foreign := [name for name in one.names if name not in known]:
            raise UsageError(
                f"{one.image} has a box of class {foreign[0]!r}, which is none of {', '.join(names)}\n"
                "mend its annotation, or set data.class_names and data.num_classes"
            )


def _pixels(path: Path, images: Sequence[Boxed], data: Data) -> np.ndarray:
    """The decoded images, from the cache or from disk; beside them only their numbers are kept."""
    files = [one.image for one in images]
    state = fingerprint(files, data.input_shape, [str(file) for file in files])
    name = f"boxes-{file_name(path.resolve().name)}-{state}"

    def parts() -> Iterator[Examples]:
        import numpy as np

        for start in range(0, len(images), AT_ONCE):
            some = images[start : start + AT_ONCE]
            x, sizes = read_images([one.image for one in some], data)
            for one, size in zip(some, sizes, strict=True):
                if size != one.size:
                    raise UsageError(f"{one.image} is turned by a note behind its pixels\nsave it upright")
            yield Examples(x, np.arange(start, start + len(some)))

    def whole() -> Source:
        import numpy as np

        x, y = zip(*parts(), strict=True)
        return Source(Examples(np.concatenate(x), np.concatenate(y)))

    if streams(len(images), data):
        return on_disk(name, (len(images), *data.input_shape), "uint8", parts).x
    return cached(name, whole).train.x


def _rows(x: np.ndarray, y: np.ndarray, rows: slice) -> Examples:
    import numpy as np

    return Examples(x, y).of(np.arange(rows.start, rows.stop))


def read_images(files: Sequence[Path], data: Data) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Images upright, as uint8 (n, height, width, channels) of `data.input_shape`, and the (width, height) each had.

    A box in the array's pixels is one in the image's after x by width / data.input_shape[1] and y by height /
    data.input_shape[0].

    Raises:
        UsageError: files that cannot be read.
    """
    import numpy as np

    height, width, channels = data.input_shape
    mode = image_mode(channels)

    def look(image: Image.Image) -> tuple[np.ndarray, tuple[int, int]]:
        from PIL import ImageOps

        upright = ImageOps.exif_transpose(image)
        return np.asarray(fitted(upright, mode, (width, height))), upright.size

    x, sizes = zip(*each(files, look), strict=True)
    return np.stack(x).reshape(-1, height, width, channels), list(sizes)


def count(path: Path, data: Data) -> int:
    """How many images there are, whose classes are those of `data`.

    Raises:
        UsageError: as `read`.
    """
    names = class_names(data)
    images = [one for part in checked(find(path, names)).values() for one in part]
    _refuse_foreign(images, names)
    return len(images)


def with_room(path: Path, data: Data) -> Data:
    """The same with room for the boxes of these images as well.

    Raises:
        UsageError: as `find`.
    """
    per_image = max((len(one.names) for one in find(path, class_names(data)).all), default=0)
    if per_image <= most(data):
        return data
    return data.model_copy(update={"boxes": Boxes(most=-(-per_image // ROOM) * ROOM)})
