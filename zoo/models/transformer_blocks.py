"""What the transformers of this catalogue are put together from: embeddings, stacks of blocks, scores of tokens.

Vaswani et al. 2017, sections 3.1 to 3.5. A block is a chain of sublayers - attention, then two dense layers - each with
a residual path around it. Post-norm (2017) normalises behind the sum, norm(x + sublayer(x)); pre-norm (GPT-2, 2019)
in front of the sublayer, x + sublayer(norm(x)), and once more at the end of the stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from zoo.errors import UsageError, unknown

if TYPE_CHECKING:
    import keras

Positions = Literal["sinusoidal", "learned"]
Norm = Literal["pre", "post"]
Activation = Literal["relu", "gelu"]
NO_ATTENTION_DROPOUT = "dropout on embeddings and sublayers' outputs alone, none on the attention weights"
OWN_START = "weights start as Keras' layers do, not normally distributed with 0.02"


@dataclass(frozen=True)
class Stack:
    """The blocks of one network: their sizes, and the two stacks that are made of them.

    Raises:
        UsageError: model_dim is no multiple of num_heads, or an unknown choice.
    """

    num_layers: int
    model_dim: int
    num_heads: int
    feedforward_dim: int
    dropout: float
    norm: Norm
    activation: Activation
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if self.model_dim % self.num_heads:
            raise UsageError(f"model_dim is a multiple of num_heads, not {self.model_dim} for {self.num_heads} heads")
        one_of("norm", self.norm, ("pre", "post"))
        one_of("activation", self.activation, ("relu", "gelu"))

    def encoder(self, x: keras.KerasTensor, real: keras.KerasTensor | None) -> keras.KerasTensor:
        """All see all that is real: (batch, time, model_dim), (batch, time) -> (batch, time, model_dim)."""
        from zoo.layers import SelfAttention

        for i in range(1, self.num_layers + 1):
            name = f"encoder_{i}_attention"
            y = SelfAttention(self.num_heads, self.head_dim, name=name)(self._before(x, name), real)
            x = self._after(x, y, name)
            x = self._feedforward(x, f"encoder_{i}_feedforward")
        return self._finish(x, "encoder_norm")

    def decoder(
        self, x: keras.KerasTensor, memory: keras.KerasTensor | None = None, real: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        """Each sees what came before, and all that is real of a memory (batch, source time, model_dim) if there is one.

        (batch, time, model_dim) -> (batch, time, model_dim).
        """
        from zoo.layers import CausalSelfAttention, CrossAttention

        for i in range(1, self.num_layers + 1):
            name = f"decoder_{i}_attention"
            y = CausalSelfAttention(self.num_heads, self.head_dim, name=name)(self._before(x, name))
            x = self._after(x, y, name)
            if memory is not None:
                name = f"decoder_{i}_source"
                y = CrossAttention(self.num_heads, self.head_dim, name=name)(self._before(x, name), memory, real)
                x = self._after(x, y, name)
            x = self._feedforward(x, f"decoder_{i}_feedforward")
        return self._finish(x, "decoder_norm")

    @property
    def head_dim(self) -> int:
        """Size of one head's queries, keys and values."""
        return self.model_dim // self.num_heads

    def _feedforward(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        from keras import layers

        y = self._before(x, name)
        y = layers.Dense(self.feedforward_dim, activation=self.activation, name=f"{name}_inner")(y)
        y = layers.Dense(self.model_dim, name=name)(y)  # (batch, time, model_dim)
        return self._after(x, y, name)

    def _before(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return self._normalised(x, f"{name}_norm") if self.norm == "pre" else x

    def _after(self, x: keras.KerasTensor, y: keras.KerasTensor, name: str) -> keras.KerasTensor:
        from keras import layers

        y = layers.Dropout(self.dropout, name=f"{name}_dropout")(y)
        x = layers.Add(name=f"{name}_add")([x, y])
        return self._normalised(x, f"{name}_norm") if self.norm == "post" else x

    def _finish(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return self._normalised(x, name) if self.norm == "pre" else x

    def _normalised(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        from keras import layers

        return layers.LayerNormalization(epsilon=self.epsilon, name=name)(x)


def one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse an unknown choice; the nearest ones are given."""
    if value not in known:
        raise unknown(what, value, known, f"known: {', '.join(known)}")


def embedding(vocab_size: int, model_dim: int, positions: Positions, name: str, both_ways: bool = False) -> keras.Layer:
    """The layer that makes tokens vectors and, if `both_ways`, vectors scores of tokens by the same matrix.

    Beside sines its vectors have length 1, and are scaled up to the sines' (section 3.4); learnt positions are small
    at first, and so are the vectors beside them, as in BERT and GPT.
    """
    import keras
    from keras import layers

    start = keras.initializers.RandomNormal(stddev=model_dim**-0.5 if positions == "sinusoidal" else 0.02)
    if both_ways:
        return layers.ReversibleEmbedding(
            vocab_size, model_dim, embeddings_initializer=start, reverse_dtype="float32", name=name
        )
    return layers.Embedding(vocab_size, model_dim, embeddings_initializer=start, name=name)


def positioned(x: keras.KerasTensor, positions: Positions, max_length: int | None, name: str) -> keras.KerasTensor:
    """Vectors with their places added: (batch, time, model_dim), the same out.

    Raises:
        UsageError: an unknown choice, or learned positions without a max_length.
    """
    import keras
    from keras import layers

    from zoo.layers import LearnedPositions, SinusoidalPositions

    one_of("positions", positions, ("sinusoidal", "learned"))
    if positions == "learned":
        if max_length is None:
            raise UsageError("learned positions need max_length, the most tokens there can be")
        start = keras.initializers.RandomNormal(stddev=0.02)
        return LearnedPositions(max_length, start, name=f"{name}_positions")(x)
    x = layers.Rescaling(x.shape[-1] ** 0.5, name=f"{name}_scale")(x)
    return SinusoidalPositions(name=f"{name}_positions")(x)


def token_scores(x: keras.KerasTensor, vocab_size: int, embed: keras.Layer | None) -> keras.KerasTensor:
    """Probabilities of every token, by a dense layer or by the embedding's own matrix.

    (batch, time, model_dim) -> (batch, time, vocab_size).
    """
    from keras import layers

    if embed is None:
        return layers.Dense(vocab_size, activation="softmax", dtype="float32", name="output")(x)
    return layers.Softmax(dtype="float32", name="output")(embed(x, reverse=True))
