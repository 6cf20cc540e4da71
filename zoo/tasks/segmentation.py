"""Segmentation: the class of each pixel of an image, as a mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.fields import VOID, Field
from zoo.data.tiles import grid, joined, middle
from zoo.errors import UsageError
from zoo.tasks.task import Further, Look, Plan, Task, outputs

if TYPE_CHECKING:
    import keras
    import numpy as np

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Examples, Source, Splits
    from zoo.data.text.encoding import Vocabularies
    from zoo.drawing.masks import Segmented
    from zoo.recipe.schema import Resolved
    from zoo.tasks.objective import Objective
    from zoo.tasks.steps import Step

IMAGES_SHOWN = 3
AT_ONCE = 16  # tiles


class Segmentation(Task):
    """A distribution over the classes at each pixel; class 0 is the background, the others are what is looked for.

    An example is a tile of an image. Losses and metrics are over all pixels that a tile answers for and of which the
    mask knows the class; so those of a split are over each pixel of its whole images, once. In training the tiles'
    margins count as well, where the network answers for them.
    """

    name = "segmentation"
    answers_in_files = True
    kinds = ("image",)
    losses = ("sparse_categorical_crossentropy",)
    metrics = ("accuracy", "dice", "iou")
    keeps_outputs = False
    no_script = "the tiles of images and masks are cut by zoo"

    def target(self, data: Data) -> Field:
        return Field("y", "mask", (*data.input_shape[:2], 1), "uint8")

    def sizes(self, data: Data) -> dict[str, int]:
        """Tiles; the source is counted in images."""
        return {name: count * grid(data).count for name, count in data.parts().items()}

    def head(self, spec: DataSpec) -> tuple[int, str]:
        assert spec.num_classes is not None
        return spec.num_classes, "softmax"

    def mistakes(self, data: Data) -> list[str]:
        found = super().mistakes(data)
        if data.num_classes is None:
            return [*found, "num_classes is missing"]
        if len(data.input_shape) != 3:
            return [*found, f"input_shape is (height, width, channels), not {list(data.input_shape)}"]
        for key in ("values", "weights") if data.masks else ():
            if (count := len(getattr(data.masks, key))) not in (0, data.num_classes):
                found.append(f"{count} masks.{key} for {data.num_classes} classes")
        if min(grid(data).inner) < 1:
            found.append(f"masks.margin = {grid(data).margin} leaves nothing of a tile of {list(data.input_shape[:2])}")
        return found

    def contradictions(self, recipe: Resolved) -> list[str]:
        if recipe.preprocessing.resize is None:
            return []
        return ["preprocessing.resize: masks would not lie over their images any more; set data.input_shape"]

    def class_names(self, data: Data) -> tuple[str, ...]:
        return data.class_names or tuple(str(i) for i in range(data.num_classes or 2))

    def pipeline(self, kind: str) -> str:
        return "image-segmentation"

    def encode(self, source: Source, data: Data, name: str, known: Vocabularies | None = None) -> Splits:
        from zoo.data import masks

        return masks.conformed(source, data, name)

    def objective(self, data: Data, loss: str) -> Objective:
        from zoo.tasks.pixels import PixelObjective

        return PixelObjective(grid(data).inner, data.num_classes or 2, data.masks.weights if data.masks else ())

    def steps(self, model: keras.Model, optimizer: keras.optimizers.Optimizer, data: Data, loss: str) -> list[Step]:
        """The ordinary step, on all that the network says of a tile, its margin too.

        Raises:
            UsageError: it says less than a tile answers for.
        """
        from zoo.tasks.pixels import PixelObjective
        from zoo.tasks.steps import ordinary

        tile, inner, said = grid(data).tile, grid(data).inner, tuple(model.output.shape[1:3])
        if any(side < least for side, least in zip(said, inner, strict=True)):
            margin = max(-(-(side - one) // 2) for side, one in zip(tile, said, strict=True))
            raise UsageError(
                f"{model.name} says {_by(said)} pixels of {_by(tile)}, and a tile's margin of {grid(data).margin} asks "
                f"for {_by(inner)}\nset it with: --set data.masks.margin={margin}"
            )
        objective = PixelObjective(said, data.num_classes or 2, data.masks.weights if data.masks else ())
        return ordinary(model, optimizer, objective)

    def read(self, data: Data, path: Path) -> np.ndarray:
        """The tiles of an image of any size, or of each in a folder."""
        from zoo.data import folder, masks

        return masks.read_tiles(folder.image_files([path]), data)[0]

    def rows(self, path: Path, outputs: np.ndarray, data: Data, loss: str, out: Path) -> list[dict[str, Any]]:
        """An image: the share of each class, and the mask, which is written as a PNG into the folder `out`.

        Raises:
            UsageError: a file of the mask's name is there already.
        """
        from zoo.data import folder, masks

        files, names = folder.image_files([path]), self.class_names(data)
        grids, rows, start = masks.read_tiles(files, data)[1], [], 0
        for file, cuts in zip(files, grids, strict=True):
            ids = joined(outputs[start : start + cuts.count].argmax(axis=-1).astype("uint8"), cuts)
            start += cuts.count
            target = out / f"{file.stem}-mask.png"
            if target.exists():
                raise UsageError(f"{target} exists already; nothing is overwritten\nname another folder with --out")
            masks.write(ids, data, target)
            shares = {name: float((ids == i).mean()) for i, name in enumerate(names)}
            said = ", ".join(f"{name} {share:.1%}" for name, share in list(shares.items())[1:])
            row = {"file": str(file), "prediction": f"{said} -> {target}"}
            rows.append(row | {"mask": str(target), "shares": shares})
        return rows

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Whole test images put together from their tiles: image, truth, answer and difference."""
        from zoo.drawing.masks import segmentations

        if not len(look.test):
            return
        yield (
            "segmentation.png",
            "Image, truth, answer, difference",
            lambda: segmentations(segmented(look), self.class_names(look.data), *_scores(look.measured)),
        )

    def shown(self, test: Examples, outputs: Any, data: Data, loss: str) -> np.ndarray:
        """The tiles of the first images."""
        import numpy as np

        return np.arange(min(len(test), IMAGES_SHOWN * grid(data).count))

    def further(
        self, model: keras.Model, data: Data, splits: Splits, part: str, measured: Mapping[str, float]
    ) -> Further:
        """Dice and IoU of an answer that needs no model: the class that is looked for, everywhere."""
        return Further(one_class_scores(splits.by_name()[part], data), [])


def one_class_scores(examples: Examples, data: Data) -> dict[str, float]:
    """The best mean Dice and IoU over the classes but the first of saying one class everywhere."""
    import numpy as np

    from zoo.data.examples import is_stored

    inner, classes = grid(data).inner, data.num_classes or 2
    counts = np.zeros(classes, "int64")
    for block in examples.y.blocks() if is_stored(examples.y) else [examples.y]:
        counts += np.bincount(middle(block, inner).ravel(), minlength=VOID + 1)[:classes]
    shares = counts[1:] / max(1, counts.sum())
    best, looked_for = float(shares.max()), classes - 1
    return {"one_class_dice": 2 * best / (1 + best) / looked_for, "one_class_iou": best / looked_for}


def segmented(look: Look) -> list[Segmented]:
    """The first test images, what is true of them and what the model says."""
    import numpy as np

    from zoo.drawing.masks import Segmented

    cuts, found = grid(look.data), []
    for first in range(0, min(len(look.test), IMAGES_SHOWN * cuts.count), cuts.count):
        rows = np.arange(first, first + cuts.count)
        tiles = look.test.x[rows]
        said = np.concatenate([outputs(look.model, tiles[i : i + AT_ONCE]) for i in range(0, len(tiles), AT_ONCE)])
        arrays = (tiles, look.test.y[rows][..., 0], said.argmax(axis=-1).astype("uint8"))
        found.append(Segmented(*(joined(array, cuts) for array in arrays)))
    return found


def _scores(measured: Mapping[str, Any]) -> tuple[str, str]:
    """What a picture is headed by: Dice and IoU, beside those of saying one class everywhere."""
    names = {"Dice": "dice", "IoU": "iou"}
    said = ", ".join(f"{title} {measured[name]:.3f}" for title, name in names.items() if name in measured)
    beside = ", ".join(
        f"{title} {measured[f'one_class_{name}']:.3f}"
        for title, name in names.items()
        if f"one_class_{name}" in measured
    )
    return f"the whole test split: {said}", f"one class everywhere: {beside}"


def _by(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))


TASKS = (Segmentation(),)
