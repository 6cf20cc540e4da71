"""Transfer learning: a trained convolutional base that stays as it is, and a new head on top.

Donahue et al. 2014, DeCAF: a deep convolutional activation feature for generic visual recognition, ICML.
Yosinski, Clune, Bengio and Lipson 2014, How transferable are features in deep neural networks?, NIPS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from zoo.catalogue import registry
from zoo.catalogue.registry import register
from zoo.errors import UsageError, unknown
from zoo.models.freezing import freeze

if TYPE_CHECKING:
    import keras

APPLICATIONS = {  # every network of keras.applications -> the module with its preprocess_input
    "VGG16": "vgg16",
    "VGG19": "vgg19",
    **{f"ResNet{depth}": "resnet" for depth in (50, 101, 152)},
    **{f"ResNet{depth}V2": "resnet_v2" for depth in (50, 101, 152)},
    "InceptionV3": "inception_v3",
    "InceptionResNetV2": "inception_resnet_v2",
    "Xception": "xception",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    **{f"MobileNetV3{size}": "mobilenet_v3" for size in ("Small", "Large")},
    **{f"DenseNet{depth}": "densenet" for depth in (121, 169, 201)},
    **{f"NASNet{size}": "nasnet" for size in ("Mobile", "Large")},
    **{f"EfficientNetB{size}": "efficientnet" for size in range(8)},
    **{f"EfficientNetV2{size}": "efficientnet_v2" for size in ("B0", "B1", "B2", "B3", "S", "M", "L")},
    **{f"ConvNeXt{size}": "convnext" for size in ("Tiny", "Small", "Base", "Large", "XLarge")},
}


@register(
    "vgg_transfer",
    family="vgg",
    year=2014,
    paper="Yosinski, Clune, Bengio and Lipson 2014, How transferable are features in deep neural networks?",
    idea="What a network learnt from many images, edges, then textures, serves for others: only the head is new.",
    inputs=("image",),
    tasks=("classification", "binary", "multilabel"),
    params=14_848_586,
    deviations=(
        "a head of one dense layer on averaged maps (paper: the upper layers of an AlexNet trained again)",
        "VGG-16 as the base by default (paper: AlexNet); the builder alone gives it new weights, zoo run trained ones",
    ),
    trial={"base": "vgg.small", "input_shape": (32, 32, 3)},
)
def vgg_transfer(
    input_shape: tuple[int, ...] = (224, 224, 3),
    num_classes: int = 10,
    classifier_activation: str = "softmax",
    base: str = "VGG16",
    base_knobs: dict[str, Any] | None = None,
    pooling: Literal["average", "max", "flatten"] = "average",
    hidden_units: tuple[int, ...] = (256,),
    dropout: float = 0.5,
    learning_blocks: int = 0,
    name: str = "vgg_transfer",
) -> keras.Model:
    """A frozen base and a new head: 14,714,688 + 131,328 + 2,570 parameters with VGG-16, 256 units and ten classes.

    224x224x3 -> base: 7x7x512 -> averaged: 512 -> 256 -> 10.

    Args:
        input_shape: (height, width, channels). Bases of keras.applications take raw pixels, 0 to 255: their own
            preprocessing is part of the network. One channel is given to them three times; with other numbers of
            channels the preprocessing is the mean of that for red, green and blue.
        base: a network of keras.applications, or a convolutional one of the catalogue, of which everything in front of
            the flattening, or of an output that is a map itself, is taken; one of these takes what its own recipe gives
            it, usually pixels divided by 255.
        base_knobs: of a base of the catalogue.
        pooling: what makes a vector of the base's maps.
        hidden_units: of the head's dense layers, none to many; `dropout` follows each.
        learning_blocks: so many of the base's last blocks learn (see `zoo.models.freezing`), batch normalisation never.

    Raises:
        UsageError: no such base, one without maps, or one that has fewer blocks.
        ValueError: images too small for the base.
    """
    import keras
    from keras import layers

    from zoo.layers import KerasPreprocessing

    pools = {"average": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D, "flatten": layers.Flatten}
    if pooling not in pools:
        raise unknown("pooling", pooling, pools, f"known: {', '.join(pools)}")
    inputs = keras.Input(input_shape, name="input")  # (batch, 224, 224, 3)
    x = inputs
    if base in APPLICATIONS:
        x = KerasPreprocessing(APPLICATIONS[base], name="preprocess")(x)  # (batch, 224, 224, 3)
    network = make_base(base, tuple(x.shape[1:]), base_knobs or {})
    freeze(network.layers, learning_blocks)
    x = network(x, training=False)  # (batch, 7, 7, 512); its batch normalisation keeps to the moments it knows
    x = pools[pooling](name="pool")(x)  # (batch, 512)
    for i, units in enumerate(hidden_units, start=1):
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal", name=f"head_{i}")(x)
        x = layers.Dropout(dropout, name=f"head_dropout_{i}")(x)  # (batch, 256)
    start = keras.initializers.RandomNormal(stddev=0.01)
    head = layers.Dense(
        num_classes, activation=classifier_activation, kernel_initializer=start, dtype="float32", name="output"
    )
    outputs = head(x)  # (batch, num_classes)
    return keras.Model(inputs, outputs, name=name)


def make_base(base: str, input_shape: tuple[int, ...], knobs: Mapping[str, Any]) -> keras.Model:
    """The convolutional part of a network, with new weights: (batch, *input_shape) -> (batch, height, width, maps)."""
    import keras

    if base in APPLICATIONS:
        pixels = keras.Input(input_shape, name="pixels")
        make = getattr(keras.applications, base)
        return make(weights=None, include_top=False, input_shape=input_shape, input_tensor=pixels)
    if base not in registry.list_models(inputs="image"):
        known = [*APPLICATIONS, *registry.list_models(inputs="image")]
        raise unknown("base", base, known, "a base is a network of keras.applications or a convolutional one of zoo ls")
    if base == "vgg_transfer" or "input_shape" not in registry.describe(base).knobs:
        why = "is itself put on a base" if base == "vgg_transfer" else "takes several inputs"
        raise UsageError(f"{base} {why}, so it is none\ntry lenet or vgg.small")
    whole = registry.build(base, input_shape=input_shape, **knobs)
    said = [tensor._keras_history.operation for tensor in whole.outputs]
    inside = [layer for layer in whole.layers[1:] if layer not in said]
    shapes = {layer.name: layer.output.shape for layer in inside if isinstance(layer.output, keras.KerasTensor)}
    maps = [layer for layer in inside if len(shapes.get(layer.name, ())) == 4]
    if any(layer.weights and len(shapes.get(layer.name, ())) == 3 for layer in inside):
        raise UsageError(f"{base} makes a sequence of its maps, so they alone are no base\ntry lenet or vgg.small")
    if not maps or not any(layer.weights for layer in maps):
        raise UsageError(f"{base} has no maps in front of what it says: nothing can be a base\ntry lenet or vgg.small")
    return keras.Model(whole.input, maps[-1].output, name=whole.name)
