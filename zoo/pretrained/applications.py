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
    biases: bool = False  # NAME_conv has a bias there, which here goes into the mean that NAME_bn takes off
    numbered: tuple[str, ...] = ()  # our convolutions in the order of Keras' conv2d, conv2d_1 ...


def _inception_v3() -> tuple[str, ...]:
    """Its convolutions in the order in which Keras makes them; X_norm normalises X."""
    mixed = {
        **dict.fromkeys((0, 1, 2), ("1x1", "5x5_1", "5x5_2", "3x3_1", "3x3_2", "3x3_3", "pool_1x1")),
        3: ("3x3", "double_1", "double_2", "double_3"),
        **dict.fromkeys((4, 5, 6, 7), ("1x1", "7x7_1", "7x7_2", "7x7_3", *(f"double_{i}" for i in range(1, 6)),
                                       "pool_1x1")),
        8: ("3x3_1", "3x3_2", "7x7_1", "7x7_2", "7x7_3", "7x7_4"),
        **dict.fromkeys((9, 10), ("1x1", "3x3", "3x3_1x3", "3x3_3x1", "double_1", "double_2", "double_1x3",
                                  "double_3x1", "pool_1x1")),
    }  # fmt: skip
    return (
        *(f"conv{i}" for i in range(1, 6)),
        *(f"mixed{i}_{branch}" for i, found in mixed.items() for branch in found),
    )


SOURCES = {
    "vgg.16": Source("VGG16", "vgg16", BLUE_FIRST),
    "vgg.19": Source("VGG19", "vgg19", BLUE_FIRST),
    "inception.v3": Source("InceptionV3", "inception_v3", SIGNED, numbered=_inception_v3()),
    **{f"resnet.{depth}": Source(f"ResNet{depth}", "resnet", BLUE_FIRST, biases=True) for depth in (50, 101, 152)},
    **{f"resnet.v2.{depth}": Source(f"ResNet{depth}V2", "resnet_v2", SIGNED) for depth in (50, 101, 152)},
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
