"""What a dataset offers and a model needs, in plain data: no framework, decided before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

KINDS = ("tabular", "image", "text", "series", "text-pair", "mixed")


@dataclass(frozen=True)
class DataSpec:
    """One dataset as a model sees it.

    `input_shape` is one raw example without the batch axis: `(28, 28, 1)` for MNIST, `(4,)` for iris.
    Text is token ids: `input_shape` is the most tokens an example has, `(200,)`; a series' is `(window, columns)`.
    `splits` maps split names (`train`, `validation`, `test`) to their numbers of examples.
    """

    name: str
    kind: str
    task: str
    input_shape: tuple[int, ...]
    input_dtype: str = "float32"
    num_classes: int | None = None
    class_names: tuple[str, ...] = ()
    feature_names: tuple[str, ...] = ()
    splits: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    vocab_size: int | None = None  # tokens of the (source) text, those for padding, unknown, start and end included
    target_vocab_size: int | None = None  # of the target text of pairs
    target_length: int | None = None  # most tokens of a target, its end included
    horizon: int = 1  # steps of a series that are forecast at once
    inputs: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))  # shapes of several
    input_kinds: tuple[str, ...] = ()  # of several inputs the kinds that are among them
    targets: Mapping[str, DataSpec] = field(default_factory=lambda: MappingProxyType({}))  # of several, each alone
