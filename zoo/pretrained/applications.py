"""Which networks of the catalogue are those of keras.applications, so that ImageNet weights go in: plain data.

To add one: name Keras' network and the module whose `preprocess_input` its weights are used to, say in words what that
makes of pixels, and map the names that differ. Imports no framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CENTRED = "pixels from 0 to 1, less their mean on ImageNet and divided by their deviation"
SIGNED = "pixels from -1 to 1"
BLUE_FIRST = "blue, green and red from 0 to 255, less their mean on ImageNet"


@dataclass(frozen=True)
class Source:
    """Where the weights of one network come from, and what is different there."""

    application: str  # the network in keras.applications
    module: str  # of keras.applications, whose preprocess_input makes what the network sees
    sees: str  # the same in words
    names: Mapping[str, str] = field(default_factory=dict)  # regular expression -> what stands here instead
    axes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # end of a name -> axes of theirs, in our order
    inside: str = ""  # the layer in which Keras scales pixels, where it does that inside of the network


SOURCES = {
    "vgg.16": Source("VGG16", "vgg16", BLUE_FIRST),
    "vgg.19": Source("VGG19", "vgg19", BLUE_FIRST),
    "densenet.121": Source("DenseNet121", "densenet", CENTRED),
    "mobilenet.v1": Source(
        "MobileNet",
        "mobilenet",
        SIGNED,
        names={"^conv_preds/": "predictions/"},  # a 1x1 convolution of the averages there, a dense layer here
        axes={"predictions/kernel": (2, 3)},
    ),
    "mobilenet.v2": Source("MobileNetV2", "mobilenet_v2", SIGNED),
    "efficientnet.b0": Source("EfficientNetB0", "densenet", CENTRED, inside="normalization"),
    "convnext.tiny": Source(
        "ConvNeXtTiny",
        "densenet",
        CENTRED,
        names={
            r"^(.*/)?convnext_tiny_": "",
            r"layer_scale/variable(_\d+)?$": "layer_scale/gamma",
            "^layer_normalization/": "head_layernorm/",  # which has no name there without the top
        },
        axes={"depthwise_conv/kernel": (0, 1, 3, 2)},  # a convolution in groups of one channel there
    ),
}
