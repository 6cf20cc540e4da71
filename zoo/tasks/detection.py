"""Detection: where in an image objects lie, each in a box, and what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.data.fields import Field
from zoo.errors import UsageError
from zoo.files import write_bytes
from zoo.tasks.task import Look, Plan, Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from zoo.catalogue.spec import DataSpec
    from zoo.data.config import Data
    from zoo.data.examples import Examples, Splits
    from zoo.recipe.schema import Resolved
    from zoo.tasks.objective import Objective

LEAST = 0.01  # confidence from which a box counts for average precisions
SHOWN = 0.45  # and for what is shown: there F1 is best on the validation part of the blood cells
IMAGES_SHOWN = 6
MOST = 100  # boxes of an image, where a recipe does not say


class Detection(Task):
    """A network says of each cell of a grid which boxes have their middle there, how sure it is, and the classes.

    The loss of an image is a sum over its cells: `yolo` by squares as in the paper, `yolo_logistic` by likelihoods and
    overlaps; see `zoo.tasks.cells`. Average precisions are those of COCO, over whole splits.
    """

    name = "detection"
    answers_in_files = True
    kinds = ("image",)
    losses = ("yolo", "yolo_logistic")
    metrics = ("box_loss", "confidence_loss", "class_loss")
    no_script = "boxes are read and moved with their images by zoo"

    def target(self, data: Data) -> Field:
        return Field("y", "boxes", (data.boxes.most if data.boxes else MOST, 5), "float32")

    def head(self, spec: DataSpec) -> tuple[int, str]:
        return spec.num_classes or 1, "linear"

    def mistakes(self, data: Data) -> list[str]:
        found = super().mistakes(data)
        if data.num_classes is None:
            return [*found, "num_classes is missing"]
        if len(data.input_shape) != 3:
            found.append(f"input_shape is (height, width, channels), not {list(data.input_shape)}")
        return found

    def contradictions(self, recipe: Resolved) -> list[str]:
        used = [f"preprocessing.{key}" for key in ("resize", "pad") if getattr(recipe.preprocessing, key)]
        return [f"{key}: boxes would not lie around their objects any more; set data.input_shape" for key in used]

    def class_names(self, data: Data) -> tuple[str, ...]:
        return data.class_names or tuple(str(i) for i in range(data.num_classes or 1))

    def pipeline(self, kind: str) -> str:
        return "object-detection"

    def objective(self, data: Data, loss: str) -> Objective:
        from zoo.tasks.cells import CellObjective, LogisticCellObjective

        kind = LogisticCellObjective if loss == "yolo_logistic" else CellObjective
        return kind((data.input_shape[0], data.input_shape[1]), data.num_classes or 1)

    def from_outputs(self, examples: Examples, outputs: Any, data: Data, loss: str) -> dict[str, float]:
        """COCO's average precisions; empty, with a note, where the library for them is not installed."""
        from zoo.tasks import detected

        found = detected.average_precisions(examples.y, _answers(outputs, data, loss), self.class_names(data))
        return {name: found[name] for name in ("map50", "map") if name in found}

    def details(self, data: Data, loss: str, splits: Splits, part: str, outputs: Any) -> dict[str, Any]:
        """Precision, recall and F1 by class of what is shown, and how many mistakes of which kind there are."""
        from zoo.tasks import detected

        truth, answers = splits.by_name()[part].y, _answers(outputs, data, loss)
        found = detected.matched(truth, answers, self.class_names(data), SHOWN)
        counts = {kind.replace(" ", "_"): float(count) for kind, count in found["mistakes"].items()}
        return {"numbers": found["numbers"] | counts, "by_class": found["by_class"]}

    def read(self, data: Data, path: Path) -> np.ndarray:
        """An image, or each of a folder, stretched to the network's size."""
        from zoo.data import boxes, folder

        x: np.ndarray = boxes.read_images(folder.image_files([path]), data)[0]
        return x

    def rows(self, path: Path, outputs: np.ndarray, data: Data, loss: str, out: Path) -> list[dict[str, Any]]:
        """An image: its boxes in pixels of the file, and a picture with them, which is written into the folder `out`.

        Raises:
            UsageError: a file of the picture's name is there already.
        """
        from zoo.data import folder
        from zoo.drawing.detections import picture_of_boxes

        files, names, rows = folder.image_files([path]), self.class_names(data), []
        for file, found in zip(files, _answers(outputs, data, loss, SHOWN), strict=True):
            target = out / f"{file.stem}-boxes.png"
            if target.exists():
                raise UsageError(f"{target} exists already; nothing is overwritten\nname another folder with --out")
            image = _raw(file, data)
            found = found * _factors(image, data)
            write_bytes(target, picture_of_boxes(image, found, names))
            counts = Counter(names[int(label)] for label in found[:, 4])
            said = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "nothing"
            row = {"file": str(file), "prediction": f"{said} -> {target}", "picture": str(target)}
            rows.append(row | {"boxes": _table(found, names)})
        return rows

    def pictures(self, look: Look) -> Iterator[Plan]:
        """Test images with what is true and what is said, precision against recall, and the mistakes by their kind."""
        if not len(look.test) or look.outputs is None:
            return
        names, answers = self.class_names(look.data), _answers(look.outputs, look.data, look.loss)
        yield "detections.png", "What is found", lambda: _found(look, answers, names)
        yield "precision_recall.png", "Precision and recall", lambda: _precision_recall(look, answers, names)
        yield "mistakes.png", "Mistakes by their kind", lambda: _mistakes(look, answers, names)


def _found(look: Look, answers: list[np.ndarray], names: tuple[str, ...]) -> Figure:
    """Some test images with their boxes."""
    import numpy as np

    from zoo.drawing import detections
    from zoo.tasks import detected

    rows = np.arange(min(IMAGES_SHOWN, len(look.test)))
    shown = detected.shown(look.test.x[rows], look.test.y[rows], [answers[i] for i in rows], SHOWN)
    said = ", ".join(
        f"{title} {look.measured[name]:.3f}"
        for name, title in (("map50", "mAP50"), ("map", "mAP"))
        if name in look.measured
    )
    note = f"boxes with a confidence of {SHOWN} or more; dashed: what is true"
    return detections.detections(shown, names, f"the whole test split: {said}" if said else "test images", note)


def _precision_recall(look: Look, answers: list[np.ndarray], names: tuple[str, ...]) -> Figure:
    from zoo.drawing import detections
    from zoo.tasks import detected

    curves = [detected.curves(look.test.y, answers, i) for i in range(len(names))]
    rows = detected.average_precisions(look.test.y, answers, names).get("by_class", [])
    known = {row["name"]: row["ap50"] for row in rows}
    aps = [known.get(name, 0.0) for name in names]
    return detections.precision_recall(curves, names, aps, "boxes that overlap by half, on the whole test split")


def _mistakes(look: Look, answers: list[np.ndarray], names: tuple[str, ...]) -> Figure:
    """Those of the whole split, counted; shown are those on images that are there."""

    import numpy as np

    from zoo.data.kept import rows_of
    from zoo.drawing import detections
    from zoo.tasks import detected

    kept = rows_of(look.test.x)
    kinds = detected.mistaken(look.test.y, answers, SHOWN)
    counts = {kind: len(rows) for kind, rows in kinds.items()}
    there = {kind: rows[np.isin(rows[:, 0], kept)] for kind, rows in kinds.items()}
    return detections.mistakes(look.test.x, there, names, "mistakes on the whole test split", look.test.y, counts)


def _raw(file: Path, data: Data) -> np.ndarray:
    """An image as it is in its file, upright."""
    import numpy as np

    from zoo.data.folder import each, fitted, image_mode

    mode = image_mode(data.input_shape[2])
    pixels = each([file], lambda image: np.asarray(fitted(image, mode)))[0]
    return pixels.reshape(*pixels.shape[:2], -1)


def _factors(image: np.ndarray, data: Data) -> Any:
    """From pixels that the network sees to those of an image, for the numbers of an answer."""
    import numpy as np

    height, width = image.shape[:2]
    across, down = width / data.input_shape[1], height / data.input_shape[0]
    return np.array([across, down, across, down, 1, 1], "float32")


def _answers(outputs: Any, data: Data, loss: str, least: float = LEAST) -> list[np.ndarray]:
    from zoo.tasks import found

    size, classes = (data.input_shape[0], data.input_shape[1]), data.num_classes or 1
    return found.boxes_of(outputs, size, classes, loss == "yolo_logistic", least)


def _table(found: np.ndarray, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Boxes (found, 6) as rows."""
    keys = ("left", "top", "right", "bottom")
    return [
        {"class": names[int(label)], "confidence": sure, **dict(zip(keys, edges, strict=True))}
        for *edges, label, sure in found.tolist()
    ]


TASKS = (Detection(),)
