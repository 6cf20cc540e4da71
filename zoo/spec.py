"""What a dataset offers and a model needs, in plain data: no framework, decided before anything is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

KINDS = ("tabular", "image", "text", "series", "text-pair")
TASKS = ("classification", "binary", "regression")


@dataclass(frozen=True)
class DataSpec:
    """One dataset as a model sees it.

    `input_shape` is one raw example without the batch axis: `(28, 28, 1)` for MNIST, `(4,)` for iris.
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

    def head(self) -> tuple[int, str]:
        """Units and activation of the output layer: one sigmoid, `num_classes` softmax, or one linear unit."""
        if self.task == "classification":
            assert self.num_classes is not None
            return self.num_classes, "softmax"
        return 1, "sigmoid" if self.task == "binary" else "linear"
