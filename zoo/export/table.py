"""What can be written in which format: architecture by format, as plain data. A test exports each and compares."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.catalogue.registry import ModelRecord
from zoo.errors import UsageError


@dataclass(frozen=True)
class Form:
    """What a written model leaves open: how many examples a call takes, and how long their sequences may be."""

    any_batch: bool = True
    any_length: bool = True

    def __str__(self) -> str:
        if self.any_length:
            return "yes" if self.any_batch else "one example a call"
        return "one length" if self.any_batch else "one example a call, one length"


ANY = Form()
ONE = Form(any_batch=False)  # LiteRT has a loop over time where it knows the batch
FIXED = Form(any_length=False)  # its products of matrices want to know both sides
CLOSED = Form(any_batch=False, any_length=False)
FORMS = (ANY, ONE, FIXED, CLOSED)  # the most open first

LOOP = "no: the loop in which the decoder looks back is not one that tf2onnx knows"

FORMATS = ("keras", "savedmodel", "onnx", "litert")
TABLE: dict[str, tuple[Form | str, ...]] = {  # names, as globs -> for each format a Form, or why not
    "perceptron*": (ANY, ANY, ANY, ANY),
    "linear": (ANY, ANY, ANY, ANY),
    "mlp": (ANY, ANY, ANY, ANY),
    "lenet*": (ANY, ANY, ANY, ANY),
    "two_towers*": (ANY, ANY, ANY, ANY),
    "vgg*": (ANY, ANY, ANY, ANY),
    "alexnet*": (ANY, ANY, ANY, ANY),
    "zfnet": (ANY, ANY, ANY, ANY),
    "nin*": (ANY, ANY, ANY, ANY),
    "googlenet*": (ANY, ANY, ANY, ANY),
    "inception*": (ANY, ANY, ANY, ANY),
    "resnet*": (ANY, ANY, ANY, ANY),
    "wide_resnet*": (ANY, ANY, ANY, ANY),
    "densenet*": (ANY, ANY, ANY, ANY),
    "mobilenet*": (ANY, ANY, ANY, ANY),
    "efficientnet*": (ANY, ANY, ANY, ANY),
    "convnext*": (ANY, ANY, ANY, ANY),
    "vit*": (ANY, ANY, ANY, ANY),
    "unet*": (ANY, ANY, ANY, ANY),
    "yolo*": (ANY, ANY, ANY, ANY),
    "autoencoder*": (ANY, ANY, ANY, ANY),
    "vae": (ANY, ANY, ANY, ANY),
    "simple_rnn": (ANY, ANY, ANY, ONE),
    "lstm": (ANY, ANY, ANY, ONE),
    "gru": (ANY, ANY, ANY, ONE),
    "encoder_decoder": (ANY, ANY, ANY, ONE),
    "encoder_decoder.luong": (ANY, ANY, ANY, ONE),
    "encoder_decoder.attention": (ANY, ANY, LOOP, CLOSED),
    "transformer": (ANY, ANY, ANY, FIXED),
    "transformer.base": (ANY, ANY, ANY, FIXED),
    "transformer.encoder": (ANY, ANY, ANY, ANY),
    "transformer.bert_*": (ANY, ANY, ANY, ANY),
    "transformer.decoder": (ANY, ANY, ANY, FIXED),
    "transformer.baby_gpt": (ANY, ANY, ANY, FIXED),
}


def row(name: str) -> tuple[Form | str, ...] | None:
    """What the table says of a model of the zoo."""
    return next((entries for pattern, entries in TABLE.items() if fnmatchcase(name, pattern)), None)


def forms(record: ModelRecord, format_name: str) -> tuple[Form, ...]:
    """Forms to try: what the table says, or for a stranger's architecture every one, the most open first.

    Raises:
        UsageError: the table says that it does not go; why, and which formats do.
    """
    entries = row(record.name) if record.origin == "zoo" else None
    if entries is None:
        return FORMS
    entry = entries[FORMATS.index(format_name)]
    if isinstance(entry, Form):
        return (entry,)
    others = [name for name, other in zip(FORMATS, entries, strict=True) if isinstance(other, Form)]
    raise UsageError(f"{record.name} does not go into {format_name}: {entry[4:]}\nit goes into {', '.join(others)}")
