"""What the template of a script asks for that puts a new head on a network of keras.applications."""

from __future__ import annotations

from functools import partial
from typing import Any

from zoo.catalogue import registry
from zoo.eject.lifting import Lifted, lift_name
from zoo.eject.literal import literal
from zoo.errors import UsageError
from zoo.models.vgg_transfer import APPLICATIONS
from zoo.pretrained.bases import TRANSFER
from zoo.recipe import Resolved, offers

POOLS = {"average": "GlobalAveragePooling2D", "max": "GlobalMaxPooling2D", "flatten": "Flatten"}


def refuse_other_bases(recipe: Resolved) -> None:
    """Only a base that Keras brings goes into a script.

    Raises:
        UsageError: another one, or one with fewer blocks than are to learn.
    """
    transfer = recipe.transfer
    assert transfer is not None
    if recipe.model != TRANSFER or recipe.knobs["base"] not in APPLICATIONS:
        raise UsageError(
            f"not written as a script: {recipe.model} from {transfer.weights}, a base of the zoo\n"
            "scripts take one of keras.applications: --base VGG16; or use the run itself: zoo finetune"
        )
    if recipe.knobs["base"].startswith("EfficientNetB") and transfer.weights not in ("imagenet", "none"):
        raise UsageError(
            f"not written as a script: {recipe.knobs['base']} from a file, which Keras builds otherwise than from "
            "ImageNet's own\nput the file where Keras looks for it, and say --weights imagenet"
        )
    if not isinstance(transfer.freeze, str):
        _refuse_too_many_blocks(recipe, transfer.freeze)


def _refuse_too_many_blocks(recipe: Resolved, learning: int) -> None:
    """Build the network without memory for its weights: it says itself how many blocks it has."""
    from zoo.catalogue.inspect import skeleton
    from zoo.training.environment import prepare

    prepare()
    from zoo.training.model import build_core

    knobs = recipe.knobs | {"learning_blocks": learning}
    skeleton(partial(build_core, recipe.model_copy(update={"knobs": knobs})))


def lifted() -> Lifted:
    """The zoo's code that such a script needs."""
    network = lift_name("zoo.layers.pixels", "KerasPreprocessing")
    return lift_name("zoo.models.freezing", "freeze", network)


def transfer_facts(recipe: Resolved) -> dict[str, Any]:
    """Base, head and phases."""
    transfer, training = recipe.transfer, recipe.training
    assert transfer is not None
    spec = offers(recipe)
    knobs = registry.describe(TRANSFER).knobs | spec | recipe.knobs
    learning = 0 if transfer.freeze == "all" else None if transfer.freeze == "none" else int(transfer.freeze)
    words = {0: "nothing of it learns", None: "all of it learns", 1: "its last block learns"}
    return {
        "transfer": transfer,
        "augmentation": recipe.augmentation if recipe.augmentation.active and transfer.freeze != "all" else None,
        "both": transfer.freeze != "all" and transfer.head_epochs > 0,
        "warms": bool(training.warmup_epochs),
        "contends": _contends(recipe) if transfer.freeze != "all" else None,
        "weights": literal(None if transfer.weights == "none" else transfer.weights),
        "base": knobs["base"],
        "module": APPLICATIONS[knobs["base"]],
        "pool": POOLS[knobs["pooling"]],
        "hidden_units": knobs["hidden_units"],
        "dropout": knobs["dropout"],
        "outputs": knobs["num_classes"],
        "activation": knobs["classifier_activation"],
        "learning": learning,
        "told_learning": words.get(learning, f"its last {learning} blocks learn"),
        "head_jit": _head_jit(training.jit),
    }


def _contends(recipe: Resolved) -> dict[str, Any] | None:
    """The callback that keeps the best weights, by its place among those of the script, and what it goes by."""
    told = recipe.callbacks
    if not told.checkpoint or not told.checkpoint.monitor.startswith("val_"):
        return None
    return {"number": int(told.early_stopping is not None), "monitor": told.checkpoint.monitor}


def _head_jit(setting: str) -> bool:
    """What `zoo run` would decide here for dense layers alone."""
    import keras
    import tensorflow as tf

    from zoo.training.loop import use_jit

    head = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    head.compile()
    return use_jit(setting, head, tf.distribute.get_strategy())
