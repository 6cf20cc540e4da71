"""Where a classifier of images looks: some test images that it got right, and mistakes that it was sure of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from zoo import tasks
from zoo.data.kept import rows_of
from zoo.drawing.explained import Shown, explained
from zoo.drawing.outcome import most_confident_mistakes, sureness
from zoo.drawing.style import captions
from zoo.explain.layers import with_maps
from zoo.explain.maps import METHODS, maps_of, occlusion_passes, shares
from zoo.tasks.classification import class_scores

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure

    from zoo.tasks.task import Look

EACH = 4  # images that are right, and mistakes
LONGEST = 20.0  # seconds that occlusion may take


def applies(look: Look) -> bool:
    """Whether one class is said of one image."""
    task = tasks.of(look.data)
    one_class = tasks.classifies_images(look.data) and not task.has_several_labels
    return one_class and look.outputs is not None and len(look.test) > 0


def class_maps(look: Look) -> Figure:
    """Some right answers, of different classes where there are, and the surest mistakes, with maps over them."""
    truth, images = np.ravel(look.test.y), look.test.x
    said = class_scores(look.outputs, look.loss)
    kept = rows_of(images)
    chosen = _chosen(truth, said, kept)
    x, columns = np.asarray(images[chosen]), said[chosen].argmax(axis=1)
    methods = list(METHODS) if with_maps(look.model) else ["occlusion"]
    takes = _seconds(look.model, x)
    note = "red speaks for the answer"
    if takes > LONGEST and len(methods) > 1:
        methods.remove("occlusion")
        note += f"; occlusion would take {takes:,.0f} s: zoo explain RUN IMAGE"
    elif "occlusion" in methods:
        note += ", blue against it;\nocclusion: how much of its probability is lost where pixels are covered"
    maps = maps_of(look.model, x, columns, methods)
    names = captions(look.data.class_names, said.shape[1], longest=9)
    shown = [
        Shown(
            image,
            {name: found[i] for name, found in maps.items()},
            _title(names, truth[row], column),
            sureness(said, row),
        )
        for i, (image, row, column) in enumerate(zip(x, chosen, columns, strict=True))
    ]
    wrong = int((truth[chosen] != columns).sum())
    found = {"right answers": len(chosen) - wrong, "of the surest mistakes": wrong}
    told = " and ".join(f"{count} {what}" for what, count in found.items() if count)
    return explained(shown, f"where it looks: {told}", note)


def _seconds(model: keras.Model, x: np.ndarray) -> float:
    """About how long occlusion takes for these images: many go through the network at once, which is quicker."""
    shares(model, x)  # the first answer takes longer than any other
    taken = LONGEST
    for times in (1, 4):
        began = time.perf_counter()
        shares(model, np.repeat(x, times, axis=0))
        taken = (time.perf_counter() - began) / times * occlusion_passes(x.shape[1:3])
        if taken <= LONGEST:
            break
    return taken


def _chosen(truth: np.ndarray, said: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Numbers of the test images: first right ones, a class at most once as long as there are others, then mistakes."""
    right = kept[said[kept].argmax(axis=1) == truth[kept]]
    _, first = np.unique(truth[right], return_index=True)
    others = np.setdiff1d(np.arange(len(right)), first)
    order = np.concatenate([np.sort(first), others]).astype(int)[:EACH]
    sure = [row for row in most_confident_mistakes(truth, said, EACH).tolist() if row in set(kept.tolist())]
    return np.array([*right[order], *sure], int)


def _title(names: list[str], true: int, said: int) -> str:
    return names[said] if true == said else f"{names[int(true)]} → {names[said]}"
