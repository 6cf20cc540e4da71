"""Which networks of the catalogue are tried at once and which under `-m slow`."""

import pytest

LARGER = {  # the same code as another entry, with more layers or units, or another choice of one part
    "transformer.base", "transformer.baby_gpt", "transformer.bert_tiny", "transformer.bert_mini", "vgg.13", "vgg.16",
    "vgg.19", "encoder_decoder.luong", "densenet.121", "mobilenet.v2", "vit.base"
}  # fmt: skip
DEEP = (  # many layers however narrow: to build, save and compile one takes seconds
    "convnext.tiny", "densenet.40_12", "efficientnet.b0", "mobilenet.v1", "mobilenet.v2_small", "wide_resnet.16_4"
)  # fmt: skip


def tiered(names, *long):
    """Parameters of a test: each name, those that add no code of their own, and those in `long`, as slow ones."""
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in {*LARGER, *long})) for name in names]
