"""From a finished run of an image classifier to pictures of why it says what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo import tasks
from zoo.errors import MissingError, UsageError, unknown
from zoo.runs.predicting import is_unlike, raw_examples

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from zoo.runs.directory import Run

MOST = 8  # images in one picture


class Explained(NamedTuple):
    """An image, what the model says of it, and which of its pixels speak for a class."""

    file: str  # empty for an array
    image: np.ndarray  # raw: (height, width, channels)
    answer: Mapping[str, Any]  # a row of `predict`
    label: str  # the class that is explained
    share: float  # its probability, or its score
    maps: Mapping[str, np.ndarray]  # (height, width) by method, of several layers `grad-cam LAYER`


def explain(
    run: Run,
    given: Any,
    *,
    label: str | None = None,
    methods: Sequence[str] | None = None,
    layers: Sequence[str] = (),
    invert: bool = False,
) -> list[Explained]:
    """Which pixels of raw images speak for a class, by the run's model.

    Args:
        given: one or several, as `predict` takes them: a `Path` of a file or a folder, or an array of raw images.
        label: name of the class; by default the one that the model says.
        methods: of `grad-cam` and `occlusion` (see `zoo.explain.maps`); by default all that go with the network.
        layers: whose maps Grad-CAM looks at; by default the last that has some.
        invert: turn light into dark first.

    Raises:
        UsageError: a run of something else, a class, method or layer that there is not, a file that cannot be read.
    """
    refuse_others(run)
    index = None if label is None else _class(run, label)
    read = [(path, 255 - x if invert else x) for path, x in raw_examples(run, given)]
    from zoo.training.environment import prepare

    prepare()
    made = []
    for path, images in read:
        made += _of_images(run, str(path or ""), images, index, methods, layers)
    return made


def refuse_others(run: Run) -> None:
    """Refuse a run whose model is no image classifier.

    Raises:
        UsageError: with what it is.
    """
    data, task = run.recipe.data, tasks.of(run.recipe.data)
    if not tasks.classifies_images(data):
        raise UsageError(
            f"{run.name} is no image classifier: {task.name} on {data.kind} data\n"
            "zoo explain is for runs that say the class of an image, such as lenet:mnist"
        )


def _class(run: Run, label: str) -> int:
    names = tasks.of(run.recipe.data).class_names(run.recipe.data)
    if label not in names:
        more = ", ..." if len(names) > 20 else ""
        raise unknown(f"class of {run.recipe.dataset}", label, names, f"it has: {', '.join(names[:20])}{more}")
    return names.index(label)


def _of_images(
    run: Run, file: str, images: Any, index: int | None, methods: Sequence[str] | None, layers: Sequence[str]
) -> list[Explained]:
    import numpy as np

    from zoo.explain.maps import maps_of, shares
    from zoo.tasks.task import outputs

    data, task = run.recipe.data, tasks.of(run.recipe.data)
    rows = task.words(outputs(run.model, images), data, str(run.recipe.training.loss))
    said, names = shares(run.model, images), task.class_names(data)
    classes = said.argmax(axis=1) if index is None else np.full(len(images), index)
    maps = maps_of(run.model, images, classes, methods, layers)
    unlike = is_unlike(run, images)
    return [
        Explained(
            file,
            images[i],
            ({"file": file} if file else {}) | {"row": i + 1, **rows[i], "unlike": unlike},
            names[classes[i]],
            float(said[i, classes[i]]),
            {name: found[i] for name, found in maps.items()},
        )
        for i in range(len(images))
    ]


def picture(run: Run, explained: Sequence[Explained]) -> Figure:
    """The first images with their maps, a column an image."""
    from zoo.drawing.explained import Shown
    from zoo.drawing.explained import explained as drawn
    from zoo.drawing.style import captions

    shown = [
        Shown(one.image, one.maps, captions([f"{Path(one.file).name or f'image {i + 1}'}"], 1, 22)[0], _says(one))
        for i, one in enumerate(explained[:MOST])
    ]
    left = f"the first {MOST} of {len(explained)} images; " if len(explained) > MOST else ""
    note = f"{left}red speaks for the class named above the image"
    if any("occlusion" in one.maps for one in explained):
        note += ", blue against it;\nocclusion: how much of its probability is lost where pixels are covered"
    return drawn(shown, f"where {run.recipe.model} looks, trained on {captions([run.recipe.dataset], 1)[0]}", note)


def pictures_of(run: Run, name: str, kinds: Sequence[str] = ()) -> list[str]:
    """The kinds of pictures that there are of a layer with maps, or of those that were asked for.

    `filters` are its weights, of a convolution; `patches` the parts of the test images that excite each channel most.

    Raises:
        UsageError: no such layer, or filters of one that has none.
    """
    from zoo.catalogue.inspect import is_convolution
    from zoo.explain.layers import named

    layer = named(run.model, name)
    if "filters" in kinds and not is_convolution(layer):
        raise UsageError(f"layer {name!r} of {run.recipe.model} has no filters: it is no convolution")
    return list(kinds) or [*(["filters"] if is_convolution(layer) else []), "patches"]


def layer_picture(run: Run, name: str, kind: str) -> Figure:
    """One of `pictures_of` a layer.

    Raises:
        UsageError: no such layer, or no test images. MissingError: they are not here.
    """
    from zoo.drawing.inside import filters, kernel_of
    from zoo.explain.layers import named

    layer = named(run.model, name)
    return filters(kernel_of(layer), f"filters of {layer.name}") if kind == "filters" else _patches(run, layer)


def _patches(run: Run, layer: Any) -> Figure:
    from zoo.drawing.explained import patches
    from zoo.explain.layers import sights
    from zoo.explain.patches import cut_out, looked_at, most_exciting

    images = _test_images(run)
    count = looked_at(len(images), images[0].size)
    found, seen = most_exciting(run.model, layer, images[:count]), sights(run.model, layer)
    of = f"{count:,} test images" if count == len(images) else f"the first {count:,} of {len(images):,} test images"
    field = f"{seen[0].field:.0f}x{seen[1].field:.0f} pixels" if seen else "all pixels"
    note = f"each unit sees {field}; the strongest first, with what the channel gives there"
    return patches(cut_out(found, images, seen), found.values, f"what excites {layer.name} most in {of}", note)


def _test_images(run: Run) -> Any:
    from zoo.data import sources
    from zoo.runs.scoring import load_splits

    data = run.recipe.data
    if sources.is_own(data) and not sources.status(data).ready:
        raise MissingError(
            f"the data of {run.name} is not here: {data.source.partition(':')[2]}\n"
            f"look at images of your own: zoo explain {run.name} IMAGE.png --method maps"
        )
    test = load_splits(run, data, run.recipe.dataset).test
    if not len(test):
        raise UsageError(f"{run.recipe.dataset} has no test split, whose images could excite a layer")
    return test.x


def feature_maps(run: Run, image: np.ndarray, name: str) -> Figure:
    """What a layer makes of one raw image; by default, an empty name, the first convolution.

    Raises:
        UsageError: no such layer, or no convolution.
    """
    from zoo.drawing.inside import feature_maps, first_convolution
    from zoo.explain.layers import named

    first = None if name else first_convolution(run.model)
    return feature_maps(run.model, image, first or named(run.model, name))


def _says(one: Explained) -> str:
    from zoo.drawing.style import captions

    share = f"{100 * one.share:.1f} %" if "probabilities" in one.answer else f"score {one.share:+.3g}"
    return f"{captions([one.label], 1, 14)[0]}: {share}"
