"""What a dataset offers and a model needs, in plain data: no framework, decided before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

KINDS = ("tabular", "image", "text", "series", "text-pair")
TASKS = ("classification", "binary", "regression", "language-model", "seq2seq")
TOKEN_TASKS = ("language-model", "seq2seq")  # the output is a distribution over a vocabulary at each position


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

    def head(self) -> tuple[int, str]:
        """Units and activation of the output layer: one sigmoid, a softmax over classes or tokens, or linear units."""
        if self.task == "binary":
            return 1, "sigmoid"
        if self.task == "regression":
            return self.horizon, "linear"
        units = {
            "classification": self.num_classes,
            "language-model": self.vocab_size,
            "seq2seq": self.target_vocab_size,
        }[self.task]
        assert units is not None
        return units, "softmax"

    def offers(self) -> dict[str, Any]:
        """What the data decides of a builder's knobs; a builder takes those that it has.

        Token ids come in any length (they are padded batch by batch), so their `input_shape` is `(None,)`.
        """
        tokens = self.vocab_size is not None
        units, activation = self.head()
        return {
            "input_shape": (None,) if tokens else self.input_shape,
            "num_classes": units,
            "classifier_activation": activation,
            "vocab_size": self.vocab_size,
            "target_vocab_size": self.target_vocab_size,
            "max_length": max(self.input_shape[0], self.target_length or 0) if tokens else None,
            "return_sequences": self.task == "language-model",
        }
