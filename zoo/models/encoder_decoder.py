"""Sequence to sequence: one recurrent net reads the source, another writes the target.

    encoder_decoder            Sutskever et al. 2014, Cho et al. 2014   one vector carries the whole source over
    encoder_decoder.attention  Bahdanau et al. 2014                     each step first looks back at the source
    encoder_decoder.luong      Luong et al. 2015                        the look back comes after the step

All take {"source": ids (batch, source time), "target": ids (batch, target time)} and give (batch, target time,
target_vocab_size): at each position the distribution of the next token. In training the target is the true one, shifted
by a start token (teacher forcing). Padding is on the right, with 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from zoo.catalogue.registry import register
from zoo.errors import UsageError, unknown
from zoo.models.recurrent import both_ways

if TYPE_CHECKING:
    import keras

SMALL = {"vocab_size": 40, "target_vocab_size": 40, "embedding_dim": 32, "units": 32}


@register(
    "encoder_decoder",
    family="encoder_decoder",
    year=2014,
    paper="Sutskever, Vinyals and Le 2014, Sequence to sequence learning with neural networks, NeurIPS; Cho et al. "
    "2014, Learning phrase representations using RNN encoder-decoder, EMNLP",
    idea="One LSTM reads the source into its state, another starts from that state and writes the target.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=7_202_624,
    trial=SMALL,
    published={
        "BLEU on WMT'14 English-French, one net, source reversed, beam of 12": "30.59",
        "the same, source forwards": "26.17",
        "BLEU, five nets, source reversed, beam of 12": "34.81",
        "parameters (4 layers of 1,000 units, vocabularies 160,000 and 80,000)": "384M, of them 64M recurrent",
    },
    deviations=("one layer of 256 units by default, where the paper has four of 1,000",),
)
def encoder_decoder(
    vocab_size: int = 8_000,
    target_vocab_size: int = 8_000,
    embedding_dim: int = 256,
    units: int = 256,
    num_layers: int = 1,
    dropout: float = 0.0,
    reverse_source: bool = True,
    cell: Literal["lstm", "gru"] = "lstm",
    name: str = "encoder_decoder",
) -> keras.Model:
    """Source ids -> state of each layer at the last real step -> first state of the decoder's layers -> tokens.

    Args:
        vocab_size, target_vocab_size: tokens of each side, padding (0) included.
        embedding_dim: size of a token's vector, on both sides.
        units: of every recurrent layer.
        num_layers: recurrent layers one above the other, on each side.
        dropout: share dropped in training between the layers, not from step to step (Zaremba et al. 2014).
        reverse_source: read each source backwards, so that its first words are near the target's first.
        cell: "lstm" as in Sutskever et al., "gru" as in Cho et al. (whose decoder also sees the source's vector at
            every step; here it only starts from it).

    Raises:
        UsageError: an unknown cell, or no layers.

    Source: Sutskever et al. 2014.
    """
    source, target = _inputs()
    _, states, _ = _encode(source, vocab_size, embedding_dim, units, num_layers, dropout, reverse_source, cell)
    x = _decode(target, states, target_vocab_size, embedding_dim, units, dropout, cell)  # (batch, target time, units)
    return _model(name, source, target, x, target_vocab_size)


@register(
    "encoder_decoder.attention",
    family="encoder_decoder",
    year=2014,
    paper="Bahdanau, Cho and Bengio 2014, Neural machine translation by jointly learning to align and translate, ICLR",
    idea="Before each word the decoder looks back at all of the source, weighted by where it then stands.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=8_254_272,
    trial=SMALL,
    published={
        "BLEU on WMT'14 English-French, RNNsearch-50 (beside 17.82 without attention)": "26.75",
        "BLEU on its sentences without unknown words (beside 26.71 without attention)": "34.16",
    },
    deviations=(
        "the word is read off tanh(W [s_i, c_i, y_(i-1)]) where the paper has a maxout layer on s_(i-1), c_i, y_(i-1)",
        "the GRUs' reset gate acts after the recurrent weights, as GPUs do it",
        "256 units and word vectors of 256 by default (paper: 1,000 and 620)",
    ),
    no_xla="the loop in which the decoder looks back has no length that XLA knows",
)
def encoder_decoder_attention(
    vocab_size: int = 8_000,
    target_vocab_size: int = 8_000,
    embedding_dim: int = 256,
    units: int = 256,
    dropout: float = 0.0,
    name: str = "encoder_decoder_attention",
) -> keras.Model:
    """Source ids -> annotations, a GRU each way -> a GRU that looks at them before each of its steps -> tokens.

    The annotation of a word is what the two encoders have read up to it, from the left and from the right. The decoder
    starts from the right-to-left encoder's state at the first word. The knobs are those of `encoder_decoder`.

    Source: Bahdanau et al. 2014; what differs stands in the record. `get_layer("decoder").attention_scores` gives back
    where it looked.
    """
    from keras import layers

    from zoo.layers import AdditiveAttentionGRU, LastStep, PaddingMask, Reverse

    def gru(name: str) -> layers.GRU:
        return layers.GRU(units, return_sequences=True, name=name)

    source, target = _inputs()
    real = PaddingMask(keep_first=True, name="source_real")(source)  # (batch, source time)
    x = _embed(source, vocab_size, embedding_dim, dropout, "source")  # (batch, source time, embedding_dim)
    ahead, back = both_ways(x, real, gru, "encoder")  # (batch, source time, units) each
    start = layers.Dense(units, activation="tanh", use_bias=False, name="first_state")(
        LastStep(name="read_to_the_first_word")(back, real)
    )  # (batch, units)
    back = Reverse(name="encoder_output_reversed")(back, real)
    memory = layers.Concatenate(name="annotations")([ahead, back])  # (batch, source time, 2 units)

    y = _embed(target, target_vocab_size, embedding_dim, dropout, "target")  # (batch, target time, embedding_dim)
    x = AdditiveAttentionGRU(units, name="decoder")(y, memory, real, initial_state=[start])  # (.., 3 units)
    x = layers.Concatenate(name="state_context_word")([x, y])  # (batch, target time, 3 units + embedding_dim)
    x = layers.Dense(units, activation="tanh", name="readout")(x)  # (batch, target time, units)
    return _model(name, source, target, _dropped(x, dropout, "readout"), target_vocab_size)


@register(
    "encoder_decoder.luong",
    family="encoder_decoder",
    year=2015,
    paper="Luong, Pham and Manning 2015, Effective approaches to attention-based neural machine translation, EMNLP",
    idea="Attention by plain dot products, after the step: what the decoder has come to is compared with the source.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=7_333_696,
    trial=SMALL,
    published={
        "BLEU on WMT'14 English-German, global attention (beside 14.0 without attention)": "16.8",
        "the same, with input feeding": "18.1",
    },
    deviations=(
        "no input feeding: all steps' attention is computed at once",
        "one layer of 256 units by default, where the paper has four of 1,000",
    ),
)
def encoder_decoder_luong(
    vocab_size: int = 8_000,
    target_vocab_size: int = 8_000,
    embedding_dim: int = 256,
    units: int = 256,
    num_layers: int = 1,
    dropout: float = 0.0,
    reverse_source: bool = True,
    cell: Literal["lstm", "gru"] = "lstm",
    score: Literal["dot", "general"] = "dot",
    name: str = "encoder_decoder_luong",
) -> keras.Model:
    """`encoder_decoder`, and each output of the decoder looks at the encoder's outputs: tanh(W [c_t, h_t]) -> tokens.

    Args:
        score: "dot" compares h_t with an output m_j of the encoder as they are, "general" with U m_j.

    The other knobs are those of `encoder_decoder`.

    Raises:
        UsageError: an unknown cell or score, or no layers.

    Source: Luong et al. 2015, global attention. `get_layer("attention").attention_scores` gives back where it looked.
    """
    from keras import layers

    from zoo.layers import DotAttention

    if score not in ("dot", "general"):
        raise unknown("score", score, ("dot", "general"), "known: dot, general")
    source, target = _inputs()
    memory, states, real = _encode(
        source, vocab_size, embedding_dim, units, num_layers, dropout, reverse_source, cell
    )  # (batch, source time, units)
    x = _decode(target, states, target_vocab_size, embedding_dim, units, dropout, cell)  # (batch, target time, units)
    looked_at = [memory] if score == "dot" else [memory, layers.Dense(units, use_bias=False, name="keys")(memory)]
    context = DotAttention(name="attention")([x, *looked_at], mask=[None, real])  # (batch, target time, units)
    x = layers.Concatenate(name="context_and_state")([context, x])  # (batch, target time, 2 units)
    x = layers.Dense(units, activation="tanh", use_bias=False, name="attentional")(x)  # (batch, target time, units)
    return _model(name, source, target, _dropped(x, dropout, "attentional"), target_vocab_size)


def _inputs() -> tuple[keras.KerasTensor, keras.KerasTensor]:
    import keras

    return tuple(keras.Input((None,), dtype="int32", name=side) for side in ("source", "target"))


def _dropped(x: keras.KerasTensor, dropout: float, name: str) -> keras.KerasTensor:
    from keras import layers

    return layers.Dropout(dropout, name=f"dropout_{name}")(x) if dropout else x


def _embed(ids: keras.KerasTensor, vocab_size: int, dim: int, dropout: float, side: str) -> keras.KerasTensor:
    from keras import layers

    return _dropped(layers.Embedding(vocab_size, dim, name=f"{side}_embedding")(ids), dropout, f"{side}_embedding")


def _kinds(cell: str) -> tuple[Any, Any]:
    """The encoder's recurrent layer, which stops at padding, and the decoder's, which need not."""
    from keras import layers

    from zoo.layers import MaskedGRU, MaskedLSTM

    kinds = {"lstm": (MaskedLSTM, layers.LSTM), "gru": (MaskedGRU, layers.GRU)}
    if cell not in kinds:
        raise unknown("cell", cell, kinds, "known: lstm, gru")
    return kinds[cell]


def _encode(
    source: keras.KerasTensor,
    vocab_size: int,
    embedding_dim: int,
    units: int,
    num_layers: int,
    dropout: float,
    reverse: bool,
    cell: str,
) -> tuple[keras.KerasTensor, list[list[keras.KerasTensor]], keras.KerasTensor]:
    """Outputs (batch, source time, units) in the source's order, each layer's last states, and the mask."""
    from zoo.layers import PaddingMask, Reverse

    if num_layers < 1:
        raise UsageError(f"an encoder has at least one layer, not num_layers = {num_layers}")
    real = PaddingMask(keep_first=True, name="source_real")(source)  # (batch, source time)
    ids = Reverse(name="source_reversed")(source, real) if reverse else source
    x = _embed(ids, vocab_size, embedding_dim, dropout, "source")  # (batch, source time, embedding_dim)
    states = []
    for i in range(1, num_layers + 1):
        layer = _kinds(cell)[0](units, return_sequences=True, return_state=True, name=f"encoder_{i}")
        x, *state = layer(x, real)  # (batch, source time, units), (batch, units) ...
        states.append(state)
        x = _dropped(x, dropout, f"encoder_{i}")
    return Reverse(name="encoder_output_reversed")(x, real) if reverse else x, states, real


def _decode(
    target: keras.KerasTensor,
    states: list[list[keras.KerasTensor]],
    vocab_size: int,
    embedding_dim: int,
    units: int,
    dropout: float,
    cell: str,
) -> keras.KerasTensor:
    """(batch, target time, units); each layer starts from the states of its own in the encoder."""
    x = _embed(target, vocab_size, embedding_dim, dropout, "target")  # (batch, target time, embedding_dim)
    for i, state in enumerate(states, start=1):
        x = _kinds(cell)[1](units, return_sequences=True, name=f"decoder_{i}")(x, initial_state=state)
        x = _dropped(x, dropout, f"decoder_{i}")
    return x


def _model(
    name: str, source: keras.KerasTensor, target: keras.KerasTensor, x: keras.KerasTensor, vocab_size: int
) -> keras.Model:
    """The output layer, and the model around it."""
    import keras

    outputs = keras.layers.Dense(vocab_size, activation="softmax", dtype="float32", name="output")(x)
    return keras.Model({"source": source, "target": target}, outputs, name=name)
