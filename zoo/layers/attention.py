"""Multi-head attention in its three uses (Vaswani et al. 2017, section 3.2.3), each also one step at a time.

All three are Keras' MultiHeadAttention with its weights: only what may be looked at differs, and padding is an explicit
tensor `real`, (batch, time) of booleans. Where nothing real can be looked at the output is finite, and means nothing.

In decoding a target grows by one token a step. `step` then does for one position what `call` does for all, from keys
and values that are kept: `CausalSelfAttention` writes those of the new position beside the earlier ones (its state),
`CrossAttention` computes those of the source once (`prepare`). Kept keys and values are (batch, heads, time, size).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


class _Attention(layers.MultiHeadAttention):
    """What the three uses share: the shape of x stays unless `output_shape` is given, a mask is broadcast over queries.

    Where no `real` is given, the mask that Keras attached to the tensor (`Embedding(mask_zero=True)`) is taken.
    """

    def compute_output_shape(self, x_shape: Any, *_: Any) -> tuple[int | None, ...]:
        return (*x_shape[:-1], *(self._output_shape or x_shape[-1:]))

    def compute_output_spec(self, x: Any, *_: Any, **__: Any) -> Any:
        return keras.KerasTensor(self.compute_output_shape(x.shape), self.compute_dtype)

    def attend(self, x: Any, kept: list[Any], visible: Any) -> Any:
        """One query a row, x (batch, 1, dim), over kept keys and values; `visible` broadcasts to the scores."""
        keys, values = kept
        scores = ops.matmul(for_one(self.query_dense, x), ops.swapaxes(keys, 2, 3))  # (batch, heads, 1, time)
        scores = ops.cast(scores, "float32") * self.key_dim**-0.5
        weights = ops.cast(ops.softmax(ops.where(visible, scores, -1e9), axis=-1), values.dtype)
        context = ops.matmul(weights, values)  # (batch, heads, 1, size)
        kernel = self.output_dense.kernel
        flat = ops.reshape(context, (-1, kernel.shape[0] * kernel.shape[1]))
        output = flat_product(self.output_dense, flat, kernel.shape[0] * kernel.shape[1])
        return ops.reshape(output, (-1, 1, *kernel.shape[2:]))  # (batch, 1, dim)


def by_head(x: Any) -> Any:
    """(batch, time, heads, size) -> (batch, heads, time, size), the order in which one query is answered fastest."""
    return ops.transpose(x, (0, 2, 1, 3))


def for_one(dense: Any, x: Any) -> Any:
    """A projection into heads for one position: x (batch, 1, dim) -> (batch, heads, 1, size).

    The same as `by_head(dense(x))`, by a product of two matrices: setting up an einsum takes longer than that.
    """
    dim, heads, size = dense.kernel.shape
    return ops.reshape(flat_product(dense, ops.squeeze(x, 1), dim), (-1, heads, 1, size))


def flat_product(dense: Any, x: Any, fan_in: int) -> Any:
    """x (batch, fan_in) times a projection's kernel, of whatever shape, plus its bias: (batch, fan_out)."""
    product = ops.matmul(x, ops.cast(ops.reshape(dense.kernel, (fan_in, -1)), x.dtype))
    return product if dense.bias is None else product + ops.cast(ops.reshape(dense.bias, (-1,)), x.dtype)


def _over_queries(real: Any) -> Any:
    return None if real is None else ops.expand_dims(real, 1)  # (batch, 1, time)


@keras.saving.register_keras_serializable(package="zoo")
class SelfAttention(_Attention):
    """Every position looks at every real one: x (batch, time, dim), real (batch, time) -> (batch, time, dim)."""

    def build(self, x_shape: Any, real_shape: Any = None) -> None:
        super().build(x_shape, x_shape)

    def call(self, x: Any, real: Any = None, training: bool | None = None, mask: Any = None) -> Any:
        seen = mask if real is None else real
        return super().call(x, x, attention_mask=_over_queries(seen), training=training)


@keras.saving.register_keras_serializable(package="zoo")
class CausalSelfAttention(_Attention):
    """Every position looks at itself and at what came before: (batch, time, dim) -> (batch, time, dim).

    It needs no mask of padding: that comes last, so no real position sees it.
    """

    def build(self, x_shape: Any) -> None:
        super().build(x_shape, x_shape)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return super().call(x, x, use_causal_mask=True, training=training)

    def initial_state(self, batch: Any, length: Any) -> list[Any]:
        """Room for the keys and values of `length` positions."""
        return [
            ops.zeros((batch, self.num_heads, length, size), self.compute_dtype)
            for size in (self.key_dim, self.value_dim)
        ]

    def step(self, x: Any, *, state: list[Any], position: Any) -> tuple[Any, list[Any]]:
        """The output at `position`, (batch, 1, dim) -> (batch, 1, dim), and the state with its key and value."""
        keys, values = (
            ops.slice_update(kept, (0, 0, position, 0), for_one(dense, x))
            for kept, dense in zip(state, (self.key_dense, self.value_dense), strict=True)
        )
        seen = ops.arange(ops.shape(keys)[2]) <= position  # (length,)
        return self.attend(x, [keys, values], seen), [keys, values]


@keras.saving.register_keras_serializable(package="zoo")
class CrossAttention(_Attention):
    """Every target position looks at every real one of the source.

    x (batch, target time, dim), memory (batch, source time, dim), real (batch, source time) -> shape of x.
    """

    def build(self, x_shape: Any, memory_shape: Any, real_shape: Any = None) -> None:
        super().build(x_shape, memory_shape)

    def call(self, x: Any, memory: Any, real: Any = None, training: bool | None = None, memory_mask: Any = None) -> Any:
        seen = memory_mask if real is None else real
        return super().call(x, memory, attention_mask=_over_queries(seen), training=training)

    def attention_scores(self, x: Any, memory: Any, real: Any = None, memory_mask: Any = None) -> Any:
        """How much each target position looks at each source position: (batch, heads, target time, source time)."""
        mask = _over_queries(memory_mask if real is None else real)
        return super().call(x, memory, attention_mask=mask, training=False, return_attention_scores=True)[1]

    def prepare(self, x: Any, memory: Any, real: Any = None, memory_mask: Any = None) -> tuple[Any, ...]:
        """The inputs for `step`, where the memory is its keys and values."""
        real = memory_mask if real is None else real
        visible = True if real is None else real[:, None, None, :]  # (batch, 1, 1, source time)
        return x, [by_head(self.key_dense(memory)), by_head(self.value_dense(memory))], visible

    def step(self, x: Any, kept: list[Any], visible: Any, *, state: list[Any], position: Any) -> tuple[Any, list[Any]]:
        """The output for one position of the target, (batch, 1, dim) -> (batch, 1, dim); nothing changes."""
        return self.attend(x, kept, visible), state
