"""Which precision `precision = "auto"` means: by the layers of the network and by what this machine computes fast.

Measured on processors with AMX: convolutions and attention take 1.4 to 1.7 times less time in bfloat16, a network as
small as LeNet-5 as much as in float32, an LSTM 1.9 times more, and depthwise ones (MobileNetV2) 1.4 to 1.6 times more
(`scripts/bench --only precision`).
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zoo.recipe import Resolved

if TYPE_CHECKING:
    import keras

AUTO = "auto"
SMALL = 2_000_000  # multiplications for an example, below which half precision gains nothing; LeNet-5 has 416,000
CPUINFO = Path("/proc/cpuinfo")


class Choice(NamedTuple):
    """A precision, and why it is this one."""

    precision: str
    reason: str

    def __str__(self) -> str:
        return f"precision: {self.precision} ({self.reason})"


def settled(recipe: Resolved) -> tuple[Resolved, Choice | None]:
    """The recipe with the precision that its run really uses; the choice, where the recipe left it to this machine."""
    if recipe.training.precision != AUTO:
        return recipe, None
    found = choose(recipe)
    training = recipe.training.model_copy(update={"precision": found.precision})
    return recipe.model_copy(update={"training": training}), found


def choose(recipe: Resolved) -> Choice:
    """What the network gains most by on the devices that TensorFlow sees here.

    It is built without its weights, which takes well under a second for most.
    """
    from zoo.catalogue.inspect import skeleton
    from zoo.training.model import build_core

    capability = capability_here()
    reason = why_not(skeleton(partial(build_core, recipe)), recipe.data.input_shape, capability is not None)
    return Choice("float32", reason) if reason else of_machine(capability, flags_here())


def why_not(model: keras.Model, input_shape: tuple[int, ...], on_gpu: bool = False) -> str:
    """Why half precision gains nothing in this network; "": it does."""
    import keras

    from zoo.training.distribution.replicas import layers_of

    layers = keras.layers
    if any(isinstance(layer, layers.RNN) or hasattr(layer, "cell") for layer in layers_of(model, layers.Layer)):
        return "a recurrent network, which bfloat16 makes slower"
    kinds = (layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.DepthwiseConv2D, layers.SeparableConv2D,
             layers.Conv1DTranspose, layers.Conv2DTranspose)  # fmt: skip
    convolutions = [layer for kind in kinds for layer in layers_of(model, kind)]
    if not on_gpu and layers_of(model, layers.DepthwiseConv2D):
        return "depthwise convolutions, which bfloat16 makes slower on a processor"
    attentions = layers_of(model, layers.MultiHeadAttention)
    if not convolutions and not attentions:
        return "neither convolutions nor attention, which alone gain by half precision"
    work = sum(model.count_params() * _places(layer, input_shape[:1]) for layer in attentions[:1])
    work += sum(layer.count_params() * _places(layer, input_shape[:-1]) for layer in convolutions)
    if work < SMALL:
        return f"a small network, about {work:,} multiplications an example: half precision gains nothing"
    return ""


def _places(layer: keras.layers.Layer, otherwise: tuple[int, ...]) -> int:
    """At how many places of an example a layer is computed; those of the input where it does not say."""
    try:
        sides = layer.output.shape[1:-1]
    except (AttributeError, ValueError):  # a layer inside another
        sides = (None,)
    return math.prod(otherwise if None in sides else sides)


def of_machine(capability: tuple[int, int] | None, flags: frozenset[str]) -> Choice:
    """The fastest precision by a GPU's compute capability or, without a GPU, by the processor's flags."""
    if capability is not None:
        known = f"a GPU of compute capability {capability[0]}.{capability[1]}"
        if capability >= (8, 0):
            return Choice("mixed_bfloat16", f"{known}, which computes in bfloat16")
        if capability >= (7, 0):
            return Choice("mixed_float16", f"{known}, which computes in float16 and not in bfloat16")
        return Choice("float32", f"{known}: half precision needs 7.0")
    if "amx_bf16" in flags:
        return Choice("mixed_bfloat16", "a processor with AMX for bfloat16")
    if "avx512_bf16" in flags:
        return Choice("float32", "a processor with avx512_bf16 but without AMX, where a gain was not measured")
    return Choice("float32", "a processor without units for bfloat16")


def capability_here() -> tuple[int, int] | None:
    """The least compute capability of the GPUs that TensorFlow sees; (0, 0) of one that has none; None: no GPU."""
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return min((tuple(found.get("compute_capability") or (0, 0)) for found in details), default=None)


def flags_here() -> frozenset[str]:
    """What the processor can do, by Linux' names; nothing where the system does not tell."""
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), ()))
