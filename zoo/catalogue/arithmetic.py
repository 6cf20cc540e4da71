"""Where a layer's parameters come from, as arithmetic a reader can check: `(5*5*1 + 1)*6`, `(400 + 1)*120`."""

from __future__ import annotations

from math import prod
from typing import Any


def parameter_arithmetic(layer: Any) -> str:
    """How many weights a built layer has and why, trained or not; empty for a layer without any.

    A custom layer may say it itself through a method `parameter_arithmetic()`; any other unknown layer is the sum
    over the shapes of its weights.
    """
    if hasattr(layer, "parameter_arithmetic"):
        return str(layer.parameter_arithmetic()).split(" = ")[0]
    if not layer.weights:
        return ""
    for kind, explain in RULES.items():
        if any(base.__name__ == kind for base in type(layer).__mro__):
            return explain(layer)
    return by_weights(layer)


def by_weights(layer: Any) -> str:
    """`400*120 + 120`: one product a weight."""
    return " + ".join("*".join(map(str, weight.shape)) or "1" for weight in layer.weights)


def _plus_one(layer: Any) -> str:
    return " + 1" if layer.use_bias else ""


def _dense(layer: Any) -> str:
    fan_in, units = layer.kernel.shape
    return f"({fan_in} + 1)*{units}" if layer.use_bias else f"{fan_in}*{units}"


def _convolution(layer: Any) -> str:
    """Each filter has a window over its group's input channels, and a bias."""
    window = "*".join(map(str, layer.kernel.shape[:-1]))
    return f"({window} + 1)*{layer.filters}" if layer.use_bias else f"{window}*{layer.filters}"


def _transposed(layer: Any) -> str:
    """The kernel is stored as (window, filters, input channels)."""
    *window, filters, channels = layer.kernel.shape
    text = "*".join(map(str, [*window, channels]))
    return f"{text}*{filters} + {filters}" if layer.use_bias else f"{text}*{filters}"


def _depthwise(layer: Any) -> str:
    """One window a channel, and a bias a channel."""
    *window, channels, multiplier = layer.kernel.shape
    text = "*".join(map(str, window))
    return f"({text}{_plus_one(layer)})*{channels * multiplier}"


def _separable(layer: Any) -> str:
    """A window a channel, then a 1x1 convolution that mixes the channels."""
    *window, channels, multiplier = layer.depthwise_kernel.shape
    text = "*".join(map(str, [*window, channels * multiplier]))
    return f"{text} + ({channels * multiplier}{_plus_one(layer)})*{layer.filters}"


def _recurrent(gates: int, layer: Any) -> str:
    """For each gate a unit sees its input (m), all units' last outputs (n) and a bias: gates*(n*(n + m) + n)."""
    m, n = layer.cell.kernel.shape[0], layer.units
    biases = prod(layer.cell.bias.shape) // (gates * n) if layer.cell.use_bias else 0
    bias = "" if not biases else f" + {n}" if biases == 1 else f" + {biases}*{n}"
    return f"{gates}*({n}*({n} + {m}){bias})" if gates > 1 else f"{n}*({n} + {m}){bias}"


def _bidirectional(layer: Any) -> str:
    return f"2*({parameter_arithmetic(layer.forward_layer)})"


def _attention(layer: Any) -> str:
    """Queries, keys and values are made for all heads by one dense layer each; a fourth puts the heads together."""
    kernels = [dense.kernel.shape for dense in (layer.query_dense, layer.key_dense, layer.value_dense)]
    output = layer.output_dense.kernel.shape  # (heads, size, units)
    sizes = [*((shape[0], prod(shape[1:])) for shape in kernels), (prod(output[:2]), prod(output[2:]))]
    parts = [f"({fan_in}{_plus_one(layer)})*{units}" for fan_in, units in sizes]
    return f"4*{parts[0]}" if len(set(parts)) == 1 else " + ".join(parts)


def _normalisation(layer: Any) -> str:
    """Scale and shift are trained; the moving mean and variance are kept beside them."""
    channels = prod(layer.weights[0].shape)
    return f"{len(layer.weights)}*{channels}"


RULES: dict[str, Any] = {
    "Dense": _dense,
    "BaseConvTranspose": _transposed,
    "BaseDepthwiseConv": _depthwise,
    "BaseSeparableConv": _separable,
    "BaseConv": _convolution,
    "LSTM": lambda layer: _recurrent(4, layer),
    "GRU": lambda layer: _recurrent(3, layer),
    "SimpleRNN": lambda layer: _recurrent(1, layer),
    "Bidirectional": _bidirectional,
    "MultiHeadAttention": _attention,
    "TimeDistributed": lambda layer: parameter_arithmetic(layer.layer),
    "BatchNormalization": _normalisation,
    "LayerNormalization": _normalisation,
}
