"""The transformer: an encoder that reads, a decoder that writes, and attention alone between all positions.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser and Polosukhin 2017, Attention is all you need, NIPS.
Its encoder alone is in `bert`, its decoder alone in `gpt`.

With norm="post", as in 2017, gradients near the output are large at the start, and training wants a learning rate that
warms up over its first thousands of steps (`training.warmup_epochs`); with norm="pre" it goes without (Xiong et al.
2020, On layer normalization in the transformer architecture).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.catalogue.registry import register
from zoo.errors import UsageError
from zoo.models.transformer_blocks import Activation, Norm, Positions, Stack, embedding, positioned, token_scores

if TYPE_CHECKING:
    import keras

VASWANI = "Vaswani et al. 2017, Attention is all you need"
PUBLISHED = {
    "WMT 2014 English-German, newstest2014, base model": "27.3 BLEU",
    "WMT 2014 English-German, newstest2014, big model": "28.4 BLEU",
    "parameters, base model": "65 million",
}


@register(
    "transformer",
    family="transformer",
    year=2017,
    paper=VASWANI,
    idea="No recurrence: each word looks at all others through attention, and all positions are computed at once.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=4_006_208,
    published=PUBLISHED,
    deviations=(
        "two layers of 128 units and the norm in front by default; the paper's sizes and norm are knobs",
        "two vocabularies by default, each with a matrix of its own, and a third one for the output",
        "the attention's projections have biases, as in Keras",
    ),
)
def transformer(
    vocab_size: int = 8_000,
    target_vocab_size: int = 8_000,
    max_length: int = 256,
    num_layers: int = 2,
    model_dim: int = 128,
    num_heads: int = 4,
    feedforward_dim: int = 512,
    dropout: float = 0.1,
    positions: Positions = "sinusoidal",
    norm: Norm = "pre",
    activation: Activation = "relu",
    share_embeddings: bool = False,
    name: str = "transformer",
) -> keras.Model:
    """Encoder and decoder: source (batch, source time), target (batch, time) -> (batch, time, target_vocab_size).

    Token ids, padded with 0 on the right, go in; the target is what has been said so far, start, y1, y2 ..., and the
    output the probabilities of y1, y2 ... end.

    Args:
        max_length: most tokens of a source and of a target where positions are learned; sines know no end.
        num_layers: of the encoder, and of the decoder.
        feedforward_dim: hidden units of each block's two dense layers.
        dropout: share dropped in training of the embeddings and of each sublayer's output.
        share_embeddings: one matrix embeds source and target and scores the output (section 3.4).

    Raises:
        UsageError: model_dim is no multiple of num_heads, an unknown choice, one matrix for two vocabularies.

    Source: Vaswani et al. 2017, section 3.
    """
    import keras
    from keras import layers

    from zoo.layers import PaddingMask

    if share_embeddings and vocab_size != target_vocab_size:
        raise UsageError(f"share_embeddings needs one vocabulary, not {vocab_size:,} and {target_vocab_size:,} tokens")
    stack = Stack(num_layers, model_dim, num_heads, feedforward_dim, dropout, norm, activation)

    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    embed_source = embed_target = embedding(vocab_size, model_dim, positions, "embedding", share_embeddings)
    if not share_embeddings:
        embed_target = embedding(target_vocab_size, model_dim, positions, "target_embedding")

    real = PaddingMask(keep_first=True, name="source_real")(source)  # (batch, source time)
    x = positioned(embed_source(source), positions, max_length, "source")  # (batch, source time, model_dim)
    x = layers.Dropout(dropout, name="source_dropout")(x)
    memory = stack.encoder(x, real)  # (batch, source time, model_dim)

    x = positioned(embed_target(target), positions, max_length, "target")  # (batch, time, model_dim)
    x = layers.Dropout(dropout, name="target_dropout")(x)
    x = stack.decoder(x, memory, real)  # (batch, time, model_dim)
    outputs = token_scores(x, target_vocab_size, embed_source if share_embeddings else None)
    return keras.Model({"source": source, "target": target}, outputs, name=name)


@register(
    "transformer.base",
    family="transformer",
    year=2017,
    paper=VASWANI,
    idea="The transformer as printed, base model: six and six layers of 512 units, one table of words for all ends.",
    inputs=("text-pair",),
    tasks=("seq2seq",),
    params=63_082_496,
    published=PUBLISHED,
    deviations=(
        "63 million parameters with the 37,000 tokens that the paper names, where its table says 65 million",
        "one matrix for source, target and output where both have the same number of tokens, else three",
        "the attention's projections have biases, as in Keras",
    ),
    defaults={"optimizer": "adam", "learning_rate": 0.0005, "warmup_epochs": 1.0},
    trial={"vocab_size": 50, "target_vocab_size": 50, "num_layers": 2, "model_dim": 32, "feedforward_dim": 64},
)
def transformer_base(
    vocab_size: int = 37_000,
    target_vocab_size: int = 37_000,
    max_length: int = 256,
    num_layers: int = 6,
    model_dim: int = 512,
    num_heads: int = 8,
    feedforward_dim: int = 2048,
    dropout: float = 0.1,
    name: str = "transformer",
) -> keras.Model:
    """The base model of the paper: sines, relu, post-norm, one table of tokens. Its rate has to warm up.

    The arguments are those of `transformer`.

    Source: Vaswani et al. 2017, table 3.
    """
    return transformer(
        vocab_size, target_vocab_size, max_length, num_layers, model_dim, num_heads, feedforward_dim, dropout,
        norm="post", share_embeddings=vocab_size == target_vocab_size, name=name,
    )  # fmt: skip
