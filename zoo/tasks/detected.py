"""How good the boxes are that a network finds: average precisions, and which mistakes it makes.

The truth of a split is float32 (n, most, 5): left, top, right, bottom in pixels and the class id of each object of an
image; rows without an object are -1. The answers of a split are a list of n arrays (found, 6): left, top, right,
bottom, class id and confidence from 0 to 1, the surest first, after non-maximum suppression. An answer with a number
that is not finite counts as a box without an area, which finds nothing and is a mistake.

References:
    Everingham et al., The PASCAL Visual Object Classes (VOC) challenge, IJCV 2010 (average precision at an IoU of 0.5)
    Lin et al., Microsoft COCO: Common objects in context, ECCV 2014 (its mean over IoUs of 0.50 to 0.95)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.errors import MissingError, pip_install

if TYPE_CHECKING:
    from zoo.drawing.detections import Detected

log = logging.getLogger(__name__)

MISTAKES = ("missed", "doubled", "wrong class", "badly placed", "background")
MOST_ANSWERS = 100  # of a class in an image, that average precisions look at
TOUCHED = 0.1  # IoU from which an answer of the right class is taken for a badly placed one


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each of the boxes (n, 4) with each of (m, 4), as float64 (n, m).

    Boxes are left, top, right, bottom; one without an area overlaps with none.
    """
    a, b = np.asarray(a, "float64").reshape(-1, 1, 4), np.asarray(b, "float64").reshape(1, -1, 4)
    shared = _area(np.concatenate([np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])], axis=-1))
    return shared / np.maximum(_area(a) + _area(b) - shared, np.finfo("float64").tiny)


def suppressed(boxes: np.ndarray, confidence: np.ndarray, classes: np.ndarray, most_overlap: float) -> np.ndarray:
    """Non-maximum suppression: which of the boxes (n, 4) stay, as indices, the surest first.

    A box goes where one of its class that stays is surer, and the IoU of the two is above `most_overlap`. Of boxes that
    are equally sure the first is taken for the surer one.
    """
    order = np.argsort(-confidence, kind="stable")
    boxes, classes = np.asarray(boxes)[order], np.asarray(classes)[order]
    covered = (iou(boxes, boxes) > most_overlap) & (classes[:, None] == classes)  # (n, n)
    stays = np.ones(len(order), bool)
    for i in range(len(order)):
        if stays[i]:
            stays[i + 1 :] &= ~covered[i, i + 1 :]
    return order[stays]


def require() -> None:
    """Look that average precisions can be computed.

    Raises:
        MissingError: faster-coco-eval is not installed.
    """
    try:
        import faster_coco_eval  # noqa: F401
    except ImportError:
        raise MissingError(
            f"average precisions need the faster-coco-eval library\ninstall it with: {pip_install('detect')}"
        ) from None


def average_precisions(truth: np.ndarray, answers: Sequence[np.ndarray], class_names: Sequence[str]) -> dict[str, Any]:
    """COCO's average precisions, by faster-coco-eval.

    Returns:
        `map`, the mean over the classes and over IoUs of 0.50, 0.55 ... 0.95, `map50`, that at 0.50 alone, and
        `by_class`, a row a class that is in the truth: name, examples, ap50, ap. Precision is read at 101 recalls, and
        the surest 100 answers of a class in an image count. Empty, with a note, where the library is not installed or
        there are no objects.
    """
    try:
        require()
    except MissingError as error:
        log.warning("note: no mAP: %s", str(error).replace("\n", "; "))
        return {}
    examples = _counts([truth[..., 4][truth[..., 4] >= 0]], len(class_names))
    if not examples.sum():
        log.warning("note: no mAP: there are no objects in these %d images", len(truth))
        return {}
    precision = _precisions(truth, answers, len(class_names))
    rows = [
        {"name": str(name), "examples": int(count), "ap50": float(one[0].mean()), "ap": float(one.mean())}
        for name, count, one in zip(class_names, examples, precision, strict=True)
        if count
    ]
    there = precision[examples > 0]
    return {"map": float(there.mean()), "map50": float(there[:, 0].mean()), "by_class": rows}


def matched(
    truth: np.ndarray,
    answers: Sequence[np.ndarray],
    class_names: Sequence[str],
    least_confidence: float,
    least_iou: float = 0.5,
) -> dict[str, Any]:
    """How good the answers are that are at least so sure.

    An answer, the surest first, finds the object of its class with which its IoU is the highest, at least `least_iou`,
    and which no other has found.

    Returns:
        `numbers`, precision, recall and F1 as means over the classes (`macro_`) and over all boxes (`micro_`),
        `by_class`, a row a class, as in `zoo.tasks.details`, and `mistakes`, their number by kind; see `mistaken`.
    """
    sorted_out = _sorted_out(truth, answers, least_confidence, least_iou)
    right = _counts([answer[hits >= 0, 4] for _, answer, hits, _ in sorted_out], len(class_names))
    said = _counts([answer[:, 4] for _, answer, _, _ in sorted_out], len(class_names))
    objects = _counts([true[:, 4] for true, _, _, _ in sorted_out], len(class_names))
    rows = [
        {"name": str(name), "examples": int(count), "precision": float(p), "recall": float(r), "f1": float(f)}
        for name, count, p, r, f in zip(class_names, objects, *_scores(right, said, objects), strict=True)
    ]
    there = [row for row, any_of_it in zip(rows, objects + said, strict=True) if any_of_it]
    whole = _scores(*(np.array([counts.sum()]) for counts in (right, said, objects)))
    numbers = {}
    for name, over_all in zip(("precision", "recall", "f1"), whole, strict=True):
        numbers[f"macro_{name}"] = float(np.mean([row[name] for row in there])) if there else 0.0
        numbers[f"micro_{name}"] = float(over_all[0])
    mistakes = {kind: len(one) for kind, one in mistaken(truth, answers, least_confidence, least_iou).items()}
    return {"numbers": numbers, "by_class": rows, "mistakes": mistakes}


def mistaken(
    truth: np.ndarray, answers: Sequence[np.ndarray], least_confidence: float, least_iou: float = 0.5
) -> dict[str, np.ndarray]:
    """The mistakes of answers that are at least so sure, by kind, see `MISTAKES`.

    Missed is an object that no answer finds. Of the answers that find none, doubled is one on an object of its class
    that is found already; wrong class is one on an object of another class, with an IoU of at least `least_iou`; badly
    placed is one whose IoU with an object of its class is below that, but at least 0.1; background is any other.

    Returns:
        Of each kind float64 (mistakes, 7): image, left, top, right, bottom, class id, confidence, the surest first.
        What is missed has a confidence of 0, and the largest comes first.
    """
    found: dict[str, list[np.ndarray]] = {kind: [np.zeros((0, 7))] for kind in MISTAKES}
    for i, (true, answer, hits, kinds) in enumerate(_sorted_out(truth, answers, least_confidence, least_iou)):
        missed = np.delete(true, hits[hits >= 0], axis=0)
        found["missed"].append(_with_image(i, np.column_stack([missed, np.zeros(len(missed))])))
        for kind in MISTAKES[1:]:
            found[kind].append(_with_image(i, answer[kinds == kind]))
    joined = {kind: np.concatenate(rows) for kind, rows in found.items()}
    first = {kind: _area(rows[:, 1:5]) if kind == "missed" else rows[:, 6] for kind, rows in joined.items()}
    return {kind: rows[np.argsort(-first[kind], kind="stable")] for kind, rows in joined.items()}


def shown(
    images: Sequence[np.ndarray] | np.ndarray,
    truth: np.ndarray,
    answers: Sequence[np.ndarray],
    least_confidence: float,
    least_iou: float = 0.5,
) -> list[Detected]:
    """Images with their objects and the answers that are at least so sure, as `zoo.drawing.detections` draws them."""
    from zoo.drawing.detections import Detected

    found = []
    for image, sorted_out in zip(images, _sorted_out(truth, answers, least_confidence, least_iou), strict=True):
        objects, answer, hits, _ = sorted_out
        missed = ~np.isin(np.arange(len(objects)), hits)
        found.append(Detected(image, objects, missed, answer, hits >= 0))
    return found


def curves(
    truth: np.ndarray, answers: Sequence[np.ndarray], class_id: int, least_iou: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision of a class, each (answers,), as less and less sure answers are let pass.

    A precision is the best that is reached at this recall or a higher one, as in COCO's average precision. Both are
    empty where the truth has no object of the class.
    """
    confidence, right, objects = [np.zeros(0)], [np.zeros(0, bool)], 0
    for true, answer in _by_image(truth, answers):
        true, answer = true[true[:, 4] == class_id], answer[answer[:, 4] == class_id][:MOST_ANSWERS]
        objects += len(true)
        confidence.append(answer[:, 5])
        right.append(_assigned(iou(answer[:, :4], true[:, :4]), least_iou) >= 0)
    if not objects:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-np.concatenate(confidence), kind="stable")
    hits = np.cumsum(np.concatenate(right)[order])
    precision = hits / np.arange(1, len(hits) + 1)
    return hits / objects, np.maximum.accumulate(precision[::-1])[::-1]


def _area(boxes: np.ndarray) -> np.ndarray:
    """Of boxes (..., 4)."""
    return np.maximum(boxes[..., 2] - boxes[..., 0], 0) * np.maximum(boxes[..., 3] - boxes[..., 1], 0)


def _by_image(truth: np.ndarray, answers: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Objects (o, 5) and answers (a, 6) of each image as float64, without the empty rows, the surest answer first."""
    found = []
    for true, answer in zip(truth, answers, strict=True):
        said = np.array(answer, "float64").reshape(-1, 6)
        said[~np.isfinite(said).all(axis=1)] = 0.0
        found.append((true[true[:, 4] >= 0].astype("float64"), said[np.argsort(-said[:, 5], kind="stable")]))
    return found


def _assigned(overlap: np.ndarray, least_iou: float) -> np.ndarray:
    """Which object each answer finds, or -1, by their IoU (answers, objects); of equal ones the last, as with COCO."""
    found, free = np.full(len(overlap), -1), np.ones(overlap.shape[1], bool)
    for i, row in enumerate(overlap if overlap.shape[1] else ()):
        best = len(row) - 1 - int(np.where(free, row, -1.0)[::-1].argmax())
        if free[best] and row[best] >= least_iou:
            found[i], free[best] = best, False
    return found


def _sorted_out(
    truth: np.ndarray, answers: Sequence[np.ndarray], least_confidence: float, least_iou: float
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Of each image: objects, answers that are sure enough, which object each finds or -1, and the kind of mistake."""
    found = []
    for true, answer in _by_image(truth, answers):
        answer = answer[answer[:, 5] >= least_confidence]
        overlap, same = iou(answer[:, :4], true[:, :4]), answer[:, 4, None] == true[None, :, 4]
        hits = _assigned(np.where(same, overlap, -1.0), least_iou)
        own = np.where(same, overlap, 0.0).max(axis=1, initial=0.0)
        other = np.where(same, 0.0, overlap).max(axis=1, initial=0.0)
        told = [hits >= 0, own >= least_iou, other >= least_iou, own >= TOUCHED]
        found.append((true, answer, hits, np.select(told, ["", *MISTAKES[1:4]], MISTAKES[4])))
    return found


def _counts(classes: Sequence[np.ndarray], number: int) -> np.ndarray:
    """Of each class how many, from the class ids image by image."""
    return np.bincount(np.concatenate([np.zeros(0), *classes]).astype("int64"), minlength=number)


def _scores(right: np.ndarray, said: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1; 0 where there is nothing to divide by."""
    return right / np.maximum(said, 1), right / np.maximum(objects, 1), 2 * right / np.maximum(said + objects, 1)


def _with_image(index: int, rows: np.ndarray) -> np.ndarray:
    return np.column_stack([np.full(len(rows), index), rows])


def _precisions(truth: np.ndarray, answers: Sequence[np.ndarray], classes: int) -> np.ndarray:
    """Precision (classes, IoUs, recalls); -1 for a class without objects."""
    from faster_coco_eval import COCO, COCOeval_faster

    images, true, said = [{"id": i} for i in range(len(truth))], [], []
    for i, (objects, found) in enumerate(_by_image(truth, answers)):
        true += [_annotation(i, row) for row in objects.tolist()]
        said += [_annotation(i, row[:5]) | {"score": row[5]} for row in found.tolist()]
    kinds = [{"id": i, "name": str(i)} for i in range(classes)]
    held = []
    for rows in (true, said):
        numbered = [row | {"id": i} for i, row in enumerate(rows, 1)]
        held.append(COCO({"images": images, "categories": kinds, "annotations": numbered}))
    judge = COCOeval_faster(*held, iouType="bbox", print_function=_say_nothing)
    judge.params.areaRng, judge.params.areaRngLbl, judge.params.maxDets = [[0, 1e10]], ["all"], [MOST_ANSWERS]
    judge.evaluate()
    judge.accumulate()
    return judge.eval["precision"][..., 0, 0].transpose(2, 0, 1)  # from (IoUs, recalls, classes, sizes, limits)


def _annotation(image: int, row: Sequence[float]) -> dict[str, Any]:
    left, top, right, bottom, kind = row
    width, height = max(right - left, 0.0), max(bottom - top, 0.0)
    box = [left, top, width, height]
    return {"image_id": image, "category_id": int(kind), "bbox": box, "area": width * height, "iscrowd": 0}


def _say_nothing(*_: Any) -> None:
    """In the place of the library's printing."""
