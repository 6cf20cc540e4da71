"""Which networks of the catalogue are tried at once and which under `-m slow`."""

import pytest

LARGER = {  # the same code as another entry, with more layers or units, or another choice of one part
    "transformer.base", "transformer.baby_gpt", "transformer.bert_tiny", "transformer.bert_mini", "vgg.13", "vgg.16",
    "vgg.19", "encoder_decoder.luong", "densenet.121", "mobilenet.v2", "vit.base", "alexnet", "alexnet.2012", "nin",
    "resnet.18", "resnet.34", "resnet.101", "resnet.152", "resnet.32", "resnet.44", "resnet.56", "resnet.110",
    "resnet.plain.32", "resnet.plain.34", "resnet.plain.44", "resnet.plain.56", "resnet.plain.110", "resnet.v2.56",
    "resnet.v2.101", "resnet.v2.110", "resnet.v2.152", "yolo.v1"
}  # fmt: skip
DEEP = (  # many layers however narrow: to build, save and compile one takes seconds
    "convnext.tiny", "densenet.40_12", "efficientnet.b0", "mobilenet.v1", "mobilenet.v2_small", "wide_resnet.16_4",
    "googlenet", "googlenet.auxiliary",
    "googlenet.small", "inception.v3", "inception.small", "resnet.50", "resnet.v2.50", "resnet.v2.20",
    "resnet.plain.20", "resnet.fast", "zfnet", "yolo.small"
)  # fmt: skip

KINDS = {  # one for each kind of layer, input and output, small ones: a new network is listed if it adds a kind
    "linear", "perceptron", "perceptron.1958", "perceptron.hinge", "mlp", "lenet", "lenet.1998", "vgg.small", "lstm",
    "autoencoder.conv", "vae", "two_towers.numbers"
}  # fmt: skip


def tiered(names, *long):
    """Parameters of a test: each name, those that add no code of their own, and those in `long`, as slow ones."""
    return _with_slow(names, {*LARGER, *long})


def representatives(names, *also):
    """Parameters of a test that builds or trains each network: all that are not in KINDS or `also` as slow ones."""
    return _with_slow(names, set(names) - KINDS - set(also))


def _with_slow(names, slow):
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in slow)) for name in names]
