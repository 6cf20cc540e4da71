"""Names of weights that are the same in every build of a network, in whatever process."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def weight_names(model: keras.Model, as_made: bool = False) -> list[str]:
    """One name for each of `model.weights`: `C1/kernel`.

    Keras numbers layers that were given no name by what else the process has built (`conv2d_94`); here they are
    numbered within the model, in the order of its layers, or `as_made`: in the order in which they were made.
    """
    fixed = _fixed_names(model, as_made)
    return ["/".join(fixed.get(part, part) for part in weight.path.split("/")) for weight in model.weights]


def _fixed_names(model: keras.Model, as_made: bool) -> dict[str, str]:
    """What layers numbered by Keras are called here."""
    seen: Counter[str] = Counter()
    numbered = []
    for layer in _layers(model):
        kind = _snake(type(layer).__name__)
        if matched := re.fullmatch(rf"{re.escape(kind)}(?:_(\d+))?", layer.name):
            numbered.append((int(matched[1] or 0), kind, layer.name))
    fixed = {}
    for _, kind, name in sorted(numbered) if as_made else numbered:
        fixed[name] = f"{kind}_{seen[kind]}" if seen[kind] else kind
        seen[kind] += 1
    return fixed


def _layers(model: Any) -> list[Any]:
    """All layers in order, those inside of nested models too."""
    found = []
    for layer in model.layers:
        found += [layer, *(_layers(layer) if hasattr(layer, "layers") else [])]
    return found


def _snake(name: str) -> str:
    """`BatchNormalization` -> `batch_normalization`, as Keras makes names."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
