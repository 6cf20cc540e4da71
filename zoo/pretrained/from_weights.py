"""Build a network that starts with weights that were trained: all of them, or all but the output layer's."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalogue import registry
from zoo.errors import UsageError
from zoo.pretrained.assign import head, put
from zoo.pretrained.names import weight_names
from zoo.pretrained.published import core_weights, load

if TYPE_CHECKING:
    import keras

    from zoo.recipe import Resolved
    from zoo.runs.directory import Run

log = logging.getLogger("zoo")


def build(model: str, /, *, weights: str | Path | None = None, name: str | None = None, **knobs: Any) -> keras.Model:
    """Build `model` with its default knobs, or with the given ones: an uncompiled `keras.Model`.

    Args:
        model: a name of the catalogue.
        weights: None for new ones; a dataset for which the zoo has weights (`"mnist"`); a run directory or a folder
            that `zoo publish` wrote; `"imagenet"` for vgg.16 and vgg.19. The network then has the knobs with which they
            were trained. Another number of channels adapts the first convolution (see `put`), another number of
            classes gets a new output layer. What the input must look like: `zoo weights show NAME`.
        name: what the network is called; two builds in one functional model need different names.
        knobs: arguments of the model's builder.

    Raises:
        UsageError: no such model, knob or weights, a knob's value is of no use, or the weights do not fit.
        MissingError: ImageNet weights that are neither there nor to be had.
    """
    if weights is None:
        return registry.build(model, name=name, **knobs)
    if str(weights) == "imagenet":
        from zoo.pretrained import imagenet

        given, own, source = imagenet.of_model(model, knobs), {"num_classes": 1000}, "imagenet"
    else:
        run = weights_of(model, weights)
        given, own, source = core_weights(run), trained_knobs(run.recipe), str(weights)
    network = registry.build(model, name=name, **own | knobs)
    new = head(network) if own.get("num_classes") != knobs.get("num_classes", own.get("num_classes")) else ()
    if knobs.get("include_top") is False:
        given = {path: given[path] for path in weight_names(network) if path in given}
    for note in put(network, given, source, new):
        log.warning("note: %s", note)
    return network


def weights_of(name: str, weights: str | Path) -> Run:
    """The run behind `weights`, a dataset or a path, after a look that it is one of model `name`.

    Raises:
        UsageError: no such weights, or those of another model.
    """
    path = Path(weights)
    run = load(weights if path.exists() or path.parent != Path() or ":" in str(weights) else f"{name}:{weights}")
    if run.recipe.model != name:
        raise UsageError(f"{weights} holds weights of {run.recipe.model}, not of {name}")
    return run


def trained_knobs(recipe: Resolved) -> dict[str, Any]:
    """Every knob of the network that a recipe trains: what the data decides, and what the recipe sets."""
    from zoo.recipe import offers

    record = registry.describe(recipe.model)
    offered = {key: value for key, value in offers(recipe).items() if key in record.knobs}
    return record.knobs | offered | recipe.knobs
