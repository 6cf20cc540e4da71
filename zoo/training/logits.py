"""What goes into a network's last activation, noted while the network computes: a loss of it is exact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

Forward = Callable[[Any], tuple[Any, Any]]  # x -> (outputs, logits)


def with_logits(model: keras.Model, activations: str | Mapping[str, str]) -> Forward | None:
    """A function that gives a network's outputs and its logits; None where its last layer is no such activation.

    `activations` names that of the output, or of some outputs by name, whose logits come by the same names.

    The outputs are computed as ever, from these very logits; of a sigmoid to rounding, since TensorFlow, where nobody
    asks for the logits, computes it in one with the product before it.
    """
    by_name = activations if isinstance(activations, Mapping) else {"": activations}
    layers = {name: _last_layer(model, name) for name in by_name}
    if any(_activation(layer) != by_name[name] for name, layer in layers.items()):
        return None
    if len({id(layer) for layer in layers.values()}) < len(layers):  # one that is called for several outputs
        return None

    def forward(x: Any) -> tuple[Any, Any]:
        with ExitStack() as stack:
            noted = {name: stack.enter_context(_noting(layer)) for name, layer in layers.items()}
            outputs = model(x, training=False)
        logits = {name: found[-1] for name, found in noted.items()}
        return outputs, logits if isinstance(activations, Mapping) else logits[""]

    return forward


def _last_layer(model: keras.Model, name: str = "") -> keras.layers.Layer | None:
    """The layer whose output is that of the network, or its output of this name, inside nested ones too.

    None where there is no such output, or where the network has no graph.
    """
    layer: Any = model
    while isinstance(layer, keras.Model):
        if not hasattr(layer, "operations"):
            return None
        found = layer.get_config().get("output_layers")
        if name and isinstance(found, dict):
            found = found.get(name)
        if not isinstance(found, list) or not isinstance(found[0], str):
            return None
        layer = layer.get_layer(found[0])
    return layer


def _activation(layer: keras.layers.Layer | None) -> str:
    if isinstance(layer, keras.layers.Softmax):
        return "softmax" if layer.axis == -1 else ""
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


@contextmanager
def _noting(layer: keras.layers.Layer) -> Iterator[list[Any]]:
    """While it lasts, a list takes what goes into the layer's activation; the layer computes what it always does."""
    method = "call" if isinstance(layer, keras.layers.Softmax) else "activation"
    before, noted = getattr(layer, method), list[Any]()

    def note(logits: Any, mask: Any = None) -> Any:
        noted.append(logits)
        return before(logits) if mask is None else before(logits, mask)

    object.__setattr__(layer, method, note)
    try:
        yield noted
    finally:
        if method == "call":
            object.__delattr__(layer, method)
        else:
            object.__setattr__(layer, method, before)
