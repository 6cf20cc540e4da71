"""Build a network that starts with weights that were trained: all of them, or all but the output layer's."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalogue import registry
from zoo.errors import UsageError
from zoo.pretrained.applications import SOURCES
from zoo.pretrained.assign import head, put
from zoo.pretrained.names import weight_names
from zoo.pretrained.published import constants, core_weights, load

if TYPE_CHECKING:
    import keras

    from zoo.recipe import Resolved
    from zoo.runs.directory import Run

log = logging.getLogger("zoo")
IMAGENET = "imagenet"


def build(
    model: str,
    /,
    *,
    weights: str | Path | None = None,
    preprocessing: bool = False,
    include_top: bool = True,
    name: str | None = None,
    **knobs: Any,
) -> keras.Model:
    """Build `model` with its default knobs, or with the given ones: an uncompiled `keras.Model`.

    It takes what the network itself sees: `zoo.build("lenet", weights="mnist")` images of 32x32 with pixels in
    [0, 1]. With `preprocessing` it takes raw examples, as `zoo.load("lenet:mnist").model` does: 28x28, 0 to 255.

    Args:
        model: a name of the catalogue.
        weights: None for new ones; a dataset for which the zoo has weights (`"mnist"`); a run directory or a folder
            that `zoo publish` wrote; `"imagenet"` for the networks that keras.applications has as well (see
            `zoo.pretrained.applications`). The network then has the knobs with which they were trained. Another number
            of channels adapts the first convolution (see `put`), another number of classes gets a new output layer.
            What the input must look like: `zoo weights show NAME`, for ImageNet weights `zoo show NAME`.
        preprocessing: with the steps in front that the weights were trained behind; for ImageNet's they make what the
            network is to see of red, green and blue from 0 to 255.
        include_top: False, or `num_classes=None`, leaves the output layer away: the outputs are the features that it
            would see. Of `vgg` all dense layers go, as in Keras; of an autoencoder its decoder, so that codes remain.
        name: what the network is called; two builds in one functional model need different names.
        knobs: arguments of the model's builder.

    Raises:
        UsageError: no such model, knob or weights, a knob's value is of no use, or the weights do not fit; a network
            without an output layer of its own, or preprocessing that nobody knows.
        MissingError: ImageNet weights that are neither there nor to be had.
    """
    if preprocessing and "input_shape" in knobs and str(weights) != IMAGENET:
        raise UsageError(
            "preprocessing=True makes the shape that the weights were trained with: leave input_shape away"
        )
    own_top = "include_top" in registry.describe(model).knobs
    if knobs.get("num_classes", 0) is None:
        include_top = bool(knobs.pop("num_classes"))
    if not include_top and own_top:
        knobs["include_top"] = False
    network = _trained(model, weights, name, knobs) if weights else registry.build(model, name=name, **knobs)
    cut = not include_top and not own_top
    if cut:
        from zoo.training.model import features

        network = features(network)
    return _behind_preprocessing(network, model, weights, knobs, include_top) if preprocessing else network


def _trained(model: str, weights: str | Path, name: str | None, knobs: dict[str, Any]) -> keras.Model:
    from zoo.training.auxiliary import without

    if str(weights) == IMAGENET:
        from zoo.pretrained import imagenet

        given, own, source = imagenet.of_model(model, knobs), {"num_classes": 1000}, IMAGENET
    else:
        run = weights_of(model, weights)
        given, own, source = core_weights(run), trained_knobs(run.recipe), str(weights)
    network = without(registry.build(model, name=name, **own | knobs), registry.describe(model).auxiliary)
    new = head(network) if own.get("num_classes") != knobs.get("num_classes", own.get("num_classes")) else ()
    if knobs.get("include_top") is False:
        given = {path: given[path] for path in weight_names(network) if path in given}
    for note in put(network, given, source, new):
        log.warning("note: %s", note)
    return network


def _behind_preprocessing(
    network: keras.Model, model: str, weights: str | Path | None, knobs: dict[str, Any], include_top: bool
) -> keras.Model:
    if weights is None:
        raise UsageError(
            "preprocessing=True needs the weights of a run or of the zoo, whose recipe says what it is\n"
            f"such as: zoo.build({model!r}, weights='runs/NAME', preprocessing=True)"
        )
    if str(weights) == IMAGENET:
        return _on_raw_pixels(network, SOURCES[model].module)
    from zoo.training.model import assemble

    run = weights_of(model, weights)
    return assemble(run.recipe, network, constants(run), in_units=include_top)


def _on_raw_pixels(network: keras.Model, module: str) -> keras.Model:
    """The network behind the preprocessing of a module of Keras: raw pixels, (batch, height, width, 3) of 0 to 255."""
    import keras

    from zoo.layers import KerasPreprocessing

    shape = network.input.shape[1:]
    if shape[-1] != 3:
        raise UsageError(
            f"preprocessing=True with ImageNet weights makes red, green and blue ready, not {shape[-1]} channels"
        )
    inputs = keras.Input(shape, name="pixels")
    outputs = network(KerasPreprocessing(module, name="preprocess")(inputs))
    return keras.Model(inputs, outputs, name=f"{network.name}_on_pixels")


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
