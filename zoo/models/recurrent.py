"""Recurrent nets: the same weights at every step, a state that goes from step to step.

    simple_rnn   Elman 1990                       h = tanh(W x + U h + b)
    lstm         Hochreiter and Schmidhuber 1997  a cell state that gates write to, keep and read
    gru          Cho et al. 2014                  two gates, no cell state of its own

One function at the foot of the file puts all three together; a builder says which layer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from zoo.catalogue.registry import register
from zoo.errors import UsageError

if TYPE_CHECKING:
    import keras

KERAS_BOTH_WAYS = {
    "IMDB validation, two LSTMs of 64 units both ways (Keras example bidirectional_lstm_imdb, 10 epochs)": "87.78 %",
    "parameters of that net: units=(64, 64), bidirectional=True": "2,757,761",
}


@register(
    "simple_rnn",
    family="recurrent",
    year=1990,
    paper="Elman 1990, Finding structure in time, Cognitive Science 14(2)",
    idea="The hidden units see the input and their own last values: a memory of what came before, made of one layer.",
    inputs=("text", "series"),
    tasks=("classification", "binary", "multilabel", "regression", "language-model"),
    params=2_572_417,
    deviations=(
        "tanh instead of the logistic function",
        "gradients through all steps; Elman copied the last values into context units and went back one step only",
        "recurrent weights start orthogonal, words are embedded vectors instead of one-hot codes",
    ),
)
def simple_rnn(
    input_shape: tuple[int | None, ...] = (None,),
    num_classes: int = 1,
    classifier_activation: str = "sigmoid",
    vocab_size: int | None = 20_000,
    embedding_dim: int = 128,
    units: tuple[int, ...] = (64,),
    bidirectional: bool = False,
    dropout: float = 0.0,
    return_sequences: bool = False,
    activation: Literal["tanh", "sigmoid", "relu"] = "tanh",
    recurrent_initializer: Literal["orthogonal", "identity", "glorot_uniform"] = "orthogonal",
    kernel_initializer: str = "glorot_uniform",
    name: str = "simple_rnn",
) -> keras.Model:
    """(batch, time) ids or (batch, time, columns) -> (batch, time, units) -> (batch, num_classes).

    n units that see m inputs have n (n + m) + n parameters. The default build is the one for reviews of films.

    Args:
        input_shape: (None,) for token ids, (window, columns) for a series.
        vocab_size: tokens, that of padding (0) included; None for a series of numbers.
        embedding_dim: size of a token's vector; a series has none.
        units: sizes of the recurrent layers, one above the other.
        bidirectional: each layer reads both ways, and the halves are joined (Schuster and Paliwal 1997).
        dropout: share dropped in training of what enters and leaves the recurrent layers, raw numbers excepted; never
            of what goes from step to step (Zaremba et al. 2014).
        return_sequences: an output at every step, (batch, time, num_classes), instead of one at the last real step.
        activation: of the units.
        recurrent_initializer: with "identity" and relu it is the net of Le et al. 2015.
        kernel_initializer: of the weights on what a layer sees and of the output layer, by its Keras name.

    Raises:
        UsageError: no units, an input shape that is not the data's, or a language model that would see the future.

    Source: Elman 1990.
    """
    from keras import layers

    def layer(size: int, name: str) -> layers.SimpleRNN:
        return layers.SimpleRNN(
            size, activation, kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
            return_sequences=True, name=name,
        )  # fmt: skip

    return _recurrent(
        "simple_rnn", layer, input_shape, num_classes, classifier_activation, vocab_size, embedding_dim, units,
        bidirectional, dropout, return_sequences, kernel_initializer, name,
    )  # fmt: skip


@register(
    "lstm",
    family="recurrent",
    year=1997,
    paper="Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9(8); forget gate: Gers et al. "
    "2000, Learning to forget",
    idea="A cell state that is added to, not squashed, keeps gradients alive over long times; gates write, keep, read.",
    inputs=("text", "series"),
    tasks=("classification", "binary", "multilabel", "regression", "language-model"),
    params=2_609_473,
    published=KERAS_BOTH_WAYS,
    deviations=(
        "one cell a block; the forget gate of Gers et al. 2000, its bias starting at 1 (Jozefowicz et al. 2015)",
        "gradients through all steps and gates; the paper cut them off outside of the cell state",
    ),
)
def lstm(
    input_shape: tuple[int | None, ...] = (None,),
    num_classes: int = 1,
    classifier_activation: str = "sigmoid",
    vocab_size: int | None = 20_000,
    embedding_dim: int = 128,
    units: tuple[int, ...] = (64,),
    bidirectional: bool = False,
    dropout: float = 0.0,
    return_sequences: bool = False,
    kernel_initializer: str = "glorot_uniform",
    name: str = "lstm",
) -> keras.Model:
    """(batch, time) ids or (batch, time, columns) -> (batch, time, units) -> (batch, num_classes).

    n units that see m inputs have 4 (n (n + m) + n) parameters: input, forget and output gate, and what is written:
    c = f c + i tanh(W x + U h + b), h = o tanh(c). The knobs are those of `simple_rnn`.

    Raises:
        UsageError: no units, an input shape that is not the data's, or a language model that would see the future.

    Source: Hochreiter and Schmidhuber 1997, Gers et al. 2000; what differs stands in the record.
    """
    from keras import layers

    def layer(size: int, name: str) -> layers.LSTM:
        return layers.LSTM(size, kernel_initializer=kernel_initializer, return_sequences=True, name=name)

    return _recurrent(
        "lstm", layer, input_shape, num_classes, classifier_activation, vocab_size, embedding_dim, units,
        bidirectional, dropout, return_sequences, kernel_initializer, name,
    )  # fmt: skip


@register(
    "gru",
    family="recurrent",
    year=2014,
    paper="Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, EMNLP",
    idea="The LSTM's gain with two gates: one mixes old state and new, the other hides part of the old.",
    inputs=("text", "series"),
    tasks=("classification", "binary", "multilabel", "regression", "language-model"),
    params=2_597_313,
    published={
        "BLEU on WMT'14 English-French, phrase-based system alone": "33.30",
        "BLEU with its phrases scored by the recurrent net": "33.87",
    },
    deviations=(
        "the reset gate acts after the recurrent weights, with a bias of their own, as GPUs do it; "
        "reset_after=False gives the paper's form",
    ),
)
def gru(
    input_shape: tuple[int | None, ...] = (None,),
    num_classes: int = 1,
    classifier_activation: str = "sigmoid",
    vocab_size: int | None = 20_000,
    embedding_dim: int = 128,
    units: tuple[int, ...] = (64,),
    bidirectional: bool = False,
    dropout: float = 0.0,
    return_sequences: bool = False,
    reset_after: bool = True,
    kernel_initializer: str = "glorot_uniform",
    name: str = "gru",
) -> keras.Model:
    """(batch, time) ids or (batch, time, columns) -> (batch, time, units) -> (batch, num_classes).

    n units that see m inputs have 3 (n (n + m) + 2 n) parameters, in the paper's form 3 (n (n + m) + n):
    h = z h + (1 - z) tanh(W x + r (U h + b') + b). The other knobs are those of `simple_rnn`.

    Args:
        reset_after: False for the paper's tanh(W x + U (r h) + b), which GPUs do not speed up.

    Raises:
        UsageError: no units, an input shape that is not the data's, or a language model that would see the future.

    Source: Cho et al. 2014.
    """
    from keras import layers

    def layer(size: int, name: str) -> layers.GRU:
        return layers.GRU(
            size, kernel_initializer=kernel_initializer, reset_after=reset_after, return_sequences=True, name=name
        )

    return _recurrent(
        "gru", layer, input_shape, num_classes, classifier_activation, vocab_size, embedding_dim, units,
        bidirectional, dropout, return_sequences, kernel_initializer, name,
    )  # fmt: skip


def _recurrent(
    kind: str,
    layer: Callable[[int, str], Any],
    input_shape: tuple[int | None, ...],
    num_classes: int,
    classifier_activation: str,
    vocab_size: int | None,
    embedding_dim: int,
    units: tuple[int, ...],
    bidirectional: bool,
    dropout: float,
    return_sequences: bool,
    kernel_initializer: str,
    model_name: str,
) -> keras.Model:
    """Embedding, recurrent layers one above the other, the last real step, output."""
    import keras
    from keras import layers

    from zoo.layers import LastStep, PaddingMask, Reverse

    _refuse(kind, input_shape, num_classes, vocab_size, units, bidirectional and return_sequences)

    def dropped(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        return layers.Dropout(dropout, name=name)(x) if dropout else x

    x = inputs = keras.Input(input_shape, dtype="int32" if vocab_size else "float32", name="input")
    real = None
    if vocab_size:
        real = PaddingMask(keep_first=True, name="real")(inputs)  # (batch, time)
        x = layers.Embedding(vocab_size, embedding_dim, name="embedding")(inputs)  # (batch, time, embedding_dim)
        x = dropped(x, "dropout_embedding")
    ends = ("_forward", "_backward") if bidirectional else ("",)
    for i, size in enumerate(units, start=1):
        name, make = f"{kind}_{i}", partial(layer, size)
        ways = both_ways(x, real, make, name) if bidirectional else [make(name)(x)]  # of (batch, time, size)
        if i == len(units) and not return_sequences:  # where each way has read everything
            ways = [LastStep(name=f"last_step{end}")(way, real) for way, end in zip(ways, ends, strict=True)]
        elif bidirectional:
            ways[1] = Reverse(name=f"{name}_output_reversed")(ways[1], real)
        x = layers.Concatenate(name=f"{name}_joined")(ways) if bidirectional else ways[0]  # (..., size or 2 size)
        x = dropped(x, f"dropout_{i}")
    outputs = layers.Dense(
        num_classes, classifier_activation, kernel_initializer=kernel_initializer, dtype="float32", name="output"
    )(x)
    return keras.Model(inputs, outputs, name=model_name)


def both_ways(
    x: keras.KerasTensor, real: keras.KerasTensor | None, layer: Callable[[str], Any], name: str
) -> list[keras.KerasTensor]:
    """What a recurrent layer makes of (batch, time, features) and of each row's real part read backwards.

    Both are (batch, time, size). The second is in the order in which it was read: its last real step has seen all.
    """
    from zoo.layers import Reverse

    backwards = Reverse(name=f"{name}_input_reversed")(x, real)
    return [layer(f"{name}_forward")(x), layer(f"{name}_backward")(backwards)]


def _refuse(
    kind: str,
    input_shape: tuple[int | None, ...],
    num_classes: int,
    vocab_size: int | None,
    units: tuple[int, ...],
    sees_future: bool,
) -> None:
    if not units:
        raise UsageError(f"{kind} has at least one recurrent layer: units is empty")
    if len(input_shape) != (1 if vocab_size else 2):
        wanted = "(None,) for token ids" if vocab_size else "(window, columns) for a series, or vocab_size for tokens"
        raise UsageError(f"{kind} takes the input shape {wanted}, not {input_shape}")
    if sees_future and num_classes == vocab_size:
        raise UsageError(
            f"{kind}: a language model cannot read both ways, it would see the tokens that it is to predict\n"
            "leave bidirectional out"
        )
