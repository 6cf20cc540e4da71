"""From a network's outputs by cells to boxes: what is sure enough, and of several on one object the surest.

NumPy alone, so that it stands beside a network that was exported as well. What the numbers mean: `zoo.tasks.cells`.
"""

from __future__ import annotations

import numpy as np

from zoo.tasks.detected import suppressed

MOST_OVERLAP = 0.5  # IoU up to which two answers of a class may stand
MOST_BOXES = 300  # of an image, the surest, that are compared with each other


def boxes_of(
    outputs: np.ndarray, size: tuple[int, int], classes: int, logistic: bool, least: float
) -> list[np.ndarray]:
    """The boxes of each image, from the network's outputs (n, rows, columns, 5 * boxes + classes).

    A box is as sure of a class as its confidence times the cell's share of the class.

    Args:
        size: height and width of the images, in whose pixels boxes are given.
        classes: how many there are.
        logistic: whether numbers are logits (`yolo_logistic`), or what they mean (`yolo`).
        least: confidence from which a box counts.

    Returns:
        For each image float32 (found, 6): left, top, right, bottom, class id and confidence, the surest first.
    """
    boxes, confidence, shares = _meanings(outputs.astype("float32"), classes, logistic)
    edges = _edges(boxes, size)  # (n, rows, columns, boxes, 4)
    scores = confidence[..., None] * shares[..., None, :]  # (n, rows, columns, boxes, classes)
    n = len(outputs)
    return [
        _of_image(edge.reshape(-1, 4), score.reshape(-1, classes), least)
        for edge, score in zip(edges.reshape(n, -1, 4), scores.reshape(n, -1, classes), strict=True)
    ]


def _meanings(outputs: np.ndarray, classes: int, logistic: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes by cells (..., boxes, 4), confidences from 0 to 1 (..., boxes) and shares of the classes (..., classes)."""
    count = (outputs.shape[-1] - classes) // 5
    numbers = outputs[..., : 5 * count].reshape(*outputs.shape[:3], count, 5)
    boxes, confidence, shares = numbers[..., :4], numbers[..., 4], outputs[..., 5 * count :]
    if not logistic:
        return boxes, np.clip(confidence, 0, 1), np.clip(shares, 0, 1)
    inside = _sigmoid(boxes)
    boxes = np.concatenate([2 * inside[..., :2] - 0.5, inside[..., 2:]], axis=-1)
    powers = np.exp(shares - shares.max(axis=-1, keepdims=True))
    return boxes, _sigmoid(confidence), powers / powers.sum(axis=-1, keepdims=True)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def _edges(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Left, top, right and bottom in pixels, inside of the image."""
    (height, width), (rows, columns) = size, boxes.shape[1:3]
    y, x = np.mgrid[:rows, :columns].astype("float32")
    middle = (boxes[..., :2] + np.stack([x, y], axis=-1)[:, :, None, :]) * np.float32([width / columns, height / rows])
    half = np.square(boxes[..., 2:]) * np.float32([width, height]) / 2
    limits = np.float32([width, height, width, height])
    return np.clip(np.concatenate([middle - half, middle + half], axis=-1), 0, limits)


def _of_image(edges: np.ndarray, scores: np.ndarray, least: float) -> np.ndarray:
    """The boxes that stay, of edges (boxes, 4) and scores (boxes, classes)."""
    which, label = np.nonzero(scores >= least)
    sure = scores[which, label]
    order = np.argsort(-sure, kind="stable")[:MOST_BOXES]
    which, label, sure = which[order], label[order], sure[order]
    kept = suppressed(edges[which], sure, label, MOST_OVERLAP)
    return np.column_stack([edges[which[kept]], label[kept], sure[kept]]).astype("float32").reshape(-1, 6)
