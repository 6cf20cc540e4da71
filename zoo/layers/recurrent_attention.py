"""Attention beside a recurrence: Bahdanau's, which the next state depends on, and Luong's, which comes after it.

Both can give back where they looked: `attention_scores`, called with what the layer is called with, returns the
weights (batch, target time, source time), which add up to 1 over the real source positions.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="zoo")
class AdditiveAttentionGRU(layers.Layer):
    """A GRU that looks back at a memory before each step, from where it then stands (Bahdanau et al. 2014).

        a_tj = softmax over j of v tanh(W s_(t-1) + U m_j)      c_t = sum_j a_tj m_j      s_t = GRU([x_t, c_t], s_(t-1))

    x (batch, time, features), memory (batch, source time, size), real (batch, source time) and the first state
    [(batch, units)], zeros if none is given -> [s_t, c_t], (batch, time, units + size).

    As a decoder it goes step by step: `step` on what `prepare` makes of the inputs, U m being the same at all steps.
    """

    def __init__(self, units: int, attention_units: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.attention_units = attention_units or units
        self.cell = layers.GRUCell(units, dtype=self.dtype_policy, name="cell")

    def build(self, x_shape: Any, memory_shape: Any, real_shape: Any, initial_state_shape: Any = None) -> None:
        size, hidden = memory_shape[-1], self.attention_units
        self.state_kernel = self.add_weight(shape=(self.units, hidden), name="state_kernel")
        self.memory_kernel = self.add_weight(shape=(size, hidden), name="memory_kernel")
        self.score_kernel = self.add_weight(shape=(hidden, 1), name="score_kernel")
        self.cell.build((x_shape[0], x_shape[-1] + size))

    def call(self, x: Any, memory: Any, real: Any, initial_state: Any = None) -> Any:
        states, contexts, _ = self._run(x, memory, real, initial_state)
        return ops.concatenate([states, contexts], axis=-1)  # (batch, time, units + size)

    def attention_scores(self, x: Any, memory: Any, real: Any, initial_state: Any = None) -> Any:
        """Where each step looked: (batch, time, source time)."""
        return self._run(x, memory, real, initial_state)[2]

    def initial_state(self, batch: Any, length: Any = None) -> list[Any]:
        """Zeros; the state is as large for every length."""
        return self.cell.get_initial_state(batch)

    def prepare(self, x: Any, memory: Any, real: Any) -> tuple[Any, ...]:
        """The inputs of `step`: the memory also as keys (batch, source time, attention units)."""
        return x, memory, ops.matmul(memory, self.memory_kernel), real

    def step(
        self, x: Any, memory: Any, keys: Any, real: Any, *, state: list[Any], position: Any = None
    ) -> tuple[Any, list[Any]]:
        """One step: x (batch, 1, features) -> [s_t, c_t], (batch, 1, units + size), and the state [s_t]."""
        new, context, _ = self._advance(x[:, 0], state[0], memory, keys, real)
        return ops.expand_dims(ops.concatenate([new, context], axis=-1), 1), [new]

    def _run(self, x: Any, memory: Any, real: Any, initial_state: Any) -> Any:
        """States, contexts and weights of all steps, each (batch, time, ...)."""
        x, memory, keys, real = self.prepare(x, memory, real)
        (state,) = initial_state if initial_state is not None else self.initial_state(ops.shape(x)[0])

        def advance(before: Any, x: Any) -> Any:
            now = self._advance(x, before[0], memory, keys, real)
            return now, now

        nothing = ops.zeros_like(memory[:, 0]), ops.zeros_like(memory[:, :, 0])  # shaped like context and weights
        _, all_steps = ops.scan(advance, (state, *nothing), ops.transpose(x, (1, 0, 2)))  # (time, batch, ...)
        return [ops.transpose(part, (1, 0, 2)) for part in all_steps]

    def _advance(self, x: Any, state: Any, memory: Any, keys: Any, real: Any) -> tuple[Any, Any, Any]:
        """The state after a step, and the context and weights that led to it."""
        query = ops.expand_dims(ops.matmul(state, self.state_kernel), 1)  # (batch, 1, attention units)
        scores = ops.matmul(ops.tanh(query + keys), self.score_kernel)[..., 0]  # (batch, source time)
        scores = ops.where(real, ops.cast(scores, "float32"), -1e9)
        weights = ops.cast(ops.softmax(scores, axis=-1), memory.dtype)
        context = ops.matmul(ops.expand_dims(weights, 1), memory)[:, 0]  # (batch, size)
        new, _ = self.cell(ops.concatenate([x, context], axis=-1), [state])  # (batch, units)
        return new, context, weights

    def compute_output_shape(
        self, x_shape: Any, memory_shape: Any, real_shape: Any, initial_state_shape: Any = None
    ) -> tuple[int | None, ...]:
        return (*x_shape[:-1], self.units + memory_shape[-1])

    def parameter_arithmetic(self) -> str:
        """W, U and v of the attention, then the GRU that sees [x, c]."""
        size, hidden = self.memory_kernel.shape
        n, m = self.units, self.cell.kernel.shape[0]
        return f"({n} + {size} + 1)*{hidden} + 3*({n}*({n} + {m}) + 2*{n})"

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "attention_units": self.attention_units}


@keras.saving.register_keras_serializable(package="zoo")
class DotAttention(layers.Attention):
    """Keras' dot-product attention, called as ([query, memory], mask=[None, real]), that can also say where it looked.

    With a third input the memory is compared by these keys: Luong's "general" form, where they are W m.
    """

    def attention_scores(self, inputs: list[Any], mask: Any = None) -> Any:
        """How much each query looks at each position of the memory: (batch, target time, source time)."""
        return self.call(inputs, mask=mask, return_attention_scores=True)[1]
